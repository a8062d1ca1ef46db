"""Change Amazon Personalize from a DAG."""

from airflow_provider_personalize.operators.datasets import CreateDatasetImportJobOperator
from airflow_provider_personalize.operators.training import UpdateSolutionOperator

__all__ = ["CreateDatasetImportJobOperator", "UpdateSolutionOperator"]
