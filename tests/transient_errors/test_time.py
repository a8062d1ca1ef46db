"""Limits in time: what Airflow's documentation says of them, in every mode, whatever the machine's clock does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from threading import main_thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import structlog
from botocore.exceptions import ClientError
from shop import SOLUTION
from task_runs import Run, TaskInstance, fire

from airflow_provider_personalize import clock as package_clock
from airflow_provider_personalize._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
)
from airflow_provider_personalize.emulator import faults
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionUpdateSensor
from airflow_provider_personalize.status import WaitCondition
from airflow_provider_personalize.triggers import PersonalizeTrigger

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:
    from airflow.exceptions import AirflowRescheduleException

LIMIT = 600
pytestmark = pytest.mark.usefixtures("personalize")


# --- a sensor's limits ----------------------------------------------------------------------------------------------


class Rescheduled(TaskInstance):
    """A task instance that knows when its first poll was."""

    first: datetime | None = None

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first


def wait(mode: str, passing_time: Any, **parameters: Any) -> Any:
    """Run a sensor in a mode to its end."""
    given = {"task_id": "wait", "solution_arn": SOLUTION, "timeout": LIMIT, "poke_interval": 30, **parameters}
    if mode != "reschedule":
        given |= {"deferrable": mode == "deferred"}
        return Run(lambda: SolutionUpdateSensor(**given))()
    ti = Rescheduled()
    while True:
        began = datetime.fromtimestamp(passing_time.time(), timezone.utc)
        try:
            return SolutionUpdateSensor(mode="reschedule", **given).execute({"ti": ti, "task": None})
        except AirflowRescheduleException as again:
            ti.first = ti.first or began
            passing_time.sleep(again.reschedule_date.timestamp() - passing_time.time())


TIMED_OUT, FAILS, DENIED = "timed out", "fails", "denied"
# What Airflow's documentation says of sensors: a time-out and a failure for good are not retried, soft_fail skips both
# https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/sensors.html
# https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/tasks.html#timeouts
RULES = [
    (TIMED_OUT, {}, AirflowSensorTimeout),
    (TIMED_OUT, {"soft_fail": True}, AirflowSkipException),
    (TIMED_OUT, {"never_fail": True}, AirflowSkipException),
    (FAILS, {}, AirflowFailException),
    (FAILS, {"soft_fail": True}, AirflowSkipException),
    (FAILS, {"never_fail": True}, AirflowSkipException),
    (DENIED, {}, ClientError),
    (DENIED, {"soft_fail": True}, ClientError),
    (DENIED, {"never_fail": True}, AirflowSkipException),
]


@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferred"])
@pytest.mark.parametrize(("what", "parameters", "end"), RULES, ids=[f"{what}, {given}" for what, given, _ in RULES])
def test_a_sensor_ends_as_airflow_says(personalize, passing_time, mode, what, parameters, end):
    if what == FAILS:
        faults.fail_next("UpdateSolution", "bad luck")
        personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    elif what == DENIED:
        faults.error_next("DescribeSolution", "AccessDeniedException")
    with pytest.raises(end) as ended:
        wait(mode, passing_time, **parameters)
    assert type(ended.value) is end or end is ClientError
    if what == TIMED_OUT:
        assert LIMIT - 30 <= sum(passing_time.slept) <= LIMIT + 60


@pytest.mark.parametrize("mode", ["poke", "reschedule", "deferred"])
def test_a_sensor_times_out_despite_transient_errors(passing_time, mode):
    faults.unavailable_next(html=True, times=None)
    with pytest.raises(AirflowSensorTimeout):
        wait(mode, passing_time)
    assert LIMIT - 30 <= sum(passing_time.slept) <= LIMIT + 60


@pytest.mark.parametrize(
    ("parameters", "end"),
    [({}, WaitTimeoutError), ({"soft_fail": True}, AirflowSkipException), ({"never_fail": True}, AirflowSkipException)],
)
def test_execution_timeout_ends_a_deferred_sensor_with_an_error_that_is_retried(passing_time, parameters, end):
    with pytest.raises(end):
        wait("deferred", passing_time, timeout=2 * LIMIT, execution_timeout=timedelta(seconds=LIMIT), **parameters)
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=30)


RETRIED, SKIPPED = "up_for_retry", "skipped"
with_soft_fail = pytest.mark.parametrize("parameters", [{}, {"soft_fail": True}, {"never_fail": True}], ids=str)


@with_soft_fail
def test_execution_timeout_between_polls_fails_and_retries_a_poked_sensor(
    passing_time, airflow_runs, monkeypatch, parameters
):
    def sleep(seconds: float) -> None:
        passing_time.sleep(seconds)
        if 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= sum(passing_time.slept):
            signal.raise_signal(signal.SIGALRM)  # that of Airflow's limit, which goes by real time

    monkeypatch.setattr(sys.modules[BaseSensorOperator.__module__].time, "sleep", sleep)
    assert airflow_runs(execution_timeout=timedelta(seconds=LIMIT), **parameters) == RETRIED
    assert sum(passing_time.slept) == LIMIT


@with_soft_fail
@pytest.mark.parametrize("mode", ["poke", "reschedule"])
def test_execution_timeout_during_a_poll_ends_a_sensor_like_a_failure(airflow_runs, monkeypatch, mode, parameters):
    def time_is_up_during_the_poll() -> None:
        connection, _ = silent.accept()
        with connection:
            connection.recv(1)
            time.sleep(0.1)
            signal.pthread_kill(main_thread().ident, signal.SIGALRM)

    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE", f"http://127.0.0.1:{silent.getsockname()[1]}")
        service.submit(time_is_up_during_the_poll)
        state = airflow_runs(mode=mode, execution_timeout=timedelta(seconds=LIMIT), **parameters)
    assert state == (SKIPPED if parameters else RETRIED)


@with_soft_fail
def test_execution_timeout_does_not_apply_between_polls_in_reschedule_mode(passing_time, parameters):
    with pytest.raises(AirflowSkipException if parameters else AirflowSensorTimeout):
        wait("reschedule", passing_time, execution_timeout=timedelta(seconds=LIMIT / 2), **parameters)
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=60)


@pytest.fixture
def airflow_runs(monkeypatch):
    """Run a try of a sensor, which has tries left, by what runs tasks on Airflow's workers; return its state."""
    from airflow.sdk import DAG
    from airflow.sdk.execution_time import task_runner

    def run(**parameters: Any) -> str:
        given = {"task_id": "wait", "solution_arn": SOLUTION, "timeout": 2 * LIMIT, "poke_interval": 30, **parameters}
        with DAG("shop", schedule=None):
            sensor = SolutionUpdateSensor(deferrable=False, **given)
        ti = task_runner.RuntimeTaskInstance.model_construct(
            **vars(TaskInstance(task_id="wait")), task=sensor, start_date=datetime.now(timezone.utc)
        )
        ti._ti_context_from_server = SimpleNamespace(
            should_retry=True, next_method=None, xcom_keys_to_clear=[], dag_run=SimpleNamespace(team_name=None)
        )
        state, *_ = task_runner.run(ti, {"ti": ti, "task": sensor}, structlog.get_logger())
        return str(state.value)

    nobody = SimpleNamespace(send=lambda msg: None)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", nobody, raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    with patch.dict(os.environ):
        yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
