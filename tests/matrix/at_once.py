"""
24 mapped waits that are over before their triggers look: CI runs it, with scheduler and triggerer, on each Airflow 3.

There, a task whose trigger fires at once may fail (https://github.com/apache/airflow/issues/71580).
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, task

from airflow_provider_personalize.operators import UpdateSolutionOperator

with DAG(
    dag_id="at_once",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_tasks=4,  # two dozen that begin at once are too many for two cores and SQLite
):

    @task
    def prepare() -> list[str]:
        """Make 24 solutions; a dataset group has at most ten."""
        from airflow_provider_personalize.hooks import PersonalizeHook
        from airflow_provider_personalize.status import WaitCondition

        hook = PersonalizeHook()
        groups = [hook.conn.create_dataset_group(name=f"at-once-{each}")["datasetGroupArn"] for each in range(3)]
        for arn in groups:
            hook.wait(WaitCondition("dataset_group", arn), delay=0.5)
        return [
            hook.conn.create_solution(
                name=f"at-once-{number}",
                datasetGroupArn=groups[number % 3],
                recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
                performAutoTraining=False,
            )["solutionArn"]
            for number in range(24)
        ]

    UpdateSolutionOperator.partial(
        task_id="update", perform_auto_training=True, deferrable=True, waiter_delay=1
    ).expand(solution_arn=prepare())
