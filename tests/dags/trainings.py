"""A training whose task crashes, and the version that automatic training makes, awaited in each way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

from airflow_provider_personalize.operators import CreateSolutionVersionOperator
from airflow_provider_personalize.sensors import AutomaticSolutionVersionSensor

ROLE = "arn:aws:iam::123456789012:role/personalize"
SOLUTION = "{{ ti.xcom_pull(task_ids='prepare') }}"


class Crashing(CreateSolutionVersionOperator):
    """Its first try crashes once the training has begun; looking at the service finds nothing."""

    def find(self, *_: Any) -> None:
        return None

    find_existing = find

    def finish(self, context: Any, *arguments: Any) -> str:
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker crashed")
        return super().finish(context, *arguments)


with DAG(dag_id="trainings", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None, catchup=False):

    @task
    def prepare() -> str:
        """Make a solution that trains by itself, with data; return its ARN."""
        import io
        import json

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.hooks import PersonalizeHook
        from airflow_provider_personalize.sample import COLUMNS, write_interactions
        from airflow_provider_personalize.status import WaitCondition

        s3, hook = S3Hook(), PersonalizeHook()
        write_interactions(text := io.StringIO(), interactions=2000)
        s3.create_bucket("trainings")
        s3.load_string(text.getvalue(), "interactions.csv", "trainings")
        fields = [{"name": name, "type": "long" if name == "TIMESTAMP" else "string"} for name in COLUMNS]
        avro = {"type": "record", "name": "Interactions", "namespace": "shop", "version": "1.0", "fields": fields}
        schema = hook.conn.create_schema(name="trainings", schema=json.dumps(avro))["schemaArn"]
        group = hook.conn.create_dataset_group(name="trainings")["datasetGroupArn"]
        hook.wait(WaitCondition("dataset_group", group), delay=0.5)
        dataset = hook.conn.create_dataset(
            name="trainings", schemaArn=schema, datasetGroupArn=group, datasetType="INTERACTIONS"
        )["datasetArn"]
        hook.wait(WaitCondition("dataset", dataset), delay=0.5)
        job = hook.conn.create_dataset_import_job(
            jobName="trainings",
            datasetArn=dataset,
            dataSource={"dataLocation": "s3://trainings/interactions.csv"},
            roleArn=ROLE,
        )["datasetImportJobArn"]
        hook.wait(WaitCondition("dataset_import_job", job), delay=0.5)
        recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
        arn = hook.conn.create_solution(name="trainings", datasetGroupArn=group, recipeArn=recipe)["solutionArn"]
        hook.wait(WaitCondition("solution", arn), delay=0.5)
        return str(arn)

    automatic = [
        AutomaticSolutionVersionSensor(
            task_id=name, solution_arn=SOLUTION, after="{{ params.after }}", params={"after": "2026-01-01"}, **how
        )
        for name, how in {
            "poked": {"poke_interval": 0.5},
            "rescheduled": {"poke_interval": 0.5, "mode": "reschedule"},
            "deferred": {"deferrable": True},
        }.items()
    ]
    train = Crashing(
        task_id="train", solution_arn=SOLUTION, retries=1, retry_delay=timedelta(seconds=1), waiter_delay=0.5
    )

    @task
    def check(solution: str, trained: str, found: list[str]) -> None:
        """Check that one version was trained manually, once, and that each sensor returned the other."""
        from airflow_provider_personalize.hooks import PersonalizeHook

        versions = list(PersonalizeHook().list_all("solution_version", solutionArn=solution))
        made = {version["trainingType"]: version["solutionVersionArn"] for version in versions}
        assert len(versions) == 2
        assert made == {"MANUAL": trained, "AUTOMATIC": found[0]}
        assert len(set(found)) == 1

    solution = prepare()
    solution >> automatic >> train
    check(solution, train.output, [sensor.output for sensor in automatic])
