"""What the emulator keeps of a resource, and how an answer shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.emulated_types import EmulatedType, Members
from airflow_provider_personalize.emulator.service.progress import Progress
from airflow_provider_personalize.resources import SOLUTION

GONE: Final = "(gone)"
# never more are in progress at a time, unless updates are assumed to be accepted while one is
_LATEST_UPDATES: Final = 10


@dataclass
class Entry:
    """
    What has a status: a resource, or an update of one.

    :param holds: The result of its work: the data of a dataset, the model of a solution version, …
    :param followed: Whether what follows its end has been done.
    :param shown: What is shown of an update beyond its members.
    """

    members: Members
    progress: Progress
    failure: str | None
    created: float
    holds: Any = field(default=None, kw_only=True)
    followed: bool = field(default=False, kw_only=True)
    shown: Members = field(default_factory=dict, kw_only=True)

    @property
    def failed(self) -> bool:
        """Whether it ended in failure."""
        return self.failure is not None and self.progress.ended

    def known(self) -> Members:
        """Return all that is known of it, by the API's member names."""
        known = {
            **self.members,
            "status": self.progress.status,
            "creationDateTime": round(self.created, 3),
            "lastUpdatedDateTime": round(self.progress.reached, 3),
        }
        return {**known, "failureReason": self.failure} if self.failed else known


@dataclass
class Record(Entry):
    """
    A resource.

    :param serial: Its place in the order of creation, for lists.
    :param tags: Its tags.
    :param records: How many records a job has read or deleted.
    """

    resource_type: EmulatedType
    arn: str
    serial: int
    tags: dict[str, str] = field(default_factory=dict)
    records: int = 0
    updates: list[Entry] = field(default_factory=list)
    _applied: int = 0

    @property
    def status(self) -> str:
        """The status now, whether or not the API shows it."""
        update = self.updates[-1] if self.updates and self.resource_type.changing else None
        return self.progress.status if update is None or update.progress.ended else update.progress.status

    @property
    def usable(self) -> bool:
        """Whether others may be created in it."""
        return not self.resource_type.definition.has_status or self.status in self.resource_type.definition.ready

    @property
    def settled(self) -> bool:
        """Whether neither its creation nor an update is in progress."""
        return self.progress.ended and all(update.progress.ended for update in self.updates[self._applied :])

    @property
    def expected(self) -> float:
        """When it will have settled, as far as time alone decides."""
        return max(entry.progress.expected for entry in (self, *self.updates[self._applied :]))

    @property
    def leaving(self) -> bool:
        """Whether it is being deleted, or gone."""
        return self.progress.statuses[-1] == GONE

    def unfollowed(self) -> list[Entry]:
        """Return its creation and updates of which the consequences are still to come; none if it is leaving."""
        entries = (self, *self.updates[-_LATEST_UPDATES:])
        return [] if self.leaving else [entry for entry in entries if not entry.followed]

    def describe(self) -> None:
        """Count a description."""
        for entry in (self, *self.updates[self._applied :]):
            entry.progress.describe()

    def current(self) -> Members:
        """Return its members as they are now: with the updates that have become ACTIVE."""
        while self._applied < len(self.updates) and self.updates[self._applied].progress.ended:
            self._apply(self.updates[self._applied])
            self._applied += 1
        return self.members

    def add(self, update: Entry) -> None:
        """Add an update; of those that have ended, only the latest are kept."""
        spare = min(self._applied, len(self.updates) - _LATEST_UPDATES)
        if spare > 0:
            del self.updates[:spare]
            self._applied -= spare
        self.updates.append(update)

    def _apply(self, update: Entry) -> None:
        if not update.failed and self.resource_type.apply:
            self.members = self.resource_type.apply(self.members, update.members)
            self.holds, update.holds = update.holds or self.holds, None
            if (
                self.failed
                and not self.leaving
                and state.assumptions.failed_campaign_updated == self.resource_type.success
            ):
                self._recover()
            # that the resource counts as updated at that moment is assumed
            self.progress.reached = max(self.progress.reached, update.progress.reached)

    def _recover(self) -> None:
        """Clear its failure."""
        self.failure = None
        self.progress.statuses = (*self.progress.statuses[:-1], self.resource_type.success)

    def known(self) -> Members:
        """Return all that is known of it, by the API's member names."""
        self.current()
        resource = self.resource_type.definition
        known = {**super().known(), **self._requested(), "status": self.status, resource.arn_member: self.arn}
        visible = [update for update in self.updates if self._is_visible(update)]
        if not visible or not resource.updates:
            empty = resource.updates and state.assumptions.no_update_yet == "empty"
            return {**known, resource.update_member: {}} if empty else known
        latest = self._shown(visible[-1])
        if self.leaving and state.assumptions.deletion_shown == "update":
            known["status"], latest["status"] = self.resource_type.success, known["status"]
        return {**known, resource.update_member: latest}

    def _requested(self) -> Members:
        """Return what updates in progress will make of a solution, if it is assumed to show that already."""
        early = self.resource_type.definition is SOLUTION and state.assumptions.solution_while_updating == "as_asked"
        ahead = self.updates[self._applied :] if early and self.resource_type.apply else []
        members = self.members
        for update in ahead:
            members = self.resource_type.apply(members, update.members) if self.resource_type.apply else members
        return members

    def _is_visible(self, update: Entry) -> bool:
        delay = state.assumptions.update_visible_after
        return not delay or state.clock.now() >= update.created + delay

    def _shown(self, update: Entry) -> Members:
        resource = self.resource_type.definition
        answer = service_model.answer_shape(f"Describe{resource.pascal}")
        assert answer is not None  # noqa: S101 - every Describe has an answer
        summary = answer.members[resource.member].members[resource.update_member]
        return service_model.shown(summary, {**update.known(), **update.shown})
