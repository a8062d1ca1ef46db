"""Wait for what measures recommendations."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_provider_personalize.links import DatasetGroupLink
from airflow_provider_personalize.sensors.base import PersonalizeSensor
from airflow_provider_personalize.task import PersonalizeTask


class MetricAttributionSensor(PersonalizeSensor):
    """
    Wait until a metric attribution reports.

    The service shows no update of one as such; whether its status shows one at all is not documented.

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    :raises AirflowFailException: It ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource = "metric_attribution"
    link = DatasetGroupLink()
    operator_extra_links = (link,)
    template_fields: ClassVar[tuple[str, ...]] = ("metric_attribution_arn", *PersonalizeTask.template_fields)

    def __init__(self, *, metric_attribution_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metric_attribution_arn = metric_attribution_arn
