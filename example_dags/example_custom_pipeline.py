"""
From a CSV to recommendations with a custom recipe: data, training, a look at the metrics, a campaign.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_custom_pipeline.py

Every task finds what an earlier run made, so the DAG can run daily: the schema, the dataset group, the dataset, the
solution and the campaign are made once. Each run imports the data, trains a version, and lets the campaign serve it, if
its metrics are good enough. (``--times 2`` shows a second run.)

In an AWS account, set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role by which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html), and bring
your own data in ``bring_interactions``. There each run is charged for an import by the GB and for a training by the
hour, and the campaign by the hour from its creation to its deletion, whether or not anybody asks it. The DAG trains,
and the service does not by itself (``perform_auto_training=False``).
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
    GetRecommendationsOperator,
    GetSolutionMetricsOperator,
    UpdateCampaignOperator,
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
    description="Import interactions, train, and serve what was trained",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # the default is a look each 15 or 60 seconds: leave it out where an hour takes an hour
    default_args={"waiter_delay": 5},
    params={
        "bucket": Param(
            "example-custom-pipeline",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param(
            "example-custom-pipeline", type="string", description="What all resources of this example are named."
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role by which Amazon Personalize reads the bucket.",
        ),
        "least_precision_at_5": Param(
            0.0001, type="number", description="The least precision_at_5 of a model that may serve."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def bring_interactions(params: dict[str, str] | None = None) -> dict[str, str]:
        """Bring a CSV to S3: here of made-up interactions."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        bucket = (params or {})["bucket"]
        write_interactions(made_up := io.StringIO(), interactions=20_000)
        s3 = S3Hook()
        if not s3.check_for_bucket(bucket):
            s3.create_bucket(bucket)
        s3.load_string(made_up.getvalue(), "interactions.csv", bucket, replace=True)
        return {"dataLocation": f"s3://{bucket}/interactions.csv"}

    @task
    def see_that_it_is_good_enough(metrics: dict[str, float], params: dict[str, float] | None = None) -> None:
        """Let no model serve that is worse than it must be; the campaign keeps the one that it has."""
        least = (params or {})["least_precision_at_5"]
        if metrics["precision_at_5"] < least:
            raise ValueError(f"precision_at_5 is {metrics['precision_at_5']}, at least {least} is wanted: {metrics}")

    brought = bring_interactions()

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
        data_source=brought,
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )

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

    metrics = GetSolutionMetricsOperator(task_id="metrics", solution_version_arn=train.output)

    # The first run makes it with the version of that run; in later ones it exists, and serves an older version.
    campaign = CreateCampaignOperator(
        task_id="campaign",
        name="{{ params.name }}",
        solution_version_arn=train.output,
        min_provisioned_tps=1,
        ignore_changes=["solution_version_arn"],
        deferrable=True,
    )

    # Sends nothing where the campaign serves this version already.
    serve = UpdateCampaignOperator(
        task_id="serve",
        campaign_arn=campaign.output,
        solution_version_arn=train.output,
        deferrable=True,
    )

    see_recommendations = GetRecommendationsOperator(
        task_id="see_recommendations",
        campaign_arn=serve.output,
        user_id="user-00001",
        num_results=10,
        min_results=10,
    )

    [import_interactions, solution] >> train
    see_that_it_is_good_enough(metrics.output) >> campaign >> serve >> see_recommendations
