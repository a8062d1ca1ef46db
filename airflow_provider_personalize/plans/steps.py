"""What a plan observes, what it remembers between two steps, and the steps that it may choose."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.goals import READY, Goal
from airflow_provider_personalize.resources import SOLUTION_VERSION, ResourceType
from airflow_provider_personalize.status import IN_PROGRESS, WaitCondition, is_being_deleted, iso

#: Seconds within which a write becomes visible to reads, as assumed: the longest that a stale read is waited out.
READ_CONSISTENCY: Final = 60
#: Seconds between two polls for a write to become visible.
VISIBILITY_DELAY: Final = 2
#: In the task state store: that a call was made while the service showed nothing older.
NOTHING_BEFORE: Final = "none before"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """
    What an operator is asked for.

    :param resource_type: The type of the resource.
    :param operation: The operation that brings it about.
    :param request: Its input.
    :param parameters: The operator's parameters by the members of the request, for messages.
    :param waits: Whether to wait for the outcome.
    """

    resource_type: ResourceType
    operation: str
    request: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    waits: bool = True

    @property
    def arn(self) -> str:
        """The ARN in the request."""
        return str(self.request[self.resource_type.arn_member])

    def condition(self, goal: Goal, created: str | None = None) -> WaitCondition:
        """Return the condition that the resource, or its update of a certain time, has come to a goal."""
        return WaitCondition(self.resource_type.name, self.arn, goal, created)

    def until(self, goal: Goal, memory: Memory, created: str | None = None, notes: Sequence[Note] = ()) -> Poll | Done:
        """End once the resource has come to a goal; without ``waits``, that it is on its way is enough."""
        done = Done(result=self.arn, memory=memory)
        if not self.waits:
            return replace(done, notes=notes)
        return Poll(condition=self.condition(goal, created), then=done, notes=notes, memory=memory)


@dataclass(frozen=True)
class CallRecord:
    """
    A write that may have been applied.

    :param before: When that was created which the service showed before the first such call (ISO 8601); None where it
        showed nothing.
    :param was_as_wanted: Whether all was as wanted before that call, so that the service may have nothing to do.
    :param contents: How the service may show what was sent.
    :param ambiguous: Whether a call had no answer: it may have been applied or not.
    :param answered_at: When the service accepted a call, in seconds since the epoch; None while it has not.
    :param arn: The ARN in that answer.
    """

    before: str | None = None
    was_as_wanted: bool = False
    contents: Sequence[Mapping[str, Any]] = ()
    ambiguous: bool = False
    answered_at: float | None = None
    arn: str | None = None


class Refusal(NamedTuple):
    """
    An answer that says no.

    :param code: The error code.
    :param message: The service's words, for messages.
    :param at: When it came, in seconds since the epoch.
    """

    code: str
    message: str
    at: float


class Superseded(NamedTuple):
    """
    A later update that took the place of the one that is waited for.

    :param reason: What was seen, as the error says it.
    :param created: The ``creationDateTime`` (ISO 8601) of the update that it followed; None for the first.
    """

    reason: str
    created: str | None


class PromotionState(NamedTuple):
    """
    How far a promotion, or a rollback, has come.

    :param stage: What is to be done next: see ``plans/promote.py``.
    :param version: The version that is promoted, or rolled back.
    :param previous: The version to return to; None where nothing was live.
    :param is_recorded: Whether the campaign's tags have these two.
    :param live_since: Since when the version was seen live, in seconds since the epoch; None while it is not.
    :param failure: Why it is rolled back.
    :param live: The version that was live when the promoted one was checked; None where nothing was live.
    :param is_unverified: Whether it is rolled back since the smoke test was not allowed.
    """

    stage: str = ""
    version: str | None = None
    previous: str | None = None
    is_recorded: bool = False
    live_since: float | None = None
    failure: str = ""
    live: str | None = None
    is_unverified: bool = False


_NOT_PROMOTING: Final = PromotionState()


@dataclass(frozen=True)
class Memory:
    """
    What one attempt remembers between two steps. JSON primitives: a deferral carries it in the trigger's event.

    A crash loses it. A plan then observes the service, and the task state store where Airflow has one.

    :param is_retry: Whether an earlier attempt of this task instance may have made the call.
    :param call: The write that may have been applied; None where certainly none of this attempt's was.
    :param refusal: The answer to the last call, where the plan decides what that means.
    :param superseded: The update that replaced this one.
    :param target_created: When that was created which is to be deleted (ISO 8601).
    :param waited_for_consistency: Whether this retry has given an earlier attempt's write the time to become visible.
    :param searching_since: Since when something that should exist is not found, in seconds since the epoch.
    :param name_number: Which of the derived names is tried.
    :param in_progress_seen: Whether the update was seen in progress.
    :param stage: The stage of a cascade that was executed or waited for: its size and its first action; or the ARN
        of the schema to which a dataset is updated; or the ARN of another's training that is young and waited for.
    :param schemas: The schemas that the datasets of a group have or had.
    :param noted_schemas: Those of them that this attempt keeps, since the group cannot.
    :param is_data_checked: Whether this attempt has checked the data of an import.
    :param promotion: How far a promotion has come.
    :param failures: How many times in a row a transient error came.
    :param version: Of this class. A state of another version is not understood.
    """

    is_retry: bool = False
    call: CallRecord | None = None
    refusal: Refusal | None = None
    superseded: Superseded | None = None
    target_created: str | None = None
    waited_for_consistency: bool = False
    searching_since: float | None = None
    name_number: int = 0
    in_progress_seen: bool = False
    stage: str = ""
    schemas: Sequence[str] = ()
    noted_schemas: Sequence[str] = ()
    is_data_checked: bool = False
    promotion: PromotionState = _NOT_PROMOTING
    failures: int = 0
    version: int = 1

    @property
    def is_answered(self) -> bool:
        """Whether the service has accepted the call."""
        return self.call is not None and self.call.answered_at is not None

    @property
    def is_ambiguous(self) -> bool:
        """Whether a call of this attempt had no answer."""
        return self.call is not None and self.call.ambiguous

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON primitives, without what has its default."""
        changed = {each.name: getattr(self, each.name) for each in fields(self)}
        changed = {name: value for name, value in changed.items() if value != getattr(Memory, name)}
        return {**{name: _plain(value) for name, value in changed.items()}, "version": self.version}

    @classmethod
    def from_json(cls, state: Mapping[str, Any] | None) -> Memory:
        """
        Return it from :meth:`to_json`.

        A state of another version counts as lost in a crash: as in a retry, what may have been done is looked up first.
        """
        read = dict(state or ())
        structures = {"call": CallRecord, "refusal": Refusal, "superseded": Superseded, "promotion": PromotionState}
        try:
            for name, made_of in structures.items():
                if (value := read.get(name)) is not None:
                    read[name] = made_of(**value) if isinstance(value, Mapping) else made_of(*value)
            if read.get("version") == cls.version:
                return cls(**read)
        except TypeError:  # members that another release knows
            pass
        return cls(is_retry=True)


