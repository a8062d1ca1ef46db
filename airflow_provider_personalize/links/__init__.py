"""Links from a task to the Amazon Personalize console."""

from airflow_provider_personalize.links.personalize import (
    CampaignLink,
    DatasetGroupLink,
    PersonalizeLink,
    SolutionLink,
    link_of,
)

__all__ = ["CampaignLink", "DatasetGroupLink", "PersonalizeLink", "SolutionLink", "link_of"]
