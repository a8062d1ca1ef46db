"""Pages of the Amazon Personalize console, as buttons on a task."""

from airflow_provider_personalize.links.personalize import (
    CampaignLink,
    DatasetGroupLink,
    PersonalizeLink,
    SolutionLink,
    link_of,
)

__all__ = ["CampaignLink", "DatasetGroupLink", "PersonalizeLink", "SolutionLink", "link_of"]
