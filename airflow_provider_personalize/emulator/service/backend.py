"""What the rules know of an account's Personalize in a region; :mod:`.personalize` implements it."""

from __future__ import annotations

from typing import Protocol

from airflow_provider_personalize.emulator.service.emulated_types import Members
from airflow_provider_personalize.emulator.service.records import Record
from airflow_provider_personalize.emulator.service.scheduler import Scheduler


class Backend(Protocol):
    """
    What exists in an account and region, and how to create more.

    :param records: All resources, also those that are gone unnoticed, by ARN.
    :param scheduler: What is to happen later.
    :param created: How many resources were created.
    """

    account_id: str
    region_name: str
    partition: str
    records: dict[str, Record]
    scheduler: Scheduler
    created: int

    def existing(self, arn: str) -> Record | None:
        """Return a resource of any type, or None."""

    def all_of(self, type_name: str) -> list[Record]:
        """Return all resources of a type, oldest first."""

    def belonging(self, type_name: str, member: str, arn: str) -> list[Record]:
        """Return the resources of a type that belong to a resource by a member, oldest first."""

    def create(self, type_name: str, request: Members, more: Members, *, within_quota: bool) -> Record:
        """Create a resource as the service itself does, within the quotas or not."""

    def start_update(self, operation: str, record: Record, changes: Members) -> None:
        """Start an update of a resource."""

    def settle(self, record: Record) -> None:
        """Do, once, what follows the end of a resource's creation or update."""
