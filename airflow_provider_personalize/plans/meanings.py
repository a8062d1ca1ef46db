"""How the updates of solutions and campaigns read in their descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airflow_provider_personalize.arns import LATEST
from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.plans.steps import Observed
from airflow_provider_personalize.plans.update import Content, Meaning
from airflow_provider_personalize.resources import CAMPAIGN, SOLUTION, SOLUTION_VERSION, ResourceType

_VERSION: Final = "solutionVersionArn"


class SolutionMeaning(Meaning):
    """An update of a solution may be shown as it was sent, or with what it keeps."""

    def variants(self, content: Content, found: Content) -> Sequence[Content]:
        """List how an update may be shown that was sent with a content."""
        config = found.get("solutionConfig") or {}
        kept = {member: config[member] for member in ("autoTrainingConfig", "eventsConfig") if member in config}
        named = content.get("solutionUpdateConfig", {})
        return [content, {**content, "solutionUpdateConfig": {**kept, **named}}] if kept else [content]


@dataclass(frozen=True)
class ObservedResource(Observed):
    """
    A resource, and what ``$LATEST`` may mean.

    :param versions: The versions of the solution, as the list shows them; empty where nothing depends on them.
    """

    versions: Sequence[Mapping[str, Any]] = ()


class CampaignMeaning(Meaning):
    """
    ``$LATEST`` is the newest ACTIVE version at the time of the call.

    Whether a description shows ``$LATEST`` or the version that it came to is not documented; both are understood. With
    sync in force, any version of the solution is right, since the service itself deploys the newest.
    """

    def as_shown(self, content: Content, shown: Content, observed: Observed, at: datetime | None = None) -> Content:
        """Return what is wanted as a description would show it."""
        asked, seen = (str(each.get(_VERSION, "")) for each in (content, shown))
        if not _needs_versions(asked, seen):
            return content
        of_same_solution = _solution(asked) == _solution(seen)
        if asked.endswith(LATEST) and of_same_solution and _is_in_sync(content, shown):
            return {**content, _VERSION: seen}
        means = _version(observed, asked, at)
        serves = _version(observed, seen, _called_at(shown)) if of_same_solution else seen
        return {**content, _VERSION: seen if means == serves else means}

    def resolved(self, content: Content, shown: Content, observed: Observed) -> Content:
        """Return the content with the version that ``$LATEST`` is at this moment; in sync, any will do."""
        version = str(content.get(_VERSION, ""))
        if not version.endswith(LATEST) or _is_in_sync(content, shown):
            return content
        return {**content, _VERSION: _version(observed, version, None)}


def meaning_of(resource_type: ResourceType) -> Meaning:
    """Return how the updates of a resource type read."""
    return {SOLUTION.name: SolutionMeaning(), CAMPAIGN.name: CampaignMeaning()}.get(resource_type.name, Meaning())


def solution_to_list(content: Content, found: Content) -> str | None:
    """Return the ARN of the solution whose versions tell what ``$LATEST`` means; None where nothing depends on it."""
    asked = str(content.get(_VERSION, ""))
    update = found.get(CAMPAIGN.update_member) or {}
    itself = {member: value for member, value in found.items() if member != CAMPAIGN.update_member}
    now = configuration(CAMPAIGN, found)
    shown = [now, {**now, **update}, configuration(CAMPAIGN, itself)]
    seen = [str(each.get(_VERSION, "")) for each in shown]
    if not any(_needs_versions(asked, each) for each in seen):
        return None
    in_sync = [
        _solution(asked) == _solution(at) and _is_in_sync(content, each) for at, each in zip(seen, shown, strict=True)
    ]
    return None if asked.endswith(LATEST) and all(in_sync) else _solution(asked)


def served_version(found: Content, versions: Sequence[Mapping[str, Any]]) -> str | None:
    """
    Return the version that a campaign serves; None where that cannot be told.

    :param versions: Those of the solution that :func:`latest_shown` names.
    """
    arn = str(configuration(CAMPAIGN, found).get(_VERSION, ""))
    if not arn.endswith(LATEST):
        return arn or None
    newest = newest_version(versions, _called_at(found))
    return newest if newest and _solution(newest) == _solution(arn) else None


def latest_shown(found: Content) -> str | None:
    """Return the ARN of the solution of which a campaign shows ``$LATEST``; None where it shows a version."""
    update = found.get(CAMPAIGN.update_member) or {}
    shown = (str(each.get(_VERSION, "")) for each in (found, update))
    return next((_solution(arn) for arn in shown if arn.endswith(LATEST)), None)


def is_in_sync(found: Content) -> bool:
    """Return whether the service deploys each new version of the solution by itself."""
    return _is_in_sync(configuration(CAMPAIGN, found))


def _needs_versions(asked: str, seen: str) -> bool:
    return asked.endswith(LATEST) or bool(asked and seen.endswith(LATEST))


def newest_version(versions: Sequence[Mapping[str, Any]], at: datetime | None = None) -> str | None:
    """
    Return the ARN of the version that ``$LATEST`` means: the newest that is ACTIVE.

    :param at: Of those that were ACTIVE at that moment already; None means now. That nothing else than becoming ACTIVE
        moves a version's ``lastUpdatedDateTime`` is assumed.
    """
    active = [
        version
        for version in versions
        if version["status"] in SOLUTION_VERSION.ready and (at is None or version["lastUpdatedDateTime"] <= at)
    ]
    newest = max(active, key=lambda version: version["creationDateTime"], default=None)
    return str(newest[SOLUTION_VERSION.arn_member]) if newest else None


def _solution(version: str) -> str:
    return version.rpartition("/")[0]


def _is_in_sync(*configured: Content) -> bool:
    """Return whether sync is on, by the first that says so or not."""
    said = ((each.get("campaignConfig") or {}).get("syncWithLatestSolutionVersion") for each in configured)
    return bool(next((each for each in said if each is not None), False))


def _version(observed: Observed, arn: str, at: datetime | None) -> str:
    """Return which version an ARN means; where the solution has no ACTIVE one, the service says what that means."""
    versions = observed.versions if isinstance(observed, ObservedResource) else ()
    return (newest_version(versions, at) or arn) if arn.endswith(LATEST) else arn


def _called_at(shown: Content) -> datetime | None:
    """Return when the version was set that a campaign, or an update of it, shows."""
    update = shown.get(CAMPAIGN.update_member) or {}
    by_update = update.get("status") in CAMPAIGN.ready and _VERSION in update
    return (update if by_update else shown).get("creationDateTime")
