"""
Delete a dataset group and everything in it: first show the plan, then delete. This cannot be undone.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_teardown.py

``dry_run=True`` deletes nothing and returns the plan. In a DAG of your own, add a manual approval between the two
tasks: Airflow 3.1 has an ``ApprovalOperator``.

## In an AWS account

Replace ``made_up_shop``, which creates a dataset group only for this example, with the ARN of your
dataset group. Campaigns and recommenders are charged by the hour until they are deleted; automatic training is turned
off first. Nothing here trains.
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
    description="Delete a dataset group and everything in it",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param("example-teardown", type="string", description="The name of all resources of this example."),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role with which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def show_plan(plan: list[dict[str, str]]) -> None:
        """Print what would be deleted, in order."""
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

    # [START delete_dataset_group]
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
    # [END delete_dataset_group]

    [shop["imported"], solution] >> plan
    show_plan(plan.output) >> tear_down