@pytest.mark.parametrize("operation", ["UpdateSolution", "DescribeSolution"])
def test_the_shorter_of_timeout_and_execution_timeout_ends_an_operator_despite_transient_errors(
    passing_time, deferrable, operation
):
    faults.error_next(operation, "ThrottlingException", times=None)
    limits = {"timeout": 2 * LIMIT, "execution_timeout": timedelta(seconds=LIMIT)}
    with pytest.raises(WaitTimeoutError, match="ThrottlingException"):
        update(deferrable=deferrable, **limits)()
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=30)


def update(**parameters: Any) -> Run:
    given = {"task_id": "update", "solution_arn": SOLUTION, "perform_auto_training": True, **parameters}
    return Run(lambda: UpdateSolutionOperator(**given))


# --- the machine's clock --------------------------------------------------------------------------------------------


def steps_after_a_while(passing_time: Any, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, hours: int) -> None:
    sleep = getattr(module, name)

    def sleep_and_step(seconds: float) -> Any:
        if sum(passing_time.slept) > LIMIT / 3:
            passing_time.stepped = hours * 3600
        return sleep(seconds)

    monkeypatch.setattr(module, name, sleep_and_step)


hours = pytest.mark.parametrize("hours", [1, -1], ids=["an hour forward", "an hour back"])


@hours
def test_a_step_of_the_clock_moves_no_deadline_on_the_worker(passing_time, monkeypatch, hours):
    steps_after_a_while(passing_time, monkeypatch, package_clock, "sleep", hours)
    with pytest.raises(WaitTimeoutError):
        PersonalizeHook().wait(WaitCondition("solution", SOLUTION, "updated"), deadline=package_clock.now() + LIMIT)
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=30)


@hours
def test_a_step_of_the_clock_moves_no_deadline_of_an_operator(passing_time, monkeypatch, hours):
    from airflow_provider_personalize import clock

    faults.error_next("UpdateSolution", "ThrottlingException", times=None)
    steps_after_a_while(passing_time, monkeypatch, clock.time, "sleep", hours)
    with pytest.raises(WaitTimeoutError):
        update(timeout=LIMIT)()
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=30)


@hours
def test_a_step_of_the_clock_moves_no_deadline_in_the_triggerer(passing_time, monkeypatch, hours):
    sleep = package_clock.sleep_in_loop

    async def sleep_and_step(seconds: float) -> None:
        await sleep(seconds)
        if sum(passing_time.slept) > LIMIT / 3:
            passing_time.stepped = hours * 3600

    monkeypatch.setattr(package_clock, "sleep_in_loop", sleep_and_step)
    deadline = passing_time.time() + LIMIT
    event = fire(PersonalizeTrigger(resource="solution", arn=SOLUTION, goal="updated", deadline=deadline))
    assert event["outcome"] == "timed out"
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=30)


def test_a_triggerer_that_is_restarted_keeps_to_the_deadline(passing_time):
    deadline = passing_time.time() + LIMIT
    given = {"resource": "solution", "arn": SOLUTION, "goal": "updated", "deadline": deadline}
    passing_time.sleep(LIMIT - 100)  # of a triggerer that died
    assert fire(PersonalizeTrigger(**given))["outcome"] == "timed out"
    assert sum(passing_time.slept) == pytest.approx(LIMIT, abs=30)


def test_a_pause_in_the_triggerer_outlasts_no_deadline(passing_time):
    """The pause before a retried write: the task tries once more at its deadline."""
    faults.error_next("UpdateSolution", "ThrottlingException", times=None)
    run = update(deferrable=True, timeout=100)
    with pytest.raises(WaitTimeoutError, match="UpdateSolution timed out; last error: .*Throttling"):
        run()
    assert sum(passing_time.slept) == pytest.approx(100, abs=30)


def test_a_task_that_is_a_fork_of_an_old_process_knows_the_time():
    script = """
import os, time
from airflow_provider_personalize import clock
real = time.time
time.time = lambda: real() + 3600  # the machine slept, or its clock was set
assert abs(clock.now() - real()) < 60
if not (child := os.fork()):
    os._exit(abs(clock.now() - time.time()) > 60)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", script], check=True)
