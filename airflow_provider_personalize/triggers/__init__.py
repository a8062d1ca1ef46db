"""Wait for Amazon Personalize in Airflow's triggerer."""

from airflow_provider_personalize.triggers.personalize import PersonalizeTrigger, SolutionUpdateTrigger

__all__ = ["PersonalizeTrigger", "SolutionUpdateTrigger"]
