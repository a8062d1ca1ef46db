"""
Train on what a dataset has: popularity, and which items come near each other in users' histories.

Training minimums and their texts: https://docs.aws.amazon.com/personalize/latest/dg/limits.html and
https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html. The text for the share of users is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import Unfit
from airflow_provider_personalize.emulator.engine.metrics import evaluate
from airflow_provider_personalize.emulator.engine.model import Model
from airflow_provider_personalize.emulator.engine.recipes import answers_of

LEAST_INTERACTIONS: Final = 1000
LEAST_USERS: Final = 25
LEAST_SHARE: Final = 0.01

Event = tuple[str, float]  # an item and what the interaction with it weighs
Histories = dict[str, list[Event]]


def train(
    recipe: str,
    interactions: DatasetData,
    items: DatasetData | None = None,
    users: DatasetData | None = None,  # noqa: ARG001 - the service takes them too, and this engine has no use for them
    *,
    least_of: tuple[DatasetData, ...] | None = None,
    events_config: Mapping[str, Any] | None = None,
    event_type: str | None = None,
    event_value_threshold: float | None = None,
    counts_without_value: bool = False,
) -> Model:
    """
    Train a model, and measure it on each user's last interaction, which it had not seen at that moment.

    :param recipe: The recipe's name or ARN.
    :param interactions: The interactions with items, or with actions.
    :param items: The items, or the actions, so that those of no interactions are known too.
    :param least_of: What there must be enough of, if not of the interactions; it may be of nothing.
    :param events_config: The solution's ``eventsConfig``: only the event types in it count, from their threshold on and
        by their weight. https://docs.aws.amazon.com/personalize/latest/dg/optimizing-solution-events-config.html
    :param event_type: The solution's ``eventType``: no other counts.
    :param event_value_threshold: The solution's ``eventValueThreshold``: interactions of a lower value do not count.
    :param counts_without_value: Whether an interaction without a value passes a threshold.
    :raises Unfit: There is too little data.
    """
    events = _Events(events_config, event_type, event_value_threshold, counts_without_value)
    histories, count = _histories(interactions, events)
    for counted in (interactions,) if least_of is None else least_of:
        _enough(*((histories, count) if counted is interactions else _histories(counted, events)), event_type)
    model = Model(answers_of(recipe), _catalogue(items))
    # so the last interactions are learnt after they were asked for, and nothing is learnt twice
    for user, history in histories.items():
        model.learn(user, history[:-1])
    model.settle()
    held_out = {user: history[-1] for user, history in histories.items() if len(history) > 1}
    model.metrics = evaluate(model, held_out, events.mean_weight)
    for user, history in histories.items():
        model.learn(user, history[-1:])
    model.settle()
    model.forget_details()
    model.training_interactions = count
    return model


def _catalogue(items: DatasetData | None) -> dict[str, dict[str, Any]]:
    return {row[items.key]: row for row in items.rows()} if items and items.key else {}


class _Events:
    """Tells what an interaction weighs."""

    def __init__(
        self, config: Mapping[str, Any] | None, event_type: str | None, threshold: float | None, without_value: bool
    ) -> None:
        self._only = event_type
        self._without_value = without_value
        self._threshold = threshold
        # the defaults of a parameter that is left out are assumed
        parameters = (config or {}).get("eventParametersList") or []
        self._of_type = {
            each["eventType"]: (each.get("eventValueThreshold"), float(each.get("weight", 1.0))) for each in parameters
        }

    @property
    def mean_weight(self) -> float | None:
        """The mean of the weights of the events configuration, or None without a configuration."""
        weights = [weight for _, weight in self._of_type.values()]
        return sum(weights) / len(weights) if weights else None

    def weight(self, event_type: str | None, value: float | None) -> float:
        """Return the weight, 0 if the interaction does not count."""
        if self._only is not None and event_type != self._only:
            return 0.0
        if self._below(value, self._threshold):
            return 0.0
        if not self._of_type:
            return 1.0
        threshold, weight = self._of_type.get(event_type or "", (None, 0.0))
        return 0.0 if self._below(value, threshold) else weight

    def _below(self, value: float | None, threshold: float | None) -> bool:
        """Return whether a value is too low."""
        if threshold is None:
            return False
        return not self._without_value if value is None else value < threshold


def _histories(interactions: DatasetData, events: _Events) -> tuple[Histories, int]:
    """Return what each user did, oldest first, and how much that is."""
    subject = "ACTION_ID" if interactions.dataset_type == "ACTION_INTERACTIONS" else "ITEM_ID"
    counted = [event for event in _weighed(interactions, subject, events) if event[3] > 0]
    counted.sort(key=lambda event: event[0])
    histories: Histories = {}
    for _, user, item, weight in counted:
        histories.setdefault(user, []).append((item, weight))
    return histories, len(counted)


def _weighed(interactions: DatasetData, subject: str, events: _Events) -> Iterator[tuple[float, str, str, float]]:
    columns = ("TIMESTAMP", "USER_ID", subject, "EVENT_TYPE", "EVENT_VALUE")
    for moment, user, item, event_type, value in interactions.values(*columns):
        # an anonymous visitor's events have no user yet
        if user is not None and item is not None:
            yield moment or 0, user, item, events.weight(event_type, value)


def _enough(histories: Histories, count: int, event_type: str | None) -> None:
    returning = sum(1 for history in histories.values() if len(history) > 1)
    if count < LEAST_INTERACTIONS:
        filtered = f" after filtering by event type: {event_type}" if event_type else ""
        raise Unfit(f"Dataset has fewer than {LEAST_INTERACTIONS} interactions{filtered}")
    if returning < LEAST_USERS:
        raise Unfit(f"Create failed. Dataset has fewer than {LEAST_USERS} users with at least 2 interactions each.")
    if returning < LEAST_SHARE * len(histories):
        raise Unfit(f"Create failed. Fewer than {LEAST_SHARE:.0%} of the users have at least 2 interactions each.")
