"""Delete a resource: the one that was there when the attempt began, and no other that is made under its name."""

from __future__ import annotations

from dataclasses import replace

from airflow_provider_personalize.error_codes import IN_USE, NOT_FOUND
from airflow_provider_personalize.goals import GONE, SETTLED
from airflow_provider_personalize.plans.steps import (
    Call,
    Done,
    Fail,
    Memory,
    Note,
    Observed,
    Step,
    Wanted,
    wait_for_consistency,
    wait_out,
)
from airflow_provider_personalize.status import SUCCEEDED, is_being_deleted, iso


def next_step(wanted: Wanted, observed: Observed, memory: Memory, now: float) -> Step:  # noqa: ARG001 - as all plans
    """Return the next step: from whatever is observed to the end of the resource."""
    if (gone := step_if_gone(wanted, observed, memory)) is not None:
        return gone
    found = observed.found or {}
    memory = replace(memory, target_created=iso(found.get("creationDateTime")))
    if _was_unknown(memory):
        return wanted.until(GONE, memory, memory.target_created, [_deleted_meanwhile(wanted)])
    if memory.is_answered or is_being_deleted(wanted.resource_type, found):
        return wanted.until(GONE, memory, memory.target_created)
    settled = wanted.condition(SETTLED)
    status = settled.evaluate(found)
    if status.outcome != SUCCEEDED:
        last_seen = str(status)
        return wait_out(settled, last_seen, memory)
    if memory.refusal:  # by what is in the way, which may be the deletion of an earlier attempt
        if memory.is_retry and not memory.waited_for_consistency:
            return wait_for_consistency(wanted.operation, settled, memory)
        return Fail(memory=memory)
    return Call(
        operation=wanted.operation,
        request=wanted.request,
        refusals=[IN_USE, NOT_FOUND],
        done_note=f"Deleting the {wanted.resource_type.short(wanted.arn)}",
        memory=memory,
    )


def step_if_gone(wanted: Wanted, observed: Observed, memory: Memory) -> Step | None:
    """Return the end of the task, where the resource is gone; None where it is there."""
    found, short = observed.found, wanted.resource_type.short(wanted.arn)
    if found is None:
        note = Note(f"The {short} is gone")
        if _was_unknown(memory):
            note = _deleted_meanwhile(wanted)
        elif memory.target_created is None and not memory.is_answered:
            note = Note.warning(f"There is no {short}: nothing is deleted")
        return Done(result=wanted.arn, notes=[note], memory=memory)
    meant = memory.target_created or iso(found.get("creationDateTime"))
    if wanted.condition(GONE, meant).evaluate(found).outcome == SUCCEEDED:
        note = Note.warning(f"The {short} is gone, and another was made under its name: that stays")
        return Done(result=wanted.arn, notes=[note], memory=memory)
    return None


def _was_unknown(memory: Memory) -> bool:
    """Return whether the service did not know the resource when the deletion was called."""
    return memory.refusal is not None and memory.refusal.code == NOT_FOUND


def _deleted_meanwhile(wanted: Wanted) -> Note:
    return Note(f"Something else deleted the {wanted.resource_type.short(wanted.arn)} meanwhile")
