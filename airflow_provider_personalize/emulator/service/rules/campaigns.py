"""
The service's rules for campaigns.

https://docs.aws.amazon.com/personalize/latest/dg/API_CreateCampaign.html and
https://docs.aws.amazon.com/personalize/latest/dg/campaigns.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.rules import learning
from airflow_provider_personalize.resources import SOLUTION

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Entry, Record

LATEST: Final = "/$LATEST"
_SYNC: Final = "syncWithLatestSolutionVersion"


def missing(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """Yield a version that does not exist: the ARN of a solution is not one (seen: aws-sdk-js-v3, issue 4982)."""
    arn = str(request.get("solutionVersionArn"))
    nothing = _is_of_nothing(backend, arn) and state.assumptions.latest_without_version == "ResourceNotFoundException"
    if SOLUTION.is_arn(arn) or nothing:
        yield f"The given solution version does not exist: {arn}"


def _is_of_nothing(backend: Backend, arn: str) -> bool:
    return arn.endswith(LATEST) and newest(backend, arn.removesuffix(LATEST)) is None


def newest(backend: Backend, solution_arn: str) -> Record | None:
    """Return the newest ACTIVE version of a solution."""
    versions = backend.belonging("solution_version", "solutionArn", solution_arn)
    return next((version for version in reversed(versions) if version.usable), None)


def complete(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Add the service's defaults."""
    return {"minProvisionedTPS": 1, **request, **resolved(backend, request)}


def resolved(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Return the version that a request means, with all that hangs on it."""
    arn = request["solutionVersionArn"]
    version = newest(backend, arn.removesuffix(LATEST)) if arn.endswith(LATEST) else backend.existing(arn)
    assert version is not None  # noqa: S101 - it was looked for before
    taken = {name: version.members[name] for name in ("solutionArn", "datasetGroupArn", "recipeArn")}
    shown = arn if state.assumptions.latest_version_shown == "literally" else version.arn
    return {**taken, "solutionVersionArn": shown, "servedVersionArn": version.arn}


def validation_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the campaign and the version."""
    if _is_of_nothing(backend, request["solutionVersionArn"]):
        yield f"solutionVersionArn is {request['solutionVersionArn']!r}: the solution has no ACTIVE version"
        return
    latest = request["solutionVersionArn"].endswith(LATEST)
    if request.get("campaignConfig", {}).get(_SYNC) and not latest:
        yield f"campaignConfig.{_SYNC} is True: solutionVersionArn must be the solution's ARN followed by {LATEST}"
    served = resolved(backend, request)
    yield from learning.exploration_errors("campaignConfig", request.get("campaignConfig", {}), served)
    recipe_type = learning.recipe_type(served)
    if recipe_type == "USER_SEGMENTATION":
        yield f"solutionVersionArn: a campaign cannot have a recipe of the type {recipe_type}"


def update_errors(backend: Backend, campaign: Record, request: Mapping[str, Any]) -> Iterator[str]:
    """List what is wrong with an update, given the campaign as it is."""
    yield from validation_errors(backend, {"solutionVersionArn": _following(campaign.current()), **request})


def _following(members: Mapping[str, Any]) -> str:
    following = members.get("campaignConfig", {}).get(_SYNC)
    return f"{members['solutionArn']}{LATEST}" if following else str(members["servedVersionArn"])


def complete_update(backend: Backend, asked: Mapping[str, Any]) -> Members:
    """Resolve the version of a request; ``$LATEST`` is the newest one at this moment."""
    return {**asked, **(resolved(backend, asked) if "solutionVersionArn" in asked else {})}


def apply(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Return what the campaign shows once the update is ACTIVE."""
    if "campaignConfig" not in update or state.assumptions.unnamed_campaign_config == "dropped":
        return {**members, **update}
    return {**members, **update, "campaignConfig": {**members.get("campaignConfig", {}), **update["campaignConfig"]}}


def follow(backend: Backend, campaign: Record, update: Entry | None = None) -> None:  # noqa: ARG001
    """Update a campaign that is in sync to its solution's newest ACTIVE version; later, if it is not settled now."""
    members = campaign.current()
    if not members.get("campaignConfig", {}).get(_SYNC) or not campaign.usable or not campaign.settled:
        return
    version = newest(backend, members["solutionArn"])
    if version and version.arn != members["servedVersionArn"]:
        asked = {"solutionVersionArn": f"{members['solutionArn']}{LATEST}"}
        backend.start_update("UpdateCampaign", campaign, resolved(backend, asked))
