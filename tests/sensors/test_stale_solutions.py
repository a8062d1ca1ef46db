"""The sensor for models that go stale, poked and deferred, against the local Personalize."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from shop import DATASET, HOUR, LOCATION, ROLE, SOLUTION
from task_runs import Run

from airflow_provider_personalize._compat import AirflowSensorTimeout, AirflowSkipException
from airflow_provider_personalize.clock import sleep
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.sensors import StaleSolutionSensor

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

DAY = 24 * HOUR
WEEK = 7 * DAY
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])


@pytest.fixture(autouse=True)
def _data(personalize: Any) -> None:
    """A training needs data."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    sleep(HOUR)


def train(client: Any) -> float:
    """Train a version, let it become ACTIVE, and return when it began."""
    began = clock.now()
    client.create_solution_version(solutionArn=SOLUTION)
    sleep(HOUR)
    return began


def stale(**parameters: Any) -> Run:
    given = {"solution_arn": SOLUTION, "max_age": timedelta(days=7), "timeout": 4.0 * WEEK, **parameters}
    return Run(lambda: StaleSolutionSensor(task_id="stale", **given))


@deferrable_or_not
def test_it_ends_when_the_newest_version_is_too_old(personalize, deferrable):
    began = train(personalize)
    assert stale(deferrable=deferrable)() == SOLUTION
    assert 0 <= clock.now() - began - WEEK < 2 * HOUR  # the two clocks are half an hour apart in tests


@deferrable_or_not
def test_it_ends_at_once_without_a_version_that_is_active(personalize, deferrable):
    faults.fail_next("CreateSolutionVersion", "bad luck")
    train(personalize)
    personalize.create_solution_version(solutionArn=SOLUTION)  # in progress
    run = stale(deferrable=deferrable)
    assert (run(), run.deferrals) == (SOLUTION, [])


def test_deferred_it_sleeps_until_the_version_will_be_too_old_and_polls_nothing_until_then(personalize):
    train(personalize)
    run, before = stale(deferrable=True), len(calls)
    retrained = []

    def between() -> None:
        if not retrained:  # a newer version while it sleeps
            sleep(3 * DAY)
            retrained.append(train(personalize))

    run.between = between
    run()
    assert 0 <= clock.now() - retrained[0] - WEEK < 2 * HOUR
    assert len(run.deferrals) == 2
    reads = [call.operation for call in calls[before:] if call.operation != "CreateSolutionVersion"]
    assert reads == ["DescribeSolution", "ListSolutionVersions"] * 3


def test_a_triggerer_that_is_restarted_does_not_begin_the_pause_anew(personalize, passing_time):
    train(personalize)
    run = stale(deferrable=True)

    run.between = lambda: passing_time.sleep(WEEK - 3 * HOUR)  # and then the trigger is made anew
    run()
    assert passing_time.slept[-1] < 3 * HOUR
    assert len(run.deferrals) == 1


def test_a_newer_version_does_not_move_its_timeout(personalize):
    train(personalize)
    began, run = clock.now(), stale(deferrable=True, timeout=8.0 * DAY)
    run.between = lambda: len(run.deferrals) == 1 and (sleep(3 * DAY), train(personalize))
    with pytest.raises(AirflowSensorTimeout):
        run()
    assert 8 * DAY <= clock.now() - began < 8 * DAY + 2 * HOUR


@deferrable_or_not
def test_it_ends_at_its_timeout_with_the_age_of_the_version(personalize, deferrable):
    train(personalize)
    with pytest.raises(AirflowSensorTimeout, match=r"ACTIVE: solution version shop/\w+ is 2 days, \d:\d\d:\d\d old"):
        stale(deferrable=deferrable, timeout=2.0 * DAY + HOUR)()
    with pytest.raises(AirflowSkipException):
        stale(deferrable=deferrable, timeout=60.0, soft_fail=True)()


@deferrable_or_not
def test_a_throttled_poll_is_repeated(personalize, deferrable):
    faults.error_next("ListSolutionVersions", "ThrottlingException")
    run = stale(deferrable=deferrable)
    assert run() == SOLUTION
    assert len(run.deferrals) == deferrable


@pytest.mark.parametrize("age", [None, "7 days", -1])
def test_what_is_no_age_is_refused(age):
    with pytest.raises(ValueError, match="max_age is .*: allowed are a number of seconds, 0 or more, and a timedelta"):
        stale(max_age=age).make()


def test_its_interval_may_come_from_default_args():
    with DAG("stale", schedule=None, default_args={"poke_interval": 60.0}):
        assert StaleSolutionSensor(task_id="stale", solution_arn=SOLUTION).poke_interval == 60
    assert StaleSolutionSensor(task_id="stale", solution_arn=SOLUTION).poke_interval == 15 * 60
