"""A wait that only the triggerer cannot make: deferred again while what is wrong may pass, and named at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import SOLUTION
from task_runs import Run, fire

from airflow_provider_personalize._compat import AirflowSensorTimeout, AirflowSkipException
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import ConnectionMissingError, PersonalizeError, WaitTimeoutError
from airflow_provider_personalize.operators import UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionUpdateSensor
from airflow_provider_personalize.status import WaitStatus
from airflow_provider_personalize.triggers import PersonalizeTrigger

Break = Callable[[pytest.MonkeyPatch], None]


def task(operator: type, **parameters: Any) -> Run:
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    given = {"solution_arn": SOLUTION, "deferrable": True, "aws_conn_id": "shop", **parameters}
    return Run(lambda: operator(task_id="task", **given), began=began)


def sensor(**parameters: Any) -> Run:
    return task(SolutionUpdateSensor, poke_interval=10, **parameters)


def update(**parameters: Any) -> Run:
    return task(UpdateSolutionOperator, perform_auto_training=True, **parameters)


TASKS = pytest.mark.parametrize("make", [sensor, update])


def no_connection(triggerer: pytest.MonkeyPatch) -> None:
    """Hide the connection from the triggerer alone, as if its secrets backend did not answer."""
    triggerer.delenv("AIRFLOW_CONN_SHOP")


def denied(triggerer: pytest.MonkeyPatch) -> None:
    faults.error_next("DescribeSolution", "AccessDeniedException", message="not you.", times=1)


def no_threads(triggerer: pytest.MonkeyPatch) -> None:
    def start(*_: Any) -> Any:
        raise RuntimeError("can't start new thread")

    triggerer.setattr("airflow_provider_personalize.triggers.personalize.shared_poller", start)


FAULTS = pytest.mark.parametrize("fault", [no_connection, denied, no_threads])


@pytest.fixture(autouse=True)
def shop(personalize: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A solution with an update in progress for ten minutes, and a connection."""
    extra = {"region_name": "us-east-1", "config_kwargs": {"retries": {"total_max_attempts": 1}}}
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "aws", "extra": extra}))
    assumptions.seconds["solution_update"] = 600
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    calls.clear()
    return personalize


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Break, int], None]]:
    """Break the first waits in the triggerer, and there only."""
    wait = PersonalizeTrigger.wait_until_over

    def begin(fault: Break, times: int) -> None:
        left = iter([True] * times)

        async def wait_there(trigger: PersonalizeTrigger) -> Any:
            if not next(left, False):
                return await wait(trigger)
            with pytest.MonkeyPatch.context() as triggerer:
                fault(triggerer)
                return await wait(trigger)

        monkeypatch.setattr(PersonalizeTrigger, "wait_until_over", wait_there)

    yield begin
    monkeypatch.setattr(PersonalizeTrigger, "wait_until_over", wait)


@TASKS
@FAULTS
def test_a_fault_that_ends_within_five_deferrals_fails_no_task(shop, broken, make, fault):
    broken(fault, 5)
    run = make()
    run()
    assert shop.describe_solution(solutionArn=SOLUTION)["solution"]["latestSolutionUpdate"]["status"] == "ACTIVE"
    assert len(run.deferrals) == 6
    assert len(calls.of("UpdateSolution")) == 0


@TASKS
@pytest.mark.parametrize("outcome", ["a word of next year", "in progress", None])
def test_an_outcome_of_another_version_is_not_taken_for_success(shop, monkeypatch, make, outcome):
    wait, first = PersonalizeTrigger.wait_until_over, iter([WaitStatus(outcome)])

    async def wait_there(trigger: PersonalizeTrigger) -> WaitStatus:
        return next(first, None) or await wait(trigger)

    monkeypatch.setattr(PersonalizeTrigger, "wait_until_over", wait_there)
    run = make()
    run()
    assert shop.describe_solution(solutionArn=SOLUTION)["solution"]["latestSolutionUpdate"]["status"] == "ACTIVE"
    assert len(run.deferrals) == 2


