"""Wait for recommendations in bulk."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from airflow_provider_personalize.links import DatasetGroupLink
from airflow_provider_personalize.sensors.base import PersonalizeSensor
from airflow_provider_personalize.task import PersonalizeTask

_LINK: Final = DatasetGroupLink()


class BatchInferenceJobSensor(PersonalizeSensor):
    """
    Wait until a batch inference job has written its recommendations.

    :param batch_inference_job_arn: The ARN of the job. (templated)
    :raises AirflowFailException: The job failed, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource = "batch_inference_job"
    link = _LINK
    operator_extra_links = (link,)
    template_fields: ClassVar[tuple[str, ...]] = ("batch_inference_job_arn", *PersonalizeTask.template_fields)

    def __init__(self, *, batch_inference_job_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_inference_job_arn = batch_inference_job_arn


class BatchSegmentJobSensor(PersonalizeSensor):
    """
    Wait until a batch segment job has written its users.

    :param batch_segment_job_arn: The ARN of the job. (templated)
    :raises AirflowFailException: The job failed, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource = "batch_segment_job"
    link = _LINK
    operator_extra_links = (link,)
    template_fields: ClassVar[tuple[str, ...]] = ("batch_segment_job_arn", *PersonalizeTask.template_fields)

    def __init__(self, *, batch_segment_job_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_segment_job_arn = batch_segment_job_arn
