"""
Delete a dataset group with everything in it: first see what that is, then do it. There is no way back.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_teardown.py

``dry_run=True`` deletes nothing and returns the plan. In a DAG of your own, put a person between the two tasks: Airflow
3.1 has an ``ApprovalOperator`` for that.

In an AWS account, give the ARN of a dataset group in place of ``made_up_shop``, which makes one only for the example to
delete. What is charged by the hour, campaigns and recommenders, is charged until it is deleted; automatic training is
turned off first. Nothing here trains.
"""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param
from made_up_shop import ROLE, made_up_shop

from airflow_provider_personalize.operators import CreateSolutionOperator, DeleteDatasetGroupOperator

with DAG(
    dag_id="example_teardown",
    description="Delete a dataset group with everything in it",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # the default is a look each 15 or 60 seconds: leave it out where an hour takes an hour
    default_args={"waiter_delay": 5},
    params={
        "name": Param("example-teardown", type="string", description="What all resources of this example are named."),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role by which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def see_the_plan(plan: list[dict[str, str]]) -> None:
        """Show what would be deleted, in order."""
        for step in plan:
            print(step["action"], step["kind"], step["arn"])

    shop = made_up_shop("{{ params.name }}", "{{ params.role_arn }}")

    solution = CreateSolutionOperator(
        task_id="solution",
        name="{{ params.name }}",
        dataset_group_arn=shop["dataset_group_arn"],
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
    )

    plan = DeleteDatasetGroupOperator(
        task_id="plan",
        dataset_group_arn=shop["dataset_group_arn"],
        cascade=True,
        dry_run=True,
    )

    tear_down = DeleteDatasetGroupOperator(
        task_id="tear_down",
        dataset_group_arn=shop["dataset_group_arn"],
        cascade=True,
        deferrable=True,
    )

    [shop["imported"], solution] >> plan
    see_the_plan(plan.output) >> tear_down
