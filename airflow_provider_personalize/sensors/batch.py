"""Sensors for batch jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import BATCH_INFERENCE_JOB, BATCH_SEGMENT_JOB
from airflow_provider_personalize.sensors.base import PersonalizeSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions


class BatchInferenceJobSensor(PersonalizeSensor):
    """
    Wait until a batch inference job has written its recommendations.

    :param batch_inference_job_arn: The ARN of the job. (templated)
    """

    resource_type = BATCH_INFERENCE_JOB

    def __init__(self, *, batch_inference_job_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.batch_inference_job_arn = batch_inference_job_arn


class BatchSegmentJobSensor(PersonalizeSensor):
    """
    Wait until a batch segment job has written its user segments.

    :param batch_segment_job_arn: The ARN of the job. (templated)
    """

    resource_type = BATCH_SEGMENT_JOB

    def __init__(self, *, batch_segment_job_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.batch_segment_job_arn = batch_segment_job_arn
