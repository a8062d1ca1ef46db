"""
What a waiting task logs: the status, how long it has taken, how long it usually takes, and the time left.

Pure functions. Worker, sensor and triggerer all use them, so their lines read alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.goals import READY, TRAINED, UPDATED
from airflow_provider_personalize.resources import (
    BATCH_INFERENCE_JOB,
    BATCH_SEGMENT_JOB,
    DATA_DELETION_JOB,
    DATASET_EXPORT_JOB,
    DATASET_IMPORT_JOB,
    SOLUTION_VERSION,
    ResourceType,
)

if TYPE_CHECKING:
    from airflow_provider_personalize.status import WaitCondition, WaitStatus

#: Under which keys the state of a deferral has when the wait began, and the seconds that it usually takes.
SINCE: Final = "since"
USUAL: Final = "usual"
#: From how many minutes on seconds are left out.
MINUTES_WITHOUT_SECONDS: Final = 10
#: By how many seconds the service's time may be wrong; what seems younger than now by more has another clock.
TOLERANCE: Final = 60
#: How many earlier ones tell the usual duration.
MOST: Final = 5
#: The resource types whose summaries tell how long one took, with the member in which those must agree. The others take
#: a minute, or can be updated, which moves their lastUpdatedDateTime.
ALIKE: Final[Mapping[str, str]] = {
    DATASET_IMPORT_JOB.name: "importMode",
    DATASET_EXPORT_JOB.name: "",
    DATA_DELETION_JOB.name: "",
    SOLUTION_VERSION.name: "trainingMode",
    BATCH_INFERENCE_JOB.name: "batchInferenceJobMode",
    BATCH_SEGMENT_JOB.name: "",
}
# A status of what is being made, not updated or deleted, so that its age is how long that has taken
_BEING_MADE: Final = re.compile("(CREATE )?(PENDING|IN[_ ]PROGRESS|STOPPING)")


def line(
    status: WaitStatus,
    condition: WaitCondition,
    *,
    waited: float | None = None,
    service_time: float | None = None,
    usual: float | None = None,
    left: float | None = None,
) -> str:
    """
    Return a line of progress: ``CREATE PENDING, after 5 s, usually 20 min, timeout in 24 h (solution version shop/1)``.

    :param waited: Seconds since the wait began; None leaves them out.
    :param service_time: The service's time, in seconds since the epoch: what is being made is as old as it says.
    :param usual: Seconds that it usually takes, if that is known.
    :param left: Seconds until the task gives up; None leaves them out.
    """
    created = _made_since(status, condition, was_waited_for=waited is not None)
    if created and service_time is not None and (age := service_time - created.timestamp()) > -TOLERANCE:
        waited = age
    parts = [
        str(status),
        f"after {duration(waited)}" if waited is not None else "",
        f"usually {duration(usual)}" if usual is not None else "",
        f"timeout in {duration(left)}" if left is not None else "",
    ]
    return f"{', '.join(filter(None, parts))} ({condition.title})"


def _made_since(status: WaitStatus, condition: WaitCondition, *, was_waited_for: bool) -> datetime | None:
    """Return when began what is waited for, by the service's clock; None where its description does not tell."""
    description, is_update = status.description, condition.goal == UPDATED
    if is_update:
        description = description.get(condition.resource_type.update_member) or {}
    elif condition.goal not in {READY, TRAINED} or _is_of_schedule(condition, description):
        return None
    is_being_made = _BEING_MADE.fullmatch(status.status or "") is not None
    # others may have been made long ago, and updated or started since
    if not (is_being_made or (was_waited_for and (is_update or condition.resource in ALIKE))):
        return None
    if is_update and condition.created:
        return datetime.fromisoformat(condition.created)
    created = description.get("creationDateTime")
    return created if isinstance(created, datetime) else None


def _is_of_schedule(condition: WaitCondition, description: Mapping[str, Any]) -> bool:
    """Return whether no automatic training has begun, so that the description is that of the solution."""
    return condition.goal == TRAINED and SOLUTION_VERSION.arn_member not in description


def duration(seconds: float) -> str:
    """Write a duration in at most two units: ``45 s``, ``1 min 50 s``, ``38 min``, ``23 h 59 min``."""
    left = max(0, round(seconds))
    minutes, hours = left // 60, left // 3600
    less = {"min": minutes, "s": left % 60 if minutes < MINUTES_WITHOUT_SECONDS else 0}
    parts = {"h": hours, "min": minutes % 60} if hours else less
    return " ".join(f"{number} {unit}" for unit, number in parts.items() if number) or "0 s"


def siblings(condition: WaitCondition, description: Mapping[str, Any]) -> tuple[ResourceType, dict[str, Any]] | None:
    """
    Return what to list for the usual duration: the resource type, and the request. None where nothing tells it.

    :param condition: What is waited for.
    :param description: The description of what is being made.
    """
    resource_type = condition.resource_type
    is_made = condition.goal in {READY, TRAINED} and not _is_of_schedule(condition, description)
    if resource_type.name not in ALIKE or not is_made or not description:
        return None
    request: dict[str, Any] = {"maxResults": 100}
    if (parent := resource_type.list_filter) and not _is_of_version(resource_type):
        request[parent] = description.get(parent)
    return resource_type, request


def _is_of_version(resource_type: ResourceType) -> bool:
    """Return whether it is listed by version. Each training makes another, so those of the solution are compared."""
    return resource_type.list_filter == SOLUTION_VERSION.arn_member


def _parent(resource_type: ResourceType, part: Mapping[str, Any]) -> str:
    """Return the solution of a batch job; of others only those with the same parent are listed."""
    return str(part.get(SOLUTION_VERSION.arn_member)).rpartition("/")[0] if _is_of_version(resource_type) else ""


def usual_duration(
    resource_type: ResourceType, description: Mapping[str, Any], summaries: Iterable[Mapping[str, Any]]
) -> float | None:
    """
    Return the seconds that those like it took: the median of the last five that succeeded; None without any.

    Assumed: nothing moves the ``lastUpdatedDateTime`` of a job that is over. For a version, the automatic updates of
    some recipes might. So one that seems to have taken longer than a wait may last does not count.
    """
    mode = ALIKE[resource_type.name]
    took = [
        (summary["creationDateTime"], (summary["lastUpdatedDateTime"] - summary["creationDateTime"]).total_seconds())
        for summary in summaries
        if summary.get("status") in resource_type.ready
        and summary.get(mode) == description.get(mode)
        and _parent(resource_type, summary) == _parent(resource_type, description)
    ]
    plausible = [seconds for _, seconds in sorted(took, reverse=True) if 0 < seconds <= resource_type.wait_timeout]
    last = sorted(plausible[:MOST])
    return last[len(last) // 2] if last else None
