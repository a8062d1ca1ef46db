"""
How what is wanted differs from what is found. Pure.

A member that the caller does not mention may be anything, except in a structure that is compared as a whole: what the
service replaces with each update. There, a member that the caller leaves out must not be set.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_provider_personalize.rates import rate_days
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION, ResourceType

# Switches that are off where a description does not show them. performAutoTraining is not among them: it is on.
_FALSE_UNLESS_SAID: Final = frozenset(
    {
        "performAutoML",
        "performHPO",
        "performIncrementalUpdate",
        "publishAttributionMetricsToS3",
        "syncWithLatestSolutionVersion",
        "enableMetadataWithRecommendations",
    }
)
# Compared as a whole wherever they are: the caller gives them complete, and the service replaces them. In others, such
# as hyperparameters, the service may show more than was given.
_WHOLE: Final = frozenset(
    {"excludedDatasetColumns", "includedDatasetColumns", "rankingInfluence", "itemExplorationConfig", "eventsConfig"}
)
#: What an update replaces as a whole, besides. Of the members of a ``solutionUpdateConfig``, each that an update leaves
#: out stays as it is. Neither is documented: both are assumed.
REPLACED_AS_A_WHOLE: Final = frozenset({"campaignConfig", "recommenderConfig", "metricsOutputConfig"})
# Documented defaults: a member that has its default counts as not set, since the service may show it unasked.
# https://docs.aws.amazon.com/personalize/latest/dg/API_RecommenderConfig.html,
# https://docs.aws.amazon.com/personalize/latest/dg/API_AutoTrainingConfig.html and
# https://docs.aws.amazon.com/personalize/latest/dg/use-case-recipe-features.html
_DEFAULTS: Final[Mapping[str, Any]] = {
    "schedulingExpression": "rate(7 days)",
    "minRecommendationRequestsPerSecond": 1,
    "explorationWeight": 0.3,
    "explorationItemAgeCutOff": 30,
}
# What an entry of a list means that leaves these out: a list replaces the one before, and with it what it does not say.
# That the service weighs event types alike where no weight is given is assumed.
_UNLESS_SAID: Final[Mapping[str, float]] = {"eventValueThreshold": 0, "weight": 1}
# What the service takes by the first name and describes by the second (https://github.com/boto/boto3/issues/3514).
_RENAMED: Final = (
    ("min_user_history_length_percentile", "min_hist_length_percentile"),
    ("max_user_history_length_percentile", "max_hist_length_percentile"),
)
_OTHER_NAME: Final[Mapping[str, str]] = {name: other for pair in _RENAMED for name, other in (pair, pair[::-1])}
_OF_THE_UPDATE_ITSELF: Final = frozenset({"status", "failureReason", "creationDateTime", "lastUpdatedDateTime"})


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any], whole: Collection[str] = frozenset()) -> list[str]:
    """
    List each member in which something wanted is not so, one sentence each; empty where all is so.

    :param whole: Names of structures to compare as a whole, with all that is in them.
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
            if value is False and member in _FALSE_UNLESS_SAID and known.get(member) is None:
                continue
            yield from _compare(value, known.get(member), f"{name}.{member}".lstrip("."), whole, is_whole=is_whole)
        for member, value in known.items():
            if is_whole and member not in wanted and not _is_unset(member, value):
                yield redact(f"{name}.{member}: wanted nothing, found {value!r}")
    elif not _same(wanted, found):
        yield redact(f"{name}: wanted {wanted!r}, found {found!r}")


def _is_unset(member: str, value: Any) -> bool:
    """Tell whether a description says no more of a member than if it were not set."""
    if isinstance(value, Mapping):
        return all(_is_unset(name, item) for name, item in value.items())
    if value is False and member in _FALSE_UNLESS_SAID:
        return True
    if member in _DEFAULTS and (_same(_DEFAULTS[member], value) or _number(value) == _DEFAULTS[member]):
        return True
    return value is None or value == []


def _number(value: Any) -> float | None:
    """Read a number, which is a text in a map of texts."""
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
    """Compare without regard to order: the API's lists are sets of settings."""
    left = list(found)
    for entry in wanted:
        match = next((item for item in left if not list(_compare(_completed(entry, item), item, ""))), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _completed(wanted: Any, found: Any) -> Any:
    """Say of an entry what it means by leaving out what the other has."""
    if not isinstance(wanted, Mapping) or not isinstance(found, Mapping):
        return wanted
    shown = {member for member, value in found.items() if value is not None}
    return {**{member: value for member, value in _UNLESS_SAID.items() if member in shown}, **wanted}


def exact_differences(wanted: Any, found: Any, name: str) -> list[str]:
    """
    List in what two JSON documents differ, one sentence each, also where only one of them has a member.

    Lists of what has a name, such as the fields of a schema, are compared by these names, and by their order.
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
    """Index a list of things by their names; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) and "name" in item for item in value):
        return None
    return {str(item["name"]): item for item in value}


def configuration(
    resource_type: ResourceType, description: Mapping[str, Any], *, ahead: bool = False
) -> dict[str, Any]:
    """
    Read how a resource is configured now: its latest update, once ACTIVE, is laid over its own members.

    :param ahead: Whether to read how it will be configured once an update in progress is ACTIVE, instead.

    That these show the update too is what the guide implies ("until the update completes, the solution uses the
    previous configuration"), not what it says
    (https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html).

    A solution's configuration is under ``solutionConfig`` and, by the name that an update of it has, under
    ``solutionUpdateConfig``. The name of a solution version is the one that it was given.
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
    Return the name that a solution version was given, whether or not the service shows it after its solution's.

    ``<solution>/<name>`` is recorded of a version without a name of its own, in a notebook of AWS's
    (https://github.com/aws-samples/amazon-personalize-samples); of one with a name, both forms are assumed.
    """
    solution = str(version.get("solutionArn")).rpartition("/")[2]
    return str(version.get("name")).removeprefix(f"{solution}/")
