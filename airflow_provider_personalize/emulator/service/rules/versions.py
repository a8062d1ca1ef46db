"""
The service's rules for solution versions, and automatic training.

https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolutionVersion.html and
https://docs.aws.amazon.com/personalize/latest/dg/solution-config-auto-training.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service.refusals import not_found
from airflow_provider_personalize.emulator.service.rules import campaigns, learning, rows
from airflow_provider_personalize.rates import rate_days

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Entry, Record

_HOUR: Final = 60 * 60
_DAY: Final = 24 * _HOUR
_WEEK: Final = 7
_TAKEN: Final = (
    "performHPO", "performAutoML", "performIncrementalUpdate", "recipeArn", "eventType", "solutionConfig"
)  # fmt: skip
_UPDATABLE: Final = ("aws-user-personalization", "aws-hrnn-coldstart")
_BEST: Final = "arn:aws:personalize:::recipe/aws-user-personalization"


def path(backend: Backend, request: Mapping[str, Any]) -> str:
    """Return the path in a version's ARN: its solution, and eight hex digits or its name."""
    name = request.get("name")
    if name and state.assumptions.version_arn == "name":
        return _after_solution(request, name)
    taken = (
        name if state.assumptions.same_version_name == "refused" else None
    )  # the same digits for a name that is taken
    seed = f"{request.get('solutionArn')} {taken or backend.created}"
    return _after_solution(request, hashlib.sha256(seed.encode()).hexdigest()[:8])


def _after_solution(request: Mapping[str, Any], name: str) -> str:
    return f"{str(request.get('solutionArn')).rpartition('/')[2]}/{name}"


