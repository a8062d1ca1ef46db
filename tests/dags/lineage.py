"""Tasks whose lineage Airflow's OpenLineage provider reports: deferred, mapped, in a dry run, and one that fails."""

from __future__ import annotations

import json
from typing import Any

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

from airflow_provider_personalize.operators import CheckDatasetOperator, CreateDatasetImportJobOperator

ROLE = "arn:aws:iam::123456789012:role/personalize"
DATASET = "arn:aws:personalize:us-east-1:123456789012:dataset/lineage/INTERACTIONS"

with DAG(dag_id="lineage", schedule=None):

    @task
    def prepare() -> list[dict[str, str]]:
        """Make a dataset, data for it, and data that does not fit; not by methods that report a lineage."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.hooks import PersonalizeHook
        from airflow_provider_personalize.sample import COLUMNS, write_interactions
        from airflow_provider_personalize.status import WaitCondition

        s3, hook = S3Hook().get_conn(), PersonalizeHook()
        write_interactions(text := io.StringIO(), interactions=2000)
        s3.create_bucket(Bucket="lineage")
        for key in ("one.csv", "two.csv"):
            s3.put_object(Bucket="lineage", Key=key, Body=text.getvalue().encode())
        s3.put_object(Bucket="lineage", Key="unfit.csv", Body=b"NOBODY\n1\n")
        fields: list[dict[str, Any]] = [
            {"name": name, "type": "long" if name == "TIMESTAMP" else "string"} for name in COLUMNS
        ]
        avro = {"type": "record", "name": "Interactions", "namespace": "lineage", "version": "1.0", "fields": fields}
        schema = hook.conn.create_schema(name="lineage", schema=json.dumps(avro))["schemaArn"]
        group = hook.conn.create_dataset_group(name="lineage")["datasetGroupArn"]
        hook.wait(WaitCondition("dataset_group", group), delay=0.5)
        hook.conn.create_dataset(name="lineage", schemaArn=schema, datasetGroupArn=group, datasetType="INTERACTIONS")
        hook.wait(WaitCondition("dataset", DATASET), delay=0.5)
        return [{"dataLocation": f"s3://lineage/{key}"} for key in ("one.csv", "two.csv")]

    prepared = prepare()
    imported = CreateDatasetImportJobOperator.partial(
        task_id="imported",
        dataset_arn=DATASET,
        role_arn=ROLE,
        deferrable=True,
        waiter_delay=1,
        max_active_tis_per_dag=1,
    ).expand(data_source=prepared)
    dry = CreateDatasetImportJobOperator(
        task_id="dry",
        dataset_arn=DATASET,
        data_source={"dataLocation": "s3://lineage/one.csv"},
        role_arn=ROLE,
        dry_run=True,
    )
    unfit = CheckDatasetOperator(task_id="unfit", dataset_arn=DATASET, data_location="s3://lineage/unfit.csv")
    prepared >> [dry, unfit]
