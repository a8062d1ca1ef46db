"""
What the service brings along: recipes, their algorithms and feature transformations.

https://docs.aws.amazon.com/personalize/latest/dg/working-with-predefined-recipes.html and
https://docs.aws.amazon.com/personalize/latest/dg/domain-use-cases.html. Algorithms, dates and descriptions are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.service import paging
from airflow_provider_personalize.emulator.service.refusals import not_found

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members

PREFIX: Final = "arn:aws:personalize:::"
# Names by the type and the domain of recipes
_NAMES: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("USER_PERSONALIZATION", None): (
        "aws-user-personalization-v2",
        "aws-user-personalization",
        "aws-hrnn",
        "aws-hrnn-metadata",
        "aws-hrnn-coldstart",
    ),
    ("PERSONALIZED_RANKING", None): ("aws-personalized-ranking-v2", "aws-personalized-ranking"),
    ("RELATED_ITEMS", None): ("aws-similar-items", "aws-semantic-similarity", "aws-sims"),
    ("POPULAR_ITEMS", None): ("aws-popularity-count", "aws-trending-now"),
    ("PERSONALIZED_ACTIONS", None): ("aws-next-best-action",),
    ("USER_SEGMENTATION", None): ("aws-item-affinity", "aws-item-attribute-affinity"),
    ("USER_PERSONALIZATION", "ECOMMERCE"): ("aws-ecomm-recommended-for-you",),
    ("POPULAR_ITEMS", "ECOMMERCE"): ("aws-ecomm-popular-items-by-purchases", "aws-ecomm-popular-items-by-views"),
    ("RELATED_ITEMS", "ECOMMERCE"): (
        "aws-ecomm-customers-who-viewed-x-also-viewed",
        "aws-ecomm-frequently-bought-together",
    ),
    ("USER_PERSONALIZATION", "VIDEO_ON_DEMAND"): ("aws-vod-top-picks",),
    ("POPULAR_ITEMS", "VIDEO_ON_DEMAND"): ("aws-vod-most-popular", "aws-vod-trending-now"),
    ("RELATED_ITEMS", "VIDEO_ON_DEMAND"): ("aws-vod-because-you-watched-x", "aws-vod-more-like-x"),
}
# Seen on the recipes' pages in https://github.com/awsdocs/amazon-personalize-developer-guide; that the recipes whose
# pages name none share the most common one is assumed
_TRANSFORMATION: Final = "JSON-percentile-filtering"
_TRANSFORMATIONS: Final[Mapping[str, str]] = {
    "aws-hrnn-metadata": "featurize_metadata",
    "aws-hrnn-coldstart": "featurize_coldstart",
    "aws-item-affinity": "item-affinity",
    "aws-item-attribute-affinity": "item-attribute-affinity",
}
# Recorded in AWS's notebooks of 2022 and 2024: older recipes can be used but are not listed, a page has 12 recipes, and
# the domain is applied to the page
_UNLISTED: Final = ("aws-hrnn", "aws-hrnn-metadata", "aws-hrnn-coldstart")
_PAGE: Final = 12
_DATES: Final = {"creationDateTime": 1560124800.0, "lastUpdatedDateTime": 1560124800.0}


def _recipe(name: str, recipe_type: str, domain: str | None) -> Members:
    return {
        "name": name,
        "recipeArn": f"{PREFIX}recipe/{name}",
        "algorithmArn": f"{PREFIX}algorithm/{name}",
        "featureTransformationArn": f"{PREFIX}feature-transformation/{_TRANSFORMATIONS.get(name, _TRANSFORMATION)}",
        "status": "ACTIVE",
        "description": f"{recipe_type.replace('_', ' ').capitalize()}: {name}",
        "recipeType": recipe_type,
        **({"domain": domain} if domain else {}),
        **_DATES,
    }


RECIPES: Final = {
    recipe["recipeArn"]: recipe
    for (recipe_type, domain), names in _NAMES.items()
    for recipe in (_recipe(name, recipe_type, domain) for name in names)
}


def find(recipe_arn: str) -> Members:
    """Return a recipe, or say that it does not exist. Its ARN has the partition of the account in other partitions."""
    _, _, path = recipe_arn.rpartition(":::")
    if f"{PREFIX}{path}" not in RECIPES:
        raise not_found("recipe", recipe_arn)
    return RECIPES[f"{PREFIX}{path}"]


def list_recipes(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001 - like the others
    """List the recipes in the order of their names: a page of them, or those of the page that are for a domain."""
    wanted = request.get("domain")
    listed = [RECIPES[arn] for arn in sorted(RECIPES) if RECIPES[arn]["name"] not in _UNLISTED]
    page, more = paging.page(list(enumerate(listed)), {"maxResults": _PAGE, **request}, f"ListRecipes {wanted}")
    taken = [recipe for recipe in page if wanted in {None, recipe.get("domain")}]
    shown = ("name", "recipeArn", "status", "creationDateTime", "lastUpdatedDateTime", "domain")
    return {"recipes": [{name: recipe[name] for name in shown if name in recipe} for recipe in taken], **more}


def describe_recipe(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Describe a recipe."""
    recipe = find(request["recipeArn"])
    return {"recipe": {name: value for name, value in recipe.items() if name != "domain"}}


def describe_algorithm(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Describe a recipe's algorithm. Its hyperparameters are not known here."""
    arn = request["algorithmArn"]
    recipe = next((recipe for recipe in RECIPES.values() if recipe["algorithmArn"] == arn), None)
    if recipe is None:
        raise not_found("algorithm", arn)
    return {"algorithm": {"name": recipe["name"], "algorithmArn": arn, "defaultHyperParameters": {}, **_DATES}}


def describe_feature_transformation(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Describe the feature transformation of a recipe."""
    arn = request["featureTransformationArn"]
    if arn not in {recipe["featureTransformationArn"] for recipe in RECIPES.values()}:
        raise not_found("feature transformation", arn)
    name = arn.rpartition("/")[2]
    shown = {"name": name, "featureTransformationArn": arn, "defaultParameters": {}, "status": "ACTIVE", **_DATES}
    return {"featureTransformation": shown}
