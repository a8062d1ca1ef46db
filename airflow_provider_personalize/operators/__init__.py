"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.attribution import (
    CreateMetricAttributionOperator,
    DeleteMetricAttributionOperator,
    UpdateMetricAttributionOperator,
)
from airflow_provider_personalize.operators.batch import (
    CreateBatchInferenceJobOperator,
    CreateBatchSegmentJobOperator,
)
from airflow_provider_personalize.operators.datasets import (
    CreateDataDeletionJobOperator,
    CreateDatasetExportJobOperator,
    CreateDatasetGroupOperator,
    CreateDatasetImportJobOperator,
    CreateDatasetOperator,
    CreateSchemaOperator,
    DeleteDatasetOperator,
    DeleteSchemaOperator,
    UpdateDatasetOperator,
)
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
from airflow_provider_personalize.operators.streaming import (
    GetRecommendationsOperator,
    PutActionInteractionsOperator,
    PutActionsOperator,
    PutEventsOperator,
    PutItemsOperator,
    PutUsersOperator,
)
from airflow_provider_personalize.operators.tags import (
    TagResourceOperator,
    UntagResourceOperator,
)
from airflow_provider_personalize.operators.teardown import DeleteDatasetGroupOperator
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
    "CreateDataDeletionJobOperator",
    "CreateDatasetExportJobOperator",
    "CreateDatasetGroupOperator",
    "CreateDatasetImportJobOperator",
    "CreateDatasetOperator",
    "CreateEventTrackerOperator",
    "CreateFilterOperator",
    "CreateMetricAttributionOperator",
    "CreateRecommenderOperator",
    "CreateSchemaOperator",
    "CreateSolutionOperator",
    "CreateSolutionVersionOperator",
    "DeleteCampaignOperator",
    "DeleteDatasetGroupOperator",
    "DeleteDatasetOperator",
    "DeleteEventTrackerOperator",
    "DeleteFilterOperator",
    "DeleteMetricAttributionOperator",
    "DeleteRecommenderOperator",
    "DeleteSchemaOperator",
    "DeleteSolutionOperator",
    "GetRecommendationsOperator",
    "GetSolutionMetricsOperator",
    "PutActionInteractionsOperator",
    "PutActionsOperator",
    "PutEventsOperator",
    "PutItemsOperator",
    "PutUsersOperator",
    "StartRecommenderOperator",
    "StopRecommenderOperator",
    "StopSolutionVersionCreationOperator",
    "TagResourceOperator",
    "UntagResourceOperator",
    "UpdateCampaignOperator",
    "UpdateDatasetOperator",
    "UpdateMetricAttributionOperator",
    "UpdateRecommenderOperator",
    "UpdateSolutionOperator",
]
