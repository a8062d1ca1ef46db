"""Sensors of updates behind an operator that does not wait: they wait for its update, whatever is shown before that."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from airflow.sdk import DAG
from task_runs import Run, TaskInstance
from update_cases import UPDATE_CASES, UpdateCase

from airflow_provider_personalize import sensors
from airflow_provider_personalize._compat import AirflowFailException, AirflowSensorTimeout
from airflow_provider_personalize.emulator import assumptions, clock, faults

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])
native_or_not = pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])


@pytest.fixture(params=UPDATE_CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, personalize: Any) -> UpdateCase:
    """An existing resource of each type."""
    made: UpdateCase = request.param
    made.make(personalize)
    return made


class Pulled(TaskInstance):
    """A task instance that can read the XCom of another."""

    def xcom_pull(self, task_ids: str, key: str) -> Any:
        assert task_ids == "update"
        return self.xcoms[key]


def update(case: UpdateCase, **parameters: Any) -> dict[str, Any]:
    """Run the operator without waiting; return what it has in XCom."""
    run = case.run(wait_for_completion=False, **parameters)
    run()
    return run.ti.xcoms


def sensor(case: UpdateCase, xcoms: dict[str, Any], *, native: bool = False, **parameters: Any) -> Run:
    """The sensor as its documentation says."""
    created = "{{ ti.xcom_pull(task_ids='update', key='%s_update')['creationDateTime'] }}" % case.name  # noqa: UP031
    given = {case.resource.arn_parameter: case.arn, "created": created, "require_update": False, **parameters}

    def make() -> Any:
        with DAG("shop", render_template_as_native_obj=native, schedule=None):
            return getattr(sensors, f"{case.resource.pascal}UpdateSensor")(task_id="wait", **given)

    return Run(make, Pulled(xcoms=xcoms))


@native_or_not
@deferrable_or_not
def test_a_stale_read_without_the_update_does_not_pass(personalize, case, deferrable, native):
    xcoms = update(case)
    assumptions.update_visible_after = 400  # from now on reads are stale: they show no update
    clock.advance(200)
    assert case.latest(personalize) == {}
    sensor(case, xcoms, native=native, deferrable=deferrable)()
    assert case.latest(personalize)["status"] == "ACTIVE"


@deferrable_or_not
def test_a_stale_read_with_an_earlier_update_does_not_pass(personalize, case, deferrable):
    case.update(personalize, case.theirs)
    clock.advance(3600)
    earlier = case.latest(personalize)["creationDateTime"]
    xcoms = update(case)
    assumptions.update_visible_after = 400
    assert case.latest(personalize)["creationDateTime"] == earlier
    sensor(case, xcoms, deferrable=deferrable)()
    assert case.latest(personalize)["creationDateTime"] > earlier


@native_or_not
@deferrable_or_not
def test_it_passes_where_the_operator_had_nothing_to_send(personalize, case, deferrable, native):
    case.update(personalize, case.ours[1])
    clock.advance(3600)
    xcoms = update(case)
    assert (xcoms[f"{case.name}_update"]["creationDateTime"], xcoms[f"{case.name}_update"]["sent"]) == (None, False)
    sensor(case, xcoms, native=native, deferrable=deferrable)()


@deferrable_or_not
def test_a_later_update_in_its_place_fails_the_task(personalize, case, deferrable):
    xcoms = update(case)
    clock.advance(3600)
    case.update(personalize, case.later)
    with pytest.raises(AirflowFailException, match="replaced this one"):
        sensor(case, xcoms, deferrable=deferrable)()


@deferrable_or_not
def test_a_failure_of_the_update_fails_the_task(case, deferrable):
    faults.fail_next(case.operation, "bad luck")
    xcoms = update(case)
    with pytest.raises(AirflowFailException, match="bad luck"):
        sensor(case, xcoms, deferrable=deferrable)()


def test_the_moment_may_be_a_datetime(personalize):
    solution = UPDATE_CASES[0]
    update(solution)
    created = solution.latest(personalize)["creationDateTime"]
    for given in (created, created.astimezone(timezone.utc).replace(tzinfo=None)):
        sensor(solution, {}, created=given, timeout=3600)()
    with pytest.raises(AirflowSensorTimeout, match="an earlier update is still the latest"):
        sensor(solution, {}, created=datetime(2100, 1, 1, tzinfo=timezone.utc), timeout=60)()


def test_an_invalid_date_is_refused(personalize):
    with pytest.raises(AirflowFailException, match="created is 'yesterday': allowed are a datetime"):
        sensor(UPDATE_CASES[0], {}, created="yesterday")()
