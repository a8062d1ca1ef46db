"""
The hyperparameters that each recipe has.

They are in the tables of the recipes' pages, below
https://docs.aws.amazon.com/personalize/latest/dg/working-with-predefined-recipes.html. The guide archive
https://github.com/awsdocs/amazon-personalize-developer-guide has those of older recipes, such as
doc_source/native-recipe-hrnn-metadata.md.
A recipe that is not here accepts any name: its table is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.rules import recipes

_HRNN: Final = ("hidden_dimension", "bptt", "recency_mask")
_ALGORITHM: Final[Mapping[str, tuple[str, ...]]] = {
    "aws-user-personalization": _HRNN,
    "aws-hrnn": _HRNN,
    "aws-hrnn-metadata": _HRNN,
    "aws-hrnn-coldstart": _HRNN,
    "aws-personalized-ranking": _HRNN,
    "aws-similar-items": ("item_id_hidden_dimension", "item_metadata_hidden_dimension"),
    "aws-sims": ("popularity_discount_factor", "min_cointeraction_count"),
    "aws-popularity-count": (),
    "aws-trending-now": (),
    "aws-item-affinity": ("hidden_dimension",),
    "aws-item-attribute-affinity": ("hidden_dimension",),
}
# The second name of each is the one that the service describes it by: https://github.com/boto/boto3/issues/3514
_HISTORY: Final = (
    "min_user_history_length_percentile",
    "min_hist_length_percentile",
    "max_user_history_length_percentile",
    "max_hist_length_percentile",
)
_FEATURIZATION: Final[Mapping[str, tuple[str, ...]]] = {
    "aws-user-personalization": _HISTORY,
    "aws-hrnn": _HISTORY,
    "aws-hrnn-metadata": _HISTORY,
    "aws-hrnn-coldstart": (
        *_HISTORY,
        "cold_start_max_interactions",
        "cold_start_max_duration",
        "cold_start_relative_from",
    ),
    "aws-personalized-ranking": _HISTORY,
    "aws-similar-items": (),
    "aws-sims": (*_HISTORY, "min_item_interaction_count_percentile", "max_item_interaction_count_percentile"),
    "aws-popularity-count": (),
    "aws-trending-now": ("trend_discovery_frequency",),
    "aws-item-affinity": (),
    "aws-item-attribute-affinity": (),
}


def validation_errors(recipe_arn: str | None, config: Mapping[str, Any]) -> Iterator[str]:
    """List what a solution's configuration sets and the recipe does not have."""
    recipe = (recipe_arn or "").rpartition("/")[2]
    known = _ALGORITHM.get(recipe)
    if known is not None and _algorithm(config) - set(known):
        # the service's text: https://github.com/aws-samples/amazon-personalize-samples/issues/156
        yield f"Provide a hyperparameter that is used in the algorithm: {recipes.PREFIX}algorithm/{recipe}"
    known = _FEATURIZATION.get(recipe)
    unknown = set(config.get("featureTransformationParameters", {})) - set(known or ())
    if known is not None and unknown and state.assumptions.option_of_another_recipe == "refused":
        names = ", ".join(sorted(unknown))
        allowed = ", ".join(known) or "none"
        yield f"solutionConfig.featureTransformationParameters: the recipe {recipe} has no {names}; it has: {allowed}"


def _algorithm(config: Mapping[str, Any]) -> set[str]:
    """Return the hyperparameters that are set, and those to tune; that both are held to the recipe alike is assumed."""
    ranges = config.get("hpoConfig", {}).get("algorithmHyperParameterRanges", {})
    return {each["name"] for listed in ranges.values() for each in listed if "name" in each} | set(
        config.get("algorithmHyperParameters", {})
    )
