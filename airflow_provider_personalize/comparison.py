"""
Compare a requested configuration with a description. Pure functions.

A member that the caller leaves out may have any value, except in a structure that is compared as a whole because each
update replaces it. There, a member that the caller leaves out must not be set.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_provider_personalize.rates import rate_days
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION, ResourceType

# Switches that are off unless the description shows them. Not performAutoTraining, which is on by default.
_FALSE_BY_DEFAULT: Final = frozenset(
    {
        "performAutoML",
        "performHPO",
        "performIncrementalUpdate",
        "publishAttributionMetricsToS3",
        "syncWithLatestSolutionVersion",
        "enableMetadataWithRecommendations",
    }
)
# Compared as a whole wherever they are: the caller passes them complete, and the service replaces them. Other
# structures, such as hyperparameters, may show more than the request had.
_WHOLE: Final = frozenset(
    {"excludedDatasetColumns", "includedDatasetColumns", "rankingInfluence", "itemExplorationConfig", "eventsConfig"}
)
#: Other structures that an update replaces as a whole. A member of ``solutionUpdateConfig`` that an update leaves out
#: keeps its value. AWS documents neither: both are assumed.
REPLACED_AS_A_WHOLE: Final = frozenset({"campaignConfig", "recommenderConfig", "metricsOutputConfig"})
# Documented defaults: a member with its default counts as not set, since the service may show it unasked.
# https://docs.aws.amazon.com/personalize/latest/dg/API_RecommenderConfig.html,
# https://docs.aws.amazon.com/personalize/latest/dg/API_AutoTrainingConfig.html and
# https://docs.aws.amazon.com/personalize/latest/dg/use-case-recipe-features.html
_DEFAULTS: Final[Mapping[str, Any]] = {
    "schedulingExpression": "rate(7 days)",
    "minRecommendationRequestsPerSecond": 1,
    "explorationWeight": 0.3,
    "explorationItemAgeCutOff": 30,
}
# The values of members that an entry of a list leaves out: a list replaces the one before. Assumed: without a weight,
# the service weighs event types alike.
_ENTRY_DEFAULTS: Final[Mapping[str, float]] = {"eventValueThreshold": 0, "weight": 1}
# The service accepts the first name and describes the second (https://github.com/boto/boto3/issues/3514).
_RENAMED: Final = (
    ("min_user_history_length_percentile", "min_hist_length_percentile"),
    ("max_user_history_length_percentile", "max_hist_length_percentile"),
)
_OTHER_NAME: Final[Mapping[str, str]] = {name: other for pair in _RENAMED for name, other in (pair, pair[::-1])}
_OF_THE_UPDATE_ITSELF: Final = frozenset({"status", "failureReason", "creationDateTime", "lastUpdatedDateTime"})


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any], whole: Collection[str] = frozenset()) -> list[str]:
    """
    Return a sentence for each member that differs from the requested one; an empty list if none does.

    :param whole: Names of structures to compare as a whole, with everything in them.
    """
    return list(_compare(wanted, found, "", _WHOLE.union(whole)))


def _compare(
    wanted: Any, found: Any, name: str, whole: Collection[str] = _WHOLE, *, is_whole: bool = False
) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        known = found if isinstance(found, Mapping) else {}
        known = {**{_OTHER_NAME[name]: known[name] for name in known if name in _OTHER_NAME}, **known}
        is_whole = is_whole or name.rpartition(".")[2] in whole
        for member, value in wanted.items():
            if value is False and member in _FALSE_BY_DEFAULT and known.get(member) is None:
                continue
            yield from _compare(value, known.get(member), f"{name}.{member}".lstrip("."), whole, is_whole=is_whole)
        for member, value in known.items():
            if is_whole and member not in wanted and not _is_unset(member, value):
                yield redact(f"{name}.{member}: wanted nothing, found {value!r}")
    elif not _same(wanted, found):
        yield redact(f"{name}: wanted {wanted!r}, found {found!r}")


def _is_unset(member: str, value: Any) -> bool:
    """Return whether a member's value means the same as leaving it out."""
    if isinstance(value, Mapping):
        return all(_is_unset(name, item) for name, item in value.items())
    if value is False and member in _FALSE_BY_DEFAULT:
        return True
    if member in _DEFAULTS and (_same(_DEFAULTS[member], value) or _number(value) == _DEFAULTS[member]):
        return True
    return value is None or value == []


