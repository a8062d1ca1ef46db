"""Sensors, poked and deferred, against the local Personalize."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run, TaskInstance

from airflow_provider_personalize._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.emulator.control.calls import Call
from airflow_provider_personalize.sensors import DatasetImportJobSensor, SolutionUpdateSensor
from airflow_provider_personalize.status import WaitCondition
from airflow_provider_personalize.triggers.events import WaitEvent

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:
    from airflow.exceptions import AirflowRescheduleException

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])


def sensor(**parameters: Any) -> Run:
    given = {"solution_arn": SOLUTION, **parameters}
    return Run(lambda: SolutionUpdateSensor(task_id="wait", **given), TaskInstance())


@pytest.fixture
def updating(personalize):
    """A solution with an update in progress."""
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    calls.clear()
    return personalize


def polls() -> list[Call]:
    """The calls with which sensor and trigger polled, in order."""
    return calls.of("DescribeSolution", SOLUTION)


def latest_update(personalize: Any) -> str:
    return personalize.describe_solution(solutionArn=SOLUTION)["solution"]["latestSolutionUpdate"]["status"]


@deferrable_or_not
def test_it_waits_until_the_update_is_active(updating, deferrable):
    run = sensor(deferrable=deferrable)
    assert run() == SOLUTION
    assert latest_update(updating) == "ACTIVE"
    assert len(run.deferrals) == deferrable


def test_it_does_not_defer_where_there_is_nothing_to_wait_for(updating):
    clock.advance(600)
    run = sensor(deferrable=True)
    assert run() == SOLUTION
    assert run.deferrals == []
    assert len(polls()) == 1


@pytest.mark.parametrize("given", [None, 45])
def test_a_deferred_sensor_keeps_a_given_interval_and_otherwise_polls_sooner_at_first(updating, given):
    run = sensor(deferrable=True, **({"poke_interval": given} if given else {}))
    run()
    _, parameters = run.deferrals[0].trigger.serialize()
    assert parameters["waiter_delay"] == given


def test_reschedule_mode_frees_the_worker_after_each_poll(updating):
    with pytest.raises(AirflowRescheduleException):
        sensor(mode="reschedule", poke_interval=60).make().execute({"ti": _FirstPoll(), "task": None})
    clock.advance(600)
    assert sensor(mode="reschedule").make().execute({"ti": _FirstPoll(), "task": None}) == SOLUTION


class _FirstPoll(TaskInstance):
    def get_first_reschedule_date(self, context: Any) -> None:
        return None


@deferrable_or_not
def test_a_failed_update_fails_at_once_and_for_good(personalize, deferrable):
    faults.fail_next("UpdateSolution", "no such event type")
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    with pytest.raises(AirflowFailException, match="no such event type"):
        sensor(deferrable=deferrable)()


def test_a_failure_in_the_first_poll_is_not_deferred(personalize):
    faults.fail_next("UpdateSolution", "no such event type")
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    calls.clear()
    run = sensor(deferrable=True)
    with pytest.raises(AirflowFailException, match="no such event type"):
        run()
    assert run.deferrals == []
    assert len(polls()) == 1


@deferrable_or_not
def test_where_no_update_was_ever_made_it_waits_and_says_so(personalize, deferrable, capsys):
    with pytest.raises(AirflowSensorTimeout, match="no update has been made"):
        sensor(deferrable=deferrable, timeout=120)()
    assert "no update has been made" in capsys.readouterr().out


@deferrable_or_not
def test_no_update_at_all_may_pass(personalize, deferrable):
    assert sensor(deferrable=deferrable, require_update=False)() == SOLUTION
    assert len(polls()) == 1


@deferrable_or_not
def test_without_required_update_one_in_progress_is_waited_for(updating, deferrable):
    sensor(deferrable=deferrable, require_update=False)()
    assert latest_update(updating) == "ACTIVE"


@deferrable_or_not
def test_a_timeout_reports_the_last_status(updating, deferrable):
    with pytest.raises(AirflowSensorTimeout, match="CREATE (PENDING|IN_PROGRESS)"):
        sensor(deferrable=deferrable, timeout=20, poke_interval=5)()


@deferrable_or_not
@pytest.mark.parametrize("lenient", ["soft_fail", "never_fail"])
@pytest.mark.parametrize("fails", [True, False], ids=["failure", "timeout"])
def test_soft_fail_and_never_fail_skip(personalize, deferrable, lenient, fails):
    if fails:
        faults.fail_next("UpdateSolution", "bad luck")
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    with pytest.raises(AirflowSkipException):
        sensor(deferrable=deferrable, timeout=600 if fails else 10, poke_interval=5, **{lenient: True})()


@deferrable_or_not
@pytest.mark.parametrize("lenient", [None, "soft_fail", "never_fail"])
def test_execution_timeout_in_the_first_poll_skips_with_soft_fail_or_never_fail(updating, deferrable, lenient):
    """Airflow raises its time-out wherever the worker is, as in a call that does not answer."""

    def time_out() -> None:
        raise AirflowTaskTimeout

    faults.call_next("DescribeSolution", time_out)
    with pytest.raises(AirflowSkipException if lenient else AirflowTaskTimeout):
        sensor(deferrable=deferrable, **({lenient: True} if lenient else {}))()


@pytest.mark.parametrize("lenient", ["soft_fail", "never_fail"])
def test_execution_timeout_while_deferred_skips_alike(updating, lenient):
    with pytest.raises(AirflowSkipException):
        sensor(deferrable=True, execution_timeout=timedelta(seconds=20), poke_interval=5, **{lenient: True})()


@pytest.mark.parametrize("lenient", ["soft_fail", "never_fail"])
@pytest.mark.parametrize("limit", ["timeout", "execution_timeout"])
def test_a_wait_that_timed_out_in_the_triggerer_skips_by_the_sensors_own_rule(lenient, limit):
    """Airflow's newer versions skip too, around this method."""
    condition = WaitCondition("solution", SOLUTION, "updated")
    event = WaitEvent("timed out", condition, state={"limit": limit}).to_json()
    with pytest.raises(AirflowSkipException, match=f"since {lenient} is set"):
        sensor(deferrable=True, **{lenient: True}).make().execute_complete({}, event)


