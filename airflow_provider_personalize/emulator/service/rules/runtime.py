"""
Recommendations: https://docs.aws.amazon.com/personalize/latest/dg/API_Operations_Amazon_Personalize_Runtime.html.

The names of items' metadata are in camel case: ``brandName`` for the column BRAND_NAME. AWS's personalization-apis
documents this (https://github.com/aws-samples/personalization-apis/blob/main/docs/item_metadata.md). It is assumed that
other names stay as they are.

The context of a request makes no difference here. It is assumed that more results, columns or items than the reference
allows are refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service.refusals import in_use, not_found
from airflow_provider_personalize.emulator.service.rules import filtering, learning, recipes, rows
from airflow_provider_personalize.emulator.service.rules.training_data import columns_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

#: The members of a request that name what answers.
SERVING: Final = ("campaignArn", "recommenderArn")
_RESULTS: Final = 25
_ACTION_RESULTS: Final = 5
_MOST_ACTIONS: Final = 100
_RECENT: Final = 10
_RECOMMENDING: Final = ("USER_PERSONALIZATION", "RELATED_ITEMS", "POPULAR_ITEMS")
_MOST: Final = 500
_MOST_WITH_METADATA: Final = 50
_MOST_COLUMNS: Final = 10
# https://docs.aws.amazon.com/personalize/latest/dg/promoting-items.html; and all recipes of domains
_PROMOTING: Final = (
    "aws-user-personalization-v2",
    "aws-user-personalization",
    "aws-similar-items",
    "aws-sims",
    "aws-trending-now",
    "aws-popularity-count",
)

Scored = list[tuple[str, float]]


def recommend(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Recommend items for a user, or items that go with an item."""
    serving = _serving(backend, request, *_RECOMMENDING)
    _refuse(_missing(backend, serving, request))
    count = request.get("numResults", _RESULTS)
    _refuse(_excess(backend, serving, request, "numResults", count))
    ask = partial(
        _model(backend, serving).recommend,
        user_id=request.get("userId"),
        item_id=request.get("itemId"),
        recent=_recent(backend, serving, request.get("userId")),
    )
    keep = filtering.checked(backend, serving.members["datasetGroupArn"], request)
    promoted, name = _promoted(backend, serving, request, ask, count)
    taken = {item for item, _ in promoted}
    rest = ask(count=count - len(taken), keep=lambda item: item not in taken and (keep is None or keep(item)))
    # among each other both are in order, as in the service; it puts them together at random, here it is by their scores
    found = sorted([*promoted, *rest], key=lambda scored: -scored[1])
    items = _items(backend, serving, request, found)
    for item in items:
        item |= {"promotionName": name} if name and item["itemId"] in taken else {}
    return {"itemList": items, "recommendationId": _id()}


def _missing(backend: Backend, serving: Record, request: Mapping[str, Any]) -> Iterator[str]:
    """
    Tell which member the recipe needs, or the filter.

    Trending-Now takes no user, unless a filter is about one
    (https://docs.aws.amazon.com/personalize/latest/dg/native-recipe-trending-now.html).
    """
    needed = "itemId" if learning.recipe_type(serving.members) == "RELATED_ITEMS" else "userId"
    if needed in request:
        return
    if recipes.find(serving.current()["recipeArn"])["name"] != "aws-trending-now":
        yield f"{needed} is missing: the recipe needs it"
    elif filtering.is_about_user(backend, request):
        yield f"{needed} is missing: the filter needs it"


