"""The resources of an account in a region: what there is, what belongs to what, and what has gone meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.emulator.errors import not_found
from airflow_provider_personalize.emulator.service.records import GONE, Record
from airflow_provider_personalize.emulator.service.table import KINDS

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Request
    from airflow_provider_personalize.emulator.service.resource_types import Kind


class Store:
    """
    Keeps resources, and lets go of those that were deleted when somebody looks for them.

    :ivar records: All resources, those that have gone without anyone looking included, by ARN.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._kinds: dict[str, dict[str, Record]] = {name: {} for name in KINDS}
        self._related: dict[str, dict[str, Record]] = {}

    def find(self, kind: Kind, arn: str) -> Record:
        """Return a resource, or say that it does not exist."""
        record = self.records.get(arn)
        if record is None or self.has_gone(record):
            raise not_found(kind.resource.title, arn)
        return record

    def existing(self, arn: str) -> Record | None:
        """Return a resource of whatever kind, or None."""
        record = self.records.get(arn)
        return None if record is None or self.has_gone(record) else record

    def has_gone(self, record: Record) -> bool:
        """Tell whether a resource is there no more: deleted by now, or another has its ARN."""
        there = self.records.get(record.arn) is record
        if there and record.status == GONE:
            self.forget(record)
        return not there or record.arn not in self.records

    def forget(self, record: Record) -> None:
        """Let go of a resource, and of what goes with it."""
        for along in record.kind.takes_along():
            for companion in self.belonging(along, record.kind.resource.arn_member, record.arn):
                self.forget(companion)
        del self.records[record.arn]
        del self._kinds[record.kind.resource.name][record.arn]
        self._related.pop(record.arn, None)
        for arn in _arns(record.members):
            self._related.get(arn, {}).pop(record.arn, None)

    def keep(self, record: Record, members: Request) -> None:
        """Keep a resource, and what it belongs to by these members."""
        self.records[record.arn] = self._kinds[record.kind.resource.name][record.arn] = record
        for arn in _arns(members):
            self._related.setdefault(arn, {})[record.arn] = record

    def all_of(self, kind: str) -> list[Record]:
        """Return all resources of a kind, oldest first."""
        return [record for record in list(self._kinds[kind].values()) if not self.has_gone(record)]

    def belonging(self, kind: str, member: str, arn: str) -> list[Record]:
        """Return the resources of a kind that name a resource, oldest first."""
        related = [record for record in self._related.get(arn, {}).values() if record.kind is KINDS[kind]]
        return [each for each in related if each.current().get(member) == arn and not self.has_gone(each)]


def _arns(members: Request) -> list[str]:
    return [value for name, value in members.items() if name.endswith("Arn") and isinstance(value, str)]
