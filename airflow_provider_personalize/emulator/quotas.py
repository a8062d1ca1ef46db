"""
How many of a kind there may be: the service's quotas, in force unless set otherwise.

``quotas.set("dataset_group", 100)``; None takes a quota away; ``quotas.reset()`` brings back the service's own.

Numbers: https://docs.aws.amazon.com/personalize/latest/dg/limits.html. The texts for jobs under way and for campaigns
are those of https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html; the others are made after them.
That a dataset group has one event tracker and one metric attribution is a rule of these kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.errors import Refused

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.backend import Backend, Request
    from airflow_provider_personalize.emulator.kinds import Kind
    from airflow_provider_personalize.emulator.records import Record

_UNDER_WAY: Final = "More than {limit} resources with PENDING or IN_PROGRESS status."
_ACTIVE: Final = (
    "Cannot create a {title}. More than {limit} resources in ACTIVE state. Please delete some and try again."
)
_THERE: Final = "Cannot create a {title}. More than {limit} resources. Please delete some and try again."


def _is_under_way(record: Record) -> bool:
    return record.status in record.kind.on_the_way


def _is_pending(record: Record) -> bool:
    return record.status in record.kind.on_the_way[:1]


def _is_active(record: Record) -> bool:
    return record.usable or (_is_under_way(record) and assumptions.active_counts == "on_their_way")


def _is_there(record: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return True


_REGION: Final = None
_GROUP: Final = "datasetGroupArn"


@dataclass(frozen=True)
class Quota:
    """
    How many of a kind there may be.

    :param kind: The kind's name.
    :param within: The member of which all that are counted have the same value; None counts the region's.
    :param counts: Tells whether a resource counts.
    :param number: The service's own number.
    :param text: What the refusal says.
    """

    kind: str
    within: str | None
    counts: Callable[[Record], bool]
    number: int
    text: str


TABLE: Final = (
    Quota("schema", _REGION, _is_there, 500, _THERE),
    Quota("dataset_group", _REGION, _is_active, 5, _ACTIVE),
    Quota("dataset_import_job", _REGION, _is_under_way, 5, _UNDER_WAY),
    Quota("batch_inference_job", _REGION, _is_under_way, 5, _UNDER_WAY),
    Quota("batch_segment_job", _REGION, _is_under_way, 5, _UNDER_WAY),
    Quota("solution_version", _REGION, _is_under_way, 20, _UNDER_WAY),
    Quota("solution", _GROUP, _is_active, 10, _ACTIVE),
    Quota("campaign", _GROUP, _is_active, 5, _ACTIVE),
    Quota("recommender", _GROUP, _is_there, 5, _THERE),
    Quota("filter", _GROUP, _is_there, 30, _THERE),
    Quota("data_deletion_job", _GROUP, _is_pending, 5, _UNDER_WAY),
)


class Quotas:
    """The quotas, each with the number that is in force."""

    def __init__(self) -> None:
        self._rows: Final = {row.kind: row for row in TABLE}
        self.reset()

    def reset(self) -> None:
        """Go back to the service's own numbers."""
        self._numbers: dict[str, int | None] = {row.kind: row.number for row in TABLE}

    def set(self, kind: str, number: int | None) -> None:
        """
        Allow so many.

        :param kind: A kind's name, as in ``dataset_group``.
        :param number: None allows any number.
        """
        self.change({kind: number})

    def change(self, numbers: dict[str, Any]) -> None:
        """Set several, or none if one of them is wrong."""
        for kind, number in numbers.items():
            if kind not in self._rows:
                raise ValueError(f"there is no quota for {kind!r}: there are those for {', '.join(self._rows)}")
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
                raise ValueError(f"{kind} is {number!r}: give a whole number from 0, or null for any number")
        self._numbers |= numbers

    def in_force(self) -> dict[str, int | None]:
        """Return the number of each."""
        return dict(self._numbers)

    def check(self, backend: Backend, kind: Kind, members: Request) -> None:
        """Refuse one more than there may be."""
        row = self._rows.get(kind.resource.name)
        limit = self._numbers.get(kind.resource.name)
        if row is None or limit is None:
            return
        if sum(map(row.counts, _rivals(backend, row, members))) >= limit:
            title = kind.resource.title
            raise Refused("LimitExceededException", row.text.format(title=title, limit=limit))


def _rivals(backend: Backend, row: Quota, members: Request) -> list[Record]:
    if row.within is None:
        return backend.all_of(row.kind)
    return backend.belonging(row.kind, row.within, members.get(row.within, ""))


quotas = Quotas()
