"""A DAG that starts when a solution has a new version: ``watching.py`` runs it on an Airflow 3."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_provider_personalize.triggers import SolutionVersionTrigger

SOLUTION = "arn:aws:personalize:us-east-1:123456789012:solution/shop"
VERSIONS = Asset(
    name="shop-versions",
    watchers=[
        AssetWatcher(
            name="trained",
            # a config, since Airflow hashes and encodes the arguments
            trigger=SolutionVersionTrigger(
                solution_arn=SOLUTION,
                waiter_delay=1,
                botocore_config={"read_timeout": 20, "retries": {"mode": "standard"}},
            ),
        )
    ],
)

with DAG(dag_id="watched", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=[VERSIONS], catchup=False):

    @task
    def read(triggering_asset_events: Any = None) -> list[str]:
        """Return the ARNs of the versions that the run is for."""
        return [event.extra["payload"]["solutionVersionArn"] for event in triggering_asset_events[VERSIONS]]

    read()
