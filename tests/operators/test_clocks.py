"""
Airflow's clock is ten minutes ahead of the service's, or behind: a retry finds what was made, a cleared run makes anew.

The emulator's ``Date`` is the machine's own time, which is the service's here; what Airflow writes, and what the
package takes for the time, is ten minutes off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from shop import DATASET, HOUR, LOCATION, ROLE, SOLUTION
from task_runs import Run, Store, TaskInstance, killed_after

from airflow_provider_personalize.emulator import calls, clock
from airflow_provider_personalize.exceptions import ResourceExistsError
from airflow_provider_personalize.hooks import PersonalizeHook, event_handlers
from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.sensors import AutomaticSolutionVersionSensor

IMPORT = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE}
CHARGED: dict[type, dict[str, Any]] = {
    CreateSolutionVersionOperator: {"solution_arn": SOLUTION},
    CreateDatasetImportJobOperator: IMPORT,
    UpdateSolutionOperator: {"solution_arn": SOLUTION, "perform_auto_training": True, "if_unchanged": "update"},
}
charged = pytest.mark.parametrize("operator", CHARGED, ids=lambda operator: operator.operation)
with_a_store_or_not = pytest.mark.parametrize("store", [lambda: None, Store], ids=["no store", "a store"])


@pytest.fixture(autouse=True, params=[600, -600], ids=["Airflow is ahead", "Airflow is behind"])
def off(personalize: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """The seconds by which Airflow's clock is ahead of the service's."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(HOUR)
    calls.clear()
    airflows = type("time", (), {"time": lambda: time.time() + request.param})
    monkeypatch.setattr(event_handlers, "time", airflows)
    return request.param


@pytest.fixture
def begun(off: float) -> Callable[..., Run]:
    """Runs that begin when they are asked for, by Airflow's clock."""

    def begin(operator: Any, store: Any = None, **given: Any) -> Run:
        began = datetime.fromtimestamp(clock.now() + off, timezone.utc)
        return Run(lambda: operator(task_id="task", **given), TaskInstance(), began=began, store=store)

    return begin


def again(run: Run, *, cleared_at: float | None = None) -> Run:
    """The next try, in a run that begins anew where it is cleared."""
    run.ti.try_number += 1
    if cleared_at is not None:
        run.began = datetime.fromtimestamp(cleared_at, timezone.utc)
    return run


def done(operator: Any) -> int:
    return len([call for call in calls.of(operator.operation) if call.error is None])


@charged
@with_a_store_or_not
def test_a_retry_after_a_crash_finds_what_is_over_by_then(begun, operator, store):
    run = begun(operator, store(), **CHARGED[operator])
    with killed_after(operator.operation):
        run()
    clock.advance(HOUR)
    again(run)()
    assert done(operator) == 1


@charged
@with_a_store_or_not
def test_a_run_that_is_cleared_after_its_end_creates_it_again(begun, off, operator, store):
    run = begun(operator, store(), **CHARGED[operator])
    run()
    clock.advance(120)
    again(run, cleared_at=clock.now() + off)()
    assert done(operator) == 2


@charged
def test_a_task_that_is_cleared_during_its_run_adopts_what_it_made(begun, operator):
    run = begun(operator, **CHARGED[operator])
    run()
    again(run)()
    assert done(operator) == 1


def test_a_job_of_the_run_before_is_not_mistaken_for_this_ones(begun):
    begun(CreateDatasetImportJobOperator, job_name="nightly", **IMPORT)()
    clock.advance(120)
    with pytest.raises(ResourceExistsError, match="from before this run"):
        begun(CreateDatasetImportJobOperator, job_name="nightly", **IMPORT)()


@pytest.mark.parametrize("since", [-120, 120], ids=["it began after the run", "it began before the run"])
def test_the_next_automatic_training_is_the_first_since_the_run_began(personalize, off, since):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(2 * HOUR)
    (first,) = personalize.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]
    began = datetime.fromtimestamp(first["creationDateTime"].timestamp() + off + since, timezone.utc)
    sensor = AutomaticSolutionVersionSensor(task_id="task", solution_arn=SOLUTION)
    seen = sensor.poke({"ti": TaskInstance(), "dag_run": SimpleNamespace(start_date=began)})
    assert seen.xcom_value == (first["solutionVersionArn"] if since < 0 else None)


def test_an_answer_without_a_date_tells_nothing(personalize):
    hook = PersonalizeHook()
    for headers in ({}, {"date": "soon"}, {"date": ""}, {"date": "Sat, 28 Nov 2026 06:00:00 -0000"}):
        hook.service_clock.record({"personalize_called": time.time()}, {"headers": headers})
    assert hook.service_clock.ahead is None
