"""
Which IAM actions a task needs.

An action is named as the operation that it allows, with ``personalize:`` before it, for events and recommendations too
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonpersonalize.html). A task calls its own
operation and describes what it is about; what it calls besides is here, and tests hold it to what tasks really call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_personalize.resources import (
    BATCH_INFERENCE_JOB,
    BATCH_SEGMENT_JOB,
    CAMPAIGN,
    RESOURCE_TYPES,
    SCHEMA,
)

ALWAYS: Final = ""
FOR_THE_LINK: Final = "for the link to the console"
WITH_CASCADE: Final = "with `cascade`"
#: The action that lets a caller hand a role to the service, with the condition that it is this service.
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
    *(f"Delete{kind}" for kind in _DELETED),
    "ListTagsForResource",
    "StopSolutionVersionCreation",
    "TagResource",
    "UpdateSolution",
)
# What tasks call besides their own operation and the description of their resource, and when
_ALSO: Final[Mapping[str, Mapping[str, str]]] = {
    "AutomaticSolutionVersionSensor": {"ListSolutionVersions": ALWAYS, "DescribeSolution": ALWAYS},
    "CreateCampaignOperator": {"ListSolutionVersions": "with `$LATEST`"},
    "CreateDatasetGroupOperator": {"ListDatasetGroups": ALWAYS},
    "CreateEventTrackerOperator": {"ListEventTrackers": ALWAYS},
    "CreateMetricAttributionOperator": {"ListMetricAttributionMetrics": ALWAYS},
    "CreateSchemaOperator": {"ListSchemas": ALWAYS},
    "CreateSolutionVersionOperator": {
        "ListSolutionVersions": ALWAYS,
        "StopSolutionVersionCreation": "with `stop_on_kill`",
    },
    "DeleteDatasetGroupOperator": dict.fromkeys(_CASCADE, WITH_CASCADE),
    "UpdateCampaignOperator": {"ListSolutionVersions": "with `$LATEST`"},
    "UpdateMetricAttributionOperator": {"ListMetricAttributionMetrics": ALWAYS},
}
# The kinds whose descriptions name no dataset group, so that the link asks their solution
_LINKED_BY_SOLUTION: Final = frozenset({CAMPAIGN, BATCH_INFERENCE_JOB, BATCH_SEGMENT_JOB})
_ROLES: Final = {"role_arn", "metrics_output_config"}
_ROLE_LEFT_OUT: Final = {
    "CreateDatasetGroupOperator": "with `role_arn`",
    "UpdateMetricAttributionOperator": "with `metrics_output_config`",
}


def actions_of(task: type[Any]) -> dict[str, str]:
    """
    List the IAM actions that an operator or a sensor needs.

    :param task: Its class, as in ``UpdateSolutionOperator``.
    :return: The actions, each with when it takes it: ``"with `tags`"``, or an empty text for always. Without what is
        only for the link to the console, a task works and shows no link.
    """
    operation, resource_type = getattr(task, "operation", None), getattr(task, "resource_type", None)
    needed: dict[str, str] = {operation: ALWAYS} if operation else {}
    if hasattr(task, "goal"):
        needed[f"Describe{task.resource_type.pascal}"] = ALWAYS
    needed = {**_ALSO.get(task.__name__, {}), **needed}
    if resource_type in _LINKED_BY_SOLUTION:
        needed.setdefault("DescribeSolution", FOR_THE_LINK)
    if "tags" in task.members:
        needed.setdefault("TagResource", "with `tags`")
    actions = {f"personalize:{name}": when for name, when in needed.items()}
    if _ROLES & set(task.members):
        actions[ROLE_ACTION] = _ROLE_LEFT_OUT.get(task.__name__, ALWAYS)
    return dict(sorted(actions.items(), key=lambda each: (each[1], each[0])))
