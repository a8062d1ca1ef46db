"""Solution versions side by side, on the real operator against the local Personalize."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from shop import DATASET, HOUR, LOCATION, ROLE, SOLUTION, open_many, train
from task_runs import Run

from airflow_provider_personalize._compat import Asset
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import InvalidRequestError, VersionsNotComparableError
from airflow_provider_personalize.operators import CompareSolutionVersionsOperator

try:
    from airflow.sdk.execution_time.context import OutletEventAccessors
except ImportError:  # Airflow 2
    from airflow.utils.context import OutletEventAccessors

# what the service would answer, by hand: a and b are equal in precision_at_5, c has another recipe's metrics
METRICS = {
    "a": {"coverage": 0.5, "precision_at_5": 0.25, "precision_at_10": 0.125},
    "b": {"coverage": 0.75, "precision_at_5": 0.25, "precision_at_10": 0.0625},
    "c": {"coverage": 0.25, "hit_at_k": 4.0},
}


@pytest.fixture
def record() -> Callable[[str], Any]:
    """Return what the local Personalize keeps of a resource."""
    from airflow_provider_personalize.emulator.http.models import personalize_backends

    return lambda arn: personalize_backends["123456789012"]["us-east-1"].records[arn]


@pytest.fixture
def versions(personalize: Any, record: Callable[[str], Any]) -> dict[str, str]:
    """Three trained versions by name, oldest first, with the metrics above."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(HOUR)
    arns = {name: train(personalize, SOLUTION) for name in METRICS}
    for name, arn in arns.items():
        record(arn).holds.metrics = METRICS[name]
    calls.clear()
    return arns


def compare(**parameters: Any) -> Any:
    run = Run(lambda: CompareSolutionVersionsOperator(task_id="compare", **parameters))
    return json.loads(json.dumps(run()))


def test_the_metrics_are_side_by_side_in_the_result_and_in_the_log(versions, capsys):
    found = compare(solution_version_arns=list(versions.values()))
    assert (found["best"], found["excluded"]) == (None, {})
    assert [each["solutionVersionArn"] for each in found["versions"]] == list(versions.values())
    assert [each["metrics"] for each in found["versions"]] == list(METRICS.values())
    assert {each["recipeArn"].rpartition("/")[2] for each in found["versions"]} == {"aws-user-personalization-v2"}
    table = [line.split()[:4] for line in capsys.readouterr().out.splitlines()]
    assert ["metric", *(arn.partition("/")[2] for arn in versions.values())] in table
    assert table.index(["precision_at_5", "0.250000", "0.250000", "-"]) < table.index(
        ["precision_at_10", "0.125000", "0.062500", "-"]
    )
    assert ["hit_at_k", "-", "-", "4.000000"] in table
    assert {call.operation for call in calls} == {"DescribeSolutionVersion", "GetSolutionMetrics"}
    assert len(calls) == 6


@pytest.mark.parametrize(
    ("names", "rule", "best"),
    [
        ("ab", {"best_by": "precision_at_5"}, "a"),
        ("ba", {"best_by": "precision_at_5"}, "b"),
        ("ab", {"best_by": "precision_at_5", "best_is": "lowest"}, "a"),
        ("abc", {"best_by": "{{ 'coverage' }}"}, "b"),
        ("abc", {"best_by": "coverage", "best_is": "lowest"}, "c"),
        ("ac", {"best_by": "None"}, None),
    ],
    ids=str,
)
def test_the_best_is_the_first_with_the_best_value(versions, names, rule, best):
    given = {f"version {name}": versions[name] for name in names}
    found = compare(solution_version_arns=str(given), **rule)
    assert found["best"] == (best and versions[best])
    assert [each["name"] for each in found["versions"]] == list(given)
    first = found["markdown"].splitlines()[0]
    assert (f": version {best}" in first) == (best is not None)
    assert ("as good" in first) == ("precision" in str(rule))


def test_the_newest_active_versions_are_read_and_no_others(versions, personalize):
    personalize.create_solution_version(solutionArn=SOLUTION)
    found = compare(solution_arn=SOLUTION, newest="2", best_by="coverage")
    assert [each["solutionVersionArn"] for each in found["versions"]] == [versions["c"], versions["b"]]
    assert found["best"] == versions["b"]
    assert len(calls.of("GetSolutionMetrics")) == len(calls.of("DescribeSolutionVersion")) == 2
    assert len(compare(solution_arn=SOLUTION, newest=20)["versions"]) == 3
    open_many(personalize, 1)
    with pytest.raises(VersionsNotComparableError, match="shop-0: the solution has no ACTIVE version"):
        compare(solution_arn=f"{SOLUTION}-0")


