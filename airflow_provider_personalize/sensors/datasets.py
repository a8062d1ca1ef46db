"""Sensors for dataset groups, datasets, and the jobs that import, export and delete data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import (
    DATA_DELETION_JOB,
    DATASET,
    DATASET_EXPORT_JOB,
    DATASET_GROUP,
    DATASET_IMPORT_JOB,
)
from airflow_provider_personalize.sensors.base import PersonalizeSensor, UpdateSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions, UpdateSensorOptions


class DatasetGroupSensor(PersonalizeSensor):
    """
    Wait until a dataset group is ACTIVE.

    :param dataset_group_arn: The ARN of the dataset group. (templated)
    """

    resource_type = DATASET_GROUP

    def __init__(self, *, dataset_group_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_group_arn = dataset_group_arn


class DatasetSensor(PersonalizeSensor):
    """
    Wait until a dataset is ACTIVE. It is not ACTIVE during an update.

    :param dataset_arn: The ARN of the dataset. (templated)
    """

    resource_type = DATASET

    def __init__(self, *, dataset_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn


class DatasetUpdateSensor(UpdateSensor):
    """
    Wait until a dataset has the schema of its latest update.

    The answer of ``DescribeDataset`` shows an update in two places: in the status of ``latestDatasetUpdate``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_DatasetUpdateSummary.html) and in the dataset's own status,
    which is UPDATE PENDING and UPDATE IN_PROGRESS meanwhile. Both must be ACTIVE.

    :param dataset_arn: The ARN of the dataset. (templated)
    """

    resource_type = DATASET
    members = ("dataset_arn", "created")

    def __init__(self, *, dataset_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn


class DatasetImportJobSensor(PersonalizeSensor):
    """
    Wait until a dataset import job has imported its data.

    :param dataset_import_job_arn: The ARN of the job. (templated)
    """

    resource_type = DATASET_IMPORT_JOB

    def __init__(self, *, dataset_import_job_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_import_job_arn = dataset_import_job_arn


class DatasetExportJobSensor(PersonalizeSensor):
    """
    Wait until a dataset export job has written its files.

    :param dataset_export_job_arn: The ARN of the job. (templated)
    """

    resource_type = DATASET_EXPORT_JOB

    def __init__(self, *, dataset_export_job_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_export_job_arn = dataset_export_job_arn


class DataDeletionJobSensor(PersonalizeSensor):
    """
    Wait until a data deletion job has deleted its users, which can take a day.

    :param data_deletion_job_arn: The ARN of the job. (templated)
    """

    resource_type = DATA_DELETION_JOB

    def __init__(self, *, data_deletion_job_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.data_deletion_job_arn = data_deletion_job_arn
