"""Wait for Amazon Personalize in a DAG."""

from airflow_provider_personalize.sensors.attribution import MetricAttributionSensor
from airflow_provider_personalize.sensors.batch import BatchInferenceJobSensor, BatchSegmentJobSensor
from airflow_provider_personalize.sensors.datasets import DatasetImportJobSensor
from airflow_provider_personalize.sensors.training import SolutionUpdateSensor

__all__ = [
    "BatchInferenceJobSensor",
    "BatchSegmentJobSensor",
    "DatasetImportJobSensor",
    "MetricAttributionSensor",
    "SolutionUpdateSensor",
]
