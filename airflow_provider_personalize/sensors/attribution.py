"""A sensor for metric attributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import METRIC_ATTRIBUTION
from airflow_provider_personalize.sensors.base import PersonalizeSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions


class MetricAttributionSensor(PersonalizeSensor):
    """
    Wait until a metric attribution is ACTIVE.

    Its description has no latest update, and AWS does not document whether its status shows one.

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    """

    resource_type = METRIC_ATTRIBUTION

    def __init__(self, *, metric_attribution_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.metric_attribution_arn = metric_attribution_arn
