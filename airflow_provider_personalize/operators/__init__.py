"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.datasets import CreateDatasetImportJobOperator
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
    "CreateDatasetImportJobOperator",
    "CreateSolutionOperator",
    "CreateSolutionVersionOperator",
    "DeleteDatasetGroupOperator",
    "DeleteSolutionOperator",
    "GetSolutionMetricsOperator",
    "StopSolutionVersionCreationOperator",
    "UpdateSolutionOperator",
]
