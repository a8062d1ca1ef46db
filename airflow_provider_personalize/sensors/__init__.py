"""Wait for Amazon Personalize in a DAG."""

from airflow_provider_personalize.sensors.datasets import (
    DataDeletionJobSensor,
    DatasetExportJobSensor,
    DatasetGroupSensor,
    DatasetImportJobSensor,
    DatasetSensor,
    DatasetUpdateSensor,
)
from airflow_provider_personalize.sensors.training import SolutionUpdateSensor

__all__ = [
    "DataDeletionJobSensor",
    "DatasetExportJobSensor",
    "DatasetGroupSensor",
    "DatasetImportJobSensor",
    "DatasetSensor",
    "DatasetUpdateSensor",
    "SolutionUpdateSensor",
]
