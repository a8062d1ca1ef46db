"""A model: how popular each item is, which items go together, and what each user did last."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from airflow_provider_personalize.emulator.engine.filters import parse_attributes
from airflow_provider_personalize.emulator.engine.recipes import Answers

Scored = list[tuple[str, float]]

# An item goes with those that came up to so many places before it; a user is known by so many items.
WINDOW: Final = 5
MEMORY: Final = 10
# What is left of a step's weight one step further back.
_FADING: Final = 0.95
# Of a known user's scores, so much is popularity; the rest is what goes with the user's items.
_POPULARITY: Final = 0.5
# Users come back to items: for them, an item goes with itself by so much (the cosine of two items is at most 1).
_AGAIN: Final = 0.3
# Of each item's neighbours, so many are kept.
NEIGHBOURS: Final = 50


class Model:
    """
    Learns from histories, and recommends.

    Scores of recommendations add up to 1 over all items, as the service's do.

    :ivar metrics: The service's metrics, by name.
    :ivar training_interactions: How many interactions the model was trained on.
    :ivar items: All items of the training, and the weight of the interactions with each.
    """

    def __init__(self, answers: Answers, catalogue: Mapping[str, Mapping[str, Any]]) -> None:
        self.metrics: dict[str, float] = {}
        self.training_interactions = 0
        self.items: dict[str, float] = dict.fromkeys(catalogue, 0.0)
        self.answers = answers
        self._catalogue = catalogue if answers == "segments" else {}
        self._together: dict[str, dict[str, float]] = {}
        self._recent: dict[str, list[str]] = {}
        self._similar: dict[str, Scored] = {}
        self._popular: Scored = []

    def learn(self, user: str, history: Iterable[tuple[str, float]]) -> None:
        """Add a user's next interactions: items, and the weight of each interaction."""
        recent = self._recent.setdefault(user, [])
        for item, weight in history:
            self.items[item] = self.items.get(item, 0.0) + weight
            self._join(item, recent, weight)
            if item in recent:
                recent.remove(item)
            recent.append(item)
            del recent[:-MEMORY]

    def _join(self, item: str, recent: list[str], weight: float) -> None:
        own = self._together.setdefault(item, {})
        for other in recent[-WINDOW:]:
            if other != item:
                own[other] = own.get(other, 0.0) + weight
                others = self._together[other]
                others[item] = others.get(item, 0.0) + weight

    def settle(self) -> None:
        """Compute what recommendations need from what was learnt. Call it once, before them."""
        total = sum(self.items.values()) or 1.0
        self._popular = _ordered((item, weight / total) for item, weight in self.items.items())
        self._similar = {item: self._neighbours(item, others) for item, others in self._together.items()}

    def _neighbours(self, item: str, others: Mapping[str, float]) -> Scored:
        """Return the most similar items by the cosine, which keeps popular items from being similar to all."""
        own = self.items[item]
        cosines = [(weight / math.sqrt(own * self.items[other]), other) for other, weight in others.items()]
        return [(other, cosine) for cosine, other in heapq.nlargest(NEIGHBOURS, cosines)]

    def forget_details(self) -> None:
        """Release what only learning needs."""
        self._together = {}

    def recommend(
        self,
        *,
        user_id: str | None = None,
        item_id: str | None = None,
        count: int = 25,
        keep: Callable[[str], bool] | None = None,
        recent: Sequence[str] = (),
    ) -> Scored:
        """
        Return items and their scores, best first.

        :param user_id: Whom to recommend to. Somebody unknown gets what is popular.
        :param item_id: What to find similar items to, for recipes of related items.
        :param keep: Says whether an item may be recommended, as a filter does.
        :param recent: What the user did since the training, oldest first.
        """
        related = self.answers == "related"
        shares = self._shares({item_id: 1.0}) if related and item_id else self._of_user(user_id, recent)
        found = (
            (item, score)
            for item, score in self._scored(shares)
            if not (related and item == item_id) and (keep is None or keep(item))
        )
        return list(islice(found, count))

    def _of_user(self, user_id: str | None, recent: Sequence[str]) -> dict[str, float]:
        return self._shares(self._taste(user_id, recent), again=_AGAIN)

    def _taste(self, user_id: str | None, recent: Sequence[str]) -> dict[str, float]:
        """Return what a user is known by, the newer the weightier."""
        if self.answers in {"popular", "related"}:
            return {}
        newest_first = dict.fromkeys(reversed([*self._recent.get(user_id or "", ()), *recent]))
        return {item: _FADING**age for age, item in enumerate(islice(newest_first, MEMORY))}

    def _shares(self, taste: Mapping[str, float], again: float = 0.0) -> dict[str, float]:
        """Return what goes with these items, in shares of 1; nothing if nothing does."""
        weights = {item: weight * again for item, weight in taste.items() if again and item in self.items}
        for item, weight in taste.items():
            for other, cosine in self._similar.get(item, ()):
                weights[other] = weights.get(other, 0.0) + weight * cosine
        total = sum(weights.values())
        return {item: weight / total for item, weight in weights.items()}

    def _scored(self, shares: Mapping[str, float]) -> Iterator[tuple[str, float]]:
        """Yield all items, best first: those that go with something, merged with the popular ones."""
        part = _POPULARITY if shares else 1.0
        total = sum(self.items.values()) or 1.0
        near = _ordered((i, part * self.items[i] / total + (1 - part) * share) for i, share in shares.items())
        common = ((item, part * share) for item, share in self._popular if item not in shares)
        return heapq.merge(near, common, key=_best_first)

    @property
    def users(self) -> Collection[str]:
        """All users of the training."""
        return self._recent.keys()

    def guess(self, user_id: str, count: int) -> list[str]:
        """Return the items that the user is expected to go on to; for related items, from the last one."""
        last = self._recent[user_id][-1]
        return [item for item, _ in self.recommend(user_id=user_id, item_id=last, count=count)]

    def rank(self, user_id: str, item_ids: Sequence[str], recent: Sequence[str] = ()) -> Scored:
        """Return these items and their scores, which add up to 1, best first; unknown items come last."""
        shares = self._of_user(user_id, recent)
        part = _POPULARITY if shares else 1.0
        total = sum(self.items.values()) or 1.0
        scores = {i: part * self.items.get(i, 0.0) / total + (1 - part) * shares.get(i, 0.0) for i in item_ids}
        whole = sum(scores.values())
        ranked = sorted(scores.items(), key=lambda scored: -scored[1])
        return [(item, score / whole if whole else 1 / len(ranked)) for item, score in ranked]

    def segment(
        self,
        *,
        item_id: str | None = None,
        attributes: str | None = None,
        count: int = 25,
        keep: Callable[[str], bool] | None = None,
    ) -> list[str]:
        """
        Return the users that are nearest to an item, or to the items with these attributes, the nearest first.

        :param attributes: As in ``ITEMS.genres = "Comedy" AND ITEMS.genres = "Action"``.
        :param keep: Says whether a user may be in the segment, as a filter does.
        :raises InvalidFilter: The attributes make no sense.
        """
        wanted = [item_id] if item_id is not None else self._with(attributes or "")
        near = {**self._shares(dict.fromkeys(wanted, 1.0)), **dict.fromkeys(wanted, 1.0)}
        users = self._recent if keep is None else filter(keep, self._recent)
        return heapq.nsmallest(count, users, key=lambda user: (-self._nearness(user, near), user))

    def _with(self, attributes: str) -> list[str]:
        matches = parse_attributes(attributes)
        return [item for item, row in self._catalogue.items() if matches(row)]

    def _nearness(self, user: str, near: Mapping[str, float]) -> float:
        return sum(_FADING**age * near.get(item, 0.0) for age, item in enumerate(reversed(self._recent[user])))


def _best_first(scored: tuple[str, float]) -> tuple[float, str]:
    return -scored[1], scored[0]


def _ordered(scored: Iterable[tuple[str, float]]) -> Scored:
    return sorted(scored, key=_best_first)
