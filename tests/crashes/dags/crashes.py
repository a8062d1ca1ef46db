"""The DAGs to crash: an update, a training and an import on a worker or in a triggerer, and many updates."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    UpdateSolutionOperator,
)

PREFIX = "arn:aws:personalize:us-east-1:123456789012:"
SOLUTION = f"{PREFIX}solution/shop"
EVERY_MONTH = {
    "perform_auto_training": True,
    "solution_update_config": {"autoTrainingConfig": {"schedulingExpression": "rate(30 days)"}},
}
ANY = {"catchup": False, "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc)}
PATIENT: dict[str, Any] = {"waiter_delay": 1, "retries": 3, "retry_delay": timedelta(seconds=1)}


def all_three(**how: Any) -> None:
    """Start one of each."""
    how = {**PATIENT, **how}
    UpdateSolutionOperator(task_id="update", solution_arn=SOLUTION, **EVERY_MONTH, **how)
    CreateSolutionVersionOperator(task_id="train", solution_arn=SOLUTION, **how)
    CreateDatasetImportJobOperator(
        task_id="import",
        dataset_arn=f"{PREFIX}dataset/shop/INTERACTIONS",
        data_source={"dataLocation": "s3://shop/interactions.csv"},
        role_arn="arn:aws:iam::123456789012:role/personalize",
        **how,
    )


with DAG(dag_id="on_the_worker", schedule=None, **ANY):
    all_three(deferrable=False)

with DAG(dag_id="without_retries", schedule=None, **ANY):
    all_three(deferrable=False, retries=0)

with DAG(dag_id="deferred", schedule=None, **ANY):
    all_three(deferrable=True)

with DAG(dag_id="many", max_active_tasks=1000, params={"number": 1}, schedule=None, **ANY):

    @task
    def solutions(params: dict[str, Any]) -> list[str]:
        """Return the solutions to update."""
        return [f"{PREFIX}solution/shop-{number}" for number in range(params["number"])]

    UpdateSolutionOperator.partial(
        task_id="update", **EVERY_MONTH, deferrable=True, waiter_delay=10, timeout=24 * 60 * 60
    ).expand(solution_arn=solutions())
