"""
How large schemas and data may be.

The numbers are those of https://docs.aws.amazon.com/personalize/latest/dg/limits.html, and so is that a dataset of
interactions has at most 5 optional columns and at most 10 event types and optional columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Limit(NamedTuple):
    """
    How large something may be.

    :param number: The largest amount.
    :param text: What is wrong with more, as a format of ``limit``, ``amount`` and ``what``.
    """

    number: int
    text: str

    def excess(self, amount: int, what: str = "") -> list[str]:
        """Return what is wrong if an amount is too large: one sentence, or none."""
        return [] if amount <= self.number else [self.text.format(limit=self.number, amount=amount, what=what)]


_GB: Final = 10**9
_IMPORTED: Final = "The data is larger than {limit} bytes: {amount}."
_COLUMNS: Final = "fields: a schema of {what} has at most {limit} fields of metadata, this one has {amount}"
_LENGTH: Final = "Length cannot be more than {limit} characters for {what}."

LIMITS: Final[Mapping[str, Limit]] = {
    "full_import_bytes": Limit(100 * _GB, _IMPORTED),
    "incremental_import_bytes": Limit(_GB, _IMPORTED),
    "interactions_metadata": Limit(5, _COLUMNS.replace("{what}", "interactions")),
    "items_metadata": Limit(100, _COLUMNS.replace("{what}", "items")),
    "users_metadata": Limit(25, _COLUMNS.replace("{what}", "users")),
    "actions_metadata": Limit(10, _COLUMNS.replace("{what}", "actions")),
    "items_textual": Limit(1, "fields: at most {limit} may be textual, {amount} are"),
    "event_types_and_columns": Limit(10, "There are more than {limit} event types and optional columns: {amount}."),
    "id_characters": Limit(256, _LENGTH),
    "categorical_characters": Limit(1000, _LENGTH),
    "textual_characters": Limit(20_000, _LENGTH),
    "textual_characters_cjk": Limit(7000, _LENGTH),
}


def excess(name: str, amount: int) -> list[str]:
    """Return what is wrong if something is larger than it may be: one sentence, or none; any amount has no limit."""
    return LIMITS[name].excess(amount) if name in LIMITS else []
