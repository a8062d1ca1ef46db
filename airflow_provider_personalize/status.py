"""
What a task waits for, and what a description says about it. Pure functions: a description in, a status out.

The synchronous wait, the sensor's poke and the trigger all use these, so they cannot disagree. Success and failure
statuses are listed; any other status, known or not, is in progress until the deadline.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from typing import Any, Final, Literal

from airflow_provider_personalize import goals
from airflow_provider_personalize.aws_errors import is_not_found, is_transient
from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.exceptions import (
    PersonalizeError,
    ResourceFailedError,
    ResourceStoppedError,
    UpdateReplacedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.goals import GONE, LATER, READY, SETTLED, STARTED, STOPPED, TRAINED, UPDATED, Goal
from airflow_provider_personalize.polling import Observation, PollTarget
from airflow_provider_personalize.resources import RESOURCE_TYPES, SOLUTION, ResourceType

Outcome = Literal["in progress", "succeeded", "failed", "superseded", "timed out", "broken"]

IN_PROGRESS: Final = "in progress"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
SUPERSEDED: Final = "superseded"

# Two more outcomes of a wait in the triggerer.
TIMED_OUT: Final = "timed out"
BROKEN: Final = "broken"


@dataclass(frozen=True)
class WaitStatus:
    """
    How far a wait has come.

    :param outcome: ``"in progress"``, ``"succeeded"``, ``"failed"``, or ``"superseded"`` by a later update; in the
        triggerer also ``"timed out"`` and ``"broken"``.
    :param status: The service's status, if the service returned one.
    :param reason: The service's ``failureReason``, or the error that prevented the poll.
    :param description: The service's description, if it returned one.
    :param is_transient: Whether a transient error prevented the poll.
    :param is_odd: Whether the service's answer is not as documented; the reason says why.
    """

    outcome: Outcome
    status: str | None = None
    reason: str | None = None
    description: Mapping[str, Any] = field(default_factory=dict)
    is_transient: bool = False
    is_odd: bool = False

    def log_level(self, before: WaitStatus | None) -> int:
        """Return the level to log it with: a warning the first time that a poll shows no usable status."""
        unclear = self.is_transient or self.is_odd
        return logging.WARNING if unclear and str(self) != str(before) else logging.INFO

    @property
    def failed(self) -> bool:
        """Whether the wait can no longer succeed."""
        return self.outcome in {FAILED, SUPERSEDED}

    def __str__(self) -> str:
        """Return the text for a log line: ``CREATE FAILED: reason``."""
        return ": ".join(filter(None, (self.status, self.reason))) or "no status seen"


@dataclass(frozen=True)
class WaitCondition:
    """
    The condition that a task waits for. All members are JSON primitives, so a trigger can carry them.

    :param resource: The resource type's name in the table: ``"solution"``.
    :param arn: The ARN.
    :param goal: ``"ready"``: the resource itself is usable. ``"updated"``: its latest update is ACTIVE. ``"settled"``:
        nothing is in progress with it, whether that succeeded or not. ``"stopped"``: it was stopped and can be started
        again. ``"started"``: it was started again. ``"gone"``: it is deleted. ``"trained"``: automatic training has
        made a version of the solution with this ARN. ``"later"``: only a pause.
    :param created: For ``"updated"``: the ``creationDateTime`` (ISO 8601) of the update to wait for; None means the
        latest update, whichever it is. For ``"gone"``: that of the resource to wait for, since another can be created
        under its ARN. For ``"trained"``: the time after which the training must have begun. For ``"later"``: the time
        until which to pause, by this machine's clock; None means one delay.
    :param require_update: For ``"updated"``: whether to wait for a first update of a resource that has none.
    """

    resource: str
    arn: str
    goal: Goal = "ready"
    created: str | None = None
    require_update: bool = True

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> WaitCondition:
        """Return the condition that an event carries; ignore members that only another version knows."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in members.items() if name in known})

    @property
    def resource_type(self) -> ResourceType:
        """The resource type."""
        return RESOURCE_TYPES[self.resource]

    @property
    def title(self) -> str:
        """What the task waits for, for log lines: ``update of solution shop``."""
        named = {UPDATED: "update of {}", SETTLED: "settling of {}", STOPPED: "stop of {}", GONE: "deletion of {}"}
        named |= {STARTED: "start of {}", TRAINED: "automatic version of {}", LATER: "next attempt at {}"}
        resource_type = SOLUTION if self.goal == TRAINED else self.resource_type
        return named.get(self.goal, "{}").format(resource_type.short(self.arn))

    @property
    def poll_interval(self) -> int:
        """Seconds between two polls, from the table."""
        return goals.poll_interval(self.resource_type, self.goal)

    def next_delay(self, waited: float) -> float:
        """
        Return the seconds before the next poll, for a task without an interval of its own.

        The delay grows with the time waited, up to the table's interval: a wait of minutes ends soon after the change,
        and a wait of hours needs few polls.
        """
        return min(max(waited / 10, self.poll_interval / 6), self.poll_interval)

    @property
    def time_limit(self) -> int:
        """Seconds after which to give up, from the table."""
        return self.resource_type.wait_timeout if self.goal == READY else self.resource_type.update_wait_timeout

    @property
    def poll_target(self) -> PollTarget:
        """What to poll."""
        trained = self.goal == TRAINED
        return PollTarget(self.resource, self.arn, trained, self.created if trained else None)

    def evaluate_observation(self, observation: Observation) -> WaitStatus:
        """
        Return how far the wait has come, from the result of a poll.

        A transient error (throttling, a broken connection, an unreachable endpoint) says nothing of the resource: the
        outcome is ``"in progress"``, and the error is the reason.

        :raises Exception: The error of the poll, if the service answered: denied, not found, invalid.
        """
        error = observation.error
        if error is None:
            return _with_oddities(self.evaluate(observation.description), observation.odd)
        if is_not_found(error) and (status := self.evaluate_missing()):
            return status
        if is_transient(error):
            return WaitStatus(IN_PROGRESS, None, f"{type(error).__name__}: {error}", is_transient=True)
        raise error.with_traceback(None)  # each wait that shares the observation would lengthen the traceback

    def evaluate(self, description: Mapping[str, Any]) -> WaitStatus:
        """
        Return how far the wait has come, from the answer of ``Describe…``.

        :param description: The description of the resource; for ``"trained"``, that of the solution as long as
            automatic training has made no version.
        """
        if self.goal == GONE and _seconds_after(description.get("creationDateTime"), self.created) > 0:
            reason = "it is deleted, and another resource has its name"
            return WaitStatus(SUCCEEDED, description.get("status"), reason, description)
        if self.goal == GONE or is_being_deleted(self.resource_type, description):
            return WaitStatus(IN_PROGRESS, _shown_status(self.resource_type, description), None, description)
        if self.goal == TRAINED and self.resource_type.arn_member not in description:
            return self._evaluate_schedule(description)
        if self.goal in {STOPPED, STARTED}:
            return self._evaluate_switch(description)
        if self.goal in {READY, TRAINED}:
            return self._evaluate_resource(description)
        update = description.get(self.resource_type.update_member)
        if self.goal == SETTLED:
            return self._evaluate_settled(description, update or {})
        status = self._evaluate_update(description, update) if update else self._evaluate_without_update(description)
        own = description.get("status")
        if status.outcome == SUCCEEDED and own is not None and own not in self.resource_type.final:
            # a dataset shows its update in its own status too; AWS does not document which of the two changes first
            return WaitStatus(IN_PROGRESS, own, f"the {self.resource_type.title} itself is not settled", description)
        return status

    def _evaluate_switch(self, description: Mapping[str, Any]) -> WaitStatus:
        status = description.get("status")
        active, stopped = self.resource_type.ready, frozenset({self.resource_type.stopped})
        before, after = (active, stopped) if self.goal == STOPPED else (stopped, active)
        if status in after:
            return WaitStatus(SUCCEEDED, status, None, description)
        if status in before:
            return WaitStatus(IN_PROGRESS, status, "the call is not visible yet", description)
        return self._evaluate_status(description, description)

    def _evaluate_resource(self, description: Mapping[str, Any]) -> WaitStatus:
        update = description.get(self.resource_type.update_member) or {}
        if description.get("status") in self.resource_type.failed and update.get("status") in self.resource_type.ready:
            return WaitStatus(SUCCEEDED, update["status"], "its creation failed; an update succeeded", description)
        return self._evaluate_status(description, description)

    def _evaluate_schedule(self, solution: Mapping[str, Any]) -> WaitStatus:
        """Return whether automatic training can still make a version, from the description of the solution."""
        if (itself := WaitCondition(SOLUTION.name, self.arn).evaluate(solution)).failed:
            return itself
        update = solution.get(SOLUTION.update_member) or {}
        is_off = configuration(SOLUTION, solution).get("performAutoTraining") is False
        if is_off and (not update or update.get("status") in SOLUTION.final):
            return WaitStatus(FAILED, None, "automatic training is off, so there will be no version", solution)
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
        age = _seconds_after(update.get("creationDateTime"), self.created)
        if age < 0:
            reason = "an earlier update is still the latest that is visible"
            return WaitStatus(IN_PROGRESS, update.get("status"), reason, description)
        if age > 0:
            reason = f"a later update, of {update['creationDateTime']}, replaced this one, of {self.created}"
            return WaitStatus(SUPERSEDED, update.get("status"), reason, description)
        return self._evaluate_status(update, description)

    def evaluate_missing(self) -> WaitStatus | None:
        """Return how far the wait has come if the service does not know the resource; None if that is an error."""
        return WaitStatus(SUCCEEDED, None, "it does not exist") if self.goal == GONE else None

    def error(self, status: WaitStatus) -> PersonalizeError:
        """Return the error for a status that :attr:`WaitStatus.failed`."""
        if status.outcome == SUPERSEDED:
            return UpdateReplacedError(f"Outcome unknown: {status.reason} ({self.title}) {self.arn}")
        arn = status.description.get(self.resource_type.arn_member, self.arn)
        if status.status != self.resource_type.stopped:
            return ResourceFailedError(self.title, arn, status.status, status.reason)
        starts = self.resource_type.started_by
        hint = f"it was stopped; {starts}Operator starts it again" if starts else None
        return ResourceStoppedError(self.title, arn, status.status, status.reason or hint)

    def timeout_error(self, last_seen: str) -> WaitTimeoutError:
        """Return the error for a wait that timed out."""
        return WaitTimeoutError(f"Timed out; last seen: {last_seen} ({self.title}) {self.arn}")


