"""
The service's rules for recommenders.

https://docs.aws.amazon.com/personalize/latest/dg/API_CreateRecommender.html and
https://docs.aws.amazon.com/personalize/latest/dg/updating-recommender.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.rules import learning, recipes, rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Entry, Record

_WEEK: Final = 7 * 24 * 60 * 60
_DEFAULTS: Final = {"minRecommendationRequestsPerSecond": 1}


def complete(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001 - like the others
    """Add the service's default."""
    return {**request, "recommenderConfig": {**_DEFAULTS, **request.get("recommenderConfig", {})}}


def validation_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the group and the recipe: both must be of one domain."""
    group = backend.records[request["datasetGroupArn"]].members
    recipe = recipes.find(request["recipeArn"])
    if "domain" not in group:
        yield f"datasetGroupArn: {request['datasetGroupArn']} has no domain: recommenders are for domain dataset groups"
    elif recipe.get("domain") != group["domain"]:
        yield f"recipeArn is for the domain {recipe.get('domain')}, the dataset group has {group['domain']}"
    else:
        yield from learning.exploration_errors("recommenderConfig", request.get("recommenderConfig", {}), request)
        yield from learning.validation_errors(backend, request)


def update_errors(
    backend: Backend,  # noqa: ARG001 - called like the rules
    recommender: Record,
    request: Mapping[str, Any],
) -> Iterator[str]:
    """List what an update sets and the recipe does not have."""
    return learning.exploration_errors("recommenderConfig", request["recommenderConfig"], recommender.members)


def retrain(backend: Backend, recommender: Record, update: Entry) -> str | None:
    """Train anew if an update changes the columns to train on."""
    config, wanted = recommender.current()["recommenderConfig"], update.members["recommenderConfig"]
    if wanted.get("trainingDataConfig", config.get("trainingDataConfig")) == config.get("trainingDataConfig"):
        return None
    return learning.learn_for(backend, update, recommender.members)


@dataclass
class _Weekly:
    """Trains a recommender anew if there is something new; a training that fails leaves the model as it is."""

    backend: Backend
    recommender: Record
    trained: float

    def __call__(self) -> float | None:
        if self.backend.existing(self.recommender.arn) is not self.recommender or self.recommender.leaving:
            return None
        news = rows.news_since(self.backend, self.recommender.members["datasetGroupArn"], self.trained)
        if self.recommender.usable and news:
            learning.learn(self.backend, self.recommender)
            self.trained = state.clock.now()
        return state.clock.now() + _WEEK


def train_weekly(backend: Backend, recommender: Record) -> None:
    """
    Let a recommender that became ACTIVE train anew every week, unless it is stopped then.

    https://docs.aws.amazon.com/personalize/latest/dg/creating-recommenders.html. That nothing but the model and its
    metrics shows it is assumed.
    """
    if recommender.usable:
        weekly = _Weekly(backend, recommender, recommender.created)
        backend.scheduler.add(recommender.progress.reached + _WEEK, weekly)


def apply(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Return what the recommender shows once the update is ACTIVE."""
    left = _DEFAULTS if state.assumptions.unnamed_recommender_config == "dropped" else members["recommenderConfig"]
    return {**members, "recommenderConfig": {**left, **update["recommenderConfig"]}}


def metrics(backend: Backend, recommender: Record) -> Members:  # noqa: ARG001 - called like the others
    """Return how good the model is; empty while the recommender is created or deleted."""
    there = recommender.holds is not None and not recommender.leaving and recommender.status not in _MAKING
    return {"modelMetrics": dict(recommender.holds.metrics)} if there else {}


_MAKING: Final = ("CREATE PENDING", "CREATE IN_PROGRESS")
