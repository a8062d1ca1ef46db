"""
What is waited for, and how far it has come. Pure: a description in, a verdict out.

The synchronous wait, the sensor's poke and the trigger all ask here, so they cannot disagree.
Success is named and failure is named; any other status, known or not, is still under way until the deadline.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from airflow_provider_personalize.aws_errors import is_not_found, is_transient
from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.exceptions import (
    PersonalizeError,
    ResourceFailedError,
    ResourceStoppedError,
    UpdateReplacedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.resources import RESOURCE_TYPES, SOLUTION, ResourceType

Goal = Literal["ready", "updated", "settled", "stopped", "started", "gone", "trained", "later"]
Outcome = Literal["in progress", "succeeded", "failed", "superseded", "timed out", "broken"]

READY: Final = "ready"
UPDATED: Final = "updated"
SETTLED: Final = "settled"
STOPPED: Final = "stopped"
STARTED: Final = "started"
GONE: Final = "gone"
TRAINED: Final = "trained"
#: Nothing but time, for what cannot be done now: the trigger's pause, without a look.
LATER: Final = "later"

IN_PROGRESS: Final = "in progress"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
SUPERSEDED: Final = "superseded"

# How a wait in the triggerer may end besides.
TIMED_OUT: Final = "timed out"
BROKEN: Final = "broken"

# What a triggerer of the last release called these outcomes.
_OLD_OUTCOMES: Final[Mapping[str, Outcome]] = {"under way": IN_PROGRESS, "reached": SUCCEEDED, "replaced": SUPERSEDED}

# How often the pause doubles at the most while the service is throttled or cannot be reached.
_DOUBLINGS: Final = 3


@dataclass(frozen=True)
class WaitStatus:
    """
    How far a wait has come.

    :param outcome: ``"in progress"``, ``"succeeded"``, ``"failed"``, or ``"superseded"`` by a later update; in the
        triggerer also ``"timed out"`` and ``"broken"``.
    :param status: The service's own word, if it had one.
    :param reason: Why: the service's ``failureReason``, or what stood in the way of looking.
    :param description: What the service answered, if it answered.
    :param is_transient: Whether a transient error kept the state from being read.
    :param is_odd: Whether what the service answered makes no sense; the reason says why.
    """

    outcome: Outcome
    status: str | None = None
    reason: str | None = None
    description: Mapping[str, Any] = field(default_factory=dict)
    is_transient: bool = False
    is_odd: bool = False

    def log_level(self, before: WaitStatus | None) -> int:
        """Return the level to log it with: a warning the first time that a poll shows nothing that can be believed."""
        unclear = self.is_transient or self.is_odd
        return logging.WARNING if unclear and str(self) != str(before) else logging.INFO

    @property
    def failed(self) -> bool:
        """Whether what was waited for can no longer be reached."""
        return self.outcome in {FAILED, SUPERSEDED}

    def __str__(self) -> str:
        """Return what a log line says of it: ``CREATE FAILED: reason``."""
        return ": ".join(filter(None, (self.status, self.reason))) or "no status seen"


def outcome_of(event: Mapping[str, Any]) -> Outcome:
    """Return the outcome that a trigger's event carries, in the words of this release."""
    outcome: Outcome = event["outcome"]
    return _OLD_OUTCOMES.get(outcome, outcome)


class PollTarget(NamedTuple):
    """
    What is read of the service. Waits of the same source can be judged by one reading.

    :param resource: The kind, by its name in the table.
    :param arn: The ARN; for what automatic training makes, that of the solution.
    :param trained: Whether it is the version that automatic training made of the solution; of the solution, while there
        is none.
    :param since: The moment (ISO 8601) since which that version must have been begun.
    """

    resource: str
    arn: str
    trained: bool = False
    since: str | None = None


class Observation(NamedTuple):
    """
    What came of reading a source: a description, or an error.

    :param description: What the service answered; empty where there is nothing yet.
    :param error: What stood in the way, or the service's no.
    :param odd: What of the answer has another type than the API says, a sentence each.
    """

    description: Mapping[str, Any] = MappingProxyType({})
    error: Exception | None = None
    odd: tuple[str, ...] = ()

    def abridged(self, source: PollTarget) -> Observation:
        """
        Leave out what no wait is judged by.

        Whole descriptions of thousands of resources are megabytes, and an error's traceback keeps connections open.
        """
        for error in (self.error, getattr(self.error, "kwargs", {}).get("error")):  # and what botocore made it of
            if isinstance(error, Exception):
                error.__context__ = error.__cause__ = error.__traceback__ = None
        if source.trained:  # judged by the solution's configuration too
            return self
        update = RESOURCE_TYPES[source.resource].update_member
        description = _evaluated_of(self.description)
        if shown := self.description.get(update):
            description[update] = _evaluated_of(shown)
        return Observation(description, self.error, self.odd)


