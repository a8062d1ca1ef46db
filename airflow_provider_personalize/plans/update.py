"""
Update a resource whose description shows its latest update, and wait for that update.

``UpdateOperator`` says by which rules an update counts as this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from airflow_provider_personalize.comparison import REPLACED_AS_A_WHOLE, configuration, differences
from airflow_provider_personalize.error_codes import IN_USE
from airflow_provider_personalize.exceptions import UpdateReplacedError
from airflow_provider_personalize.goals import READY, SETTLED, UPDATED
from airflow_provider_personalize.plans.steps import (
    READ_CONSISTENCY,
    VISIBILITY_DELAY,
    Call,
    CallRecord,
    Done,
    Fail,
    Memory,
    Note,
    Observed,
    Poll,
    Sleep,
    Step,
    Superseded,
    Wanted,
    may_be_of_earlier_call,
    wait_for_consistency,
    wait_out,
)
from airflow_provider_personalize.request_rules import use_parameter_names
from airflow_provider_personalize.status import FAILED, IN_PROGRESS, SUCCEEDED, is_newer, iso

# An update is another one where it sets more than this one, too.
_WHOLE_UPDATE: Final = REPLACED_AS_A_WHOLE | {"solutionUpdateConfig"}

Content = Mapping[str, Any]


class Meaning:
    """How the content of an update reads in a description: as it was sent. For some resource types there is more."""

    def as_shown(self, content: Content, shown: Content, observed: Observed, at: datetime | None = None) -> Content:  # noqa: ARG002
        """
        Return what is wanted as a description would show it.

        :param content: What is wanted, as the request has it.
        :param shown: What it is compared with: how the resource is configured, or an update of it.
        :param at: When the call was made; None means now.
        """
        return content

    def resolved(self, content: Content, shown: Content, observed: Observed) -> Content:  # noqa: ARG002
        """Return what the service makes of a content at this moment, where that depends on the moment."""
        return content

    def variants(self, content: Content, found: Content) -> Sequence[Content]:  # noqa: ARG002
        """List how an update may be shown that was sent with a content."""
        return [content]


@dataclass(frozen=True, kw_only=True)
class Update(Wanted):
    """
    What an update is to bring about.

    :param meaning: How the content reads in a description.
    :param unchanged: What the log says of a resource that is as wanted.
    :param is_forced: Whether to send the update even if the resource is as wanted.
    :param keeps_unnamed: Whether the service may find nothing to do where all that is named is so, whatever is not.
    :param repairs_failed: Whether the service updates a resource whose creation failed.
    :param delay: Seconds between two polls; None means what suits the resource type.
    """

    meaning: Meaning = field(default_factory=Meaning)
    unchanged: str = "is as wanted already"
    is_forced: bool = False
    keeps_unnamed: bool = False
    repairs_failed: bool = False
    delay: float | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What the update sets."""
        return {member: value for member, value in self.request.items() if member != self.resource_type.arn_member}

    @property
    def title(self) -> str:
        """What a log line calls it: ``update of solution shop``."""
        return self.condition(UPDATED).title


