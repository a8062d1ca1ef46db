"""Pages of the Amazon Personalize console, as buttons on a task."""

from airflow_provider_personalize.links.personalize import DatasetImportJobLink, PersonalizeLink, SolutionLink

__all__ = ["DatasetImportJobLink", "PersonalizeLink", "SolutionLink"]
