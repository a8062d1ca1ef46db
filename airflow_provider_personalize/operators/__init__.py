"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.attribution import (
    CreateMetricAttributionOperator,
    DeleteMetricAttributionOperator,
    UpdateMetricAttributionOperator,
)
from airflow_provider_personalize.operators.batch import CreateBatchInferenceJobOperator, CreateBatchSegmentJobOperator
from airflow_provider_personalize.operators.datasets import CreateDatasetImportJobOperator
from airflow_provider_personalize.operators.serving import (
    CreateCampaignOperator,
    CreateEventTrackerOperator,
    CreateFilterOperator,
    CreateRecommenderOperator,
    DeleteCampaignOperator,
    DeleteEventTrackerOperator,
    DeleteFilterOperator,
    DeleteRecommenderOperator,
    StartRecommenderOperator,
    StopRecommenderOperator,
    UpdateCampaignOperator,
    UpdateRecommenderOperator,
)
from airflow_provider_personalize.operators.training import (
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
    DeleteSolutionOperator,
    GetSolutionMetricsOperator,
    StopSolutionVersionCreationOperator,
    UpdateSolutionOperator,
)

__all__ = [
    "CreateBatchInferenceJobOperator",
    "CreateBatchSegmentJobOperator",
    "CreateCampaignOperator",
    "CreateDatasetImportJobOperator",
    "CreateEventTrackerOperator",
    "CreateFilterOperator",
    "CreateMetricAttributionOperator",
    "CreateRecommenderOperator",
    "CreateSolutionOperator",
    "CreateSolutionVersionOperator",
    "DeleteCampaignOperator",
    "DeleteEventTrackerOperator",
    "DeleteFilterOperator",
    "DeleteMetricAttributionOperator",
    "DeleteRecommenderOperator",
    "DeleteSolutionOperator",
    "GetSolutionMetricsOperator",
    "StartRecommenderOperator",
    "StopRecommenderOperator",
    "StopSolutionVersionCreationOperator",
    "UpdateCampaignOperator",
    "UpdateMetricAttributionOperator",
    "UpdateRecommenderOperator",
    "UpdateSolutionOperator",
]
