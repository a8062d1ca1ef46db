"""
A domain recommender that is stopped in the evening and started in the morning.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_domain_recommender.py

The file has three DAGs. The first creates the recommender or reuses it. The other two have schedules of their own and
stop and start it, since a recommender is charged by the hour while it is ACTIVE, even without requests. Stopping a
stopped recommender, or starting a started one, sends nothing.

## In an AWS account

Set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role with which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html), and
upload your own data in ``upload_interactions``. The recommender trains when it is created, and then each week
automatically. Nothing else here trains.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

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
    CreateRecommenderOperator,
    CreateSchemaOperator,
    GetRecommendationsOperator,
    StartRecommenderOperator,
    StopRecommenderOperator,
)

NAME = "example-domain-recommender"
RECOMMENDER = f"arn:aws:personalize:us-east-1:123456789012:recommender/{NAME}"
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
SHARED: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    "default_args": {"waiter_delay": 5},
    "tags": ["example", "personalize"],
}

with DAG(
    dag_id="example_domain_recommender",
    description="Import interactions and create a recommender",
    doc_md=__doc__,
    schedule=None,
    params={
        "bucket": Param(
            NAME,
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role with which Amazon Personalize reads the bucket.",
        ),
    },
    **SHARED,
):

    @task
    def upload_interactions(params: dict[str, str] | None = None) -> dict[str, str]:
        """Upload a CSV to S3: here with generated interactions that use the domain's event types."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        bucket = (params or {})["bucket"]
        write_interactions(sample := io.StringIO(), interactions=20_000)
        text = sample.getvalue().replace(",view,", ",View,").replace(",purchase,", ",Purchase,")
        s3 = S3Hook()
        if not s3.check_for_bucket(bucket):
            s3.create_bucket(bucket)
        s3.load_string(text, "interactions.csv", bucket, replace=True)
        return {"dataLocation": f"s3://{bucket}/interactions.csv"}

    schema = CreateSchemaOperator(task_id="schema", name=NAME, schema=INTERACTIONS, domain="ECOMMERCE")

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name=NAME, domain="ECOMMERCE")

    dataset = CreateDatasetOperator(
        task_id="dataset",
        name=NAME,
        schema_arn=schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="INTERACTIONS",
    )

    import_interactions = CreateDatasetImportJobOperator(
        task_id="import_interactions",
        dataset_arn=dataset.output,
        data_source=upload_interactions(),
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )

    # [START create_recommender]
    recommender = CreateRecommenderOperator(
        task_id="recommender",
        name=NAME,
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-ecomm-recommended-for-you",
        recommender_config={"minRecommendationRequestsPerSecond": 1},
        deferrable=True,
    )
    # [END create_recommender]

    check_recommendations = GetRecommendationsOperator(
        task_id="check_recommendations",
        recommender_arn=recommender.output,
        user_id="user-00001",
        min_results=10,
    )

    import_interactions >> recommender >> check_recommendations

with DAG(
    dag_id="example_domain_recommender_evening",
    description="Stop the recommender, so that it is not charged overnight",
    doc_md=__doc__,
    schedule="0 22 * * *",
    params={
        "recommender_arn": Param(RECOMMENDER, type="string", description="The ARN of the recommender."),
    },
    **SHARED,
):
    # [START stop_recommender]
    StopRecommenderOperator(task_id="stop", recommender_arn="{{ params.recommender_arn }}", deferrable=True)
    # [END stop_recommender]

with DAG(
    dag_id="example_domain_recommender_morning",
    description="Start the recommender and check that it recommends",
    doc_md=__doc__,
    schedule="0 6 * * *",
    params={
        "recommender_arn": Param(RECOMMENDER, type="string", description="The ARN of the recommender."),
    },
    **SHARED,
):
    # [START start_recommender]
    start = StartRecommenderOperator(task_id="start", recommender_arn="{{ params.recommender_arn }}", deferrable=True)
    # [END start_recommender]

    GetRecommendationsOperator(
        task_id="check_recommendations",
        recommender_arn=start.output,
        user_id="user-00001",
        min_results=10,
    )
