"""Create a dataset group with a solution, and turn its automatic training on."""

from datetime import datetime, timezone

from airflow_provider_personalize.operators import (
    CreateDatasetGroupOperator,
    CreateSolutionOperator,
    UpdateSolutionOperator,
)

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

with DAG("my_dag", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None):
    group = CreateDatasetGroupOperator(task_id="group", name="shop")
    solution = CreateSolutionOperator(
        task_id="solution",
        name="shop",
        dataset_group_arn=group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
        ignore_changes=["perform_auto_training"],  # the next task changes it
    )
    UpdateSolutionOperator(
        task_id="train_weekly",
        solution_arn=solution.output,
        perform_auto_training=True,
        solution_update_config={"autoTrainingConfig": {"schedulingExpression": "rate(7 days)"}},
        deferrable=True,
    )
