"""
The console's pages. A link is a name and the page's path; the base knows the rest.

AWS documents no addresses of console pages. These were seen in use: a page of a dataset group is
``#<ARN of the group>/<path>``, and in the ARNs there ``$`` stands for ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize._compat import BaseOperatorLink, XCom

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
    path: ClassVar[str]

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the page's address, or an empty text where the task has not shown one yet."""
        return XCom.get_value(key=self.key, ti_key=ti_key) or ""

    def show(self, context: Context, task: PersonalizeTask, arn: str, description: Mapping[str, Any]) -> None:
        """Keep the page's address for this run of the task."""
        group = _dataset_group(description)
        if task.do_xcom_push and group:
            context["ti"].xcom_push(key=self.key, value=self._address(arn, group))

    def _address(self, arn: str, group: str) -> str:
        _, partition, _, region, _, _ = arn.split(":", 5)
        home = f"https://{region}.console.{_DOMAINS.get(partition, _DOMAINS['aws'])}/personalize/home?region={region}"
        return f"{home}#{_dollars(group)}/{self.path.format(arn=_dollars(arn))}"


def _dollars(arn: str) -> str:
    return arn.replace("/", "$")


def _dataset_group(description: Mapping[str, Any]) -> str | None:
    """Find the dataset group: a dataset's ARN holds the name of its group."""
    if "datasetGroupArn" in description:
        return str(description["datasetGroupArn"])
    match = re.fullmatch(r"(arn:[^/]+:)dataset/([^/]+)/[A-Z_]+", description.get("datasetArn", ""))
    return f"{match[1]}dataset-group/{match[2]}" if match else None


class SolutionLink(PersonalizeLink):
    """Open the solution's page."""

    name = "Amazon Personalize Solution"
    key = "personalize_solution_link"
    path = "solutionsAndRecipes/solutionDetail/{arn}"


class DatasetImportJobLink(PersonalizeLink):
    """Open the page of the dataset group into which the job imports; it lists the jobs."""

    name = "Amazon Personalize Dataset Import Job"
    key = "personalize_dataset_import_job_link"
    path = "setup"
