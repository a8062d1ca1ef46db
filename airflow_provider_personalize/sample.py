"""Interactions to try a pipeline with: made-up ones of realistic size and shape, or a CSV of your own."""

from __future__ import annotations

import csv
import random
import re
from itertools import accumulate
from pathlib import Path
from typing import TextIO

COLUMNS = ("USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP")

_DAY = 24 * 60 * 60
_FIRST_SECOND = 1_767_225_600  # 2026-01-01T00:00:00Z
_EVENT_TYPES = ("view", "click", "purchase")
_EVENT_WEIGHTS = (80, 17, 3)


def write_interactions(
    file: TextIO, *, interactions: int = 100_000, users: int = 5_000, items: int = 2_000, days: int = 90, seed: int = 1
) -> None:
    """
    Write a CSV of interactions in order of time, the same one for the same parameters.

    A few items draw most of the interactions, a few users make most of them, and each user comes back to a taste: a
    neighbourhood of items. So popularity and co-occurrence are there to be found.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret depends on it
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    moments = sorted(chance.randrange(days * _DAY) for _ in range(interactions))
    active_users = chance.choices(range(users), cum_weights=_long_tail(users), k=interactions)
    popular_items = chance.choices(range(items), cum_weights=_long_tail(items), k=interactions)
    events = chance.choices(_EVENT_TYPES, _EVENT_WEIGHTS, k=interactions)
    for moment, user, item, event in zip(moments, active_users, popular_items, events, strict=True):
        to_taste = (user * 37 + item // 10) % items if chance.random() < 0.5 else item
        writer.writerow((f"user-{user:05}", f"item-{to_taste:05}", event, _FIRST_SECOND + moment))


def read_interactions(path: str | Path) -> tuple[str, list[str]]:
    """
    Return a CSV of your own as Amazon Personalize imports it, and the names of its columns for the schema.

    A byte order mark and the quotation marks of the header are removed. A nameless column, as pandas writes its index,
    is not among the names: the service ignores columns that the schema lacks.

    :raises ValueError: The file is not a CSV that Amazon Personalize can import; the message says what to change
        (https://docs.aws.amazon.com/personalize/latest/dg/data-prep-formatting.html).
    """
    text = _decoded(Path(path))
    header, *rows = re.split(r"\r\n|\r|\n", text, maxsplit=1)
    columns = next(csv.reader([header]), [])
    if wrong := _wrong_header(header, columns):
        raise ValueError(f"{path} cannot be imported: {wrong}")
    return "\n".join([",".join(columns), *rows]), [name for name in columns if name]


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise ValueError(
            f"{path} cannot be imported: it is not UTF-8, byte {wrong.start} is 0x{data[wrong.start]:02x}. "
            'Save it as UTF-8: in a spreadsheet as "CSV UTF-8", with pandas by to_csv(encoding="utf-8").'
        ) from None


def _wrong_header(header: str, columns: list[str]) -> str | None:
    separator = next((each for each in ";\t|" if each in header and "," not in header), None)
    if separator:
        return f"its columns are separated by {separator!r}. Write it with commas."
    if missing := [name for name in COLUMNS if name not in columns]:
        return (
            f"its header lacks {', '.join(missing)}; it has {columns}. Put the names of the columns, "
            f"at least {', '.join(COLUMNS)}, in the first line."
        )
    if unusable := [name for name in columns if not re.fullmatch("[A-Za-z0-9_]*", name)]:
        return f"it has columns named {unusable}. Use letters, digits and underscores only, as in UNIT_PRICE."
    return None


def _long_tail(size: int) -> list[float]:
    return list(accumulate(1 / (rank + 10) for rank in range(size)))
