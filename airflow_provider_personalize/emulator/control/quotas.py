"""
The service's quotas, in force unless set otherwise: how many resources there may be, and their largest sizes.

``quotas.set("dataset_group", 100)``; None removes a quota; ``quotas.reset()`` restores the service's own.

Numbers: https://docs.aws.amazon.com/personalize/latest/dg/limits.html. The messages for running jobs and for
campaigns are those of https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html; the others follow them.
If data is too large, it is assumed that the job fails, and not the call that creates it. That a dataset group has one
event tracker and one metric attribution is a rule of these types; the lengths of lists and texts in requests are in
botocore's model. The rate of requests is not limited: :meth:`faults.throttle` does that on request. How much data
training considers at most makes no difference here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.data.limits import LIMITS
from airflow_provider_personalize.emulator.errors import ServiceError

_RUNNING: Final = "More than {limit} resources with PENDING or IN_PROGRESS status."
_ACTIVE: Final = (
    "Cannot create a {title}. More than {limit} resources in ACTIVE state. Please delete some and try again."
)
_EXISTING: Final = "Cannot create a {title}. More than {limit} resources. Please delete some and try again."


_REGION: Final = None
_GROUP: Final = "datasetGroupArn"


@dataclass(frozen=True)
class Quota:
    """
    How many resources of a type there may be.

    :param resource_type: The name of the type.
    :param within: The member that all counted resources share; None counts all in the region.
    :param counted: Which resources count: existing, active, in_progress or pending ones.
    :param number: The service's own number.
    :param text: The message of the error.
    """

    resource_type: str
    within: str | None
    counted: str
    number: int
    text: str


TABLE: Final = (
    Quota("schema", _REGION, "existing", 500, _EXISTING),
    Quota("dataset_group", _REGION, "active", 5, _ACTIVE),
    Quota("dataset_import_job", _REGION, "in_progress", 5, _RUNNING),
    Quota("batch_inference_job", _REGION, "in_progress", 5, _RUNNING),
    Quota("batch_segment_job", _REGION, "in_progress", 5, _RUNNING),
    Quota("solution_version", _REGION, "in_progress", 20, _RUNNING),
    Quota("solution", _GROUP, "active", 10, _ACTIVE),
    Quota("campaign", _GROUP, "active", 5, _ACTIVE),
    Quota("recommender", _GROUP, "existing", 5, _EXISTING),
    Quota("filter", _GROUP, "existing", 30, _EXISTING),
    Quota("data_deletion_job", _GROUP, "pending", 5, _RUNNING),
)


class Size(NamedTuple):
    """
    How large something may be.

    :param name: What is measured.
    :param number: The service's own number.
    :param text: The message of the error, with the limit and the amount.
    """

    name: str
    number: int
    text: str


_GB: Final = 10**9
_INPUT: Final = "The input is larger than {limit} bytes: {amount}."
_LINES: Final = "An input file has more than {limit} lines: {amount}."

SIZES: Final = (
    *(Size(name, *limit) for name, limit in LIMITS.items()),
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

_SIZES: Final = {size.name: size for size in SIZES}


class Quotas:
    """The quotas, each with the number that is in force."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Restore the service's own numbers."""
        self._numbers: dict[str, int | None] = {
            **{quota.resource_type: quota.number for quota in TABLE},
            **{size.name: size.number for size in SIZES},
        }

    def set(self, name: str, number: int | None) -> None:
        """
        Set a quota.

        :param name: A resource type, as in ``dataset_group``, or a size, as in ``full_import_bytes``.
        :param number: None allows any number.
        """
        self.change({name: number})

    def change(self, numbers: dict[str, Any]) -> None:
        """Set several quotas, or none if one of them is wrong."""
        for name, number in numbers.items():
            if name not in self._numbers:
                raise ValueError(f"there is no quota for {name!r}: there are those for {', '.join(self._numbers)}")
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
                raise ValueError(f"{name} is {number!r}: give a whole number from 0, or null for any number")
        self._numbers |= numbers

    def in_force(self) -> dict[str, int | None]:
        """Return the number of each quota."""
        return dict(self._numbers)

    def limit(self, name: str) -> int | None:
        """Return the number in force; None if there is no limit."""
        return self._numbers.get(name)

    def excess(self, name: str, amount: int, what: str = "") -> list[str]:
        """
        Return what is wrong if something is larger than it may be: one sentence, or none.

        :param name: What is measured; without a quota, any amount is right.
        :param what: What is too large.
        """
        limit = self._numbers.get(name)
        if limit is None or amount <= limit:
            return []
        return [_SIZES[name].text.format(limit=limit, amount=amount, what=what)]

    def refuse_excess(self, name: str, amount: int, what: str = "") -> None:
        """Raise LimitExceededException if something is larger than it may be."""
        for text in self.excess(name, amount, what):
            raise ServiceError("LimitExceededException", text)
