"""Wait for Amazon Personalize in a DAG."""

from airflow_provider_personalize.sensors.attribution import MetricAttributionSensor
from airflow_provider_personalize.sensors.datasets import (
    DataDeletionJobSensor,
    DatasetExportJobSensor,
    DatasetGroupSensor,
    DatasetImportJobSensor,
    DatasetSensor,
    DatasetUpdateSensor,
)
from airflow_provider_personalize.sensors.training import (
    AutomaticSolutionVersionSensor,
    SolutionSensor,
    SolutionUpdateSensor,
    SolutionVersionSensor,
)

__all__ = [
    "AutomaticSolutionVersionSensor",
    "DataDeletionJobSensor",
    "DatasetExportJobSensor",
    "DatasetGroupSensor",
    "DatasetImportJobSensor",
    "DatasetSensor",
    "DatasetUpdateSensor",
    "MetricAttributionSensor",
    "SolutionSensor",
    "SolutionUpdateSensor",
    "SolutionVersionSensor",
]
