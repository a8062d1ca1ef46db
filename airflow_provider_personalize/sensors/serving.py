"""Sensors for campaigns, recommenders, event trackers and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import CAMPAIGN, EVENT_TRACKER, FILTER, RECOMMENDER
from airflow_provider_personalize.sensors.base import PersonalizeSensor, UpdateSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions, UpdateSensorOptions


class CampaignSensor(PersonalizeSensor):
    """
    Wait until a campaign serves recommendations.

    A campaign stays ACTIVE during an update: to wait for that, use :class:`CampaignUpdateSensor`.

    :param campaign_arn: The ARN of the campaign. (templated)
    """

    resource_type = CAMPAIGN

    def __init__(self, *, campaign_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn


class CampaignUpdateSensor(UpdateSensor):
    """
    Wait until a campaign's latest update is ACTIVE. Until then, the campaign serves as before.

    If the campaign follows its solution's newest version by itself, the service updates it too, and such an update
    counts. Leave ``created`` out there, since it may supersede the update to wait for.

    :param campaign_arn: The ARN of the campaign. (templated)
    """

    resource_type = CAMPAIGN
    members = ("campaign_arn", "created")

    def __init__(self, *, campaign_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.campaign_arn = campaign_arn


class RecommenderSensor(PersonalizeSensor):
    """
    Wait until a recommender serves recommendations.

    :param recommender_arn: The ARN of the recommender. (templated)
    :raises AirflowFailException: The recommender ended in CREATE FAILED, with the service's reason, or was
        stopped.
    """

    resource_type = RECOMMENDER

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn


class RecommenderUpdateSensor(UpdateSensor):
    """
    Wait until a recommender's latest update is ACTIVE. Until then, the recommender serves as before.

    :param recommender_arn: The ARN of the recommender. (templated)
    """

    resource_type = RECOMMENDER
    members = ("recommender_arn", "created")

    def __init__(self, *, recommender_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.recommender_arn = recommender_arn


class EventTrackerSensor(PersonalizeSensor):
    """
    Wait until an event tracker accepts events.

    :param event_tracker_arn: The ARN of the tracker. (templated)
    """

    resource_type = EVENT_TRACKER

    def __init__(self, *, event_tracker_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.event_tracker_arn = event_tracker_arn


class FilterSensor(PersonalizeSensor):
    """
    Wait until a filter can be used.

    :param filter_arn: The ARN of the filter. (templated)
    """

    resource_type = FILTER

    def __init__(self, *, filter_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.filter_arn = filter_arn
