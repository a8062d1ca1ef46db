"""
The links to the console.

AWS documents no addresses of console pages. Three were seen in use: the page of a dataset group, ``#<its ARN>/setup``,
and below it the pages of a solution and of a campaign; their ARNs have ``$`` instead of ``/``. A resource of a dataset
group whose page is not known links to the group's page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize._compat import BaseOperatorLink, XCom
from airflow_provider_personalize.resources import (
    CAMPAIGN,
    DATASET_GROUP,
    SCHEMA,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)

if TYPE_CHECKING:
    from airflow.models.taskinstancekey import TaskInstanceKey
    from airflow.utils.context import Context

    from airflow_provider_personalize.task import PersonalizeTask

_DOMAINS: Final[Mapping[str, str]] = {
    "aws": "aws.amazon.com",
    "aws-cn": "amazonaws.cn",
    "aws-us-gov": "amazonaws-us-gov.com",
}


class PersonalizeLink(BaseOperatorLink):
    """Open a page of the Amazon Personalize console."""

    name: ClassVar[str]
    key: ClassVar[str]
    #: The path below the dataset group, with members of the description in braces.
    path: ClassVar[str]

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """
        Return the page's address, or an empty string if the task has not stored one yet.

        Airflow 3 calls this at the end of a task, in its process. An address that is known to be missing is not read
        from XCom then: Airflow would log that as an error below the one that the task failed with.
        """
        address: str | None = getattr(operator, "link_address", None)
        return (XCom.get_value(key=self.key, ti_key=ti_key) or "") if address is None else address

    def show(self, context: Context, task: PersonalizeTask, description: Mapping[str, Any]) -> None:
        """Store the page's address for this run of the task, once."""
        if not task.do_xcom_push or task.link_address:
            return
        group = _dataset_group(task, description)
        if group and DATASET_GROUP.is_arn(group) and (address := self._address(group, description)):
            task.link_address = address
            context["ti"].xcom_push(key=self.key, value=address)

    def _address(self, group: str, description: Mapping[str, Any]) -> str | None:
        _, partition, _, region, _, _ = group.split(":", 5)
        home = f"https://{region}.console.{_DOMAINS.get(partition, _DOMAINS['aws'])}/personalize/home?region={region}"
        arns = {member: _dollars(value) for member, value in description.items() if isinstance(value, str)}
        try:
            return f"{home}#{_dollars(group)}/{self.path.format_map(arns)}"
        except KeyError:  # the description lacks the resource of the page
            return None


def _dollars(arn: str) -> str:
    return arn.replace("/", "$")


def _dataset_group(task: PersonalizeTask, description: Mapping[str, Any]) -> str | None:
    """Return the dataset group of a resource from its description; None if it is unknown."""
    if "datasetGroupArn" in description:
        return str(description["datasetGroupArn"])
    if "solutionVersionArn" in description:
        return _group_of_solution(task, str(description["solutionVersionArn"]).rpartition("/")[0])
    # a dataset's ARN has the name of its group
    match = re.fullmatch(r"(arn:[^/]+:)dataset/([^/]+)/[A-Z_]+", str(description.get("datasetArn")))
    return f"{match[1]}dataset-group/{match[2]}" if match else None


def _group_of_solution(task: PersonalizeTask, arn: str) -> str | None:
    try:
        return str(task.hook.describe(SOLUTION, arn)["datasetGroupArn"])
    except Exception as error:  # noqa: BLE001 - a link is no reason to fail: the task may lack the permission
        task.log.info("There is no link to the console: %s", error)
        return None


class DatasetGroupLink(PersonalizeLink):
    """Open the page of the dataset group."""

    name = "Amazon Personalize Dataset Group"
    key = "personalize_dataset_group_link"
    path = "setup"


class SolutionLink(PersonalizeLink):
    """Open the page of the solution."""

    name = "Amazon Personalize Solution"
    key = "personalize_solution_link"
    path = f"solutionsAndRecipes/solutionDetail/{{{SOLUTION.arn_member}}}"


class CampaignLink(PersonalizeLink):
    """Open the page of the campaign."""

    name = "Amazon Personalize Campaign"
    key = "personalize_campaign_link"
    path = f"campaigns/campaignDetail/{{{CAMPAIGN.arn_member}}}"


_PAGES: Final[Mapping[str, PersonalizeLink | None]] = {
    CAMPAIGN.name: CampaignLink(),
    SCHEMA.name: None,  # it is in no dataset group
    SOLUTION.name: SolutionLink(),
    SOLUTION_VERSION.name: SolutionLink(),
}
_GROUP: Final = DatasetGroupLink()


def link_of(resource_type: ResourceType) -> PersonalizeLink | None:
    """Return the link for a resource type; None if its page is not known."""
    return _PAGES.get(resource_type.name, _GROUP)
