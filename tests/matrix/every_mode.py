"""
Every way of waiting, in one DAG: CI runs it on the pins of each MWAA image.

A warning that one of the package's modules causes is an error here.
"""

from __future__ import annotations

import warnings
from datetime import datetime, timezone

warnings.filterwarnings("error", module=r"airflow_provider_personalize")

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

from airflow import __version__ as airflow_version

from airflow_provider_personalize.operators import CreateDatasetImportJobOperator, UpdateSolutionOperator
from airflow_provider_personalize.sensors import (
    AutomaticSolutionVersionSensor,
    DatasetImportJobSensor,
    SolutionUpdateSensor,
)

# Airflow 3.0's own `dags test` breaks at the second look of any rescheduled sensor (a TypeError in its core).
RESCHEDULE = "poke" if airflow_version.startswith("3.0.") else "reschedule"
ROLE = "arn:aws:iam::123456789012:role/personalize"

with DAG(
    dag_id="every_mode",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    # as an Airflow that is strict has it: an `execute` that calls another is an error then
    default_args={"allow_nested_operators": False},
    params={"automatic": True},
):

    @task
    def prepare() -> list[str]:
        """Make a dataset with a CSV for it, and five solutions; return the solutions."""
        import io
        import json

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.hooks import PersonalizeHook
        from airflow_provider_personalize.sample import COLUMNS, write_interactions
        from airflow_provider_personalize.status import WaitCondition

        s3, hook = S3Hook(), PersonalizeHook()
        write_interactions(text := io.StringIO(), interactions=2000)
        s3.create_bucket("modes")
        s3.load_string(text.getvalue(), "interactions.csv", "modes")
        fields = [{"name": name, "type": "long" if name == "TIMESTAMP" else "string"} for name in COLUMNS]
        avro = {"type": "record", "name": "Interactions", "namespace": "modes", "version": "1.0", "fields": fields}
        schema = hook.conn.create_schema(name="modes", schema=json.dumps(avro))["schemaArn"]
        group = hook.conn.create_dataset_group(name="modes")["datasetGroupArn"]
        hook.wait(WaitCondition("dataset_group", group), delay=0.5)
        hook.conn.create_dataset(name="modes", schemaArn=schema, datasetGroupArn=group, datasetType="INTERACTIONS")
        hook.wait(WaitCondition("dataset", group.replace("dataset-group", "dataset") + "/INTERACTIONS"), delay=0.5)
        arns = [
            hook.conn.create_solution(
                name=f"modes-{number}",
                datasetGroupArn=group,
                recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
                performAutoTraining=False,
            )["solutionArn"]
            for number in range(5)
        ]
        for arn in arns:
            hook.wait(WaitCondition("solution", arn), delay=0.5)
        return arns

    @task
    def some(arns: list[str]) -> list[str]:
        """Return those that the mapped task updates."""
        return arns[1:4]

    solutions = prepare()
    first = "{{ ti.xcom_pull(task_ids='prepare')[0] }}"
    given = {
        "dataset_arn": "{{ ti.xcom_pull(task_ids='prepare')[0].partition(':solution')[0] }}:dataset/modes/INTERACTIONS"
    }

    imported = CreateDatasetImportJobOperator(
        task_id="import_deferred",
        **given,
        data_source={"dataLocation": "s3://modes/interactions.csv"},
        role_arn=ROLE,
        deferrable=True,
    )
    import_is_in = DatasetImportJobSensor(
        task_id="import_deferred_sensor",
        dataset_import_job_arn=imported.output,
        deferrable=True,
    )
    sync = UpdateSolutionOperator(
        task_id="update_on_the_worker",
        solution_arn=first,
        perform_auto_training="{{ params.automatic }}",
        solution_update_config={"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}},
        waiter_delay=0.5,
    )
    unchanged = UpdateSolutionOperator(
        task_id="update_unchanged",
        solution_arn=first,
        perform_auto_training=True,
        solution_update_config={"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}},
        deferrable=True,
    )
    mapped = UpdateSolutionOperator.partial(
        task_id="update_mapped_deferred", perform_auto_training=True, deferrable=True, waiter_delay=1
    ).expand(solution_arn=some(solutions))

    def started(days: int) -> UpdateSolutionOperator:
        """Start an update and leave the waiting to a sensor."""
        return UpdateSolutionOperator(
            task_id=f"start_{days}",
            solution_arn=first,
            perform_auto_training=True,
            solution_update_config={"autoTrainingConfig": {"schedulingExpression": f"rate({days} days)"}},
            wait_for_completion=False,
            waiter_delay=0.5,
        )

    poked = SolutionUpdateSensor(task_id="poked", solution_arn=first, poke_interval=0.5)
    rescheduled = SolutionUpdateSensor(task_id="rescheduled", solution_arn=first, mode=RESCHEDULE, poke_interval=0.5)
    deferred = SolutionUpdateSensor(task_id="deferred", solution_arn=first, deferrable=True)

    # Of one that the mapped task updated, long enough ago that this wait is short
    trained = AutomaticSolutionVersionSensor(
        task_id="trained", solution_arn="{{ ti.xcom_pull(task_ids='prepare')[1] }}", deferrable=True
    )

    # No update was ever made of the last solution: these run out of time and are skipped, on every version alike.
    lenient = [
        SolutionUpdateSensor(
            task_id=f"runs_out_{lenient}_{'deferred' if deferrable else 'poked'}",
            solution_arn="{{ ti.xcom_pull(task_ids='prepare')[4] }}",
            timeout=11,
            poke_interval=5,
            deferrable=deferrable,
            **{lenient: True},
        )
        for lenient in ("soft_fail", "never_fail")
        for deferrable in (False, True)
    ]

    solutions >> imported
    solutions >> lenient
    import_is_in >> sync >> unchanged >> mapped
    mapped >> started(4) >> poked >> started(5) >> rescheduled >> started(6) >> deferred >> trained
