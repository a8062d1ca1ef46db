"""The commands of ``python -m airflow_provider_personalize``, a module for each."""