def next_step(wanted: Update, observed: Observed, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to an update of this task that is shown, and to its end."""
    if memory.superseded:
        return _after_superseded(wanted, observed, memory)
    if memory.is_answered:
        return _until_visible(wanted, observed, memory, now)
    found = observed.found or {}
    settled = wanted.condition(SETTLED)
    status = settled.evaluate(found)
    if _is_ours(wanted, observed, memory, found):
        note = Note("This update has been sent already; nothing is sent")
        return _finish(wanted, memory, found, notes=[note])
    refusal = memory.refusal.message if memory.refusal else ""
    if status.outcome != SUCCEEDED or refusal:
        return wait_out(settled, refusal or str(status), memory)
    if not wanted.repairs_failed and (error := _own_failure(wanted, found)):
        return Fail(error=error, memory=memory)
    changed_by_us = memory.is_ambiguous and not (memory.call and memory.call.was_as_wanted)
    changes = _changes(wanted, observed, found)
    if (changed_by_us or not wanted.is_forced) and changes == []:
        text = f"Nothing is sent: it {wanted.unchanged}. if_unchanged='update' sends it all the same"
        return _done(wanted, memory, Note(f"{text} ({wanted.title})"))
    changes = [use_parameter_names(change, wanted.parameters) for change in changes or ()]
    notes = [Note(f"To change: {change}") for change in changes]
    if memory.is_retry and not memory.waited_for_consistency:
        return wait_for_consistency(wanted.operation, settled, memory, notes)
    return Call(
        operation=wanted.operation,
        request=wanted.request,
        changes=changes,
        record=memory.call or _record(wanted, observed, found),
        key=wanted.arn,
        refusals=[IN_USE],
        notes=notes,
        done_note=f"Sent the {wanted.title}",
        memory=memory,
    )


def _until_visible(wanted: Update, observed: Observed, memory: Memory, now: float) -> Step:
    """Wait until the update that was sent is shown."""
    call, found = memory.call or CallRecord(), observed.found or {}
    update = found.get(wanted.resource_type.update_member) or {}
    newer, is_late = is_newer(update, call.before), now > (call.answered_at or 0) + READ_CONSISTENCY
    outcome = wanted.condition(UPDATED).evaluate(found).outcome
    may_be_ours = newer and is_late and _may_have_content(wanted, observed, memory, update, found)
    if (newer and _has_content(wanted, observed, memory, update, found)) or (may_be_ours and outcome == FAILED):
        return _finish(wanted, memory, found)
    if newer and is_late and not (may_be_ours and outcome == IN_PROGRESS):  # the end of that one will tell
        reason = "an update with other content is shown in place of this one"
        step = _after_superseded(wanted, observed, replace(memory, superseded=Superseded(reason, call.before)))
        return replace(step, xcom=_xcom(wanted, memory)) if not step.xcom else step
    if call.was_as_wanted and not newer and is_late:
        if error := _own_failure(wanted, found):
            return Fail(error=error, memory=memory)
        text = f"The service made no update of it: it {wanted.unchanged} ({wanted.title})"
        return _done(wanted, memory, Note(text))
    last_seen = "another update is shown" if newer else "the update is not visible yet"
    delay = wanted.condition(UPDATED).poll_interval if wanted.delay is None else wanted.delay
    return Sleep(
        seconds=delay if is_late else VISIBILITY_DELAY,
        condition=wanted.condition(UPDATED),
        last_seen=f"{update.get('status') or 'no status seen'} ({last_seen})",
        notes=[Note(f"{update.get('status') or 'No update'}: {last_seen} ({wanted.title})")],
        memory=memory,
    )


def _after_superseded(wanted: Update, observed: Observed, memory: Memory) -> Step:
    """
    Accept the later update if it has the same content, or leaves in force what this one set.

    A campaign in sync deploys each new version by itself, for one.
    """
    found, superseded = observed.found or {}, memory.superseded or Superseded("", None)
    update = found.get(wanted.resource_type.update_member) or {}
    title = wanted.title

    def superseded_error(effect: str) -> UpdateReplacedError:
        return UpdateReplacedError(f"Superseded: {superseded.reason}; {effect} ({title}) {wanted.arn}")

    if not is_newer(update, superseded.created):  # a stale read
        return Sleep(
            seconds=VISIBILITY_DELAY,
            condition=wanted.condition(UPDATED),
            error=superseded_error("what is in effect is not shown"),
            memory=memory,
        )
    if _has_content(wanted, observed, memory, update, found):
        return _finish(wanted, replace(memory, superseded=None), found)
    for is_ahead in (False, True):
        shown = configuration(wanted.resource_type, found, ahead=is_ahead)
        if changes := _differences(wanted, observed, shown):
            changes = [use_parameter_names(change, wanted.parameters) for change in changes]
            return Fail(error=superseded_error(f"not as wanted: {'; '.join(changes)}"), memory=memory)
    if error := _own_failure(wanted, found):
        return Fail(error=error, memory=memory)
    note = Note(f"As wanted, though a later update followed ({title})")
    return Done(result=wanted.arn, notes=[note], memory=memory)


def _finish(wanted: Update, memory: Memory, found: Content, notes: Sequence[Note] = ()) -> Step:
    """Wait for the update that is shown; without ``waits`` that it is shown is enough."""
    created = iso(found[wanted.resource_type.update_member].get("creationDateTime"))
    xcom, done = _xcom(wanted, memory, created), Done(result=wanted.arn, memory=memory)
    if not wanted.waits:
        return replace(done, xcom=xcom, notes=notes)
    return Poll(
        condition=wanted.condition(UPDATED, created),
        seen=found,
        then=done,
        replans_if_superseded=True,
        xcom=xcom,
        notes=notes,
        memory=memory,
    )


def _done(wanted: Update, memory: Memory, note: Note) -> Done:
    return Done(result=wanted.arn, xcom=_xcom(wanted, memory), notes=[note], memory=memory)


def _xcom(wanted: Update, memory: Memory, created: str | None = None) -> dict[str, Any]:
    sent = memory.call is not None
    return {f"{wanted.resource_type.name}_update": {"creationDateTime": created, **wanted.content, "sent": sent}}


def _own_failure(wanted: Update, found: Content) -> Exception | None:
    """Return the error of a resource that itself failed, whatever its update says."""
    itself = wanted.condition(READY)
    status = itself.evaluate(found)
    return itself.error(status) if status.failed else None


def _changes(wanted: Update, observed: Observed, found: Content) -> list[str] | None:
    """List what the update would change; None where the resource itself is not usable, so that it is to be sent."""
    itself = wanted.condition(READY)
    if itself.evaluate(found).outcome != SUCCEEDED:
        return None
    return _differences(wanted, observed, configuration(wanted.resource_type, found))


def _differences(wanted: Update, observed: Observed, shown: Content) -> list[str]:
    content = wanted.meaning.as_shown(wanted.content, shown, observed)
    return differences(content, shown, REPLACED_AS_A_WHOLE)


def _record(wanted: Update, observed: Observed, found: Content) -> CallRecord:
    """Record what is shown before the first call."""
    shown = configuration(wanted.resource_type, found)
    content = wanted.meaning.resolved(wanted.content, shown, observed)
    return CallRecord(
        before=iso((found.get(wanted.resource_type.update_member) or {}).get("creationDateTime")),
        was_as_wanted=_names_nothing_new(wanted, observed, found),
        contents=wanted.meaning.variants(content, found),
    )


def _names_nothing_new(wanted: Update, observed: Observed, found: Content) -> bool:
    """
    Return whether the service may find nothing to do.

    With the latest update in force, or by the resource's own members alone: these may show what that update kept, too.
    """
    itself = {member: value for member, value in found.items() if member != wanted.resource_type.update_member}
    whole = frozenset() if wanted.keeps_unnamed else REPLACED_AS_A_WHOLE
    for each in (found, itself):
        shown = configuration(wanted.resource_type, each)
        if not differences(wanted.meaning.as_shown(wanted.content, shown, observed), shown, whole):
            return True
    return False


def _is_ours(wanted: Update, observed: Observed, memory: Memory, found: Content) -> bool:
    """Return whether the latest update is this task's: in progress, or sent by this attempt or an earlier one."""
    update = found.get(wanted.resource_type.update_member)
    if not update:
        return False
    outcome = wanted.condition(UPDATED).evaluate(found).outcome
    was_sent = memory.call is not None and is_newer(update, memory.call.before)
    was_earlier = outcome == SUCCEEDED and memory.call is None and may_be_of_earlier_call(observed, memory, update)
    if not (was_sent or was_earlier or outcome == IN_PROGRESS):
        return False
    return _has_content(wanted, observed, memory, update, found)


def _has_content(wanted: Update, observed: Observed, memory: Memory, update: Content, found: Content) -> bool:
    """
    Return whether an update has this content, and no other in what it replaces.

    What it does not show of the content, such as a switch that is off, must be so in the configuration.
    """
    hidden = {member: value for member, value in wanted.content.items() if _hides(update, member, value)}
    shown = configuration(wanted.resource_type, found)
    if hidden and differences(wanted.meaning.as_shown(hidden, shown, observed), shown, REPLACED_AS_A_WHOLE):
        return False
    return _may_have_content(wanted, observed, memory, update, found)


def _may_have_content(wanted: Update, observed: Observed, memory: Memory, update: Content, found: Content) -> bool:
    """Return whether an update shows nothing that contradicts this content."""
    sent = memory.call.contents if memory.call else ()
    if any(not differences(content, update, _WHOLE_UPDATE) for content in sent):
        return True
    shown, at = {**configuration(wanted.resource_type, found), **update}, update.get("creationDateTime")
    contents = (
        wanted.meaning.as_shown(content, shown, observed, at)
        for content in wanted.meaning.variants(wanted.content, found)
    )
    return any(not differences(content, update, _WHOLE_UPDATE) for content in contents)


def _hides(update: Content, member: str, value: Any) -> bool:
    """Return whether an update does not show a member of a content, or a part of that."""
    shown = update.get(member)
    return shown is None or (
        isinstance(value, Mapping) and isinstance(shown, Mapping) and not value.keys() <= shown.keys()
    )
