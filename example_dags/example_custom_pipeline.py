"""
From a CSV to recommendations with a custom recipe: import, train, check the metrics, and serve with a campaign.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_custom_pipeline.py

The DAG can run daily. The first run creates the schema, the dataset group, the dataset, the solution and the campaign;
later runs reuse them. Each run imports the data, trains a version, and promotes it: the campaign moves to it if its
metrics are good enough, and back if it fails a smoke test. (``--times 2`` shows a second run.)

## In an AWS account

Set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role with which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html), and
upload your own data in ``upload_interactions``. Each run is charged for an import by the GB and for a training by the
hour. The campaign is charged by the hour from its creation to its deletion, even without requests. The DAG trains;
automatic training is off (``perform_auto_training=False``).
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
    CreateCampaignOperator,
    CreateDatasetGroupOperator,
    CreateDatasetImportJobOperator,
    CreateDatasetOperator,
    CreateSchemaOperator,
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
    GetSolutionMetricsOperator,
    PromoteSolutionVersionOperator,
)

INTERACTIONS = {
    "type": "record",
    "name": "Interactions",
    "namespace": "com.amazonaws.personalize.schema",
    "version": "1.0",
    "fields": [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "EVENT_TYPE", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
    ],
}

with DAG(
    dag_id="example_custom_pipeline",
    description="Import interactions, train a version and serve it",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "bucket": Param(
            "example-custom-pipeline",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param(
            "example-custom-pipeline", type="string", description="The name of all resources of this example."
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role with which Amazon Personalize reads the bucket.",
        ),
        "min_precision_at_5": Param(
            0.0001, type="number", description="The minimum precision_at_5 of a version to serve."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def upload_interactions(params: dict[str, str] | None = None) -> dict[str, str]:
        """Upload a CSV to S3: here with generated interactions."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        bucket = (params or {})["bucket"]
        write_interactions(sample := io.StringIO(), interactions=20_000)
        s3 = S3Hook()
        if not s3.check_for_bucket(bucket):
            s3.create_bucket(bucket)
        s3.load_string(sample.getvalue(), "interactions.csv", bucket, replace=True)
        return {"dataLocation": f"s3://{bucket}/interactions.csv"}

    @task
    def check_metrics(metrics: dict[str, float], params: dict[str, float] | None = None) -> None:
        """Fail if the metrics are too low, so that the campaign keeps its current version."""
        least = (params or {})["min_precision_at_5"]
        if metrics["precision_at_5"] < least:
            raise ValueError(f"precision_at_5 is {metrics['precision_at_5']}, expected at least {least}: {metrics}")

    uploaded = upload_interactions()

    schema = CreateSchemaOperator(task_id="schema", name="{{ params.name }}", schema=INTERACTIONS)

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name="{{ params.name }}")

    dataset = CreateDatasetOperator(
        task_id="dataset",
        name="{{ params.name }}",
        schema_arn=schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="INTERACTIONS",
    )

    import_interactions = CreateDatasetImportJobOperator(
        task_id="import_interactions",
        dataset_arn=dataset.output,
        data_source=uploaded,
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )

    # [START create_solution_version]
    solution = CreateSolutionOperator(
        task_id="solution",
        name="{{ params.name }}",
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
    )

    train = CreateSolutionVersionOperator(
        task_id="train",
        solution_arn=solution.output,
        stop_on_kill=True,
        deferrable=True,
    )
    # [END create_solution_version]

    metrics = GetSolutionMetricsOperator(task_id="metrics", solution_version_arn=train.output)

    # The first run creates the campaign with its version; in later runs it exists and serves an older version.
    campaign = CreateCampaignOperator(
        task_id="campaign",
        name="{{ params.name }}",
        solution_version_arn=train.output,
        min_provisioned_tps=1,
        ignore_changes=["solution_version_arn"],
        deferrable=True,
    )

    # [START promote_solution_version]
    # Sends nothing if the campaign already serves this version. If the version is worse than the live one, or fails the
    # smoke test, the campaign serves the earlier version in the end, and the task fails.
    promote = PromoteSolutionVersionOperator(
        task_id="promote",
        campaign_arn=campaign.output,
        solution_version_arn=train.output,
        not_worse_than="live",
        tolerance={"precision_at_5": "20%"},
        verify_user_ids=["user-00001"],
        min_recommendations=10,
        bake_time=60,
        deferrable=True,
    )
    # [END promote_solution_version]

    [import_interactions, solution] >> train
    check_metrics(metrics.output) >> campaign >> promote
