"""Wait for what measures recommendations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import METRIC_ATTRIBUTION
from airflow_provider_personalize.sensors.base import PersonalizeSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions


class MetricAttributionSensor(PersonalizeSensor):
    """
    Wait until a metric attribution reports.

    The service shows no update of one as such; whether its status shows one at all is not documented.

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    :raises AirflowFailException: It ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = METRIC_ATTRIBUTION

    def __init__(self, *, metric_attribution_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.metric_attribution_arn = metric_attribution_arn
