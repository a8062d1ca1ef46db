"""
The IAM actions that each task needs.

An action has the name of the operation that it allows, after ``personalize:``, for events and recommendations too
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonpersonalize.html). Those of other
services are listed with their prefix. A task calls its own
operation and describes its resource. What it calls besides is listed here; tests compare the list with real calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from airflow_provider_personalize import operators, sensors
from airflow_provider_personalize.goals import READY, TRAINED
from airflow_provider_personalize.progress import ALIKE
from airflow_provider_personalize.resources import (
    BATCH_INFERENCE_JOB,
    BATCH_SEGMENT_JOB,
    CAMPAIGN,
    RESOURCE_TYPES,
    SCHEMA,
)

Value = TypeVar("Value")

ALWAYS: Final = ""
FOR_THE_LINK: Final = "for the link to the console"
FOR_THE_LOG: Final = "for the usual duration in the log"
WITH_CASCADE: Final = "with `cascade`"
WITH_CHECK: Final = "with `check_data`"
#: What reading data in S3 takes, of the bucket and of the files.
S3_ACTIONS: Final = ("s3:GetObject", "s3:ListBucket")
_CHECK: Final = ("DescribeDataset", "DescribeSchema", *S3_ACTIONS)
IF_UNCHANGED: Final = "with `skip_if_unchanged`"
NO_NEW_DATA: Final = "with `skip_if_no_new_data`"
#: The action that lets a caller pass a role to the service, and to no other by condition.
ROLE_ACTION: Final = "iam:PassRole"

_DELETED: Final = (
    "Campaign",
    "Dataset",
    "EventTracker",
    "Filter",
    "MetricAttribution",
    "Recommender",
    "Schema",
    "Solution",
)
_CASCADE: Final = (
    *(f"Describe{resource_type.pascal}" for resource_type in RESOURCE_TYPES.values()),
    *(f"List{resource_type.pascal}s" for resource_type in RESOURCE_TYPES.values() if resource_type != SCHEMA),
    *(f"Delete{name}" for name in _DELETED),
    "ListTagsForResource",
    "StopSolutionVersionCreation",
    "TagResource",
    "UpdateSolution",
)
_IMPORTS: Final = ("DescribeDataset", "ListDataDeletionJobs", "ListDatasetImportJobs")
_DATA: Final = (
    "DescribeDataDeletionJob",
    "DescribeDatasetImportJob",
    "DescribeSolution",
    "ListDatasets",
    "ListEventTrackers",
)
# What tasks call that read and write the tags of a campaign, which may show `$LATEST`
_WITH_TAGS: Final[Mapping[str, str]] = {
    "ListTagsForResource": ALWAYS,
    "TagResource": ALWAYS,
    "ListSolutionVersions": "where the campaign shows `$LATEST`",
}
# What tasks call to tell why a version is refused
_IF_VERSION_REFUSED: Final[Mapping[str, str]] = {
    "DescribeSolutionVersion": "where the version is not ACTIVE",
    "ListSolutionVersions": FOR_THE_LOG,
}
# What tasks call besides their own operation and the description of their resource, and when
_ALSO: Final[Mapping[type, Mapping[str, str]]] = {
    operators.CheckDatasetOperator: dict.fromkeys(_CHECK, ALWAYS),
    sensors.AutomaticSolutionVersionSensor: {"ListSolutionVersions": ALWAYS, "DescribeSolution": ALWAYS},
    operators.CompareSolutionVersionsOperator: {
        "DescribeSolutionVersion": ALWAYS,
        "ListSolutionVersions": "with `solution_arn`",
    },
    sensors.StaleSolutionSensor: {"ListSolutionVersions": ALWAYS},
    operators.CreateBatchInferenceJobOperator: _IF_VERSION_REFUSED,
    operators.CreateBatchSegmentJobOperator: _IF_VERSION_REFUSED,
    operators.CreateCampaignOperator: {**_IF_VERSION_REFUSED, "ListSolutionVersions": "with `$LATEST`"},
    operators.CreateDatasetGroupOperator: {"ListDatasetGroups": ALWAYS},
    operators.CreateDatasetImportJobOperator: {
        **dict.fromkeys(_CHECK, WITH_CHECK),
        **dict.fromkeys(_IMPORTS, IF_UNCHANGED),
        **dict.fromkeys(("DescribeDataset", "s3:ListBucket"), "with `check_data` or `skip_if_unchanged`"),
        "ListTagsForResource": IF_UNCHANGED,
        "TagResource": "with `tags` or `skip_if_unchanged`",
    },
    operators.CreateEventTrackerOperator: {"ListEventTrackers": ALWAYS},
    operators.CreateMetricAttributionOperator: {"ListMetricAttributionMetrics": ALWAYS},
    operators.CreateSchemaOperator: {"ListSchemas": ALWAYS, "s3:GetObject": "with a `schema` in S3"},
    operators.CreateSolutionVersionOperator: {
        "ListSolutionVersions": ALWAYS,
        "StopSolutionVersionCreation": "with `stop_on_kill`",
        **dict.fromkeys((*_IMPORTS, *_DATA), NO_NEW_DATA),
    },
    operators.DeleteDatasetGroupOperator: dict.fromkeys(_CASCADE, WITH_CASCADE),
    operators.EvolveDatasetSchemaOperator: {
        "CreateSchema": ALWAYS,
        "DescribeSchema": ALWAYS,
        "s3:GetObject": "with a `schema` in S3",
    },
    operators.PromoteSolutionVersionOperator: {
        **_WITH_TAGS,
        "DescribeSolutionVersion": ALWAYS,
        "GetSolutionMetrics": "with a gate",
        "GetRecommendations": "with a smoke test",
        "GetPersonalizedRanking": "with a smoke test of a recipe for ranking",
    },
    operators.RollbackCampaignOperator: {**_WITH_TAGS, "DescribeSolutionVersion": ALWAYS},
    operators.UpdateCampaignOperator: {**_IF_VERSION_REFUSED, "ListSolutionVersions": "with `$LATEST`"},
    operators.UpdateMetricAttributionOperator: {"ListMetricAttributionMetrics": ALWAYS},
}
# The resource types whose descriptions name no dataset group, so that the link needs their solution's
_LINKED_BY_SOLUTION: Final = frozenset({CAMPAIGN, BATCH_INFERENCE_JOB, BATCH_SEGMENT_JOB})
_ROLES: Final = {"role_arn", "metrics_output_config"}
# When a request contains a role, where that is optional
_WITH_ROLE: Final[Mapping[type, str]] = {
    operators.CreateDatasetGroupOperator: "with `role_arn`",
    operators.UpdateMetricAttributionOperator: "with `metrics_output_config`",
}


def actions_of(task: type[Any]) -> dict[str, str]:
    """
    List the IAM actions that an operator or a sensor needs.

    :param task: Its class, such as ``UpdateSolutionOperator``, or a subclass.
    :return: The actions, each with its condition: ``"with `tags`"``, or an empty text for always. Without an action
        that is only for the link to the console or for the log, the task works and shows less.
    """
    operation, resource_type = getattr(task, "operation", None), getattr(task, "resource_type", None)
    needed: dict[str, str] = {operation: ALWAYS} if operation else {}
    if hasattr(task, "goal"):
        needed[f"Describe{task.resource_type.pascal}"] = ALWAYS
    needed = {**_of_class(task, _ALSO, {}), **needed}
    if resource_type in _LINKED_BY_SOLUTION:
        needed.setdefault("DescribeSolution", FOR_THE_LINK)
    if resource_type and resource_type.name in ALIKE and getattr(task, "goal", None) in {READY, TRAINED}:
        needed.setdefault(f"List{resource_type.pascal}s", FOR_THE_LOG)
    if "tags" in task.members:
        needed.setdefault("TagResource", "with `tags`")
    actions = {name if ":" in name else f"personalize:{name}": when for name, when in needed.items()}
    if _ROLES & set(task.members):
        actions[ROLE_ACTION] = _of_class(task, _WITH_ROLE, ALWAYS)
    return dict(sorted(actions.items(), key=lambda each: (each[1], each[0])))


def _of_class(task: type[Any], table: Mapping[type, Value], default: Value) -> Value:
    """Return the entry of a class or, for a subclass, of its nearest base."""
    return next((table[each] for each in task.__mro__ if each in table), default)
