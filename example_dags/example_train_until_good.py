"""
Train until the metrics pass, at most three times, each time from a longer history; then say which version is good.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_train_until_good.py

From Airflow 3.4 the attempts are the iterations of a task loop, which ends as soon as the metrics pass and fails where
they do not in the third. Before, they are three groups of tasks in a row: what comes after a good version is skipped.
Either way each attempt imports and trains once, whatever becomes of a worker, since the names of what it makes are
derived from the task instance and its iteration. A name of your own needs ``{{ loop.index }}`` in it.

In an AWS account, set the parameters ``bucket`` and ``role_arn`` to a bucket that Amazon Personalize may read and the
role by which it does (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html), bring
your own data in ``bring_history``, and choose a metric and how good it must be. There each attempt is charged for an
import by the GB and for a training by the hour, whether or not its metrics pass. The DAG trains, and the service does
not by itself (``perform_auto_training=False``).
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


def judge(metrics: dict[str, float], params: dict[str, Any]) -> tuple[bool, str]:
    """Tell whether a version is good enough, and why."""
    precision, least = metrics["precision_at_5"], params["least_precision_at_5"]
    return precision >= least, f"precision_at_5 is {precision:.4f}, at least {least} is wanted"


with DAG(
    dag_id="example_train_until_good",
    description="Train from ever more data until the metrics pass",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # the default is a look each 15 or 60 seconds: leave it out where an hour takes an hour
    default_args={"waiter_delay": 5},
    params={
        "bucket": Param(
            "example-train-until-good",
            type="string",
            description="The S3 bucket for the data; Amazon Personalize must be allowed to read it.",
        ),
        "name": Param(
            "example-train-until-good", type="string", description="What all resources of this example are named."
        ),
        "role_arn": Param(
            "arn:aws:iam::123456789012:role/personalize-reads-s3",
            type="string",
            description="The IAM role by which Amazon Personalize reads the bucket.",
        ),
        "least_precision_at_5": Param(
            0.008, type="number", description="The least precision_at_5 of a version that is good."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def bring_history(attempt: str | int, params: dict[str, str] | None = None) -> dict[str, str]:
        """Bring a CSV to S3, in each attempt a longer one: here of made-up interactions."""
        import io

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from airflow_provider_personalize.sample import write_interactions

        bucket, key = (params or {})["bucket"], f"history-{attempt}.csv"
        write_interactions(made_up := io.StringIO(), interactions=(5_000, 20_000, 40_000)[int(attempt)])
        s3 = S3Hook()
        if not s3.check_for_bucket(bucket):
            s3.create_bucket(bucket)
        s3.load_string(made_up.getvalue(), key, bucket, replace=True)
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
            data_source=bring_history(number),
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
        """Say which version passed: that of the last attempt that was made."""
        *_, arn = (version for version in versions if version)
        print(f"{arn} is good")
        return arn

    if LoopDecision:

        def metrics_pass(*, loop: Any, params: dict[str, Any]) -> LoopDecision:
            """End the loop once the metrics pass; that they do not in the third attempt either fails this task."""
            return LoopDecision(*judge(loop.result, params))

        versions = []

        @task_group
        def attempts() -> None:
            versions.append(attempt("{{ loop.index }}")[0])

        attempts.loop(max_iterations=ATTEMPTS, until=metrics_pass)
        good_version(versions[0])
    else:

        @task.short_circuit(ignore_downstream_trigger_rules=False)
        def another_is_needed(metrics: dict[str, float], number: int, params: dict[str, Any] | None = None) -> bool:
            """Skip the next attempt where the metrics pass; that they do not in the third either is a failure."""
            good, reason = judge(metrics, params or {})
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
                another_is_needed(metrics, number)

            group = one(number)
            before >> group
            before = group
        before >> good_version(versions)
