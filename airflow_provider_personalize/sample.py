"""Made-up interactions of realistic size and shape, to try a pipeline with before there is data of one's own."""

from __future__ import annotations

import csv
import random
from itertools import accumulate
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


def _long_tail(size: int) -> list[float]:
    return list(accumulate(1 / (rank + 10) for rank in range(size)))
