"""
A nightly pipeline that pays for nothing twice: check files, import only those that have changed, train on new data.

## Try it

On your machine, without an AWS account, three times in a row:

    python -m airflow_provider_personalize.emulator run example_dags/example_data_guard.py --times 3

The first run checks and imports interactions and items, and trains. In the second run, the file of items has one more
column, as a shop's data grows: the schema of the dataset is extended, the items are checked and imported, the
interactions are skipped, and the new data is trained on. In the third run nothing has changed: both imports and the
training are skipped.

## In an AWS account

Set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role with which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html), and
upload your own data in ``upload_interactions`` and ``upload_items``. Imports are charged by the GB and trainings by the
hour, those that are skipped are not. The DAG trains; automatic training is off (``perform_auto_training=False``).
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
    CreateSolutionVersionOperator,
    EvolveDatasetSchemaOperator,
)

TEXT = {"type": "string"}
CATEGORY = {"type": ["null", "string"], "categorical": True}
INTERACTIONS = {"USER_ID": TEXT, "ITEM_ID": TEXT, "EVENT_TYPE": TEXT, "TIMESTAMP": {"type": "long"}}
ITEMS = {"ITEM_ID": TEXT, "CATEGORY": CATEGORY, "PRICE": {"type": ["null", "float"]}}


def schema(name: str, columns: dict[str, object]) -> dict[str, object]:
    """Return the Avro schema of a dataset."""
    fields = [{"name": column, **definition} for column, definition in columns.items()]
    return {"type": "record", "name": name, "namespace": "example", "version": "1.0", "fields": fields}


with DAG(
    dag_id="example_data_guard",
    description="Check data, import only what has changed, train only on new data",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    # parameters keep their types instead of becoming text
    render_template_as_native_obj=True,
    params={
        "bucket": Param(
            "example-data-guard",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param("example-data-guard", type="string", description="The name of all resources of this example."),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role with which Amazon Personalize reads the bucket.",
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def upload_interactions(params: dict[str, str] | None = None) -> dict[str, str]:
        """Upload the interactions, once: later runs find the same object."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        s3, bucket = S3Hook(), (params or {})["bucket"]
        if not s3.check_for_bucket(bucket):
            s3.create_bucket(bucket)
        if not s3.check_for_key("interactions.csv", bucket):
            write_interactions(sample := io.StringIO(), interactions=20_000)
            s3.load_string(sample.getvalue(), "interactions.csv", bucket)
        return {"dataLocation": f"s3://{bucket}/interactions.csv"}

    @task
    def upload_items(interactions: dict[str, str]) -> list[str]:
        """Upload the items, with one more column the second time; return the columns."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        s3, bucket = S3Hook(), interactions["dataLocation"].split("/")[2]
        before = s3.read_key("items.csv", bucket) if s3.check_for_key("items.csv", bucket) else ""
        columns = list(ITEMS) if before else ["ITEM_ID", "CATEGORY"]
        rows = ([f"item-{n:05}", "shoes" if n % 2 else "hats", str(n % 90)][: len(columns)] for n in range(1, 1001))
        text = "\n".join(",".join(row) for row in [columns, *rows])
        if text != before:
            s3.load_string(text, "items.csv", bucket, replace=True)
        return columns

    @task
    def schema_of(columns: list[str]) -> dict[str, object]:
        """Return the schema for the columns of a file."""
        return schema("Items", {column: ITEMS[column] for column in columns})

    interactions_in_s3 = upload_interactions()
    columns = upload_items(interactions_in_s3)

    interactions_schema = CreateSchemaOperator(
        task_id="interactions_schema",
        name="{{ params.name }}-interactions",
        schema=schema("Interactions", INTERACTIONS),
    )

    # The columns that the items begin with
    items_schema = CreateSchemaOperator(
        task_id="items_schema",
        name="{{ params.name }}-items",
        schema=schema("Items", {"ITEM_ID": TEXT, "CATEGORY": CATEGORY}),
    )

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name="{{ params.name }}")

    interactions = CreateDatasetOperator(
        task_id="interactions",
        name="{{ params.name }}-interactions",
        schema_arn=interactions_schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="INTERACTIONS",
    )

    # The next task may move the dataset to another schema. Ignoring that here lets a second run reuse the dataset.
    items = CreateDatasetOperator(
        task_id="items",
        name="{{ params.name }}-items",
        schema_arn=items_schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="ITEMS",
        ignore_changes=["schema_arn"],
    )

    # [START evolve_dataset_schema]
    # Sends nothing if the dataset has these columns already.
    extend_items = EvolveDatasetSchemaOperator(
        task_id="extend_items", dataset_arn=items.output, schema=schema_of(columns), deferrable=True
    )
    # [END evolve_dataset_schema]

    # [START create_dataset_import_job]
    import_interactions = CreateDatasetImportJobOperator(
        task_id="import_interactions",
        dataset_arn=interactions.output,
        data_source=interactions_in_s3,
        role_arn="{{ params.role_arn }}",
        check_data=True,
        skip_if_unchanged=True,
        deferrable=True,
    )
    # [END create_dataset_import_job]

    import_items = CreateDatasetImportJobOperator(
        task_id="import_items",
        dataset_arn=extend_items.output,
        data_source={"dataLocation": "s3://{{ params.bucket }}/items.csv"},
        role_arn="{{ params.role_arn }}",
        check_data=True,
        skip_if_unchanged=True,
        deferrable=True,
    )

    solution = CreateSolutionOperator(
        task_id="solution",
        name="{{ params.name }}",
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
    )

    # Whatever was skipped before, this task asks the service itself whether there is new data. Nothing puts items or
    # events in real time here, of which the service would not tell.
    train = CreateSolutionVersionOperator(
        task_id="train",
        solution_arn=solution.output,
        skip_if_no_new_data=True,
        ignore_real_time_data=True,
        trigger_rule="none_failed",
        deferrable=True,
    )

    [import_interactions, import_items, solution] >> train