def _number(value: Any) -> float | None:
    """Return a number, which may be a string; None for anything else."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, (list, tuple)):
        return _same_entries(wanted, found or [])
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, (int, float)) and isinstance(found, (int, float)):
        return math.isclose(wanted, found, rel_tol=1e-6)
    # "rate(1 days)" and "rate(1 day)" are one schedule
    return bool(wanted == found) or (rate_days(wanted) is not None and rate_days(wanted) == rate_days(found))


def _same_entries(wanted: Sequence[Any], found: Sequence[Any]) -> bool:
    """Compare regardless of the order: the API's lists are sets of settings."""
    left = list(found)
    for entry in wanted:
        match = next((item for item in left if not list(_compare(_completed(entry, item), item, ""))), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _completed(wanted: Any, found: Any) -> Any:
    """Return an entry with the default of each member that only the other one has."""
    if not isinstance(wanted, Mapping) or not isinstance(found, Mapping):
        return wanted
    shown = {member for member, value in found.items() if value is not None}
    return {**{member: value for member, value in _ENTRY_DEFAULTS.items() if member in shown}, **wanted}


def exact_differences(wanted: Any, found: Any, name: str) -> list[str]:
    """
    Return a sentence for each difference between two JSON documents, members that only one of them has included.

    Lists of objects with a name, such as the fields of a schema, are compared by name and by order.
    """
    return list(_compare_exactly(wanted, found, name))


def _compare_exactly(wanted: Any, found: Any, name: str) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for member in {**wanted, **found}:
            yield from _compare_exactly(wanted.get(member), found.get(member), f"{name}.{member}")
    elif (ours := _by_name(wanted)) and (theirs := _by_name(found)):
        yield from _compare_exactly(ours, theirs, name)
        if set(ours) == set(theirs) and list(ours) != list(theirs):
            yield f"{name}: wanted in the order {', '.join(ours)}, found in the order {', '.join(theirs)}"
    elif not _same(wanted, found):
        yield redact(f"{name}: wanted {wanted!r}, found {found!r}")


def _by_name(value: Any) -> dict[str, Any] | None:
    """Return a list of objects by their names; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) and "name" in item for item in value):
        return None
    return {str(item["name"]): item for item in value}


def configuration(
    resource_type: ResourceType, description: Mapping[str, Any], *, ahead: bool = False
) -> dict[str, Any]:
    """
    Return the current configuration of a resource: its own members, overlaid by its latest update once that is ACTIVE.

    Assumed: its own members may not show the update. The guide only implies that they do ("until the update completes,
    the solution uses the previous configuration",
    https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html).

    A solution's configuration is under ``solutionConfig`` and, as in an update, under ``solutionUpdateConfig``. The
    name of a solution version is the one from the request.

    :param ahead: Whether to overlay an update in progress too: the configuration once that is ACTIVE.
    """
    now = dict(description)
    update = description.get(resource_type.update_member) or {}
    if update.get("status") in resource_type.ready or (ahead and update.get("status") not in resource_type.final):
        now |= {member: value for member, value in update.items() if member not in _OF_THE_UPDATE_ITSELF}
    if resource_type == SOLUTION:
        config = {**(now.get("solutionConfig") or {}), **(now.get("solutionUpdateConfig") or {})}
        now |= {"solutionConfig": config, "solutionUpdateConfig": config}
    if resource_type == SOLUTION_VERSION:
        now["name"] = version_name(description)
    return now


def version_name(version: Mapping[str, Any]) -> str:
    """
    Return the name of a solution version as requested, whether or not the service prefixes it with the solution's.

    ``<solution>/<name>`` is recorded for a version without a name of its own, in a notebook of AWS
    (https://github.com/aws-samples/amazon-personalize-samples); for a version with a name, both forms are assumed.
    """
    solution = str(version.get("solutionArn")).rpartition("/")[2]
    return str(version.get("name")).removeprefix(f"{solution}/")
