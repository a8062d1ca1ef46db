"""From a group's rows to a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import Unfit
from airflow_provider_personalize.emulator.engine.training import train
from airflow_provider_personalize.emulator.rules import recipes, rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.backend import Backend
    from airflow_provider_personalize.emulator.engine.model import Model
    from airflow_provider_personalize.emulator.records import Entry, Record

_ACTIONS: Final = ("ACTION_INTERACTIONS", "ACTIONS")
_ITEMS: Final = ("INTERACTIONS", "ITEMS")


def faults(backend: Backend, members: Mapping[str, Any]) -> Iterator[str]:
    """Tell what a training lacks, if that is assumed to be looked at before it begins."""
    if assumptions.training_data_checked == "call":
        try:
            _fit(backend, members)
        except Unfit as reason:
            yield str(reason)


def learn(backend: Backend, trained: Record) -> str | None:
    """Train a solution version or a recommender on the data of this moment; return why that failed, or None."""
    return learn_for(backend, trained, trained.members)


def learn_for(backend: Backend, holder: Entry, members: Mapping[str, Any]) -> str | None:
    """
    Train, and let an entry hold the model; return why that failed, or None.

    :param members: Those of the solution version or the recommender.
    """
    try:
        holder.holds = _fit(backend, members)
    except Unfit as reason:
        return str(reason)
    return None


def _fit(backend: Backend, members: Mapping[str, Any]) -> Model:
    data = rows.of(backend, members["datasetGroupArn"])
    interactions, catalogue = _ACTIONS if recipe_type(members) == "PERSONALIZED_ACTIONS" else _ITEMS
    config = members.get("solutionConfig", {})
    threshold = config.get("eventValueThreshold")
    return train(
        members["recipeArn"],
        data.get(interactions, DatasetData(interactions)),
        # what the engine recommends is called an item, be it an action
        data.get(catalogue) if catalogue == "ITEMS" else None,
        data.get("USERS"),
        events_config=config.get("eventsConfig"),
        event_type=members.get("eventType"),
        event_value_threshold=float(threshold) if threshold else None,
        counts_without_value=assumptions.event_without_value == "counted",
    )


def recipe_type(members: Mapping[str, Any]) -> str:
    """Return the type of the recipe of a solution, its versions, or a recommender."""
    return str(recipes.find(members["recipeArn"])["recipeType"])
