"""Stop or start a recommender, or stop a training."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_personalize.error_codes import IN_USE, INVALID_INPUT, NOT_FOUND
from airflow_provider_personalize.goals import SETTLED, Goal
from airflow_provider_personalize.plans.steps import (
    READ_CONSISTENCY,
    Call,
    CallRecord,
    Done,
    Fail,
    Memory,
    Note,
    Observed,
    Step,
    Wanted,
    wait_for_consistency,
    wait_out,
    wait_until_visible,
)
from airflow_provider_personalize.status import SUCCEEDED, is_being_stopped, is_switching


@dataclass(frozen=True, kw_only=True)
class Switch(Wanted):
    """
    What a resource is to be brought to.

    :param goal: That.
    """

    goal: Goal


def next_step(wanted: Switch, observed: Observed, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to a recommender that is stopped, or started."""
    found = observed.found or {}
    call = memory.call
    if call and call.answered_at is not None:
        # until the call is visible, a sensor that comes after could take what was before for its outcome
        if found.get("status") == call.before and now < call.answered_at + READ_CONSISTENCY:
            last_seen = f"{call.before}: the call is not visible yet"
            return wait_until_visible(wanted.condition(wanted.goal), last_seen, memory)
        return wanted.until(wanted.goal, memory)
    condition, settled = wanted.condition(wanted.goal), wanted.condition(SETTLED)
    status, is_settled = condition.evaluate(found), settled.evaluate(found)
    if status.failed:
        return Fail(error=condition.error(status), memory=memory)
    if status.outcome == SUCCEEDED or is_switching(wanted.goal, found):
        note = Note(f"{status} already; nothing is sent ({condition.title})")
        return wanted.until(wanted.goal, memory, notes=[note])
    if is_settled.outcome == SUCCEEDED and not memory.refusal:
        return Call(
            operation=wanted.operation,
            request=wanted.request,
            record=CallRecord(before=found.get("status")),
            # which error says that the service will not have it now is not documented
            refusals=[IN_USE, INVALID_INPUT],
            done_note=f"Sent the {condition.title}",
            memory=memory,
        )
    if memory.refusal and memory.refusal.code != IN_USE and is_settled.outcome == SUCCEEDED:
        return Fail(memory=memory)
    last_seen = memory.refusal.message if memory.refusal else str(is_settled)
    return wait_out(settled, last_seen, memory)


def next_step_of_training(wanted: Switch, observed: Observed, memory: Memory, now: float) -> Step:  # noqa: ARG001
    """Return the next step: from whatever is observed to a training that is over."""
    found = observed.found or {}
    status = wanted.condition(wanted.goal).evaluate(found)
    if memory.is_answered or is_being_stopped(found):
        return wanted.until(wanted.goal, memory)
    if status.outcome == SUCCEEDED:
        text = f"{status}: it is over, and nothing is stopped ({wanted.condition(wanted.goal).title})"
        return Done(result=wanted.arn, notes=[Note.warning(text)], memory=memory)
    if memory.refusal:  # by what is in the way, which may be the call of an earlier attempt
        if memory.refusal.code == IN_USE and memory.is_retry and not memory.waited_for_consistency:
            return wait_for_consistency(wanted.operation, wanted.condition(wanted.goal), memory)
        return Fail(memory=memory)
    return Call(
        operation=wanted.operation,
        request=wanted.request,
        refusals=[IN_USE, INVALID_INPUT, NOT_FOUND],
        done_note=f"Stopping the training of {wanted.resource_type.short(wanted.arn)}",
        memory=memory,
    )
