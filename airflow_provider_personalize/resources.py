"""
The table of resource types in Amazon Personalize's control plane.

The API is regular. A ``dataset_import_job`` is created by ``CreateDatasetImportJob`` and described by
``DescribeDatasetImportJob`` with a ``datasetImportJobArn``; the answer has it under ``datasetImportJob``. So an entry
of the table is a name and the facts in which the resource type departs from that. The hook, the waits, the sensors, the
operators and the emulator read it; ``tests/test_resources.py`` compares every entry with botocore's model.

Sources of the statuses: the ``status`` texts of the API reference
(https://docs.aws.amazon.com/personalize/latest/dg/API_Types_Amazon_Personalize.html).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_NAME: Final = r"[a-zA-Z0-9][a-zA-Z0-9\-_]*"

ACTIVE: Final = "ACTIVE"
CREATE_FAILED: Final = "CREATE FAILED"


class ResourceType:  # no dataclass: to define one takes a tenth of the time that a DAG file may take
    """
    One resource type.

    :param name: Its name in snake case, as in boto3's method names: ``describe_<name>``.
    :param ready: The statuses that mean success.
    :param failed: The statuses that mean failure. Any other status is in progress.
    :param stopped: The status of a stopped resource, if the resource type can be stopped.
    :param started_by: The operation that starts a stopped resource again, if there is one.
    :param updates: Whether its description has a ``latest<Name>Update`` with its own status.
    :param update_failed: More statuses that the resource itself may have after a failed update.
    :param has_status: Whether its description has a status. A resource without one exists at once.
    :param irregular_list_member: The member with the summaries in the answer of ``List<Name>s``, if not ``<name>s``.
    :param list_filter: The parameter that filters ``List<Name>s``, if there is one.
    :param arn_path: The part of the ARN after the resource type's word, as a regular expression.
    :param irregular_arn_type: The resource type's word in the ARN, if it is not the name with hyphens.
    :param arn_example: An example of the part after that word.
    :param poll_interval: Seconds between two polls.
    :param wait_timeout: Seconds after which a wait times out: our choice, a few times the longest wait seen.
    :param update_poll_interval: Seconds between two polls of an update.
    :param update_wait_timeout: Seconds after which a wait for an update times out.
    """

    name: str
    ready: frozenset[str] = frozenset({ACTIVE})
    failed: frozenset[str] = frozenset({CREATE_FAILED})
    stopped: str | None = None
    started_by: str | None = None
    updates: bool = False
    update_failed: frozenset[str] = frozenset()
    has_status: bool = True
    irregular_list_member: str | None = None
    list_filter: str | None = "datasetGroupArn"
    arn_path: str = _NAME
    irregular_arn_type: str | None = None
    arn_example: str = "shop"
    poll_interval: int = 15
    wait_timeout: int = 30 * _MINUTE
    update_poll_interval: int = 30
    update_wait_timeout: int = _HOUR

    def __init__(self, name: str, **facts: Any) -> None:
        if unknown := facts.keys() - ResourceType.__annotations__.keys():
            raise TypeError(f"a resource type has no {', '.join(sorted(unknown))}")
        self.name = name
        vars(self).update(facts)

    @property
    def final(self) -> frozenset[str]:
        """The statuses in which nothing is in progress."""
        return self.ready | self.failed | self.update_failed | ({self.stopped} if self.stopped else set())

    @property
    def title(self) -> str:
        """The name in prose: ``dataset import job``."""
        return self.name.replace("_", " ")

    @cached_property
    def pascal(self) -> str:
        """The name in operations: ``DatasetImportJob``."""
        return self.title.title().replace(" ", "")

    @cached_property
    def member(self) -> str:
        """The member of an answer with the description: ``datasetImportJob``."""
        return self.pascal[0].lower() + self.pascal[1:]

    @cached_property
    def arn_member(self) -> str:
        """The member with its ARN: ``datasetImportJobArn``."""
        return f"{self.member}Arn"

    @property
    def arn_parameter(self) -> str:
        """The parameter for its ARN: ``dataset_import_job_arn``."""
        return f"{self.name}_arn"

    @property
    def update_member(self) -> str:
        """The member with its latest update: ``latestSolutionUpdate``."""
        return f"latest{self.pascal}Update"

    @property
    def list_member(self) -> str:
        """The member with the summaries in the answer of a list operation: ``datasetImportJobs``."""
        return self.irregular_list_member or f"{self.member}s"

    @property
    def arn_type(self) -> str:
        """The word for it in an ARN: ``dataset-import-job``."""
        return self.irregular_arn_type or self.name.replace("_", "-")

    @property
    def arn_form(self) -> str:
        """The form of its ARN, for messages."""
        article = "an" if self.title[0] in "aeiou" else "a"
        example = f"arn:aws:personalize:us-east-1:123456789012:{self.arn_type}/{self.arn_example}"
        return f"the ARN of {article} {self.title}, such as {example}"

    def short(self, arn: object) -> str:
        """Return the short name for log lines: ``solution shop``; the title alone where there is no ARN yet."""
        return f"{self.title} {str(arn).partition('/')[2] or arn}".rstrip()

    def is_arn(self, text: object) -> bool:
        """Return whether a text is the ARN of such a resource."""
        pattern = rf"arn:[a-z\d-]+:personalize:[a-z\d-]+:\d{{12}}:{self.arn_type}/{self.arn_path}"
        return isinstance(text, str) and re.fullmatch(pattern, text) is not None


SCHEMA: Final = ResourceType("schema", has_status=False, list_filter=None)
DATASET_GROUP: Final = ResourceType("dataset_group", list_filter=None)
DATASET: Final = ResourceType(
    "dataset",
    updates=True,
    # assumed: its own status is UPDATE PENDING and UPDATE IN_PROGRESS during an update; nobody has recorded a failure
    update_failed=frozenset({"UPDATE FAILED"}),
    arn_path=f"{_NAME}/[A-Z_]+",
    arn_example="shop/INTERACTIONS",
)
DATASET_IMPORT_JOB: Final = ResourceType(
    "dataset_import_job", list_filter="datasetArn", poll_interval=_MINUTE, wait_timeout=6 * _HOUR
)
DATASET_EXPORT_JOB: Final = ResourceType(
    "dataset_export_job", list_filter="datasetArn", poll_interval=_MINUTE, wait_timeout=6 * _HOUR
)
DATA_DELETION_JOB: Final = ResourceType(
    "data_deletion_job",
    ready=frozenset({"COMPLETED"}),
    failed=frozenset({"FAILED"}),
    poll_interval=5 * _MINUTE,
    wait_timeout=36 * _HOUR,
)
SOLUTION: Final = ResourceType("solution", updates=True)
SOLUTION_VERSION: Final = ResourceType(
    "solution_version",
    stopped="CREATE STOPPED",
    list_filter="solutionArn",
    irregular_arn_type="solution",
    arn_path=f"{_NAME}/{_NAME}",
    arn_example="shop/0a1b2c3d",
    poll_interval=_MINUTE,
    wait_timeout=24 * _HOUR,
)
CAMPAIGN: Final = ResourceType(
    "campaign",
    updates=True,
    list_filter="solutionArn",
    poll_interval=_MINUTE,
    wait_timeout=3 * _HOUR,
    update_poll_interval=_MINUTE,
    update_wait_timeout=3 * _HOUR,
)
RECOMMENDER: Final = ResourceType(
    "recommender",
    stopped="INACTIVE",
    started_by="StartRecommender",
    updates=True,
    poll_interval=_MINUTE,
    wait_timeout=6 * _HOUR,
    update_poll_interval=_MINUTE,
    update_wait_timeout=6 * _HOUR,
)
EVENT_TRACKER: Final = ResourceType("event_tracker", arn_example="0a1b2c3d")
FILTER: Final = ResourceType("filter", irregular_list_member="Filters")
BATCH_INFERENCE_JOB: Final = ResourceType(
    "batch_inference_job", list_filter="solutionVersionArn", poll_interval=_MINUTE, wait_timeout=24 * _HOUR
)
BATCH_SEGMENT_JOB: Final = ResourceType(
    "batch_segment_job", list_filter="solutionVersionArn", poll_interval=_MINUTE, wait_timeout=24 * _HOUR
)
METRIC_ATTRIBUTION: Final = ResourceType("metric_attribution")

RESOURCE_TYPES: Final[dict[str, ResourceType]] = {
    resource_type.name: resource_type
    for resource_type in (
        SCHEMA,
        DATASET_GROUP,
        DATASET,
        DATASET_IMPORT_JOB,
        DATASET_EXPORT_JOB,
        DATA_DELETION_JOB,
        SOLUTION,
        SOLUTION_VERSION,
        CAMPAIGN,
        RECOMMENDER,
        EVENT_TRACKER,
        FILTER,
        BATCH_INFERENCE_JOB,
        BATCH_SEGMENT_JOB,
        METRIC_ATTRIBUTION,
    )
}