def _promoted(
    backend: Backend, serving: Record, request: Mapping[str, Any], ask: Callable[..., Scored], count: int
) -> tuple[Scored, str | None]:
    """Return what a promotion puts among the recommendations, and its name."""
    for promotion in request.get("promotions", ()):
        _refuse(_wrong_promotion(serving, promotion))
        asked = {name: request[name] for name in ("userId", "itemId") if name in request}
        keep = filtering.checked(backend, serving.members["datasetGroupArn"], {**asked, **promotion})
        return ask(count=count * promotion["percentPromotedItems"] // 100, keep=keep), promotion.get("name")
    return [], None


def _wrong_promotion(serving: Record, promotion: Mapping[str, Any]) -> Iterator[str]:
    """List what is wrong with a promotion. That all but its name must be given is assumed."""
    recipe = recipes.find(serving.current()["recipeArn"])
    if "domain" not in recipe and recipe["name"] not in _PROMOTING:
        yield f"promotions: the recipe {recipe['name']} does not support them"
    for member in ("filterArn", "percentPromotedItems"):
        if member not in promotion:
            yield f"promotions[0].{member} is missing"


def _refuse(wrong: Iterator[str]) -> None:
    if sentences := list(wrong):
        raise ServiceError("InvalidInputException", "\n".join(sentences))


def _excess(backend: Backend, serving: Record, request: Mapping[str, Any], member: str, count: int) -> Iterator[str]:
    """List what the request asks too much of: items, and columns of them."""
    columns = _columns(request)
    most = _MOST_WITH_METADATA if columns else _MOST
    if count > most:
        yield f"{member} is {count}: at most {most} {'with metadataColumns ' if columns else ''}is allowed"
    if len(columns) > _MOST_COLUMNS:
        yield f"metadataColumns.ITEMS has {len(columns)} entries: at most {_MOST_COLUMNS} are allowed"
    config = serving.current().get(f"{serving.resource_type.name}Config", {})
    enabled = config.get("enableMetadataWithRecommendations") or learning.is_of_texts(serving.current())
    if columns and not enabled:
        yield f"metadataColumns: enableMetadataWithRecommendations is not set for {serving.arn}"
    there = _fields(backend, serving) if columns else {}
    if unknown := [column for column in columns if column.lower() not in there]:
        yield f"metadataColumns.ITEMS: items have no field {', '.join(unknown)}"


def _columns(request: Mapping[str, Any]) -> list[str]:
    return list(request.get("metadataColumns", {}).get("ITEMS", ()))


def _fields(backend: Backend, serving: Record) -> dict[str, str]:
    """Return the names of the fields of items by the same in small letters: requests name them in either case."""
    return {name.lower(): name for name in columns_of(backend, serving.members["datasetGroupArn"], "ITEMS")}


def _key(column: str) -> str:
    """Return the name under which an answer has a column."""
    if not column.isupper():
        return column
    first, *others = column.lower().split("_")
    return first + "".join(word.title() for word in others)


def rank(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Rank items for a user."""
    serving = _serving(backend, request, "PERSONALIZED_RANKING")
    _refuse(_excess(backend, serving, request, "inputList", len(request["inputList"])))
    keep = filtering.checked(backend, serving.members["datasetGroupArn"], request)
    items = [item for item in request["inputList"] if keep is None or keep(item)]
    recent = _recent(backend, serving, request["userId"])
    found = _model(backend, serving).rank(request["userId"], items, recent=recent)
    return {"personalizedRanking": _items(backend, serving, request, found), "recommendationId": _id()}


def recommend_actions(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Recommend actions for a user."""
    serving = _serving(backend, request, "PERSONALIZED_ACTIONS")
    if "userId" not in request:
        raise ServiceError("InvalidInputException", "userId is missing: the recipe needs it")
    keep = filtering.checked(backend, serving.members["datasetGroupArn"], request)
    count = request.get("numResults", _ACTION_RESULTS)
    if count > _MOST_ACTIONS:
        raise ServiceError("InvalidInputException", f"numResults is {count}: at most {_MOST_ACTIONS} is allowed")
    found = _model(backend, serving).recommend(user_id=request["userId"], count=count, keep=keep)
    return {"actionList": [{"actionId": action, "score": score} for action, score in found], "recommendationId": _id()}


def _serving(backend: Backend, request: Mapping[str, Any], *recipe_types: str) -> Record:
    """Return the campaign or the recommender that a request asks, if it can answer."""
    arns = [request[name] for name in SERVING if name in request]
    if len(arns) != 1:
        raise ServiceError("InvalidInputException", "give either campaignArn or recommenderArn")
    serving = backend.existing(arns[0])
    if serving is None or serving.resource_type.name not in {"campaign", "recommender"}:
        raise not_found("campaign or recommender", arns[0])
    if not serving.usable:
        raise in_use(
            f"The {serving.resource_type.title} {arns[0]} is {serving.status}, not {serving.resource_type.success}"
        )
    recipe_type = learning.recipe_type(serving.current())
    if recipe_type not in recipe_types:
        raise ServiceError("InvalidInputException", f"{arns[0]} has a recipe of the type {recipe_type}")
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
    columns = _columns(request)
    data = rows.of(backend, serving.members["datasetGroupArn"]).get("ITEMS") if columns else None
    metadata = {item: (data.get(item) if data else None) or {} for item, _ in found}
    fields = _fields(backend, serving) if columns else {}
    names = [fields[column.lower()] for column in columns]
    shown = {
        item: {_key(name): str(row[name]) for name in names if row.get(name) is not None}
        for item, row in metadata.items()
    }
    scored = learning.has_scores(serving.current())
    return [
        {"itemId": item, **({"score": score} if scored else {}), **({"metadata": shown[item]} if columns else {})}
        for item, score in found
    ]


def emptied(answer: Members) -> Members:
    """Return an answer that recommends nothing."""
    return {name: [] if isinstance(value, list) else value for name, value in answer.items()}


def _id() -> str:
    return f"RID-{uuid.uuid4()}"
