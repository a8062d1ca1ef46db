"""Wait for Amazon Personalize in a DAG."""

from airflow_provider_personalize.sensors.datasets import DatasetImportJobSensor
from airflow_provider_personalize.sensors.training import (
    AutomaticSolutionVersionSensor,
    SolutionSensor,
    SolutionUpdateSensor,
    SolutionVersionSensor,
)

__all__ = [
    "AutomaticSolutionVersionSensor",
    "DatasetImportJobSensor",
    "SolutionSensor",
    "SolutionUpdateSensor",
    "SolutionVersionSensor",
]
