"""
One change for many solutions: turn automatic training off in all of a dataset group, in a mapped task.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_update_many_solutions.py

Each solution is a task instance of its own: it waits for its own update in the triggerer, is tried again by itself, and
sends nothing where the solution is so already.

In an AWS account, give the ARN of your dataset group in place of the one that the example makes. Turning automatic
training off saves the trainings that would be charged; one that is under way goes on, and is charged. The solutions
that the example makes would train by themselves, too, but have no data to train on, and a training that fails is not
charged.
"""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param

from airflow_provider_personalize.operators import (
    CreateDatasetGroupOperator,
    CreateSolutionOperator,
    UpdateSolutionOperator,
)

with DAG(
    dag_id="example_update_many_solutions",
    description="Turn automatic training off in all solutions of a dataset group",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # the default is a look each 15 or 60 seconds: leave it out where an hour takes an hour
    default_args={"waiter_delay": 5},
    params={
        "name": Param(
            "example-update-many", type="string", description="What all resources of this example are named."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def solutions_of(dataset_group_arn: str) -> list[str]:
        """List the solutions of a dataset group."""
        from airflow_provider_personalize.hooks import PersonalizeHook

        solutions = PersonalizeHook().list_all("solution", datasetGroupArn=dataset_group_arn)
        return [solution["solutionArn"] for solution in solutions]

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name="{{ params.name }}")

    # Later runs find them there with automatic training off, as this DAG left them.
    solutions = CreateSolutionOperator.partial(
        task_id="solutions",
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=True,
        ignore_changes=["perform_auto_training"],
    ).expand(name=[f"{{{{ params.name }}}}-{number}" for number in (1, 2, 3)])

    found = solutions_of(dataset_group.output)

    UpdateSolutionOperator.partial(
        task_id="train_no_more",
        perform_auto_training=False,
        deferrable=True,
        max_active_tis_per_dag=10,
    ).expand(solution_arn=found)

    solutions >> found