@deferrable_or_not
@pytest.mark.parametrize("source", ["the task", "default_args"])
@pytest.mark.parametrize("value", [0, 0.0, timedelta(0)], ids=repr)
def test_a_time_limit_of_zero_is_refused(deferrable, source, value):
    """Airflow takes it: such a sensor fails after the first poll, whatever it waits for."""
    given = {"timeout": value} if source == "the task" else {"default_args": {"timeout": value}}
    with pytest.raises(ValueError, match="^timeout is .*: allowed are .* more than 0, and a timedelta"):
        sensor(deferrable=deferrable, **given).make()


@deferrable_or_not
@pytest.mark.parametrize("parameter", ["timeout", "poke_interval"])
@pytest.mark.parametrize("value", [math.inf, math.nan, -1])
def test_a_time_without_an_end_is_refused_and_named(deferrable, parameter, value):
    with pytest.raises(ValueError, match=f"{parameter} is {value}: allowed are a number of seconds"):
        sensor(deferrable=deferrable, **{parameter: value}).make()


def test_a_time_limit_beyond_the_last_year_that_a_date_has_is_a_limit(updating):
    """Airflow adds it to the date of today."""
    run = sensor(deferrable=True, timeout=400_000_000_000)
    run()
    assert datetime.now(timezone.utc) + run.deferrals[0].timeout


@deferrable_or_not
def test_access_denied_fails_and_is_not_skipped(updating, deferrable):
    run = sensor(deferrable=deferrable, soft_fail=True)
    faults.error_next("DescribeSolution", "AccessDeniedException", message="not you", times=None)
    with pytest.raises(ClientError, match="not you"):
        run()


def test_access_denied_in_the_triggerer_fails_too(updating):
    run = sensor(deferrable=True, soft_fail=True)
    run.between = lambda: faults.error_next("DescribeSolution", "AccessDeniedException", message="not you", times=None)
    with pytest.raises(ClientError, match="not you"):
        run()


def test_access_denied_for_the_triggerer_alone_defers_again(updating):
    """The worker may poll and the triggerer may not: that is an error, not an endless wait."""
    from airflow_provider_personalize.exceptions import PersonalizeError

    run = sensor(deferrable=True, poke_interval=5)
    run.between = lambda: faults.error_next("DescribeSolution", "AccessDeniedException", message="not you", times=1)
    with pytest.raises(PersonalizeError, match="6 times: .*not you"):
        run()


@deferrable_or_not
def test_never_fail_skips_whatever_happens(updating, deferrable):
    faults.error_next("DescribeSolution", "AccessDeniedException", times=None)
    with pytest.raises(AirflowSkipException):
        sensor(deferrable=deferrable, never_fail=True)()


@deferrable_or_not
def test_silent_fail_polls_again_after_an_error(updating, deferrable, capsys):
    faults.error_next("DescribeSolution", "AccessDeniedException", message="not you", times=1)
    assert sensor(deferrable=deferrable, silent_fail=True)() == SOLUTION
    first, *later = polls()
    assert first.error == "AccessDeniedException"
    assert {call.error for call in later} == {None}
    assert latest_update(updating) == "ACTIVE"
    assert "not you" in capsys.readouterr().out


@deferrable_or_not
def test_throttling_is_polled_through(updating, deferrable):
    faults.error_next("DescribeSolution", "ThrottlingException", times=8)
    assert sensor(deferrable=deferrable)() == SOLUTION
    errors = [call.error for call in polls()]
    assert errors[:8] == ["ThrottlingException"] * 8
    assert set(errors[8:]) == {None}
    assert latest_update(updating) == "ACTIVE"


@deferrable_or_not
def test_without_silent_fail_an_error_is_not_polled_through(updating, deferrable):
    faults.error_next("DescribeSolution", "AccessDeniedException", times=1)
    with pytest.raises(ClientError):
        sensor(deferrable=deferrable)()
    assert len(polls()) == 1


def test_execution_timeout_holds_while_deferred_and_is_a_failure_that_may_be_retried(updating, passing_time):
    from airflow_provider_personalize.exceptions import WaitTimeoutError

    with pytest.raises(WaitTimeoutError):
        sensor(deferrable=True, execution_timeout=timedelta(seconds=20), poke_interval=5)()
    assert sum(passing_time.slept) < 30


@deferrable_or_not
def test_an_import_job_is_waited_for(personalize, deferrable):
    arn = personalize.create_dataset_import_job(
        jobName="nightly", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )["datasetImportJobArn"]
    run = Run(lambda: DatasetImportJobSensor(task_id="wait", dataset_import_job_arn=arn, deferrable=deferrable))
    run()
    assert personalize.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]["status"] == "ACTIVE"
    assert run.ti.xcoms["personalize_dataset_group_link"].endswith("dataset-group$shop/setup")


def test_an_import_job_that_does_not_exist_is_an_error(personalize):
    arn = f"{PREFIX}dataset-import-job/nowhere"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        Run(lambda: DatasetImportJobSensor(task_id="wait", dataset_import_job_arn=arn))()
