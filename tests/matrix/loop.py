"""Three iterations of a loop, each of which trains, imports and promotes; Airflow has loops from 3.4."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, task_group

from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    PromoteSolutionVersionOperator,
)

SHOP = "arn:aws:personalize:us-east-1:123456789012:"

with DAG(dag_id="loop", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None, catchup=False):

    @task_group
    def body() -> None:
        train = CreateSolutionVersionOperator(
            task_id="train", solution_arn=f"{SHOP}solution/shop", deferrable=True, waiter_delay=1
        )
        promote = PromoteSolutionVersionOperator(
            task_id="promote",
            campaign_arn=f"{SHOP}campaign/shop",
            solution_version_arn=train.output,
            not_worse_than="live",
            verify_user_ids=["u1"],
            deferrable=True,
            waiter_delay=1,
        )
        promote >> CreateDatasetImportJobOperator.partial(
            task_id="import",
            dataset_arn=f"{SHOP}dataset/shop/INTERACTIONS",
            role_arn="arn:aws:iam::123456789012:role/personalize",
            waiter_delay=1,
        ).expand(data_source=[{"dataLocation": "s3://shop/interactions.csv"}] * 2)

    body.loop(max_iterations=3)
