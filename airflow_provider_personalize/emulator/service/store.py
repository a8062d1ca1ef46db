"""The resources of an account in a region: what there is, what belongs to what, and what has gone meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.emulator.service.records import GONE, Record
from airflow_provider_personalize.emulator.service.refusals import not_found
from airflow_provider_personalize.emulator.service.table import RESOURCE_TYPES

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.emulated_types import EmulatedType, Request


class Store:
    """
    Keeps resources, and forgets those that were deleted when they are looked up.

    :ivar records: All resources, also those that are gone unnoticed, by ARN.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._by_type: dict[str, dict[str, Record]] = {name: {} for name in RESOURCE_TYPES}
        self._related: dict[str, dict[str, Record]] = {}

    def find(self, resource_type: EmulatedType, arn: str) -> Record:
        """Return a resource, or raise that it does not exist."""
        record = self.records.get(arn)
        if record is None or self.has_gone(record):
            raise not_found(resource_type.title, arn)
        return record

    def existing(self, arn: str) -> Record | None:
        """Return a resource of any type, or None."""
        record = self.records.get(arn)
        return None if record is None or self.has_gone(record) else record

    def has_gone(self, record: Record) -> bool:
        """Return whether a resource is gone: deleted by now, or another has its ARN."""
        there = self.records.get(record.arn) is record
        if there and record.status == GONE:
            self.forget(record)
        return not there or record.arn not in self.records

    def forget(self, record: Record) -> None:
        """Forget a resource, and what is deleted with it."""
        for type_name in record.resource_type.cascades_to():
            for companion in self.belonging(type_name, record.resource_type.definition.arn_member, record.arn):
                self.forget(companion)
        del self.records[record.arn]
        del self._by_type[record.resource_type.name][record.arn]
        self._related.pop(record.arn, None)
        for arn in _arns(record.members):
            self._related.get(arn, {}).pop(record.arn, None)

    def keep(self, record: Record, members: Request) -> None:
        """Keep a resource, and what it belongs to by these members."""
        self.records[record.arn] = self._by_type[record.resource_type.name][record.arn] = record
        for arn in _arns(members):
            self._related.setdefault(arn, {})[record.arn] = record

    def all_of(self, type_name: str) -> list[Record]:
        """Return all resources of a type, oldest first."""
        return [record for record in list(self._by_type[type_name].values()) if not self.has_gone(record)]

    def belonging(self, type_name: str, member: str, arn: str) -> list[Record]:
        """Return the resources of a type that belong to a resource by a member, oldest first."""
        related = [record for record in self._related.get(arn, {}).values() if record.resource_type.name == type_name]
        return [each for each in related if each.current().get(member) == arn and not self.has_gone(each)]


def _arns(members: Request) -> list[str]:
    return [value for name, value in members.items() if name.endswith("Arn") and isinstance(value, str)]