# The reference of each Describe… lists its own; batch jobs are documented with a space in IN PROGRESS
_IN_PROGRESS: Final = re.compile("([A-Z]+ )?(PENDING|IN[_ ]PROGRESS|STOPPING)")
_FINAL: Final = frozenset(status for resource_type in RESOURCE_TYPES.values() for status in resource_type.final)


def _with_oddities(status: WaitStatus, odd: Iterable[str]) -> WaitStatus:
    """Add to the reason of a wait in progress what is odd about the answer, since such a wait may never end."""
    odd = list(odd)
    if status.status and not _IN_PROGRESS.fullmatch(status.status) and status.status not in _FINAL:
        odd.append("no status that Personalize documents")
    if status.outcome != IN_PROGRESS or not odd:
        return status
    return replace(status, reason="; ".join([*filter(None, [status.reason]), *odd]), is_odd=True)


def _shown_status(resource_type: ResourceType, description: Mapping[str, Any]) -> str | None:
    """Return the status that says most: an updated campaign may show its deletion only in its latest update."""
    status: str | None = description.get("status")
    update = description.get(resource_type.update_member) or {}
    return update.get("status", status) if status in resource_type.final else status


def is_being_deleted(resource_type: ResourceType, description: Mapping[str, Any]) -> bool:
    """Return whether a resource is being deleted."""
    return (_shown_status(resource_type, description) or "").startswith("DELETE")


