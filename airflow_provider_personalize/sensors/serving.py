"""Wait for what serves recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import CAMPAIGN, EVENT_TRACKER, FILTER, RECOMMENDER
from airflow_provider_personalize.sensors.base import PersonalizeSensor, UpdateSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions, UpdateSensorOptions


class CampaignSensor(PersonalizeSensor):
    """
    Wait until a campaign serves.

    It serves all through an update, too, what it served before; a :class:`CampaignUpdateSensor` waits for an update.

    :param campaign_arn: The ARN of the campaign. (templated)
    :raises AirflowFailException: The campaign ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = CAMPAIGN

    def __init__(self, *, campaign_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn


class CampaignUpdateSensor(UpdateSensor):
    """
    Wait until a campaign's latest update is ACTIVE: until then it serves what it served before.

    A campaign that follows its solution's newest version by itself is updated by the service, and that counts: leave
    ``created`` out there, since such an update may replace the one that is meant.

    :param campaign_arn: The ARN of the campaign. (templated)
    :raises AirflowFailException: The update ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = CAMPAIGN
    members = ("campaign_arn", "created")

    def __init__(self, *, campaign_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn


class RecommenderSensor(PersonalizeSensor):
    """
    Wait until a recommender serves.

    :param recommender_arn: The ARN of the recommender. (templated)
    :raises AirflowFailException: The recommender ended in CREATE FAILED, with the service's reason, or is stopped.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = RECOMMENDER

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn


class RecommenderUpdateSensor(UpdateSensor):
    """
    Wait until a recommender's latest update is ACTIVE: until then it serves what it served before.

    :param recommender_arn: The ARN of the recommender. (templated)
    :raises AirflowFailException: The update ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = RECOMMENDER
    members = ("recommender_arn", "created")

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn


class EventTrackerSensor(PersonalizeSensor):
    """
    Wait until an event tracker takes events.

    :param event_tracker_arn: The ARN of the tracker. (templated)
    :raises AirflowFailException: The tracker ended in CREATE FAILED.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = EVENT_TRACKER

    def __init__(self, *, event_tracker_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.event_tracker_arn = event_tracker_arn


class FilterSensor(PersonalizeSensor):
    """
    Wait until a filter can be used.

    :param filter_arn: The ARN of the filter. (templated)
    :raises AirflowFailException: The filter ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = FILTER

    def __init__(self, *, filter_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.filter_arn = filter_arn
