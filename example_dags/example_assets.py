"""
Start a DAG when another one has trained: by an asset, whose event says what was trained.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_assets.py --standalone

``example_assets`` trains a version of a solution; the solution is an asset in the ``outlets`` of the training.
``example_assets_report`` is scheduled on that asset. Its run reads from the event what happened: the ARN of the
version, its metrics and its training hours, without a call to AWS. If it is started by hand, it has no event, and its
task is skipped.

## In an AWS account

Set ``SOLUTION`` to the ARN that the solution will have there, and the parameters ``name`` and
``role_arn`` to match: the bucket and all resources have that name
(https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). The import is charged by the
GB, the training by the hour. The DAG trains; automatic training is off (``perform_auto_training=False``).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from made_up_shop import ROLE, made_up_shop

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param
try:
    from airflow.sdk.exceptions import AirflowSkipException
except ImportError:  # Airflow before 3.2
    from airflow.exceptions import AirflowSkipException

from airflow_provider_personalize.assets import personalize_asset
from airflow_provider_personalize.operators import CreateSolutionOperator, CreateSolutionVersionOperator

# [START asset]
# Airflow reads assets when it parses the file: so this is no parameter
SOLUTION = personalize_asset("arn:aws:personalize:us-east-1:123456789012:solution/example-assets")
# [END asset]

with DAG(
    dag_id="example_assets",
    description="Train a version, and say so with an asset",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param("example-assets", type="string", description="The name of the bucket and of all resources."),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role with which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):
    shop = made_up_shop("{{ params.name }}", "{{ params.role_arn }}")

    solution = CreateSolutionOperator(
        task_id="solution",
        name="{{ params.name }}",
        dataset_group_arn=shop["dataset_group_arn"],
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
    )

    # [START outlets]
    train = CreateSolutionVersionOperator(
        task_id="train", solution_arn=solution.output, deferrable=True, outlets=[SOLUTION]
    )
    # [END outlets]

    shop["imported"] >> train

with DAG(
    dag_id="example_assets_report",
    description="Report what was trained, as the asset's event says it",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=[SOLUTION],
    catchup=False,
    params={},
    tags=["example", "personalize"],
):
    # [START event]
    @task
    def report(**context: Any) -> dict[str, Any]:
        """Return what the newest event says; skip the task if none has started the run."""
        by_asset = context.get("triggering_asset_events")
        if by_asset is None:  # Airflow 2
            by_asset = context["triggering_dataset_events"]  # noqa: AIR301
        events = [event for events in by_asset.values() for event in events]
        if not events:
            raise AirflowSkipException("Started by hand: no event says what was trained")
        trained = max(events, key=lambda event: event.timestamp).extra["personalize"]
        print(f"{trained['arn']} trained for {trained['training_hours']} hours: {trained['metrics']}")
        return {name: trained[name] for name in ("arn", "metrics", "training_hours")}

    # [END event]
    report()
