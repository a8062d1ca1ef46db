"""
A shop with generated data for the examples: resources that exist are reused, the others are created.

In an AWS account, everything is free of charge except the import, which is charged by the GB, and the training, if one
is requested.
"""

from __future__ import annotations

from typing import Any

try:
    from airflow.sdk import task, task_group
except ImportError:  # Airflow 2
    from airflow.decorators import task, task_group

from airflow_provider_personalize.operators import (
    CreateDatasetGroupOperator,
    CreateDatasetImportJobOperator,
    CreateDatasetOperator,
    CreateSchemaOperator,
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
)

ROLE = "arn:aws:iam::123456789012:role/personalize-uses-s3"
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


@task
def upload(bucket: str, key: str, text: str | None = None) -> str:
    """Upload text to S3, by default a CSV with generated interactions; return its location."""
    import io

    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

    from airflow_provider_personalize.sample import write_interactions

    if text is None:
        write_interactions(sample := io.StringIO(), interactions=20_000)
        text = sample.getvalue()
    s3 = S3Hook()
    if not s3.check_for_bucket(bucket):
        s3.create_bucket(bucket)
    s3.load_string(text, key, bucket, replace=True)
    return f"s3://{bucket}/{key}"


@task_group
def made_up_shop(name: str, role_arn: str = ROLE) -> dict[str, Any]:
    """Create a dataset group with interactions; return its ARN, and the ARN of the finished import."""
    schema = CreateSchemaOperator(task_id="schema", name=name, schema=INTERACTIONS)
    group = CreateDatasetGroupOperator(task_id="dataset_group", name=name)
    dataset = CreateDatasetOperator(
        task_id="dataset",
        name=name,
        schema_arn=schema.output,
        dataset_group_arn=group.output,
        dataset_type="INTERACTIONS",
    )
    import_interactions = CreateDatasetImportJobOperator(
        task_id="import_interactions",
        dataset_arn=dataset.output,
        data_source={"dataLocation": upload.override(task_id="interactions")(name, "interactions.csv")},
        role_arn=role_arn,
        deferrable=True,
    )
    return {"dataset_group_arn": group.output, "imported": import_interactions.output}


@task_group
def trained_solution(name: str, recipe: str, dataset_group_arn: Any) -> Any:
    """Create a solution without automatic training and train a version; return the version's ARN."""
    solution = CreateSolutionOperator(
        task_id="solution",
        name=name,
        dataset_group_arn=dataset_group_arn,
        recipe_arn=f"arn:aws:personalize:::recipe/{recipe}",
        perform_auto_training=False,
    )
    train = CreateSolutionVersionOperator(task_id="train", solution_arn=solution.output, deferrable=True)
    return train.output