def _evaluated_of(description: Mapping[str, Any]) -> dict[str, Any]:
    return {
        member: description[member]
        for member in ("status", "failureReason", "creationDateTime")
        if member in description
    }


class Backoff:
    """How long the weather has been bad for a wait: its pauses grow with that."""

    def __init__(self) -> None:
        self._bad = 0

    def next_delay(self, pause: float, verdict: WaitStatus) -> float:
        """Tell how many seconds to pause after a look: twice as many after each in bad weather but the first."""
        self._bad = self._bad + 1 if verdict.is_transient else 0
        return pause * 2.0 ** min(max(self._bad - 1, 0), _DOUBLINGS)


@dataclass(frozen=True)
class WaitCondition:
    """
    One thing to wait for. All its members are JSON primitives, so that a trigger can carry them.

    :param resource: The kind, by its name in the table: ``"solution"``.
    :param arn: The ARN.
    :param goal: ``"ready"``: the resource itself is usable. ``"updated"``: its latest update is ACTIVE. ``"settled"``:
        nothing is under way with it, whether what was under way succeeded or not. ``"stopped"``: it was stopped and can
        be started again. ``"started"``: it was started again. ``"gone"``: it is deleted. ``"trained"``: of the solution
        with this ARN, automatic training has made a version.
    :param created: For ``"updated"``: the ``creationDateTime`` (ISO 8601) of the one update that is meant. None means
        the latest, whichever it is. For ``"gone"``: that of the one that is meant, since another may be made under its
        ARN. For ``"trained"``: the moment since which the version was begun.
    :param require_update: For ``"updated"``: whether to wait for a first update where none was ever made.
    """

    resource: str
    arn: str
    goal: Goal = "ready"
    created: str | None = None
    require_update: bool = True

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> WaitCondition:
        """Make it from the members that an event carries; those that only another version knows are left out."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in members.items() if name in known})

    @property
    def resource_type(self) -> ResourceType:
        """The kind's row in the table."""
        return RESOURCE_TYPES[self.resource]

    @property
    def title(self) -> str:
        """What is waited for, as a log line says it: ``update of solution shop``."""
        named = {UPDATED: "update of {}", SETTLED: "settling of {}", STOPPED: "stop of {}", GONE: "deletion of {}"}
        named |= {STARTED: "start of {}", TRAINED: "automatic version of {}", LATER: "next try at {}"}
        resource_type = SOLUTION if self.goal == TRAINED else self.resource_type
        return named.get(self.goal, "{}").format(resource_type.short(self.arn))

    @property
    def poll_interval(self) -> int:
        """Seconds between two looks, from the table."""
        return self.resource_type.update_poll_interval if self.goal == UPDATED else self.resource_type.poll_interval

    def next_delay(self, waited: float) -> float:
        """
        Tell how long to pause before the next look, in seconds, where nobody said.

        It grows with the time waited, to the table's interval: what takes minutes is seen at once, and what takes hours
        costs few looks.
        """
        return min(max(waited / 10, self.poll_interval / 6), self.poll_interval)

    @property
    def poll_target(self) -> PollTarget:
        """What it is judged by."""
        trained = self.goal == TRAINED
        return PollTarget(self.resource, self.arn, trained, self.created if trained else None)

    def evaluate_observation(self, reading: Observation) -> WaitStatus:
        """
        Tell how far it has come, by a reading.

        What says nothing of the resource (throttling, a broken connection, an unreachable endpoint) is a verdict of
        ``"in progress"`` with the cause as its reason.

        :raises Exception: The error of the reading, where that is an answer: denied, not found, invalid.
        """
        error = reading.error
        if error is None:
            return _with_oddities(self.evaluate(reading.description), reading.odd)
        if is_not_found(error) and (verdict := self.evaluate_missing()):
            return verdict
        if is_transient(error):
            return WaitStatus(IN_PROGRESS, None, f"{type(error).__name__}: {error}", is_transient=True)
        raise error.with_traceback(None)  # waits that share a reading would make it longer one after the other

    @property
    def time_limit(self) -> int:
        """Seconds after which to give up, from the table."""
        return self.resource_type.wait_timeout if self.goal == READY else self.resource_type.update_wait_timeout

    def evaluate(self, description: Mapping[str, Any]) -> WaitStatus:
        """
        Tell how far it has come, by what ``Describe…`` answers of it.

        :param description: Of what is waited for; while automatic training has made no version, of the solution.
        """
        if self.goal == GONE and _compare_times(description.get("creationDateTime"), self.created) > 0:
            return WaitStatus(SUCCEEDED, description.get("status"), "it is gone, and another has its name", description)
        if self.goal == GONE or is_being_deleted(self.resource_type, description):
            return WaitStatus(IN_PROGRESS, _shown_status(self.resource_type, description), None, description)
        if self.goal == TRAINED and self.resource_type.arn_member not in description:
            return self._evaluate_schedule(description)
        if self.goal in {STOPPED, STARTED}:
            return self._evaluate_switch(description)
        if self.goal in {READY, TRAINED}:
            return self._evaluate_itself(description)
        update = description.get(self.resource_type.update_member)
        if self.goal == SETTLED:
            return self._evaluate_settled(description, update or {})
        verdict = self._evaluate_update(description, update) if update else self._evaluate_without_update(description)
        own = description.get("status")
        if verdict.outcome == SUCCEEDED and own is not None and own not in self.resource_type.final:
            # a dataset shows its update in its own status too; which of the two changes first is not documented
            return WaitStatus(IN_PROGRESS, own, f"the {self.resource_type.title} itself is not settled", description)
        return verdict

    def _evaluate_switch(self, description: Mapping[str, Any]) -> WaitStatus:
        status = description.get("status")
        active, stopped = self.resource_type.ready, frozenset({self.resource_type.stopped})
        before, after = (active, stopped) if self.goal == STOPPED else (stopped, active)
        if status in after:
            return WaitStatus(SUCCEEDED, status, None, description)
        if status in before:
            return WaitStatus(IN_PROGRESS, status, "the call is not shown yet", description)
        return self._evaluate_status(description, description)

    def _evaluate_itself(self, description: Mapping[str, Any]) -> WaitStatus:
        update = description.get(self.resource_type.update_member) or {}
        if description.get("status") in self.resource_type.failed and update.get("status") in self.resource_type.ready:
            return WaitStatus(
                SUCCEEDED, update["status"], "its making failed, and an update made up for that", description
            )
        return self._evaluate_status(description, description)

    def _evaluate_schedule(self, solution: Mapping[str, Any]) -> WaitStatus:
        """Tell by the solution whether the version that is not there may still come."""
        if (itself := WaitCondition(SOLUTION.name, self.arn).evaluate(solution)).failed:
            return itself
        update = solution.get(SOLUTION.update_member) or {}
        is_off = configuration(SOLUTION, solution).get("performAutoTraining") is False
        if is_off and (not update or update.get("status") in SOLUTION.final):
            return WaitStatus(FAILED, None, "automatic training is off, so that none will come", solution)
        return WaitStatus(IN_PROGRESS, None, f"no automatic training has begun since {self.created}", solution)

    def _evaluate_status(self, part: Mapping[str, Any], description: Mapping[str, Any]) -> WaitStatus:
        status = part.get("status")
        if status in self.resource_type.ready or not self.resource_type.has_status:
            return WaitStatus(SUCCEEDED, status, None, description)
        outcome: Outcome = FAILED if status in self.resource_type.final else IN_PROGRESS
        return WaitStatus(outcome, status, part.get("failureReason"), description)

    def _evaluate_settled(self, description: Mapping[str, Any], update: Mapping[str, Any]) -> WaitStatus:
        if not self.resource_type.has_status:
            return WaitStatus(SUCCEEDED, None, None, description)
        for part in (update, description) if update else (description,):
            if part.get("status") not in self.resource_type.final:
                return WaitStatus(IN_PROGRESS, part.get("status"), None, description)
        return WaitStatus(SUCCEEDED, description.get("status"), None, description)

    def _evaluate_without_update(self, description: Mapping[str, Any]) -> WaitStatus:
        stale_or_never = self.require_update or self.created is not None
        if not stale_or_never and (itself := self._evaluate_status(description, description)).failed:
            return itself
        return WaitStatus(IN_PROGRESS if stale_or_never else SUCCEEDED, None, "no update has been made", description)

    def _evaluate_update(self, description: Mapping[str, Any], update: Mapping[str, Any]) -> WaitStatus:
        age = _compare_times(update.get("creationDateTime"), self.created)
        if age < 0:
            return WaitStatus(IN_PROGRESS, update.get("status"), "an earlier update is shown still", description)
        if age > 0:
            reason = f"a later update, of {update['creationDateTime']}, replaced this one, of {self.created}"
            return WaitStatus(SUPERSEDED, update.get("status"), reason, description)
        return self._evaluate_status(update, description)

    def evaluate_missing(self) -> WaitStatus | None:
        """Tell how far it has come, by the service not knowing it; None where that is an error."""
        return WaitStatus(SUCCEEDED, None, "it does not exist") if self.goal == GONE else None

    def error(self, verdict: WaitStatus) -> PersonalizeError:
        """Make the error for a verdict that :attr:`WaitStatus.failed`."""
        if verdict.outcome == SUPERSEDED:
            return UpdateReplacedError(f"Outcome unknown: {verdict.reason} ({self.title}) {self.arn}")
        arn = verdict.description.get(self.resource_type.arn_member, self.arn)
        if verdict.status != self.resource_type.stopped:
            return ResourceFailedError(self.title, arn, verdict.status, verdict.reason)
        hint = (
            f"it was stopped; {self.resource_type.started_by}Operator starts it again"
            if self.resource_type.started_by
            else None
        )
        return ResourceStoppedError(self.title, arn, verdict.status, verdict.reason or hint)

    def timeout_error(self, last_seen: str) -> WaitTimeoutError:
        """Make the error for a wait that ran out."""
        return WaitTimeoutError(f"Timed out; last seen: {last_seen} ({self.title}) {self.arn}")


