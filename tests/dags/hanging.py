"""A task that never ends, and has started a process that never ends either."""

from __future__ import annotations

import subprocess

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

with DAG(dag_id="hanging", schedule=None):

    @task
    def hang() -> None:
        subprocess.run(["sleep", "1000"], start_new_session=True, check=True)

    hang()
