"""
Whether an import or a training would bring anything new: asked before the call that would be charged.

A skip means that what the task was asked for is in effect without it. What the API does not tell counts as new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_provider_personalize.goals import READY, SETTLED
from airflow_provider_personalize.plans.steps import (
    Call,
    Done,
    Memory,
    Note,
    Skip,
    Step,
    wait_for_consistency,
    wait_out,
)
from airflow_provider_personalize.resources import (
    DATA_DELETION_JOB,
    DATASET,
    DATASET_IMPORT_JOB,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)
from airflow_provider_personalize.status import WaitCondition, is_being_stopped

#: The tag of an import job that tells which objects were there to read.
OBJECTS_TAG: Final = "airflow-provider-personalize:objects"
#: So many tags a resource has at most: https://docs.aws.amazon.com/personalize/latest/dg/tagging-resources.html
MOST_TAGS: Final = 50
#: Datasets that take records one by one, without an event tracker.
_PUT_DIRECTLY: Final = frozenset({"ITEMS", "USERS", "ACTIONS"})

Members = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ObservedImports:
    """
    What is known of the imports into a dataset.

    :param objects: A digest of the location and the objects that an import would read now; None where it would read
        none, or they are too many to list.
    :param dataset: The description of the dataset.
    :param jobs: The summaries of all import jobs of the dataset.
    :param latest: The description of the newest of them; None before the first.
    :param latest_objects: The digest in its tags; None if it has none.
    :param deletions: The summaries of the data deletion jobs of the dataset's group.
    """

    objects: str | None
    dataset: Members
    jobs: Sequence[Members] = ()
    latest: Members | None = None
    latest_objects: str | None = None
    deletions: Sequence[Members] = ()


def other_tags(request: Members) -> list[Mapping[str, str]]:
    """Return the tags in the request of an import, without the one that tells which objects there are."""
    return [each for each in request.get("tags", ()) if each["tagKey"] != OBJECTS_TAG]


def import_or_skip(
    call: Call, observed: ObservedImports, memory: Memory, *, succeeds: bool, waits: bool = True
) -> Step:
    """
    Return the call, with the tag that tells the next task what was there to read; or skip it.

    The same import in progress is waited for: it decides whether there is anything left to import.

    :param call: The step that the plan of the job has chosen: no job of this task instance exists.
    :param succeeds: Whether a skip counts as success, with the ARN of the earlier job as the result.
    :param waits: Whether the task waits for imports to end.
    """
    if news := reason_to_import(call.request, observed):
        tags = other_tags(call.request)
        if observed.objects:
            tags.append({"tagKey": OBJECTS_TAG, "tagValue": observed.objects})
        request = {**call.request, "tags": tags} if tags else call.request
        return replace(call, request=request, notes=[*call.notes, Note(f"Importing: {news}")])
    latest = observed.latest or {}
    if latest["status"] not in DATASET_IMPORT_JOB.ready and waits:
        return _wait_for(DATASET_IMPORT_JOB, latest, memory)
    arn = str(latest[DATASET_IMPORT_JOB.arn_member])
    why = f"Nothing to import: the objects are those of the {DATASET_IMPORT_JOB.short(arn)}"
    return _skip(call, DATASET_IMPORT_JOB, arn, why, memory, succeeds=succeeds)


def reason_to_import(request: Members, observed: ObservedImports) -> str | None:
    """
    Return what is new, or not known to be old; None if the dataset is, or will be, as this import would leave it.

    That is so only if the last import into the dataset, whoever began it, was this one: the same location, mode and
    objects. An import of another location, or in another mode, that came in between has changed the data.
    """
    latest = observed.latest
    if latest is None:
        return "nothing has been imported yet"
    began, status = latest.get("creationDateTime"), latest.get("status")
    is_failed = status in DATASET_IMPORT_JOB.final and status not in DATASET_IMPORT_JOB.ready
    if is_failed or status is None or began is None:
        return f"the last import of this dataset is {latest.get('status')}"
    return _reason_to_import_other(request, observed, latest) or _reason_to_import_again(observed, latest, began)


def _reason_to_import_other(request: Members, observed: ObservedImports, latest: Members) -> str | None:
    """Return in what this import differs from the last one."""
    if request.get("importMode", "FULL") != latest.get("importMode"):
        return "the last import of this dataset had another mode"
    if request.get("publishAttributionMetricsToS3") and not latest.get("publishAttributionMetricsToS3"):
        return "the last import published no metrics"
    if observed.objects is None:
        return "no objects could be listed"
    if observed.latest_objects is None:
        return "the last import does not tell which objects it read"
    return None if observed.objects == observed.latest_objects else "the last import read other objects"


def _reason_to_import_again(observed: ObservedImports, latest: Members, began: datetime) -> str | None:
    """Return what may have changed the dataset since the last import began."""
    others = [job for job in observed.jobs if job.get("datasetImportJobArn") != latest["datasetImportJobArn"]]
    if not all(_has_ended(DATASET_IMPORT_JOB, job, began) for job in others):
        return "another import of this dataset ran at the same time as the last one"
    if not _is_before(observed.dataset.get("creationDateTime"), began):
        return "the dataset has been created anew since the last import"
    if _was_updated(DATASET, observed.dataset, began):
        return "the schema of the dataset has been updated since the last import"
    if not all(_has_ended(DATA_DELETION_JOB, job, began) for job in observed.deletions):
        return "data of users has been deleted since the last import"
    return None


@dataclass(frozen=True, kw_only=True)
class TrainingPolicy:
    """
    When a training is skipped.

    :param younger_than: If the newest version is younger than so many seconds; None never.
    :param ignores_real_time_data: Whether data that came in real time, which the API does not show, does not count.
    :param succeeds: Whether a skip counts as success, with the ARN of the newest version as the result.
    :param waits: Whether the task waits for trainings to end.
    """

    younger_than: float | None = None
    ignores_real_time_data: bool = False
    succeeds: bool = False
    waits: bool = True


@dataclass(frozen=True, kw_only=True)
class ObservedData:
    """
    What the API tells of the data that a solution trains on.

    :param solution: The description of the solution.
    :param datasets: The descriptions of all datasets of its group.
    :param imports: The summaries of all import jobs of these datasets.
    :param deletions: The summaries of the group's data deletion jobs.
    :param event_trackers: The summaries of the group's event trackers.
    """

    solution: Members
    datasets: Sequence[Members] = ()
    imports: Sequence[Members] = ()
    deletions: Sequence[Members] = ()
    event_trackers: Sequence[Members] = ()


def train_or_skip(
    call: Call,
    policy: TrainingPolicy,
    versions: Sequence[Members],
    data: ObservedData | None,
    memory: Memory,
    service_now: datetime,
) -> Step:
    """
    Return the call; or skip it; or wait for what decides it: a training or a job in progress.

    :param call: The step that the plan of the training has chosen: no version of this task instance exists.
    :param versions: The summaries of the solution's versions.
    :param data: What is known of the data, where a training without new data is skipped; None where it is not.
    :param service_now: The time by the service's clock.
    """
    version = newest_version(versions, mode=call.request.get("trainingMode"), in_progress=True)
    if version is None:
        return _train(call, "the solution has no such version yet")
    began, arn = version["creationDateTime"], version["solutionVersionArn"]
    age = service_now - began
    why = f"{SOLUTION_VERSION.short(arn)} is {_rounded(age)} old"
    # one that this task began to wait for while it was young counts, however long its training took
    is_young = memory.stage == arn or (policy.younger_than is not None and age.total_seconds() < policy.younger_than)
    if not is_young:
        if data is None:
            return _train(call, why)
        if news := reason_to_train(began, data, ignores_real_time_data=policy.ignores_real_time_data):
            return _train(call, news)
        if busy := _job_in_progress(data):
            return _wait_for(*busy, memory)
        why = f"no new data since the training of {SOLUTION_VERSION.short(arn)} began, at {began}"
    if version["status"] not in SOLUTION_VERSION.ready and policy.waits:
        return _wait_for(SOLUTION_VERSION, version, replace(memory, stage=arn) if is_young else memory)
    return _skip(call, SOLUTION_VERSION, arn, f"Nothing to train: {why}", memory, succeeds=policy.succeeds)


def newest_version(
    versions: Sequence[Members], *, mode: str | None = None, in_progress: bool = False
) -> Members | None:
    """
    Return the newest version that can be used.

    :param mode: ``"FULL"`` leaves out those that were trained from a part of the data; None is FULL.
    :param in_progress: Whether one in progress counts, too.
    """

    def counts(version: Members) -> bool:
        if version.get("trainingMode") == "UPDATE" and mode != "UPDATE":
            return False
        if not isinstance(version.get("creationDateTime"), datetime):
            return False
        status = version.get("status")
        is_on = status not in SOLUTION_VERSION.final and not is_being_stopped(version)
        return status in SOLUTION_VERSION.ready or (in_progress and is_on)

    return max(filter(counts, versions), key=lambda version: version["creationDateTime"], default=None)


def reason_to_train(since: datetime, data: ObservedData, *, ignores_real_time_data: bool) -> str | None:
    """Return what is new since a moment, or cannot be known; None if nothing is."""
    for job in data.imports:
        if _has_succeeded_since(DATASET_IMPORT_JOB, job, since):
            return f"{DATASET_IMPORT_JOB.short(job.get('datasetImportJobArn'))} has ended since"
    if any(_has_succeeded_since(DATA_DELETION_JOB, job, since) for job in data.deletions):
        return "data of users has been deleted since"
    for dataset in data.datasets:
        if not _is_before(dataset.get("creationDateTime"), since) or _was_updated(DATASET, dataset, since):
            return f"the {dataset.get('datasetType')} dataset has been created or updated since"
    if _was_updated(SOLUTION, data.solution, since):
        return "the solution has been updated since"
    if ignores_real_time_data:
        return None
    if data.event_trackers:
        return "there is an event tracker, and the API does not tell whether events have come since"
    if _PUT_DIRECTLY & {str(dataset.get("datasetType")) for dataset in data.datasets}:
        return "the API does not tell whether items, users or actions have been put since"
    return None


def _job_in_progress(data: ObservedData) -> tuple[ResourceType, Members] | None:
    jobs = [(DATASET_IMPORT_JOB, job) for job in data.imports] + [(DATA_DELETION_JOB, job) for job in data.deletions]
    return next((each for each in jobs if each[1].get("status") not in each[0].final), None)


def _wait_for(resource_type: ResourceType, resource: Members, memory: Memory) -> Step:
    arn = str(resource[resource_type.arn_member])
    return wait_out(WaitCondition(resource_type.name, arn, SETTLED), str(resource.get("status")), memory)


def _train(call: Call, why: str) -> Step:
    return replace(call, notes=[*call.notes, Note(f"Training: {why}")])


def _skip(call: Call, resource_type: ResourceType, arn: str, why: str, memory: Memory, *, succeeds: bool) -> Step:
    """Skip; on a retry not before what an earlier attempt may have started is visible."""
    has_waited = memory.waited_for_consistency or memory.searching_since is not None
    if memory.is_retry and not has_waited:
        return wait_for_consistency(call.operation, WaitCondition(resource_type.name, arn, READY), memory)
    if succeeds:
        return Done(result=arn, is_own=False, notes=[Note(f"{why}. {arn}")], memory=memory)
    return Skip(reason=f"{why}. {arn}", memory=memory)


def _has_ended(resource_type: ResourceType, job: Members, before: datetime) -> bool:
    return job.get("status") in resource_type.final and _is_before(job.get("lastUpdatedDateTime"), before)


def _has_succeeded_since(resource_type: ResourceType, job: Members, since: datetime) -> bool:
    return job.get("status") in resource_type.ready and not _is_before(job.get("lastUpdatedDateTime"), since)


def _was_updated(resource_type: ResourceType, resource: Members, since: datetime) -> bool:
    """Return whether an update may have taken effect since a moment, or may soon; one that failed has no effect."""
    update = resource.get(resource_type.update_member)
    if not update or update.get("status") in resource_type.failed | resource_type.update_failed:
        return False
    return update.get("status") not in resource_type.final or not _is_before(update.get("lastUpdatedDateTime"), since)


def _is_before(moment: object, other: datetime) -> bool:
    return isinstance(moment, datetime) and moment < other


def _rounded(age: timedelta) -> timedelta:
    return timedelta(seconds=max(0, int(age.total_seconds())))
