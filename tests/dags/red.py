"""A task that fails, one that cannot run then, and a DAG beside theirs."""

from __future__ import annotations

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task

with DAG(dag_id="red", schedule=None):

    @task
    def fail() -> None:
        raise ValueError("the bucket is\nnot there")

    @task
    def never() -> None:
        pass

    fail() >> never()

with DAG(dag_id="not_asked_for", schedule=None):
    never()
