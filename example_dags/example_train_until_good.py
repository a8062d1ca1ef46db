"""
Train until the metrics pass, at most three times, each time with a longer history; return the version that passed.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_train_until_good.py

From Airflow 3.4, the attempts are iterations of a task loop: it ends as soon as the metrics pass, and fails if they do
not pass in the third. On earlier versions, the attempts are three task groups in sequence; those after a good version
are skipped. Either way, each attempt imports and trains once even if a worker crashes: the names of jobs and versions
are derived from the task instance and its iteration. A name of your own must contain ``{{ loop.index }}``.

## In an AWS account

Set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role with which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html), upload
your own data in ``upload_history``, and choose a metric and its minimum. Each attempt is charged for an import by the
GB and for a training by the hour, whether or not its metrics pass. The DAG trains; automatic training is off
(``perform_auto_training=False``).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

try:
    from airflow.sdk import DAG, Param, task, task_group
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task, task_group
    from airflow.models import Param
try:
    from airflow.sdk import LoopDecision
except ImportError:  # before Airflow 3.4
    LoopDecision = None

from airflow_provider_personalize.operators import (
    CreateDatasetGroupOperator,
    CreateDatasetImportJobOperator,
    CreateDatasetOperator,
    CreateSchemaOperator,
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
    GetSolutionMetricsOperator,
)

ATTEMPTS = 3
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


def evaluate(metrics: dict[str, float], params: dict[str, Any]) -> tuple[bool, str]:
    """Return whether a version is good enough, and the reason."""
    precision, least = metrics["precision_at_5"], params["min_precision_at_5"]
    return precision >= least, f"precision_at_5 is {precision:.4f}, expected at least {least}"


with DAG(
    dag_id="example_train_until_good",
    description="Train with more and more data until the metrics pass",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "bucket": Param(
            "example-train-until-good",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param(
            "example-train-until-good", type="string", description="The name of all resources of this example."
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role with which Amazon Personalize reads the bucket.",
        ),
        "min_precision_at_5": Param(0.008, type="number", description="The minimum precision_at_5 of a good version."),
    },
    tags=["example", "personalize"],
):

    @task
    def upload_history(attempt: str | int, params: dict[str, str] | None = None) -> dict[str, str]:
        """Upload a CSV to S3, a longer one in each attempt: here with generated interactions."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        bucket, key = (params or {})["bucket"], f"history-{attempt}.csv"
        write_interactions(sample := io.StringIO(), interactions=(5_000, 20_000, 40_000)[int(attempt)])
        s3 = S3Hook()
        if not s3.check_for_bucket(bucket):
            s3.create_bucket(bucket)
        s3.load_string(sample.getvalue(), key, bucket, replace=True)
        return {"dataLocation": f"s3://{bucket}/{key}"}

    schema = CreateSchemaOperator(task_id="schema", name="{{ params.name }}", schema=INTERACTIONS)

    dataset_group = CreateDatasetGroupOperator(task_id="dataset_group", name="{{ params.name }}")

    dataset = CreateDatasetOperator(
        task_id="dataset",
        name="{{ params.name }}",
        schema_arn=schema.output,
        dataset_group_arn=dataset_group.output,
        dataset_type="INTERACTIONS",
    )

    solution = CreateSolutionOperator(
        task_id="solution",
        name="{{ params.name }}",
        dataset_group_arn=dataset_group.output,
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
    )

    def attempt(number: str | int) -> tuple[Any, Any]:
        """Import and train; return the version and its metrics."""
        import_history = CreateDatasetImportJobOperator(
            task_id="import_history",
            dataset_arn=dataset.output,
            data_source=upload_history(number),
            role_arn="{{ params.role_arn }}",
            deferrable=True,
        )
        train = CreateSolutionVersionOperator(
            task_id="train", solution_arn=solution.output, stop_on_kill=True, deferrable=True
        )
        metrics = GetSolutionMetricsOperator(task_id="metrics", solution_version_arn=train.output)
        import_history >> train
        return train.output, metrics.output

    @task(trigger_rule="none_failed_min_one_success")
    def good_version(versions: Any) -> str:
        """Return the version that passed: that of the last attempt."""
        *_, arn = (version for version in versions if version)
        print(f"{arn} is good")
        return arn

    if LoopDecision:

        def metrics_pass(*, loop: Any, params: dict[str, Any]) -> LoopDecision:
            """End the loop once the metrics pass; the task fails if they do not pass in the third attempt."""
            return LoopDecision(*evaluate(loop.result, params))

        versions = []

        @task_group
        def attempts() -> None:
            versions.append(attempt("{{ loop.index }}")[0])

        attempts.loop(max_iterations=ATTEMPTS, until=metrics_pass)
        good_version(versions[0])
    else:

        @task.short_circuit(ignore_downstream_trigger_rules=False)
        def needs_another_attempt(metrics: dict[str, float], number: int, params: dict[str, Any] | None = None) -> bool:
            """Skip the next attempt if the metrics pass; fail if they do not pass in the third."""
            good, reason = evaluate(metrics, params or {})
            print(reason)
            if not good and number + 1 == ATTEMPTS:
                raise ValueError(f"None of {ATTEMPTS} versions is good enough: {reason}")
            return not good

        versions, before = [], solution
        for number in range(ATTEMPTS):

            @task_group(group_id=f"attempt_{number + 1}")
            def one(number: int) -> None:
                version, metrics = attempt(number)
                versions.append(version)
                needs_another_attempt(metrics, number)

            group = one(number)
            before >> group
            before = group
        before >> good_version(versions)
