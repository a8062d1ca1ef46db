"""
A small model of the service: resources with a content and a status, and reads that may lag behind writes.

Nothing here knows of plans. A write is applied at once; a read may show the state before any of the writes of the last
``lag`` seconds. What may happen next is listed by whoever uses the model: see ``subjects.py`` and ``world.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import NamedTuple

#: When the DAG run began, in seconds since the epoch. Times before it are those of earlier runs.
EPOCH = 1_800_000_000
#: Seconds by which reads lag behind writes at most, as the plans assume.
LAG = 60
#: More than any plan waits.
NEVER_CONSISTENT = 10**8

OURS, OTHER, EARLIER = "ours", "other", "earlier"
ACTIVE, FAILED, BUSY, DELETING = "ACTIVE", "CREATE FAILED", "CREATE IN_PROGRESS", "DELETE IN_PROGRESS"


@dataclass(frozen=True)
class Update:
    """The latest update of a resource."""

    created: int
    content: str
    owner: str
    status: str = BUSY


@dataclass(frozen=True)
class Resource:
    """
    A resource, or a job.

    :param owner: Who made it: this task instance, another writer, or an earlier run.
    :param number: Which of those with the same name it is.
    """

    name: str
    created: int
    content: str
    owner: str
    status: str = BUSY
    update: Update | None = None
    number: int = 0

    def __str__(self) -> str:
        shown = f"{self.name} {self.content} {self.status}"
        if self.update:
            shown += f", {self.update.owner} update to {self.update.content} {self.update.status}"
        return shown


Resources = tuple[Resource, ...]


class Service(NamedTuple):
    """
    The true state of the service, and what stale reads still show.

    :param past: The states before the latest writes, each with the time of the write that ended it.
    """

    now: int
    resources: Resources = ()
    past: tuple[tuple[int, Resources], ...] = ()
    lag: int = LAG

    def write(self, resources: Resources) -> Service:
        """Apply a write, which stale reads do not show yet."""
        past = (*self.past, (self.now, self.resources)) if resources != self.resources else self.past
        return self._replace(resources=resources, past=past)

    def progress(self, resources: Resources) -> Service:
        """Let a status change."""
        return self._replace(resources=resources)

    def later(self, seconds: int) -> Service:
        """Let time pass."""
        now = self.now + seconds
        if not self.past:
            return self._replace(now=now)
        return self._replace(now=now, past=tuple(each for each in self.past if now < each[0] + self.lag))

    def stale_reads(self) -> Iterator[Resources]:
        """List what a stale read may show."""
        shown = {self.resources}
        for _, resources in reversed(self.past):
            if resources not in shown:
                shown.add(resources)
                yield resources


def changed(resources: Resources, old: Resource, new: Resource | None) -> Resources:
    """Put something in the place of a resource; None removes it."""
    return tuple(each for each in (new if each is old else each for each in resources) if each is not None)


@cache
def moment(seconds: float) -> datetime:
    """Return a time as the service shows it."""
    return datetime.fromtimestamp(seconds, timezone.utc)


@cache
def shown(resources: Resources) -> str:
    """Return a line on a state."""
    return "; ".join(map(str, resources)) or "nothing"
