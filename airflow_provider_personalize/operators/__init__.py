"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.datasets import CreateDatasetImportJobOperator
from airflow_provider_personalize.operators.streaming import (
    GetRecommendationsOperator,
    PutActionInteractionsOperator,
    PutActionsOperator,
    PutEventsOperator,
    PutItemsOperator,
    PutUsersOperator,
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
    "CreateDatasetImportJobOperator",
    "CreateSolutionOperator",
    "CreateSolutionVersionOperator",
    "DeleteSolutionOperator",
    "GetRecommendationsOperator",
    "GetSolutionMetricsOperator",
    "PutActionInteractionsOperator",
    "PutActionsOperator",
    "PutEventsOperator",
    "PutItemsOperator",
    "PutUsersOperator",
    "StopSolutionVersionCreationOperator",
    "UpdateSolutionOperator",
]
