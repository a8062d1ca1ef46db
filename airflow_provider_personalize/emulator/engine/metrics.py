"""
The service's offline metrics, computed on each user's last interaction.

The service holds out more than that: https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html.
The guide describes hit and recall of segments and the gain with event weights; how their names are written is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from operator import mul
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.engine.model import Model

DEEPEST: Final = 25
_DEPTHS: Final = (5, 10, DEEPEST)
# More than these make training slow and the metrics no better.
_MOST_USERS: Final = 5_000
_MOST_SEGMENTS: Final = 100
_NDCG: Final = "normalized_discounted_cumulative_gain"

T = TypeVar("T")
Event = tuple[str, float]  # an item and what the interaction with it weighs


def evaluate(model: Model, held_out: Mapping[str, Event], mean_weight: float | None = None) -> dict[str, float]:
    """
    Return the metrics of a model that has not seen these interactions.

    :param held_out: By user, the item that came next, and what that interaction weighs.
    :param mean_weight: The mean of an events configuration's weights; with it there are weighted metrics too.
    """
    if model.answers == "segments":
        return _of_segments(model, held_out)
    asked = _some(held_out.items(), _MOST_USERS)
    lists = [model.guess(user, DEEPEST) for user, _ in asked]
    ranks = [_rank(guessed, item) for guessed, (_, (item, _)) in zip(lists, asked, strict=True)]
    rewards = [weight / mean_weight for _, (_, weight) in asked] if mean_weight else []
    return {"coverage": _coverage(lists, model.items), **_of_ranks(ranks), **_weighted(ranks, rewards)}


def _some(all_of_them: Collection[T], most: int) -> list[T]:
    """Return so many at most, from all over."""
    step = -(-len(all_of_them) // most) or 1
    return list(islice(all_of_them, 0, None, step))


def _rank(guessed: list[str], item: str) -> int:
    """Return the place of an item, from 1, or 0 if it was not guessed."""
    return guessed.index(item) + 1 if item in guessed else 0


def _coverage(lists: Iterable[list[str]], everything: Collection[str]) -> float:
    return len({each for guessed in lists for each in guessed}) / (len(everything) or 1)


def _gain(rank: int, depth: int) -> float:
    """Return the discounted gain of one relevant item, of which the ideal is 1."""
    return 1 / math.log2(1 + rank) if 0 < rank <= depth else 0.0


def _of_ranks(ranks: list[int]) -> dict[str, float]:
    return {
        f"mean_reciprocal_rank_at_{DEEPEST}": _mean(1 / rank if rank else 0.0 for rank in ranks),
        **{f"{_NDCG}_at_{depth}": _mean(_gain(rank, depth) for rank in ranks) for depth in _DEPTHS},
        **{f"precision_at_{depth}": _mean((0 < rank <= depth) / depth for rank in ranks) for depth in _DEPTHS},
    }


def _weighted(ranks: list[int], rewards: list[float]) -> dict[str, float]:
    """Return the gains as the events configuration rewards them; nothing without a configuration."""
    return {
        f"{_NDCG}_with_event_weights_at_{depth}": _mean(map(mul, (_gain(rank, depth) for rank in ranks), rewards))
        for depth in (_DEPTHS if rewards else ())
    }


def _of_segments(model: Model, held_out: Mapping[str, Event]) -> dict[str, float]:
    """Return how many of the users that took an item next are among the hundredth of all users nearest to it."""
    takers: dict[str, set[str]] = {}
    for user, (item, _) in held_out.items():
        takers.setdefault(item, set()).add(user)
    asked = _some(takers.items(), _MOST_SEGMENTS)
    lists = [model.segment(item_id=item, count=-(-len(model.users) // 100)) for item, _ in asked]
    hits = [len(users.intersection(guessed)) for guessed, (_, users) in zip(lists, asked, strict=True)]
    recall = _mean(hit / len(users) for hit, (_, users) in zip(hits, asked, strict=True))
    return {"coverage": _coverage(lists, model.users), "hit_at_k": _mean(hits), "recall_at_k": recall}


def _mean(numbers: Iterable[float]) -> float:
    found = list(numbers)
    return sum(found) / (len(found) or 1)