def is_being_updated(resource_type: ResourceType, description: Mapping[str, Any]) -> bool:
    """Return whether an update is in progress. Assumed: a dataset shows its updates in its own status too."""
    updated = description.get(resource_type.update_member) or str(description.get("status")).startswith("UPDATE")
    return bool(updated) and WaitCondition(resource_type.name, "", SETTLED).evaluate(description).outcome == IN_PROGRESS


def is_switching(goal: Goal, description: Mapping[str, Any]) -> bool:
    """Return whether a resource is being stopped or started, whichever is the goal."""
    word = {STOPPED: "STOP ", STARTED: "START "}[goal]
    return str(description.get("status")).startswith(word)


def is_being_stopped(description: Mapping[str, Any]) -> bool:
    """Return whether a training is being stopped."""
    return (description.get("status") or "").endswith(" STOPPING")


def is_newer(update: Mapping[str, Any], before: str | None) -> bool:
    """
    Return whether an update was made after another one. An update without a date does not count as newer.

    :param before: The ``creationDateTime`` (ISO 8601) of the other update; None if there was no other.
    """
    created = update.get("creationDateTime")
    return isinstance(created, datetime) and (before is None or _seconds_after(created, before) > 0)


def _seconds_after(seen: object, expected: str | None) -> float:
    """Return how many seconds later than expected something was created; 0 if any time is accepted."""
    if expected is None or not isinstance(seen, datetime):
        return 0
    return (seen - datetime.fromisoformat(expected)).total_seconds()


def iso(time: datetime | None) -> str | None:
    """Write a time of the service as text that sorts and survives JSON."""
    return time.astimezone(timezone.utc).isoformat() if time else None
