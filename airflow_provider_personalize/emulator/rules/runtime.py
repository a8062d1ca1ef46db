"""
Recommendations: https://docs.aws.amazon.com/personalize/latest/dg/API_Operations_Amazon_Personalize_Runtime.html.

Promotions and the context of a request make no difference here.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.errors import Refused, in_use, not_found
from airflow_provider_personalize.emulator.rules import filtering, learning, rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.backend import Backend
    from airflow_provider_personalize.emulator.records import Members, Record

_RESULTS: Final = 25
_ACTION_RESULTS: Final = 5
_RECENT: Final = 10
_RECOMMENDING: Final = ("USER_PERSONALIZATION", "RELATED_ITEMS", "POPULAR_ITEMS")


def recommend(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Answer items for a user, or items that go with an item."""
    serving = _serving(backend, request, *_RECOMMENDING)
    needed = "itemId" if learning.recipe_type(serving.members) == "RELATED_ITEMS" else "userId"
    if needed not in request:
        raise Refused("InvalidInputException", f"{needed} is missing: the recipe needs it")
    found = _model(backend, serving).recommend(
        user_id=request.get("userId"),
        item_id=request.get("itemId"),
        count=request.get("numResults", _RESULTS),
        keep=filtering.checked(backend, serving.members["datasetGroupArn"], request),
        recent=_recent(backend, serving, request.get("userId")),
    )
    return {"itemList": _items(backend, serving, request, found), "recommendationId": _id()}


def rank(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Answer a user's order of items."""
    serving = _serving(backend, request, "PERSONALIZED_RANKING")
    keep = filtering.checked(backend, serving.members["datasetGroupArn"], request)
    items = [item for item in request["inputList"] if keep is None or keep(item)]
    recent = _recent(backend, serving, request["userId"])
    found = _model(backend, serving).rank(request["userId"], items, recent=recent)
    return {"personalizedRanking": _items(backend, serving, request, found), "recommendationId": _id()}


def recommend_actions(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Answer actions for a user."""
    serving = _serving(backend, request, "PERSONALIZED_ACTIONS")
    if "userId" not in request:
        raise Refused("InvalidInputException", "userId is missing: the recipe needs it")
    keep = filtering.checked(backend, serving.members["datasetGroupArn"], request)
    count = request.get("numResults", _ACTION_RESULTS)
    found = _model(backend, serving).recommend(user_id=request["userId"], count=count, keep=keep)
    return {"actionList": [{"actionId": action, "score": score} for action, score in found], "recommendationId": _id()}


def _serving(backend: Backend, request: Mapping[str, Any], *recipe_types: str) -> Record:
    """Return the campaign or the recommender that a request asks, if it can answer."""
    arns = [request[name] for name in ("campaignArn", "recommenderArn") if name in request]
    if len(arns) != 1:
        raise Refused("InvalidInputException", "give either campaignArn or recommenderArn")
    serving = backend.existing(arns[0])
    if serving is None or serving.kind.resource.name not in {"campaign", "recommender"}:
        raise not_found("campaign or recommender", arns[0])
    if not serving.usable:
        raise in_use(f"The {serving.kind.resource.title} {arns[0]} is {serving.status}, not {serving.kind.success}")
    recipe_type = learning.recipe_type(serving.current())
    if recipe_type not in recipe_types:
        raise Refused("InvalidInputException", f"{arns[0]} has a recipe of the type {recipe_type}")
    return serving


def _model(backend: Backend, serving: Record) -> Any:
    version = serving.current().get("servedVersionArn")
    return backend.records[version].holds if version else serving.holds


def _recent(backend: Backend, serving: Record, user_id: str | None) -> list[str]:
    """Return the last items that a user had to do with: what came in real time counts at once."""
    dataset = rows.dataset_of(backend, serving.members["datasetGroupArn"], "INTERACTIONS")
    events = dataset.holds.data.of_user(user_id) if dataset and user_id else []
    return [event["ITEM_ID"] for event in events[-_RECENT:] if event.get("ITEM_ID")]


def _items(
    backend: Backend, serving: Record, request: Mapping[str, Any], found: list[tuple[str, float]]
) -> list[Members]:
    columns = [name.upper() for name in request.get("metadataColumns", {}).get("ITEMS", ())]
    data = rows.of(backend, serving.members["datasetGroupArn"]).get("ITEMS") if columns else None
    metadata = {item: (data.get(item) if data else None) or {} for item, _ in found}
    shown = {
        item: {name: str(row[name]) for name in columns if row.get(name) is not None} for item, row in metadata.items()
    }
    return [{"itemId": item, "score": score, **({"metadata": shown[item]} if columns else {})} for item, score in found]


def _id() -> str:
    return f"RID-{uuid.uuid4()}"
