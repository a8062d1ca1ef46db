"""What the rules know of an account's Personalize in a region; ``models`` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.records import Members, Record
    from airflow_provider_personalize.emulator.service.scheduler import Agenda

Request = Mapping[str, Any]


class Backend(Protocol):
    """
    What exists in an account and region, and how to bring about more.

    :param records: All resources, those that have gone without anyone looking included, by ARN.
    :param agenda: What is to happen later.
    :param made: How many resources were made.
    """

    account_id: str
    region_name: str
    partition: str
    records: dict[str, Record]
    agenda: Agenda
    made: int

    def existing(self, arn: str) -> Record | None:
        """Return a resource of whatever kind, or None."""

    def all_of(self, kind: str) -> list[Record]:
        """Return all resources of a kind, oldest first."""

    def belonging(self, kind: str, member: str, arn: str) -> list[Record]:
        """Return the resources of a kind that name a resource, oldest first."""

    def begin(self, name: str, request: Members, more: Members, *, held: bool) -> Record:
        """Let the service itself make a resource; ``held`` to the quotas or not."""

    def start_update(self, operation: str, record: Record, asked: Members) -> None:
        """Let an update of a resource begin."""

    def settle(self, record: Record) -> None:
        """Let what follows the end of a resource's making, or of an update of it, happen; once."""