def _with_oddities(verdict: WaitStatus, odd: Iterable[str]) -> WaitStatus:
    """Add to a verdict of in progress what of the answer makes no sense, since that may never end."""
    odd = list(odd)
    if verdict.status and not _IN_PROGRESS.fullmatch(verdict.status) and verdict.status not in _KNOWN_STATUSES:
        odd.append("no status that Personalize documents")
    if verdict.outcome != IN_PROGRESS or not odd:
        return verdict
    return replace(verdict, reason="; ".join([*filter(None, [verdict.reason]), *odd]), is_odd=True)


# The reference of each Describe… lists its own; batch jobs are documented with a space in IN PROGRESS
_IN_PROGRESS: Final = re.compile("([A-Z]+ )?(PENDING|IN[_ ]PROGRESS|STOPPING)")
_KNOWN_STATUSES: Final = frozenset(
    status for resource_type in RESOURCE_TYPES.values() for status in resource_type.final
)


def _shown_status(resource_type: ResourceType, description: Mapping[str, Any]) -> str | None:
    """Tell the status that says most: a campaign that was updated once may show its deletion in its update only."""
    status: str | None = description.get("status")
    update = description.get(resource_type.update_member) or {}
    return update.get("status", status) if status in resource_type.final else status


def is_being_deleted(resource_type: ResourceType, description: Mapping[str, Any]) -> bool:
    """Tell whether a resource is on its way out."""
    return (_shown_status(resource_type, description) or "").startswith("DELETE")


