"""
The service's rules for solutions and their updates.

https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolution.html and
https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.rules import hyperparameters, recipes

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_WEEKLY: Final = {"schedulingExpression": "rate(7 days)"}
# The recipes that know an option: https://docs.aws.amazon.com/personalize/latest/dg/API_EventsConfig.html and
# https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html
_KNOWN_BY: Final = {
    "eventsConfig": ("aws-user-personalization-v2", "aws-personalized-ranking-v2"),
    "performIncrementalUpdate": ("aws-semantic-similarity",),
}


def complete(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001 - like the others
    """Add the service's defaults. The one to know: automatic training is on, weekly, unless it is turned off."""
    asked = {"performHPO": False, "performAutoML": False, "performAutoTraining": True, **request}
    return _with_schedule(_renamed(asked))


def _renamed(members: Members) -> Members:
    """Describe hyperparameters of featurization as the service does (https://github.com/boto/boto3/issues/3514)."""
    config = members.get("solutionConfig", {})
    if "featureTransformationParameters" not in config:
        return members
    parameters = config["featureTransformationParameters"].items()
    shown = {name.replace("_user_history_length_", "_hist_length_"): value for name, value in parameters}
    return {**members, "solutionConfig": {**config, "featureTransformationParameters": shown}}


def _with_schedule(members: Members) -> Members:
    config = members.get("solutionConfig", {})
    if members["performAutoTraining"] and not config.get("autoTrainingConfig"):
        return {**members, "solutionConfig": {**config, "autoTrainingConfig": _WEEKLY}}
    return members


def create_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:  # noqa: ARG001
    """List the options that the recipe does not know."""
    config = request.get("solutionConfig", {})
    if "recipeArn" in request and "domain" in recipes.find(request["recipeArn"]):
        yield f"recipeArn is {request['recipeArn']!r}: it is for recommenders, not for solutions"
    for recipe_arn in config.get("autoMLConfig", {}).get("recipeList", ()):
        if recipes.find(recipe_arn)["recipeType"] != "USER_PERSONALIZATION":
            yield f"solutionConfig.autoMLConfig.recipeList: {recipe_arn} is not of the type USER_PERSONALIZATION"
    yield from _unknown_options(request.get("recipeArn"), {**request, **config}, "solutionConfig")
    yield from hyperparameters.validation_errors(request.get("recipeArn"), config)


def update_errors(
    backend: Backend,  # noqa: ARG001 - called like the rules
    solution: Record,
    request: Mapping[str, Any],
) -> Iterator[str]:
    """List what is wrong with an update, given the solution as it is."""
    config = request.get("solutionUpdateConfig", {})
    yield from _unknown_options(solution.members.get("recipeArn"), {**request, **config}, "solutionUpdateConfig")
    alone = "autoTrainingConfig" in config and "performAutoTraining" not in request
    if alone and state.assumptions.schedule_without_switch == "refused":
        yield "solutionUpdateConfig.autoTrainingConfig is given without performAutoTraining"


def _unknown_options(recipe_arn: str | None, options: Mapping[str, Any], config: str) -> Iterator[str]:
    recipe = (recipe_arn or "").rpartition("/")[2]
    for option, known in _KNOWN_BY.items():
        # performIncrementalUpdate=False asks for nothing
        if options.get(option) and recipe not in known and state.assumptions.option_of_another_recipe == "refused":
            name = f"{config}.{option}" if option.endswith("Config") else option
            yield f"{name} is not supported by the recipe {recipe or '(none)'}: only by {', '.join(known)}"


def apply(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Return what the solution shows once the update is ACTIVE: the update replaces what it names."""
    switches = {name: value for name, value in update.items() if name != "solutionUpdateConfig"}
    config = {**_left(members, update), **update.get("solutionUpdateConfig", {})}
    if update.get("performAutoTraining") is False and state.assumptions.schedule_when_off == "dropped":
        config.pop("autoTrainingConfig", None)
    kept = {name: value for name, value in members.items() if name != "solutionConfig"}
    return _with_schedule({**kept, **switches, **({"solutionConfig": config} if config else {})})


def _left(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Return what stays of a solution's configuration."""
    dropped = update.get("solutionUpdateConfig") and state.assumptions.unnamed_solution_config == "dropped"
    gone = {"autoTrainingConfig", "eventsConfig"} if dropped else set()
    return {name: value for name, value in members.get("solutionConfig", {}).items() if name not in gone}