def test_a_version_that_cannot_be_compared_fails_the_task_or_is_excluded(versions, personalize, record, capsys):
    faults.fail_next("CreateSolutionVersion", "bad luck")
    given = {**versions, "failed": train(personalize, SOLUTION)}
    given["training"] = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    record(versions["b"]).holds.metrics = {"coverage": float("nan")}
    reasons = {"b": "ACTIVE, but without metrics", "failed": "CREATE FAILED: bad luck", "training": "CREATE PENDING"}
    without = "no metric precision_at_5, but coverage, hit_at_k"
    with pytest.raises(VersionsNotComparableError, match='set if_unusable="exclude"') as refusal:
        compare(solution_version_arns=given, best_by="precision_at_5")
    assert refusal.value.problems == {**reasons, "c": without}
    with pytest.raises(VersionsNotComparableError, match="1 solution version cannot .*\n  - c: no metric .*k$"):
        compare(solution_version_arns=given, best_by="precision_at_5", if_unusable="exclude")
    capsys.readouterr()
    found = compare(solution_version_arns=given, best_by="coverage", if_unusable="exclude")
    assert (found["best"], found["excluded"]) == (versions["a"], reasons)
    for text in (found["markdown"], capsys.readouterr().out):
        assert all(f"Excluded: {name} ({reason})" in text for name, reason in reasons.items())
    with pytest.raises(VersionsNotComparableError, match="2 solution versions cannot"):
        compare(solution_version_arns={name: given[name] for name in ("failed", "b")}, if_unusable="exclude")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, "give either solution_version_arns or solution_arn"),
        ({"solution_arn": SOLUTION, "solution_version_arns": []}, "give either"),
        ({"solution_version_arns": "[]"}, "has 0 ARNs: allowed are 1 to 20"),
        ({"solution_version_arns": [f"{SOLUTION}/{number}" for number in range(21)]}, "has 21 ARNs"),
        (
            {"solution_version_arns": {"a": SOLUTION}},
            r"version_arns\['a'\] is .* the ARN of a solution version",
        ),
        ({"solution_version_arns": [None]}, "must be the ARN of a solution version, such as"),
        ({"solution_version_arns": f"{SOLUTION}/a"}, "must be a list or a dict"),
        ({"solution_version_arns": [f"{SOLUTION}/a".replace("us-east-1", "eu-west-1")]}, "of another region"),
        ({"solution_arn": f"{SOLUTION}/a"}, "must be the ARN of a solution, such as"),
        *(({"solution_arn": SOLUTION, "newest": number}, "newest is") for number in (0, 21, "x", True)),
    ],
    ids=str,
)
@pytest.mark.usefixtures("personalize")
def test_wrong_parameters_are_refused_before_the_first_call(given, wrong):
    before = len(calls)
    with pytest.raises(InvalidRequestError, match=wrong):
        compare(**given)
    assert len(calls) == before
    with pytest.raises(ValueError, match="allowed are"):
        CompareSolutionVersionsOperator(task_id="a", best_is="best")
    with pytest.raises(ValueError, match="allowed are"):
        CompareSolutionVersionsOperator(task_id="a", if_unusable="ignore")


def test_the_table_is_in_the_event_of_each_asset(versions):
    """``outlet_events`` are those of the Airflow that is installed."""
    events = OutletEventAccessors()
    outlets = [Asset("shop/live"), object()]
    run = Run(
        lambda: CompareSolutionVersionsOperator(
            task_id="compare", solution_arn=SOLUTION, best_by="coverage", outlets=outlets
        )
    )
    task, context = run.ready()
    found = task.execute({**context, "outlet_events": events})
    assert events[outlets[0]].extra == {name: found[name] for name in ("best", "best_by", "markdown")}
    assert len(events) == 1
    assert "| **0.750000** |" in found["markdown"]


def test_a_throttled_read_is_retried(versions):
    faults.error_next("GetSolutionMetrics", "ThrottlingException", times=4)
    assert len(compare(solution_arn=SOLUTION)["versions"]) == 2
