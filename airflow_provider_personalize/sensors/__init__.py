"""Wait for Amazon Personalize in a DAG."""

from airflow_provider_personalize.sensors.attribution import MetricAttributionSensor
from airflow_provider_personalize.sensors.batch import (
    BatchInferenceJobSensor,
    BatchSegmentJobSensor,
)
from airflow_provider_personalize.sensors.datasets import (
    DataDeletionJobSensor,
    DatasetExportJobSensor,
    DatasetGroupSensor,
    DatasetImportJobSensor,
    DatasetSensor,
    DatasetUpdateSensor,
)
from airflow_provider_personalize.sensors.serving import (
    CampaignSensor,
    CampaignUpdateSensor,
    EventTrackerSensor,
    FilterSensor,
    RecommenderSensor,
    RecommenderUpdateSensor,
)
from airflow_provider_personalize.sensors.training import (
    AutomaticSolutionVersionSensor,
    SolutionSensor,
    SolutionUpdateSensor,
    SolutionVersionSensor,
)

__all__ = [
    "AutomaticSolutionVersionSensor",
    "BatchInferenceJobSensor",
    "BatchSegmentJobSensor",
    "CampaignSensor",
    "CampaignUpdateSensor",
    "DataDeletionJobSensor",
    "DatasetExportJobSensor",
    "DatasetGroupSensor",
    "DatasetImportJobSensor",
    "DatasetSensor",
    "DatasetUpdateSensor",
    "EventTrackerSensor",
    "FilterSensor",
    "MetricAttributionSensor",
    "RecommenderSensor",
    "RecommenderUpdateSensor",
    "SolutionSensor",
    "SolutionUpdateSensor",
    "SolutionVersionSensor",
]
