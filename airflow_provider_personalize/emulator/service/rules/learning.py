"""From a group's rows to a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import Unfit
from airflow_provider_personalize.emulator.engine.training import train
from airflow_provider_personalize.emulator.service.rules import recipes, rows
from airflow_provider_personalize.emulator.service.rules.training_data import columns_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.engine.model import Model
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.records import Entry, Record

_ACTIONS: Final = ("ACTION_INTERACTIONS", "ACTIONS")
_ITEMS: Final = ("INTERACTIONS", "ITEMS")


def validation_errors(backend: Backend, members: Mapping[str, Any]) -> Iterator[str]:
    """List what a training lacks, if that is assumed to be checked before it begins."""
    if state.assumptions.training_data_checked == "call":
        try:
            _fit(backend, members)
        except Unfit as reason:
            yield str(reason)


def learn(backend: Backend, trained: Record) -> str | None:
    """Train a solution version or a recommender on the data of this moment; return why that failed, or None."""
    reason = learn_for(backend, trained, trained.members)
    factor = state.faults.take_factor(f"Create{trained.resource_type.definition.pascal}", trained.arn)
    if factor is not None and reason is None:
        trained.holds.metrics = {name: value * factor for name, value in trained.holds.metrics.items()}
    return reason


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
    data = {name: DatasetData(name) for name in (*_ACTIONS, *_ITEMS)} | rows.of(backend, members["datasetGroupArn"])
    _check_texts(backend, members)
    interactions, catalogue = _ACTIONS if recipe_type(members) == "PERSONALIZED_ACTIONS" else _ITEMS
    config = members.get("solutionConfig", {})
    threshold = config.get("eventValueThreshold")
    return train(
        members["recipeArn"],
        data[interactions],
        data[catalogue],
        data.get("USERS"),
        # https://docs.aws.amazon.com/personalize/latest/dg/action-interactions-datasets.html asks for none with actions
        least_of=() if is_of_texts(members) else (data["INTERACTIONS"],),
        events_config=config.get("eventsConfig"),
        event_type=members.get("eventType"),
        event_value_threshold=float(threshold) if threshold else None,
        counts_without_value=state.assumptions.event_without_value == "counted",
    )


def is_of_texts(members: Mapping[str, Any]) -> bool:
    """Return whether a recipe uses the texts of items, and needs no interactions."""
    return str(recipes.find(members["recipeArn"])["name"]) == "aws-semantic-similarity"


def _check_texts(backend: Backend, members: Mapping[str, Any]) -> None:
    """
    Check that items have what a recipe for texts needs; that training fails otherwise, and its message, are assumed.

    https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-semantic-similarity.html
    """
    columns = columns_of(backend, members["datasetGroupArn"], "ITEMS").values()
    for mark in ("itemName", "textual") if is_of_texts(members) else ():
        if not any(column.get(mark) is True for column in columns):
            raise Unfit(f'Create failed. The items dataset has no field with "{mark}": true.')


def recipe_type(members: Mapping[str, Any]) -> str:
    """Return the type of the recipe of a solution, its versions, or a recommender."""
    return str(recipes.find(members["recipeArn"])["recipeType"])


# https://docs.aws.amazon.com/personalize/latest/dg/API_CampaignConfig.html and API_RecommenderConfig.html there
_EXPLORING: Final = ("aws-user-personalization", "aws-user-personalization-v2")


def exploration_errors(name: str, config: Mapping[str, Any], members: Mapping[str, Any]) -> Iterator[str]:
    """
    Tell if exploration is set where the recipe does not explore.

    :param name: The configuration's name.
    :param members: Those of what has the recipe.
    """
    if not config.get("itemExplorationConfig") or state.assumptions.option_of_another_recipe != "refused":
        return
    recipe = recipes.find(members["recipeArn"])
    explores = recipe["recipeType"] == "USER_PERSONALIZATION" if "domain" in recipe else recipe["name"] in _EXPLORING
    if not explores:
        yield f"{name}.itemExplorationConfig is not supported by the recipe {recipe['name']}"


def has_scores(members: Mapping[str, Any]) -> bool:
    """
    Tell whether recommendations come with scores.

    https://docs.aws.amazon.com/personalize/latest/dg/getting-recommendations.html. That all recipes of related and of
    popular items are alike in this is assumed.
    """
    recipe = recipes.find(members["recipeArn"])
    return "domain" not in recipe and recipe["recipeType"] not in {"RELATED_ITEMS", "POPULAR_ITEMS"}
