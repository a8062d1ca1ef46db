"""
How many of a kind there may be, and how large things may be: the service's quotas, in force unless set otherwise.

``quotas.set("dataset_group", 100)``; None takes a quota away; ``quotas.reset()`` brings back the service's own.

Numbers: https://docs.aws.amazon.com/personalize/latest/dg/limits.html. The texts for jobs in progress and for campaigns
are those of https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html; the others are made after them.
That a job fails, and not its creation, if its data is too large is assumed. That a dataset group has one event tracker
and one metric attribution is a rule of these kinds; the lengths of lists and texts in requests are in botocore's model.
Rates of requests are not held: :func:`faults.throttle` does that on request. How much training considers at most makes
no difference here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_personalize.emulator.control.assumptions import assumptions
from airflow_provider_personalize.emulator.errors import Refused

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend, Request
    from airflow_provider_personalize.emulator.service.records import Record
    from airflow_provider_personalize.emulator.service.resource_types import Kind

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


class Size(NamedTuple):
    """
    How large a thing may be.

    :param name: What is measured.
    :param number: The service's own number.
    :param text: What is said of more, with the limit and what else is told of the thing.
    """

    name: str
    number: int
    text: str


_GB: Final = 10**9
_COLUMNS: Final = "fields: a schema of {what} has at most {limit} fields of metadata, this one has {amount}"
_LENGTH: Final = "Length cannot be more than {limit} characters for {what}."
_IMPORTED: Final = "The data is larger than {limit} bytes: {amount}."
_INPUT: Final = "The input is larger than {limit} bytes: {amount}."
_LINES: Final = "An input file has more than {limit} lines: {amount}."

SIZES: Final = (
    Size("full_import_bytes", 100 * _GB, _IMPORTED),
    Size("incremental_import_bytes", _GB, _IMPORTED),
    Size("interactions_metadata", 5, _COLUMNS.replace("{what}", "interactions")),
    Size("items_metadata", 100, _COLUMNS.replace("{what}", "items")),
    Size("users_metadata", 25, _COLUMNS.replace("{what}", "users")),
    Size("actions_metadata", 10, _COLUMNS.replace("{what}", "actions")),
    Size("items_textual", 1, "fields: at most {limit} may be textual, {amount} are"),
    Size("event_types_and_columns", 10, "There are more than {limit} event types and optional columns: {amount}."),
    Size("id_characters", 256, _LENGTH),
    Size("categorical_characters", 1000, _LENGTH),
    Size("textual_characters", 20_000, _LENGTH),
    Size("textual_characters_cjk", 7000, _LENGTH),
    Size("fields_of_a_filter", 10, "filterExpression has more than {limit} distinct fields: {amount}"),
    Size("fields_of_all_filters", 20, "The filters of a group have more than {limit} distinct fields: {amount}"),
    Size("event_bytes", 10 * 1024, "{what} is larger than {limit} bytes: {amount}"),
    Size("batch_input_bytes", _GB, _INPUT),
    Size("batch_input_files", 1000, "There are more than {limit} input files: {amount}."),
    Size("batch_lines", 50_000_000, _LINES),
    Size("batch_lines_with_themes", 100, _LINES),
    Size("segment_lines_by_item", 500, _LINES),
    Size("segment_lines_by_attributes", 10, _LINES),
    Size("deletion_bytes", 100 * 10**6, _INPUT),
)


class Quotas:
    """The quotas, each with the number that is in force."""

    def __init__(self) -> None:
        self._rows: Final = {row.kind: row for row in TABLE}
        self._sizes: Final = {size.name: size for size in SIZES}
        self.reset()

    def reset(self) -> None:
        """Go back to the service's own numbers."""
        self._numbers: dict[str, int | None] = {
            **{row.kind: row.number for row in TABLE},
            **{size.name: size.number for size in SIZES},
        }

    def set(self, name: str, number: int | None) -> None:
        """
        Allow so many.

        :param name: A kind's name, as in ``dataset_group``, or that of a size, as in ``full_import_bytes``.
        :param number: None allows any number.
        """
        self.change({name: number})

    def change(self, numbers: dict[str, Any]) -> None:
        """Set several, or none if one of them is wrong."""
        for name, number in numbers.items():
            if name not in self._numbers:
                raise ValueError(f"there is no quota for {name!r}: there are those for {', '.join(self._numbers)}")
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
                raise ValueError(f"{name} is {number!r}: give a whole number from 0, or null for any number")
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

    def excess(self, name: str, amount: int, what: str = "") -> list[str]:
        """
        Say that something is larger than it may be: one sentence, or none.

        :param name: What is measured; nothing is said of what has no quota.
        :param what: What is too large.
        """
        limit = self._numbers.get(name)
        if limit is None or amount <= limit:
            return []
        return [self._sizes[name].text.format(limit=limit, amount=amount, what=what)]

    def hold(self, name: str, amount: int, what: str = "") -> None:
        """Refuse what is larger than it may be."""
        for text in self.excess(name, amount, what):
            raise Refused("LimitExceededException", text)


def _rivals(backend: Backend, row: Quota, members: Request) -> list[Record]:
    if row.within is None:
        return backend.all_of(row.kind)
    return backend.belonging(row.kind, row.within, members.get(row.within, ""))


quotas = Quotas()
