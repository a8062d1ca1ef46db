"""From a group's rows to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator import recipes, rows
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.training import train

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.engine.model import Model
    from airflow_provider_personalize.emulator.models import PersonalizeBackend

_ACTIONS: Final = ("ACTION_INTERACTIONS", "ACTIONS")
_ITEMS: Final = ("INTERACTIONS", "ITEMS")


def fit(backend: PersonalizeBackend, members: Mapping[str, Any]) -> Model:
    """
    Train on what is there now.

    :param members: Of the solution version or the recommender.
    :raises Unfit: There is too little.
    """
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
    )


def recipe_type(members: Mapping[str, Any]) -> str:
    """Return the type of the recipe of a solution, its versions, or a recommender."""
    return str(recipes.find(members["recipeArn"])["recipeType"])
