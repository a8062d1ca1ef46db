"""Wait for data to come into Amazon Personalize."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_provider_personalize.links import DatasetGroupLink
from airflow_provider_personalize.sensors.base import PersonalizeSensor
from airflow_provider_personalize.task import PersonalizeTask


class DatasetImportJobSensor(PersonalizeSensor):
    """
    Wait until data has been imported.

    :param dataset_import_job_arn: The ARN of the job. (templated)
    :raises AirflowFailException: The import failed, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource = "dataset_import_job"
    link = DatasetGroupLink()
    operator_extra_links = (link,)
    template_fields: ClassVar[tuple[str, ...]] = ("dataset_import_job_arn", *PersonalizeTask.template_fields)

    def __init__(self, *, dataset_import_job_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dataset_import_job_arn = dataset_import_job_arn
