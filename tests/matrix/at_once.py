"""
24 mapped waits that are over before their triggers look, and an event of an asset that starts a second DAG.

CI runs it, with scheduler and triggerer, on each Airflow 3. There, a task whose trigger fires at once may fail
(https://github.com/apache/airflow/issues/71580).
"""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG, task

from airflow_provider_personalize.assets import personalize_asset
from airflow_provider_personalize.operators import UpdateSolutionOperator

FIRST = "arn:aws:personalize:us-east-1:123456789012:solution/at-once-0"
UPDATED = personalize_asset(FIRST)

with DAG(
    dag_id="at_once",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_tasks=4,  # two dozen that begin at once are too many for two cores and SQLite
):

    @task
    def prepare() -> list[str]:
        """Make 24 solutions; a dataset group has at most ten."""
        from airflow_provider_personalize.hooks import PersonalizeHook
        from airflow_provider_personalize.status import WaitCondition

        hook = PersonalizeHook()
        groups = [hook.conn.create_dataset_group(name=f"at-once-{each}")["datasetGroupArn"] for each in range(3)]
        for arn in groups:
            hook.wait(WaitCondition("dataset_group", arn), delay=0.5)
        return [
            hook.conn.create_solution(
                name=f"at-once-{number}",
                datasetGroupArn=groups[number % 3],
                recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
                performAutoTraining=False,
            )["solutionArn"]
            for number in range(24)
        ]

    @task
    def wait_for_report() -> None:
        """Wait until the other DAG has seen the event, and compare what it saw."""
        import json
        import time

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        s3, deadline = S3Hook(), time.monotonic() + 180
        while not s3.check_for_key("seen.json", "at-once"):
            if time.monotonic() > deadline:
                raise TimeoutError("No event has started the other DAG")
            time.sleep(1)
        seen = json.loads(s3.read_key("seen.json", "at-once"))["personalize"]
        assert (seen["arn"], seen["status"], seen["changed"]) == (FIRST, "ACTIVE", True)
        assert seen["update"]["performAutoTraining"] is False

    updated = UpdateSolutionOperator.partial(
        task_id="update", perform_auto_training=True, deferrable=True, waiter_delay=1
    ).expand(solution_arn=prepare())
    # of which there must be no event: that one would start the other DAG first
    dry_run = UpdateSolutionOperator(
        task_id="dry_run", solution_arn=FIRST, perform_auto_training=False, dry_run=True, outlets=[UPDATED]
    )
    event = UpdateSolutionOperator(
        task_id="event",
        solution_arn=FIRST,
        perform_auto_training=False,
        deferrable=True,
        waiter_delay=1,
        outlets=[UPDATED],
    )
    updated >> dry_run >> event >> wait_for_report()

with DAG(
    dag_id="at_once_report",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=[UPDATED],
    catchup=False,
):

    @task
    def report(triggering_asset_events=None) -> None:
        """Tell what the first event says; nothing in the run that is started by hand."""
        import json

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        for event in [event for events in triggering_asset_events.values() for event in events]:
            s3 = S3Hook()
            s3.create_bucket("at-once")
            s3.load_string(json.dumps(event.extra), "seen.json", "at-once")

    report()