def _plain(value: Any) -> Any:
    """Return a value as JSON primitives: dataclasses and mappings as dicts, sequences as lists."""
    if isinstance(value, CallRecord):
        value = vars(value)
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Observed:
    """
    What was read just now.

    :param found: The description of the resource; None if it does not exist.
    :param stored: What the task state store has: the time before an earlier attempt's call, or an ARN; empty where it
        has nothing, None where there is no store that answers.
    :param run_began: Since when something counts as made by this DAG run, by the service's clock; None where unknown.
    :param error: The service's error if it does not exist.
    """

    found: Mapping[str, Any] | None
    stored: str | None = None
    run_began: datetime | None = None
    error: Exception | None = None

    def is_of_run(self, resource: Mapping[str, Any]) -> bool:
        """Return whether something was created since this DAG run began; True where that is unknown."""
        created = resource.get("creationDateTime")
        return self.run_began is None or created is None or bool(created >= self.run_began)


def may_be_of_earlier_call(observed: Observed, memory: Memory, resource: Mapping[str, Any]) -> bool:
    """
    Return whether an earlier attempt of this task instance, or a call without an answer, may have made something.

    With a task state store, what another task of the run or an earlier loop iteration made is told from that.
    """
    before: str | None
    if memory.call and memory.call.ambiguous:
        before = memory.call.before or NOTHING_BEFORE
    elif memory.is_retry:
        before = observed.stored
    else:
        return False
    created = resource.get("creationDateTime")
    if before == "" or (created and before not in (None, NOTHING_BEFORE) and (iso(created) or "") <= before):
        return False
    return observed.is_of_run(resource)