def complete(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Return the request, completed from the solution's configuration as it is now."""
    solution = backend.records[request["solutionArn"]].current()
    taken: Members = {name: solution[name] for name in _TAKEN if name in solution}
    defaults = {"name": path(backend, request), "trainingMode": "FULL", "trainingType": "MANUAL"}
    completed = {"recipeArn": _best(taken), **taken, **defaults, **request}
    if "name" in request and state.assumptions.version_name == "after_solution":
        completed["name"] = _after_solution(request, request["name"])
    return completed


def validation_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between the mode of the training and the solution."""
    mode = request.get("trainingMode")
    if mode == "AUTOTRAIN" and state.assumptions.autotrain_by_hand == "refused":
        yield "trainingMode is AUTOTRAIN: allowed are FULL and UPDATE"
    if mode == "UPDATE":
        yield from _mode_update_errors(backend, request["solutionArn"])
    group = backend.records[request["solutionArn"]].members["datasetGroupArn"]
    yield from learning.validation_errors(backend, {**complete(backend, request), "datasetGroupArn": group})


def _mode_update_errors(backend: Backend, solution_arn: str) -> Iterator[str]:
    recipe = str(backend.records[solution_arn].members.get("recipeArn")).rpartition("/")[2]
    if recipe not in _UPDATABLE:
        yield f"trainingMode is UPDATE: the recipe {recipe} does not support it, only {', '.join(_UPDATABLE)}"
    if not any(version.members["trainingMode"] != "UPDATE" for version in active(backend, solution_arn)):
        yield "trainingMode is UPDATE: the solution has no ACTIVE version that was trained with FULL"


def of(backend: Backend, solution_arn: str) -> list[Record]:
    """Return the versions of a solution, oldest first."""
    return backend.belonging("solution_version", "solutionArn", solution_arn)


def active(backend: Backend, solution_arn: str) -> list[Record]:
    """Return the versions of a solution that are ACTIVE, oldest first."""
    return [version for version in of(backend, solution_arn) if version.usable]


def result(backend: Backend, version: Record) -> Members:  # noqa: ARG001 - called like the others
    """Return the hours billed and the hyperparameters found, once the training has ended."""
    if not version.usable:
        return {}
    tuned = {"tunedHPOParams": {"algorithmHyperParameters": _tuned(version.members)}}
    return {
        "trainingHours": float(state.assumptions.training_hours),
        **(tuned if version.members["performHPO"] else {}),
    }


def _tuned(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the best hyperparameters; nothing is tuned here, and the first allowed values count as the best."""
    config = members.get("solutionConfig", {})
    ranges = config.get("hpoConfig", {}).get("algorithmHyperParameterRanges", {})
    allowed = [each for listed in ranges.values() for each in listed]
    first = {each["name"]: str(each["values"][0] if each.get("values") else each.get("minValue")) for each in allowed}
    return {**config.get("algorithmHyperParameters", {}), **first}


def _best(members: Mapping[str, Any]) -> str:
    """Return the recipe that automatic selection finds best: the first of those to choose from, which is assumed."""
    listed = members.get("solutionConfig", {}).get("autoMLConfig", {}).get("recipeList")
    return str(listed[0]) if listed else _BEST


def metrics(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Return the metrics of a version."""
    arn = request["solutionVersionArn"]
    version = backend.existing(arn)
    if version is None:
        raise not_found("solution version", arn)
    if version.failed and state.assumptions.metrics_of_failed_version == "empty":
        return {"solutionVersionArn": arn, "metrics": {}}
    if not version.usable:
        code = state.assumptions.metrics_of_failed_version if version.failed else "ResourceInUseException"
        raise ServiceError(code, f"The solution version {arn} is {version.status}, not {version.resource_type.success}")
    return {"solutionVersionArn": arn, "metrics": dict(version.holds.metrics)}


def latest(backend: Backend, solution: Record) -> Members:
    """Return a solution's newest version, whatever its status."""
    versions = of(backend, solution.arn)
    if not versions:
        return {}
    answer = service_model.answer_shape("DescribeSolution")
    assert answer is not None  # noqa: S101 - every Describe has an answer
    summary = answer.members["solution"].members["latestSolutionVersion"]
    best = solution.members["performAutoML"] and any(version.usable for version in versions)
    return {
        "latestSolutionVersion": service_model.shown(summary, versions[-1].known()),
        **({"autoMLResult": {"bestRecipeArn": _best(solution.members)}} if best else {}),
    }


def let_campaigns_follow(backend: Backend, version: Record) -> None:
    """Update the campaigns that are in sync with the solution to a version that became ACTIVE."""
    for campaign in backend.belonging("campaign", "solutionArn", version.members["solutionArn"]):
        campaigns.follow(backend, campaign)


@dataclass
class _Schedule:
    """
    Automatic training since it was turned on or changed.

    :param since: When that became ACTIVE.
    :param began: When the training began from which the next is counted.
    """

    since: float
    began: float | None = None

    def due(self, rate: float) -> float:
        """Return when the next training is due."""
        first: float = state.assumptions.first_training_after
        return self.since + first if self.began is None else self.began + rate


def begin_schedule(backend: Backend, solution: Record) -> None:
    """Start the schedule of a solution that became ACTIVE."""
    if solution.usable:
        _begin(backend, solution, solution.progress.reached)


def renew_schedule(backend: Backend, solution: Record, update: Entry) -> None:
    """Restart the schedule if an update that became ACTIVE changes it."""
    named = "performAutoTraining" in update.members or "autoTrainingConfig" in update.members.get(
        "solutionUpdateConfig", {}
    )
    if named and not update.failed and not (_is_same(solution) and state.assumptions.same_schedule == "kept"):
        _begin(backend, solution, update.progress.reached)


def _is_same(solution: Record) -> bool:
    return solution.holds is not None and solution.holds[1] == _setting(solution)


def _setting(solution: Record) -> float | None:
    members = solution.current()
    if not members["performAutoTraining"]:
        return None
    expression = members["solutionConfig"]["autoTrainingConfig"].get("schedulingExpression")
    return (rate_days(expression) or _WEEK) * _DAY


def _begin(backend: Backend, solution: Record, since: float) -> None:
    rate = _setting(solution)
    schedule = _Schedule(since)
    solution.holds = (schedule, rate)
    if rate is not None:
        backend.scheduler.add(schedule.due(rate), partial(_train_if_due, backend, solution, schedule, rate))


def _train_if_due(backend: Backend, solution: Record, schedule: _Schedule, rate: float) -> float | None:
    """Start a training if it is due; return when to check again, or None if the schedule is no longer in force."""
    if solution.holds[0] is not schedule or solution.leaving:
        return None
    stood_in = _made_by_hand(backend, solution, schedule)
    if stood_in is None and _is_worth_it(backend, solution, schedule):
        more = {"trainingType": "AUTOMATIC", "trainingMode": state.assumptions.automatic_training_mode}
        within_quota = state.assumptions.automatic_training_over_quota == "waits"
        try:
            backend.create("solution_version", {"solutionArn": solution.arn}, more, within_quota=within_quota)
        except ServiceError:
            return state.clock.now() + _HOUR
    began = state.clock.now() if stood_in is None else stood_in
    schedule.began = began
    return began + rate


def _made_by_hand(backend: Backend, solution: Record, schedule: _Schedule) -> float | None:
    """Return when a version was made by hand that stands in for the first training."""
    versions = of(backend, solution.arn) if schedule.began is None else []
    return next((version.created for version in versions if version.created >= schedule.since), None)


def _is_worth_it(backend: Backend, solution: Record, schedule: _Schedule) -> bool:
    """Return whether there is a reason to train: the first time always, unless assumed otherwise."""
    if schedule.began is None and state.assumptions.first_training_without_data == "tried":
        return True
    versions = of(backend, solution.arn)
    last = versions[-1].created if versions else 0.0
    return rows.news_since(backend, solution.members["datasetGroupArn"], last)
