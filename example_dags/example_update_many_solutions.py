"""
Apply one change to many solutions: turn automatic training off in all solutions of a dataset group, in a mapped task.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_update_many_solutions.py

Each solution is a task instance of its own. It waits for its update in the triggerer, has its own retries, and sends
nothing if automatic training is already off.

## In an AWS account

Replace the dataset group of the example with the ARN of yours. Without automatic training, no more
trainings are charged; a training in progress continues and is charged. The solutions that the example creates would
train automatically, too, but they have no data, and failed trainings are not charged.
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
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param("example-update-many", type="string", description="The name of all resources of this example."),
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

    # Later runs reuse the solutions, with automatic training off as this DAG left them.
    solutions = CreateSolutionOperator.partial(
        task_id="solutions",
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=True,
        ignore_changes=["perform_auto_training"],
        map_index_template="{{ task.name }}",
    ).expand(name=[f"{{{{ params.name }}}}-{number}" for number in (1, 2, 3)])

    found = solutions_of(dataset_group.output)

    # [START map_update_solution]
    UpdateSolutionOperator.partial(
        task_id="turn_training_off",
        perform_auto_training=False,
        deferrable=True,
        # the web UI shows the names of the solutions instead of 0, 1, 2
        map_index_template="{{ task.solution_arn.rpartition('/')[2] }}",
        max_active_tis_per_dag=10,
    ).expand(solution_arn=found)
    # [END map_update_solution]

    solutions >> found