def is_being_updated(resource_type: ResourceType, description: Mapping[str, Any]) -> bool:
    """Tell whether an update is under way; that a dataset shows one in its own status too is assumed."""
    updated = description.get(resource_type.update_member) or str(description.get("status")).startswith("UPDATE")
    return bool(updated) and WaitCondition(resource_type.name, "", SETTLED).evaluate(description).outcome == IN_PROGRESS


def is_switching(goal: Goal, description: Mapping[str, Any]) -> bool:
    """Tell whether a resource is on its way to being stopped or started, whichever is the goal."""
    word = {STOPPED: "STOP ", STARTED: "START "}[goal]
    return str(description.get("status")).startswith(word)


def is_being_stopped(description: Mapping[str, Any]) -> bool:
    """Tell whether a training is being stopped."""
    return (description.get("status") or "").endswith(" STOPPING")


def _compare_times(seen: object, meant: str | None) -> float:
    """Seconds by which something is younger than the one that is meant; 0 where any will do."""
    if meant is None or not isinstance(seen, datetime):
        return 0
    return (seen - datetime.fromisoformat(meant)).total_seconds()


def iso(moment: datetime | None) -> str | None:
    """Write a time of the service's as text that sorts and survives JSON."""
    return moment.astimezone(timezone.utc).isoformat() if moment else None


def is_newer(update: Mapping[str, Any], before: str | None) -> bool:
    """
    Tell whether an update was made after another; one without a date was not, as far as can be told.

    :param before: The ``creationDateTime`` (ISO 8601) of the other; None where there was none.
    """
    created = update.get("creationDateTime")
    return isinstance(created, datetime) and (before is None or _compare_times(created, before) > 0)