class Note(NamedTuple):
    """A line for the task's log."""

    text: str
    level: int = logging.INFO

    @classmethod
    def warning(cls, text: str) -> Note:
        """Return a line that warns."""
        return cls(text, logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Step:
    """
    One thing to do.

    :param memory: What to remember from here on.
    :param notes: What to log first.
    :param xcom: What to push to XCom first; with a call, once the service has accepted it.
    :param store: What to put into the task state store first.
    """

    memory: Memory
    notes: Sequence[Note] = ()
    xcom: Mapping[str, Any] = field(default_factory=dict)
    store: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Done(Step):
    """
    The task has succeeded.

    :param result: What it returns.
    :param is_own: Whether that is what the task made, and not what an earlier one had made.
    """

    result: Any = None
    is_own: bool = True


@dataclass(frozen=True, kw_only=True)
class Fail(Step):
    """
    The task fails.

    :param error: With this; None means with the service's refusal of the last call.
    """

    error: Exception | None = None


@dataclass(frozen=True, kw_only=True)
class Skip(Step):
    """
    The task is skipped: what it was asked for is in effect without it, or it was told to be skipped then.

    :param reason: Why, for the log.
    """

    reason: str


@dataclass(frozen=True, kw_only=True)
class Replan(Step):
    """Observe again at once, with another memory."""


@dataclass(frozen=True, kw_only=True)
class Call(Step):
    """
    Call a write operation, once.

    :param operation: Its name in the API.
    :param request: Its input.
    :param changes: What it changes of what there is, a sentence each, where that is compared.
    :param record: What to remember of it once it may have been applied.
    :param key: Under which the task state store keeps that it is made; None for what needs no note.
    :param stores_arn: Whether the store keeps the ARN in the answer under that key.
    :param refusals: The error codes that the plan decides upon; any other answer that says no fails the task.
    :param quota_delay: Seconds to wait where a quota is used up, since what uses it will end; None fails.
    :param done_note: What to log once the service has accepted it, ``{arn}`` being the ARN in its answer.
    """

    operation: str
    request: Mapping[str, Any]
    changes: Sequence[str] = ()
    record: CallRecord = CallRecord()
    key: str | None = None
    stores_arn: bool = False
    refusals: Sequence[str] = ()
    quota_delay: float | None = None
    done_note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Calls(Step):
    """
    Call several operations that may be repeated, then wait. What no longer exists needs no call.

    :param calls: The operations; what each logs first is in its notes.
    :param optional: Whether an answer that says no is a warning, and with which advice; None fails the task.
    :param then: What follows; None observes again at once.
    """

    calls: Sequence[Call]
    optional: str | None = None
    then: Poll | Replan | Done | None = None


@dataclass(frozen=True, kw_only=True)
class Poll(Step):
    """
    Wait until a condition holds: on the worker or in the triggerer.

    :param condition: What to wait for.
    :param seen: The description that was read just now; None polls first.
    :param pause: Whether a delay passes before the first poll, whatever was seen.
    :param last_seen: What was seen, for the log and for the error on a timeout.
    :param then: How the task ends once the condition holds; None asks the plan again.
    :param replans_if_superseded: Whether the plan decides upon an update that was superseded; otherwise that fails.
    """

    condition: WaitCondition
    seen: Mapping[str, Any] | None = None
    pause: bool = False
    last_seen: str = ""
    then: Done | None = None
    replans_if_superseded: bool = False


@dataclass(frozen=True, kw_only=True)
class Sleep(Step):
    """
    Let time pass, then ask again. The deadline ends it.

    :param seconds: How long.
    :param condition: What the wait is for, for the error on a timeout.
    :param last_seen: What was seen, for that error.
    :param error: What the task fails with on a timeout instead.
    """

    seconds: float
    condition: WaitCondition
    last_seen: str = ""
    error: Exception | None = None


def wait_out(condition: WaitCondition, last_seen: str, memory: Memory) -> Poll:
    """Wait for what stands in the way, having observed it just now; then ask the plan again."""
    return Poll(condition=condition, pause=True, last_seen=last_seen, memory=replace(memory, refusal=None))


def until_usable(version: Mapping[str, Any], arn: str, memory: Memory) -> Step | None:
    """Wait for a solution version that is being trained, and fail with one that failed; None if it is ACTIVE."""
    condition = WaitCondition(SOLUTION_VERSION.name, arn, READY)
    status = condition.evaluate(version)
    if status.failed or is_being_deleted(SOLUTION_VERSION, version):
        return Fail(error=condition.error(status), memory=memory)
    if status.outcome == IN_PROGRESS:
        return Poll(condition=condition, seen=version, last_seen=str(status), memory=replace(memory, refusal=None))
    return None


def wait_until_visible(condition: WaitCondition, last_seen: str, memory: Memory) -> Sleep:
    """Wait a moment for a write to become visible to reads."""
    return Sleep(seconds=VISIBILITY_DELAY, condition=condition, last_seen=last_seen, memory=memory)


def wait_for_consistency(operation: str, condition: WaitCondition, memory: Memory, notes: Sequence[Note] = ()) -> Sleep:
    """Pause once, on a retry, so that what an earlier attempt may have sent becomes visible."""
    note = Note(f"Polling again in a minute, since an earlier attempt may have called {operation} and died")
    rest = replace(memory, waited_for_consistency=True, refusal=None)
    return Sleep(seconds=READ_CONSISTENCY, condition=condition, memory=rest, notes=[*notes, note])


def after_answer(call: Call, arn: str | None, now: float) -> Memory:
    """Return what to remember of a call that the service has accepted."""
    return replace(call.memory, call=replace(call.record, answered_at=now, arn=arn), refusal=None, searching_since=None)


def after_no_answer(call: Call) -> Memory:
    """Return what to remember of an ambiguous write: a call that may have been applied."""
    return replace(call.memory, call=replace(call.record, ambiguous=True), refusal=None)


def after_refusal(call: Call, code: str, message: str, now: float) -> Memory:
    """Return what to remember of a call that the service has refused."""
    return replace(call.memory, refusal=Refusal(code, message, now))