@FAULTS
def test_each_deferral_keeps_the_condition_and_the_deadline(broken, fault, passing_time):
    broken(fault, 1)
    run = sensor(timeout=3600)
    run.between = lambda: passing_time.sleep(1)
    run()
    first, second = (deferred.trigger.serialize()[1] for deferred in run.deferrals)
    assert (second["deadline"], second["arn"], second["goal"]) == (first["deadline"], SOLUTION, "updated")
    assert second["waiter_delay"] == first["waiter_delay"] == 10
    assert run.deferrals[1].timeout < run.deferrals[0].timeout <= timedelta(seconds=3660)


@TASKS
@FAULTS
def test_a_lasting_fault_fails_the_task_with_its_reason(broken, make, fault):
    broken(fault, 100)
    run = make()
    with pytest.raises(PersonalizeError, match=r"^CREATE \w+, seen by this worker, .* could not poll, 6 times") as end:
        run()
    reason = {no_connection: "'shop' does not exist", denied: "not you", no_threads: "can't start new thread"}[fault]
    assert reason in str(end.value)
    assert ".." not in str(end.value)
    assert len(run.deferrals) == 6


def test_the_deadline_ends_it_earlier(broken, passing_time):
    broken(no_connection, 100)
    with pytest.raises(AirflowSensorTimeout, match=r"last seen: CREATE .*could not poll: .*'shop' does not exist"):
        sensor(timeout=25)()
    assert sum(passing_time.slept) < 60


def test_execution_timeout_ends_it_as_it_ends_any_wait(broken):
    broken(no_connection, 100)
    with pytest.raises(WaitTimeoutError, match="could not poll"):
        sensor(execution_timeout=timedelta(seconds=25))()


@pytest.mark.parametrize("lenient", ["soft_fail", "never_fail"])
@pytest.mark.parametrize("timeout", [25, 3600])
def test_soft_fail_and_never_fail_skip_in_the_end(broken, lenient, timeout):
    broken(no_connection, 100)
    with pytest.raises(AirflowSkipException):
        sensor(timeout=timeout, **{lenient: True})()


def test_a_fault_of_the_worker_too_fails_at_once(broken):
    run = sensor()
    run.between = lambda: faults.error_next("DescribeSolution", "AccessDeniedException", message="nobody", times=None)
    with pytest.raises(ClientError, match="nobody"):
        run()
    assert len(run.deferrals) == 1


def test_a_connection_that_is_gone_for_all_is_named(monkeypatch):
    run = sensor()
    run.between = lambda: monkeypatch.delenv("AIRFLOW_CONN_SHOP")
    with pytest.raises(ConnectionMissingError, match="'shop'"):
        run()


def test_aws_default_that_the_worker_found_is_required_in_the_triggerer(broken, shop, monkeypatch):
    """The machine's credentials, which are used where there never was one, may be of another account."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    broken(lambda triggerer: triggerer.delenv("AIRFLOW_CONN_AWS_DEFAULT"), 2)
    run = sensor(aws_conn_id="aws_default")
    run()
    assert [event["outcome"] for event in run.events] == ["broken", "broken", "succeeded"]
    assert "'aws_default' does not exist" in run.events[0]["reason"]


def test_aws_default_that_nobody_has_is_boto3s_chain_in_the_triggerer_too(shop, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for run in (sensor(aws_conn_id="aws_default"), update(aws_conn_id="aws_default")):
        run()
    trigger = PersonalizeTrigger(resource="solution", arn=SOLUTION, deadline=clock.now() + 600)  # of a user's operator
    assert fire(trigger)["outcome"] == "succeeded"


def test_a_wait_that_ended_meanwhile_is_not_deferred_again(broken, passing_time):
    broken(no_connection, 1)
    run = sensor()
    run.between = lambda: passing_time.sleep(700)
    run()
    assert len(run.deferrals) == 1


def test_an_event_of_another_version_is_understood(shop):
    """Of a triggerer that is upgraded before the worker, or after it."""
    clock.advance(700)
    event = {
        "outcome": "broken",
        "wait": {"resource": "solution", "arn": SOLUTION, "goal": "updated", "of_next_year": 1},
        "found": None,
        "status": None,
        "reason": "Odd.",
        "last_seen": "",
        "deadline": 0.0,
        "resume": {"limit": ""},
    }
    sensor().make().execute_complete({"ti": None}, event)
