"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.attribution import (
    CreateMetricAttributionOperator,
    DeleteMetricAttributionOperator,
    UpdateMetricAttributionOperator,
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
    "CreateDataDeletionJobOperator",
    "CreateDatasetExportJobOperator",
    "CreateDatasetGroupOperator",
    "CreateDatasetImportJobOperator",
    "CreateDatasetOperator",
    "CreateMetricAttributionOperator",
    "CreateSchemaOperator",
    "CreateSolutionOperator",
    "CreateSolutionVersionOperator",
    "DeleteDatasetGroupOperator",
    "DeleteDatasetOperator",
    "DeleteMetricAttributionOperator",
    "DeleteSchemaOperator",
    "DeleteSolutionOperator",
    "GetRecommendationsOperator",
    "GetSolutionMetricsOperator",
    "PutActionInteractionsOperator",
    "PutActionsOperator",
    "PutEventsOperator",
    "PutItemsOperator",
    "PutUsersOperator",
    "StopSolutionVersionCreationOperator",
    "TagResourceOperator",
    "UntagResourceOperator",
    "UpdateDatasetOperator",
    "UpdateMetricAttributionOperator",
    "UpdateSolutionOperator",
]
