"""Create a long-lived resource, or find the one of its name: made once, and found again by everybody."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_personalize.error_codes import ALREADY_EXISTS, IN_USE
from airflow_provider_personalize.exceptions import ResourceDiffersError, ResourceExistsError
from airflow_provider_personalize.goals import GONE, READY, SETTLED, Goal
from airflow_provider_personalize.plans.steps import (
    READ_CONSISTENCY,
    Call,
    Done,
    Fail,
    Memory,
    Note,
    Observed,
    Poll,
    Step,
    Wanted,
    may_be_of_earlier_call,
    wait_out,
    wait_until_visible,
)
from airflow_provider_personalize.request_rules import use_parameter_names
from airflow_provider_personalize.resources import SOLUTION_VERSION
from airflow_provider_personalize.status import WaitCondition, is_being_deleted, is_being_updated, iso


@dataclass(frozen=True)
class ObservedExisting(Observed):
    """
    The resource of the name that is wanted.

    :param changes: In what it differs from the request and may not, a sentence each.
    """

    changes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Creation(Wanted):
    """
    What is to be created.

    :param is_exclusive: Whether one that exists is an error, unless an earlier attempt of this task may have made it.
    :param taken: The error codes that say that it exists.
    :param xcom: Members of the description to push to XCom, by their keys there.
    """

    is_exclusive: bool = False
    taken: Collection[str] = (ALREADY_EXISTS,)
    xcom: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that it gets."""
        return str(self.request.get("name") or self.request["jobName"])

    def condition_of(self, arn: str, goal: Goal = READY, created: str | None = None) -> WaitCondition:
        """Return the condition that the resource with an ARN has come to a goal."""
        return WaitCondition(self.resource_type.name, arn, goal, created)


def next_step(wanted: Creation, observed: ObservedExisting, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to one resource of the name that is as wanted."""
    found, resource_type = observed.found, wanted.resource_type
    if memory.is_answered:
        return finish(wanted, memory, found) if found else until_visible(wanted, observed, memory, now)
    if not found:
        return search_or_create(wanted, memory, now)
    arn = found[resource_type.arn_member]
    if is_being_deleted(resource_type, found):
        gone = wanted.condition_of(arn, GONE, iso(found.get("creationDateTime")))
        return wait_out(gone, "it is being deleted", memory)
    if wanted.is_exclusive and not may_be_of_earlier_call(observed, memory, found):
        text = (
            f"The {resource_type.short(arn)} exists already, since {found['creationDateTime']}, and if_exists is "
            f"'fail'. {arn}"
        )
        return Fail(error=ResourceExistsError(text), memory=memory)
    changes = observed.changes
    if changes and is_being_updated(resource_type, found):  # that update may make it as wanted
        return wait_out(wanted.condition_of(arn, SETTLED), "it is being updated", memory)
    if changes:
        return Fail(error=difference_error(wanted, arn, changes, can_ignore=True), memory=memory)
    status = wanted.condition_of(arn).evaluate(found)
    if status.failed:
        return Fail(error=wanted.condition_of(arn).error(status), memory=memory)
    note = Note(f"Exists already, as wanted; no other is made: {resource_type.title} {arn}")
    return finish(wanted, memory, found, notes=[note])


def search_or_create(
    wanted: Creation, memory: Memory, now: float, quota_delay: float | None = None, *, is_job: bool = False
) -> Step:
    """Create what is not there; where the service says that it is, look for it until reads are consistent."""
    if memory.refusal:
        if memory.refusal.code == IN_USE or now >= memory.refusal.at + READ_CONSISTENCY:
            return Fail(memory=memory)
        title = wanted.resource_type.title
        condition = wanted.condition_of(wanted.name)
        return wait_until_visible(condition, f"no such {title}", memory)
    return Call(
        operation=wanted.operation,
        request=wanted.request,
        key=wanted.name,
        stores_arn=is_job,
        # of a version that is not ACTIVE, as assumed: which error says so is not documented
        refusals=(*wanted.taken, *([IN_USE] if SOLUTION_VERSION.arn_member in wanted.request else [])),
        quota_delay=quota_delay,
        done_note=f"Created the {wanted.resource_type.title} {{arn}}",
        memory=memory,
    )


def until_visible(wanted: Creation, observed: Observed, memory: Memory, now: float) -> Step:
    """Wait until what was just created is shown at all. That it may be unknown at first is assumed."""
    call = memory.call
    if call is None or call.answered_at is None or now >= call.answered_at + READ_CONSISTENCY:
        return Fail(error=observed.error, memory=memory)
    condition = wanted.condition_of(call.arn or wanted.name)
    return wait_until_visible(condition, "it is not visible yet", memory)


def finish(
    wanted: Creation,
    memory: Memory,
    found: Mapping[str, Any],
    *,
    notes: Sequence[Note] = (),
    store: Mapping[str, str] | None = None,
    seen_end: str | None = None,
) -> Step:
    """
    Wait until it is usable, and return its ARN.

    :param store: What the task state store is to keep before.
    :param seen_end: What the store is to keep under the ARN once the end was seen.
    """
    arn = str(found[wanted.resource_type.arn_member])
    kept = {arn: seen_end} if seen_end else {}
    xcom = {key: found[member] for key, member in wanted.xcom.items()}
    done = Done(result=arn, store=kept, memory=memory)
    if not wanted.waits:
        return replace(done, xcom=xcom, notes=notes, store={**(store or {}), **kept})
    return Poll(
        condition=wanted.condition_of(arn),
        seen=found,
        then=done,
        xcom=xcom,
        notes=notes,
        store=store or {},
        memory=memory,
    )


def difference_error(wanted: Creation, arn: str, changes: Sequence[str], *, can_ignore: bool) -> ResourceDiffersError:
    """Return the error of one that exists and differs, in the names of the parameters."""
    named = [use_parameter_names(change, wanted.parameters) for change in changes]
    differing = {re.split(r"\W", change)[0] for change in named}
    ignorable = [parameter for parameter in wanted.parameters.values() if can_ignore and parameter in differing]
    return ResourceDiffersError(wanted.resource_type.short(arn), arn, named, ignorable)
