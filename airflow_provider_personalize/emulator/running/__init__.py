"""Airflow run beside the local Personalize: a DAG from its file to its last task, with nothing left behind."""
