"""
Import interactions, update a solution, and continue once the update is ACTIVE.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_update_solution.py

``--interactions my.csv`` imports your own interactions instead of generated ones: comma-separated, in UTF-8, with a
header and at least the columns USER_ID, ITEM_ID, EVENT_TYPE and TIMESTAMP.

## In an AWS account

Set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role with which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). The
import is charged by the GB. The last step turns on automatic training: a training is charged every three days until you
turn it off.
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
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    # parameters keep their types instead of becoming text
    render_template_as_native_obj=True,
    params={
        "interactions": Param(
            "",
            type="string",
            description="The path of a CSV with your own interactions, on the worker; empty for generated ones.",
        ),
        "bucket": Param(
            "example-update-solution",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param(
            "example-update-solution", type="string", description="The name of all resources of this example."
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role with which Amazon Personalize reads the bucket.",
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def upload_interactions(params: dict[str, str] | None = None) -> dict[str, object]:
        """Upload the CSV to S3; return its location and the schema for its columns."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import COLUMNS as SAMPLE_COLUMNS
        from airflow_provider_personalize.sample import read_interactions, write_interactions

        params = params or {}
        if params["interactions"]:
            text, columns = read_interactions(params["interactions"])
        else:
            write_interactions(sample := io.StringIO())
            text, columns = sample.getvalue(), list(SAMPLE_COLUMNS)
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

    # [START create_dataset]
    # Resources that exist are reused. All of them are free of charge.
    schema = CreateSchemaOperator(task_id="schema", name="{{ params.name }}", schema=uploaded["schema"])

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name="{{ params.name }}")

    dataset = CreateDatasetOperator(
        task_id="dataset",
        name="{{ params.name }}",
        schema_arn=schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="INTERACTIONS",
    )
    # [END create_dataset]

    # The update below changes how the solution trains. Ignoring that here lets a second run reuse the solution.
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

    # [START update_solution]
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
    # [END update_solution]

    # [START solution_update_sensor]
    # The operator above has already waited for its update. Use the sensor in another DAG, or after an operator with
    # wait_for_completion=False. `created` names the update to wait for; it is None if no update was needed.
    solution_update_is_active = SolutionUpdateSensor(
        task_id="solution_update_is_active",
        solution_arn=solution.output,
        created="{{ ti.xcom_pull(task_ids='train_every_three_days', key='solution_update')['creationDateTime'] }}",
        require_update=False,
        deferrable=True,
    )
    # [END solution_update_sensor]

    import_interactions >> train_every_three_days >> solution_update_is_active
