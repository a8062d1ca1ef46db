"""
What an event trigger has fired for, and where that is kept while no triggerer runs.

Airflow makes an event trigger anew from the same arguments whenever a triggerer starts, so what it has fired for is
kept in an Airflow Variable. Every Airflow 3 lets a trigger read and write Variables. The asset state store begins with
3.3, fails where one trigger serves two assets, and with an upgrade to 3.3 a trigger would lose what came before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final, Literal

from airflow_provider_personalize.goals import UPDATED
from airflow_provider_personalize.polling import EVENT_MEMBERS, PollTarget
from airflow_provider_personalize.resources import RESOURCE_TYPES
from airflow_provider_personalize.status import IN_PROGRESS, WaitCondition, WaitStatus

#: How much older than the newest a resource may be and appear in a list later: list operations are not documented to be
#: consistent.
LATE: Final = timedelta(days=1)


@dataclass(frozen=True)
class Occurrence:
    """
    The creation of a resource, or an update of one, and how far it is.

    :param change: ``"creation"`` or ``"update"``.
    :param resource: The resource type's name in the table.
    :param arn: The resource's ARN.
    :param status: How far it is.
    :param members: What the service shows of it.
    :param parent: The parameter and the ARN by which it was listed.
    """

    change: Literal["creation", "update"]
    resource: str
    arn: str
    status: WaitStatus
    members: Mapping[str, Any]
    parent: tuple[str, str] | None = None

    @property
    def began(self) -> str:
        """When it began."""
        return text_of(self.members["creationDateTime"])

    @property
    def key(self) -> str:
        """What tells it from all others: the resource's ARN and the time at which it began."""
        return f"{self.arn}@{self.began}"

    @property
    def ended(self) -> str:
        """When the service last changed it, for the order of events."""
        return text_of(self.members.get("lastUpdatedDateTime", self.members["creationDateTime"]))

    @property
    def payload(self) -> dict[str, Any]:
        """The payload of its event, in JSON primitives: the service's members by their names, and what it is."""
        shown = {member: self.members[member] for member in EVENT_MEMBERS if member in self.members}
        name = shown.pop("jobName", None) or self.arn.partition("/")[2]
        return {
            "key": self.key,
            "change": self.change,
            "resource": self.resource,
            "arn": self.arn,
            "name": name,
            **dict([self.parent] if self.parent else []),
            **{member: text_of(value) if isinstance(value, datetime) else value for member, value in shown.items()},
        }


def text_of(moment: datetime) -> str:
    """Write a time in ISO 8601, in UTC: two of them compare as texts."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")


BEGINNING: Final = text_of(datetime.min.replace(tzinfo=timezone.utc))


def occurrences(target: PollTarget, description: Mapping[str, Any], since: str = BEGINNING) -> Iterator[Occurrence]:
    """
    Yield what a poll shows: each resource that was listed, or the one described and its latest update.

    :param since: When those listed began at the earliest. Thousands of older ones would hold up the event loop.
    """
    resource_type = RESOURCE_TYPES[target.resource]
    earliest = datetime.fromisoformat(since)
    if target.listed:
        parent = (str(resource_type.list_filter), target.arn)
        for summary in description.get(resource_type.list_member, ()):
            created, arn = summary.get("creationDateTime"), summary.get(resource_type.arn_member)
            if created and arn and created >= earliest:
                status = WaitCondition(target.resource, arn).evaluate(summary)
                yield Occurrence("creation", target.resource, arn, status, summary, parent)
        return
    if "creationDateTime" in description:
        status = WaitCondition(target.resource, target.arn).evaluate(description)
        yield Occurrence("creation", target.resource, target.arn, status, description)
    update = description.get(resource_type.update_member, {})
    if "creationDateTime" in update:
        status = WaitCondition(target.resource, target.arn, UPDATED).evaluate(description)
        yield Occurrence("update", target.resource, target.arn, status, update)


@dataclass(frozen=True)
class Cursor:
    """
    What a trigger has fired for, of one poll target.

    :param since: The time before which everything has ended.
    :param keys: What has ended since.
    """

    since: str = BEGINNING
    keys: frozenset[str] = frozenset()

    def is_new(self, occurrence: Occurrence) -> bool:
        """Return whether the trigger has not fired for an occurrence."""
        return occurrence.began >= self.since and occurrence.key not in self.keys

    def past(self, occurrence: Occurrence) -> Cursor:
        """Return the cursor after one more occurrence."""
        return Cursor(self.since, self.keys | {occurrence.key})

    def after(self, seen: Iterable[Occurrence]) -> Cursor:
        """Return the cursor after all that has ended among what a poll shows."""
        seen = list(seen)
        over = {each.key for each in seen if each.status.outcome != IN_PROGRESS}
        begun = [each.began for each in seen if each.status.outcome == IN_PROGRESS]
        if seen:
            newest = max(each.members["creationDateTime"] for each in seen)
            begun.append(text_of(newest - LATE))
        return self.merged(Cursor(min(begun, default=self.since), self.keys | over))

    def merged(self, other: Cursor) -> Cursor:
        """Return what either of two has fired for."""
        since = max(self.since, other.since)
        return Cursor(since, frozenset(key for key in self.keys | other.keys if key.rpartition("@")[2] >= since))


Cursors = dict[str, Cursor]


class StateUnreadableError(Exception):
    """A trigger cannot read what it has fired for."""


def load(variable: str) -> Cursors:
    """
    Read the cursors of a trigger, by resource type; none if it never ran.

    Airflow 3.1 and newer report a Variable as missing, too, when they could not read it. So a missing one counts only
    once another one could be written and read.

    :raises StateUnreadableError: That one could not be read either, or the Variable holds something else.
    """
    from airflow.sdk import Variable

    text = Variable.get(variable, default=None)
    if text is None:
        probe = f"{variable}_probe"
        Variable.set(probe, "written", description="Whether a trigger can read what it writes")
        if Variable.get(probe, default=None) != "written":
            raise StateUnreadableError(f"The Variable {probe!r} was written and cannot be read")
        Variable.delete(probe)
        text = Variable.get(variable, default="{}")
    try:
        return {
            resource: Cursor(members["since"], frozenset(members["keys"]))
            for resource, members in json.loads(text).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        raise StateUnreadableError(f"The Variable {variable!r} holds something else; delete it to start anew") from None


def save(variable: str, cursors: Cursors, description: str) -> None:
    """Add to what is kept what a trigger has fired for."""
    from airflow.sdk import Variable

    merged = load(variable)
    for resource, cursor in cursors.items():
        merged[resource] = merged.get(resource, Cursor()).merged(cursor)
    members = {resource: {"since": each.since, "keys": sorted(each.keys)} for resource, each in merged.items()}
    Variable.set(variable, json.dumps(members, sort_keys=True), description=description)
