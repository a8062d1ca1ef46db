"""
Start something that runs and ends, a job or a training: once for each task instance, whatever becomes of the worker.

A name that is not given is derived from the task instance. So a retry finds what an earlier attempt started; after one
that failed, or that is over and from before this run, the next derived name is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_personalize.exceptions import PersonalizeError, ResourceExistsError
from airflow_provider_personalize.goals import SETTLED
from airflow_provider_personalize.plans.create import (
    Creation,
    ObservedExisting,
    difference_error,
    finish,
    search_or_create,
    until_visible,
)
from airflow_provider_personalize.plans.steps import (
    NOTHING_BEFORE,
    READ_CONSISTENCY,
    Fail,
    Memory,
    Note,
    Replan,
    Step,
    may_be_of_earlier_call,
    wait_out,
    wait_until_visible,
)
from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED, is_being_stopped

#: So many names are derived at most: more attempts of one task instance than there will be.
MOST_NAMES: Final = 1000
#: What the task state store has under an ARN once an attempt of this task has seen its end.
SEEN: Final = "seen"


@dataclass(frozen=True)
class ObservedJob(ObservedExisting):
    """
    A job or a training.

    :param stored_end: What the task state store has under its ARN: ``SEEN`` once an attempt has seen its end.
    """

    stored_end: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job(Creation):
    """
    What is wanted, under one name.

    :param name_parameter: The operator's parameter with the name.
    :param has_derived_name: Whether the name is derived, and not given.
    :param is_searched: Whether a retry searches for a while before it starts another: the ARN does not tell the name.
    :param stop_on_kill: Whether the end of the task stops what it started, so that the next attempt starts another.
    :param is_in_loop: Whether the task is in a task loop.
    """

    name_parameter: str = "job_name"
    has_derived_name: bool = True
    is_searched: bool = False
    stop_on_kill: bool = False
    is_in_loop: bool = False


def next_step(wanted: Job, observed: ObservedJob, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to one job of this task instance, and to its end."""
    found = observed.found
    if memory.is_answered:
        if not found:
            return until_visible(wanted, observed, memory, now)
        return _finish(wanted, memory, found)
    if found and wanted.stop_on_kill and is_being_stopped(found):
        settled = wanted.condition_of(found[wanted.resource_type.arn_member], SETTLED)
        return wait_out(settled, found["status"], memory)
    if found:
        return _decide(wanted, observed, memory, found)
    if wanted.is_searched and memory.is_retry and not memory.refusal:
        since = memory.searching_since or now
        if now < since + READ_CONSISTENCY:
            return wait_until_visible(
                wanted.condition_of(wanted.name),
                "what an earlier attempt may have started is not visible yet",
                replace(memory, searching_since=since),
            )
    quota_delay = wanted.condition_of("").poll_interval
    return search_or_create(wanted, memory, now, quota_delay, is_job=True)


def _decide(wanted: Job, observed: ObservedJob, memory: Memory, found: Mapping[str, Any]) -> Step:
    """Wait for one that exists, or try the next derived name, or fail."""
    resource_type, arn = wanted.resource_type, found[wanted.resource_type.arn_member]
    condition, short = wanted.condition_of(arn), wanted.resource_type.short(arn)
    status, changes = condition.evaluate(found), observed.changes
    notes: list[Note] = []
    is_over = status.outcome != IN_PROGRESS and not observed.is_of_run(found)
    # by the store, a call has no known outcome, or what it started has no known end
    is_unseen = wanted.has_derived_name and observed.stored == NOTHING_BEFORE
    is_unseen = is_unseen or (observed.stored == arn and observed.stored_end not in {SEEN, None})
    if is_over and status.outcome == SUCCEEDED and is_unseen and not changes:
        notes.append(Note.warning(f"The {short} ended while no attempt was running. It is reused"))
        is_over = False
    was_stopped = status.status == resource_type.stopped and not wanted.stop_on_kill
    if wanted.has_derived_name and (is_over or (status.failed and not was_stopped)):
        note = Note(f"{status}: it is over, and another is made ({short})")
        if memory.name_number + 1 >= MOST_NAMES:
            return Fail(error=_no_name_left(wanted), memory=memory)
        return Replan(notes=[note], memory=_next_name(memory))
    if changes:
        return Fail(error=difference_error(wanted, arn, changes, can_ignore=False), memory=memory)
    if status.failed:
        return Fail(error=condition.error(status), memory=memory)
    if is_over:
        text = (
            f"Nothing was done: the {short} is from before this run, of {found['creationDateTime']}. Its name is never "
            f"freed: leave {wanted.name_parameter} out, or put something of the run into it. {arn}"
        )
        return Fail(error=ResourceExistsError(text), memory=memory)
    is_ours = observed.stored == arn or may_be_of_earlier_call(observed, memory, found)
    if not (wanted.has_derived_name or is_ours):
        by_this, what = "this task instance", "something of the run and the task"
        if wanted.is_in_loop:
            by_this, what = "this iteration of the loop", "{{ loop.index }}"
        text = (
            f"Nothing was done: the {short} was not made by {by_this}. Leave {wanted.name_parameter} out, or put "
            f"{what} into it. {arn}"
        )
        return Fail(error=ResourceExistsError(text), memory=memory)
    notes.append(Note(f"{status}: started before in this run, and no other is made: {resource_type.title} {arn}"))
    return _finish(wanted, memory, found, notes)


def _next_name(memory: Memory) -> Memory:
    number = memory.name_number + 1
    return replace(memory, name_number=number, call=None, refusal=None, searching_since=None)


def _no_name_left(wanted: Job) -> PersonalizeError:
    return PersonalizeError(
        f"The {MOST_NAMES} names that this task has, the last of them {wanted.name!r}, are all used up: so many times "
        f"a {wanted.resource_type.title} of its own was found that is over. No other is made."
    )


def _finish(wanted: Job, memory: Memory, found: Mapping[str, Any], notes: list[Note] | None = None) -> Step:
    arn = str(found[wanted.resource_type.arn_member])
    return finish(wanted, memory, found, notes=notes or (), store={wanted.name: arn}, seen_end=SEEN)
