"""
The service's offline metrics, computed on each user's last interaction.

The service holds out more than that: https://docs.aws.amazon.com/personalize/latest/dg/working-with-training-metrics.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.engine.model import Model

DEEPEST: Final = 25
_DEPTHS: Final = (5, 10, DEEPEST)
# More users than these make training slow and the metrics no better.
_MOST_USERS: Final = 5_000


def evaluate(model: Model, held_out: Mapping[str, str]) -> dict[str, float]:
    """
    Return the metrics of a model that has not seen these interactions.

    :param held_out: By user, the item that came next.
    """
    step = -(-len(held_out) // _MOST_USERS) or 1
    asked = list(islice(held_out.items(), 0, None, step))
    lists = [model.guess(user, DEEPEST) for user, _ in asked]
    ranks = [_rank(guessed, item) for guessed, (_, item) in zip(lists, asked, strict=True)]
    return {"coverage": _coverage(lists, model), **_of_ranks(ranks)}


def _rank(guessed: list[str], item: str) -> int:
    """Return the place of an item, from 1, or 0 if it was not guessed."""
    return guessed.index(item) + 1 if item in guessed else 0


def _coverage(lists: Iterable[list[str]], model: Model) -> float:
    return len({item for guessed in lists for item in guessed}) / (len(model.items) or 1)


def _of_ranks(ranks: list[int]) -> dict[str, float]:
    # of one relevant item, the ideal gain is 1
    metrics = {f"mean_reciprocal_rank_at_{DEEPEST}": _mean([1 / rank if rank else 0.0 for rank in ranks])}
    for depth in _DEPTHS:
        gains = [1 / math.log2(1 + rank) if 0 < rank <= depth else 0.0 for rank in ranks]
        metrics[f"normalized_discounted_cumulative_gain_at_{depth}"] = _mean(gains)
    for depth in _DEPTHS:
        metrics[f"precision_at_{depth}"] = _mean([1 / depth if 0 < rank <= depth else 0.0 for rank in ranks])
    return metrics


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / (len(numbers) or 1)
