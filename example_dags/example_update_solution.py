"""
Import interactions, then change how a solution trains, and go on when that is so.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_update_solution.py

``--interactions my.csv`` takes your own interactions in place of made-up ones: comma-separated, in UTF-8, with a header
and at least the columns USER_ID, ITEM_ID, EVENT_TYPE and TIMESTAMP.

In an AWS account, set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role by which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). There the
import is charged by the GB, and the last step turns on automatic training: a charged training every three days until
you turn it off.
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
    CreateDatasetImportJobOperator,
    CreateDatasetOperator,
    CreateSchemaOperator,
    CreateSolutionOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.sensors import SolutionUpdateSensor

COLUMNS = {
    "USER_ID": {"type": "string"},
    "ITEM_ID": {"type": "string"},
    "EVENT_TYPE": {"type": "string"},
    "EVENT_VALUE": {"type": "float"},
    "TIMESTAMP": {"type": "long"},
}
ANY_OTHER_COLUMN = {"type": "string", "categorical": True}

with DAG(
    dag_id="example_update_solution",
    description="Import interactions, update the solution, wait until the update is ACTIVE",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    # the default is a look each 15 or 60 seconds: leave it out where an hour takes an hour
    default_args={"waiter_delay": 5},
    # the parameters arrive with the types they have, not as texts
    render_template_as_native_obj=True,
    params={
        "interactions": Param(
            "",
            type="string",
            description="The path of a CSV of your own interactions, on the worker; empty for made-up ones.",
        ),
        "bucket": Param(
            "example-update-solution",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param(
            "example-update-solution", type="string", description="What all resources of this example are named."
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role by which Amazon Personalize reads the bucket.",
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def upload_interactions(params: dict[str, str] | None = None) -> dict[str, object]:
        """Bring the CSV to S3; tell where it is, and the schema for its columns."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import COLUMNS as MADE_UP
        from airflow_provider_personalize.sample import read_interactions, write_interactions

        params = params or {}
        if params["interactions"]:
            text, columns = read_interactions(params["interactions"])
        else:
            write_interactions(made_up := io.StringIO())
            text, columns = made_up.getvalue(), list(MADE_UP)
        s3 = S3Hook()
        if not s3.check_for_bucket(params["bucket"]):
            s3.create_bucket(params["bucket"])
        s3.load_string(text, "interactions.csv", params["bucket"], replace=True)
        fields = [{"name": column, **COLUMNS.get(column, ANY_OTHER_COLUMN)} for column in columns]
        return {
            "data_source": {"dataLocation": f"s3://{params['bucket']}/interactions.csv"},
            "schema": {
                "type": "record",
                "name": "Interactions",
                "namespace": "example",
                "version": "1.0",
                "fields": fields,
            },
        }

    uploaded = upload_interactions()

    # What is there already is found and left as it is. All of it is free of charge.
    schema = CreateSchemaOperator(task_id="schema", name="{{ params.name }}", schema=uploaded["schema"])

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name="{{ params.name }}")

    dataset = CreateDatasetOperator(
        task_id="dataset",
        name="{{ params.name }}",
        schema_arn=schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="INTERACTIONS",
    )

    # How it trains is for the update below to say: ignored here, so that a second run finds it in order.
    solution = CreateSolutionOperator(
        task_id="solution",
        name="{{ params.name }}",
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
        ignore_changes=["perform_auto_training"],
    )

    import_interactions = CreateDatasetImportJobOperator(
        task_id="import_interactions",
        dataset_arn=dataset.output,
        data_source=uploaded["data_source"],
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )

    train_every_three_days = UpdateSolutionOperator(
        task_id="train_every_three_days",
        solution_arn=solution.output,
        perform_auto_training=True,
        solution_update_config={
            "autoTrainingConfig": {"schedulingExpression": "rate(3 days)"},
            "eventsConfig": {
                "eventParametersList": [
                    {"eventType": "click", "weight": 0.3},
                    {"eventType": "purchase", "weight": 1.0},
                ]
            },
        },
        deferrable=True,
    )

    # Here it finds the update ACTIVE. Its place is behind an operator that does not wait: `created` names the update
    # that was sent. Where the solution trains so from the start none is, and that is fine.
    solution_update_is_active = SolutionUpdateSensor(
        task_id="solution_update_is_active",
        solution_arn=solution.output,
        created="{{ ti.xcom_pull(task_ids='train_every_three_days', key='solution_update')['creationDateTime'] }}",
        require_update=False,
        deferrable=True,
    )

    import_interactions >> train_every_three_days >> solution_update_is_active
