"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.attribution import (
    CreateMetricAttributionOperator,
    DeleteMetricAttributionOperator,
    UpdateMetricAttributionOperator,
)
from airflow_provider_personalize.operators.batch import CreateBatchInferenceJobOperator, CreateBatchSegmentJobOperator
from airflow_provider_personalize.operators.datasets import CreateDatasetImportJobOperator
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
    "CreateDatasetImportJobOperator",
    "CreateMetricAttributionOperator",
    "CreateSolutionOperator",
    "CreateSolutionVersionOperator",
    "DeleteMetricAttributionOperator",
    "DeleteSolutionOperator",
    "GetSolutionMetricsOperator",
    "StopSolutionVersionCreationOperator",
    "UpdateMetricAttributionOperator",
    "UpdateSolutionOperator",
]
