"""
Import interactions, then change how a solution trains, and go on when that is so.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_update_solution.py

``--interactions my.csv`` takes your own interactions in place of made-up ones: a header, and at least the columns
USER_ID, ITEM_ID, EVENT_TYPE and TIMESTAMP.

In an AWS account, set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role by which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). There the
import is charged by the GB, and the last step turns on automatic training: a charged training every three days until
you turn it off.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

from airflow_provider_personalize.operators import CreateDatasetImportJobOperator, UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionUpdateSensor

COLUMNS = {
    "USER_ID": {"type": "string"},
    "ITEM_ID": {"type": "string"},
    "EVENT_TYPE": {"type": "string"},
    "EVENT_VALUE": {"type": "float"},
    "TIMESTAMP": {"type": "long"},
}
ANY_OTHER_COLUMN = {"type": "string", "categorical": True}
RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"

with DAG(
    dag_id="example_update_solution",
    description="Import interactions, update the solution, wait until the update is ACTIVE",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    # the parameters arrive with the types they have, not as texts
    render_template_as_native_obj=True,
    params={
        "interactions": "",
        "bucket": "example-update-solution",
        "name": "example-update-solution",
        "role_arn": "arn:aws:iam::123456789012:role/personalize-reads-s3",
    },
    tags=["example", "personalize"],
):

    @task
    def upload_interactions(params: dict[str, str] | None = None) -> dict[str, object]:
        """Bring the CSV to S3, and tell where it is and which columns it has."""
        import io
        from pathlib import Path

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        params = params or {}
        if params["interactions"]:
            text = Path(params["interactions"]).read_text(encoding="utf-8")
        else:
            write_interactions(made_up := io.StringIO())
            text = made_up.getvalue()
        s3 = S3Hook()
        if not s3.check_for_bucket(params["bucket"]):
            s3.create_bucket(params["bucket"])
        s3.load_string(text, "interactions.csv", params["bucket"], replace=True)
        location = f"s3://{params['bucket']}/interactions.csv"
        return {"dataLocation": location, "columns": text.partition("\n")[0].strip().split(",")}

    @task
    def prepare(upload: dict[str, list[str]], params: dict[str, str] | None = None) -> dict[str, str]:
        """Make what the example needs beforehand, where it is not there yet: all but the import is free of charge."""
        from airflow_provider_personalize.hooks import PersonalizeHook
        from airflow_provider_personalize.waiting import Wait

        hook = PersonalizeHook()
        name = (params or {})["name"]

        def make(kind: str, arn: str, **request: object) -> str:
            try:
                getattr(hook.conn, f"create_{kind}")(name=name, **request)
            except hook.conn.exceptions.ResourceAlreadyExistsException:
                print(f"{arn} is there already")
            hook.wait(Wait(kind, arn), delay=1)
            return arn

        partition, region, account = hook.conn_partition, hook.conn_region_name, hook.account_id
        prefix = f"arn:{partition}:personalize:{region}:{account}:"
        fields = [{"name": column, **COLUMNS.get(column, ANY_OTHER_COLUMN)} for column in upload["columns"]]
        avro = {"type": "record", "name": "Interactions", "namespace": "example", "version": "1.0", "fields": fields}
        schema = make("schema", f"{prefix}schema/{name}", schema=json.dumps(avro))
        group = make("dataset_group", f"{prefix}dataset-group/{name}")
        dataset = make(
            "dataset",
            f"{prefix}dataset/{name}/INTERACTIONS",
            schemaArn=schema,
            datasetGroupArn=group,
            datasetType="INTERACTIONS",
        )
        # said, not left to the default: the service would train by itself every week, and charge for it
        solution = make(
            "solution",
            f"{prefix}solution/{name}",
            datasetGroupArn=group,
            recipeArn=RECIPE,
            performAutoTraining=False,
        )
        return {"dataset_arn": dataset, "solution_arn": solution}

    uploaded = upload_interactions()
    prepared = prepare(uploaded)

    import_interactions = CreateDatasetImportJobOperator(
        task_id="import_interactions",
        dataset_arn=prepared["dataset_arn"],
        data_source={"dataLocation": uploaded["dataLocation"]},
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )

    train_every_three_days = UpdateSolutionOperator(
        task_id="train_every_three_days",
        solution_arn=prepared["solution_arn"],
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

    # Here it finds the update ACTIVE. Its place is in any DAG that must not go on before. Where the solution trains so
    # from the start there is no update, and that is fine.
    solution_update_is_active = SolutionUpdateSensor(
        task_id="solution_update_is_active",
        solution_arn=prepared["solution_arn"],
        require_update=False,
        deferrable=True,
    )

    import_interactions >> train_every_three_days >> solution_update_is_active
