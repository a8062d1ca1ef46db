"""Talk to Amazon Personalize through an Airflow connection."""

from airflow_provider_personalize.hooks.personalize import PersonalizeHook

__all__ = ["PersonalizeHook"]
