"""boto3's own retries, over real sockets: no retry mode starts a second training."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from fault_cases import applied
from shop import DATASET, LOCATION, ROLE, SOLUTION, api, bring_interactions, open_shop
from sockets import open_sockets, settles
from task_runs import Run

from airflow_provider_personalize import clock as package_clock
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.hooks import personalize as hook_module
from airflow_provider_personalize.hooks.event_handlers import register_handlers
from airflow_provider_personalize.hooks.transport import PooledSession
from airflow_provider_personalize.operators import CreateSolutionVersionOperator
from airflow_provider_personalize.status import WaitCondition

LOST: dict[str, Any] = {
    "reset": lambda operation: faults.reset_next(operation, done=True),
    "503": lambda operation: faults.unavailable_next(operation, done=True),
    "503 of a proxy": lambda operation: faults.unavailable_next(operation, done=True, html=True),
    "no answer": lambda operation: faults.hang_next(operation, done=True),
    "cut": faults.cut_next,
    "garbled": faults.garbled_next,
}
NOT_ARRIVED: dict[str, Any] = {
    "throttled": lambda operation: faults.error_next(operation, "ThrottlingException", times=2),
    "slow": lambda operation: faults.slow_next(operation, latency=0.2),
}
# Seconds for which a client waits for an answer: longer than any machine takes, but where none comes
PATIENCE = 60
PATIENT: dict[str, Any] = {"no answer": {"read_timeout": 1}}
modes = pytest.mark.parametrize(
    "mode", ["standard", *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("legacy", "adaptive"))]
)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Callable[[], bool]:
    """Wait until the service has dealt with each training that was asked for; a client that gave up does not wait."""
    sent: list[str] = []
    send = PooledSession.send

    def count(session: PooledSession, request: Any, **given: Any) -> Any:
        if "CreateSolutionVersion" in str(request.headers.get("X-Amz-Target")):
            sent.append(request.url)
        return send(session, request, **given)

    monkeypatch.setattr(PooledSession, "send", count)
    return lambda: settles(lambda: len(calls.of("CreateSolutionVersion")) == len(sent))


@pytest.fixture
def shop(personalize_endpoint: Any, passing_time: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """
    A shop with data at an address; boto3 as it comes, with all its repetitions.

    The minute that a task waits for what may be done takes no time here, so the service is waited for: on a busy
    machine, it may be slower than the client's time-out. Afterwards no socket is left open.
    """
    before, clients, advance = open_sockets(), [], clock.advance
    made = lambda client, *more: clients.append(client) or register_handlers(client, *more)  # noqa: E731
    monkeypatch.setattr(hook_module, "register_handlers", made)
    monkeypatch.setattr(clock, "advance", lambda seconds: served() and advance(seconds))
    bring_interactions()
    client = open_shop()
    source = {"dataLocation": LOCATION}
    client.create_dataset_import_job(jobName="data", datasetArn=DATASET, dataSource=source, roleArn=ROLE)
    clock.advance(3600)
    calls.clear()
    yield client
    faults.clear()
    for each in [client, api("s3"), *clients]:
        each.close()
    assert settles(lambda: open_sockets() <= before), open_sockets()


def aws(monkeypatch: pytest.MonkeyPatch, mode: str, **config: Any) -> str:
    config = {"retries": {"mode": mode, "max_attempts": 4}, "read_timeout": PATIENCE, **config}
    extra = {"region_name": "us-east-1", "config_kwargs": config}
    monkeypatch.setenv("AIRFLOW_CONN_EAGER", json.dumps({"conn_type": "aws", "extra": extra}))
    return "eager"


@modes
@pytest.mark.parametrize("fault", [*LOST, *NOT_ARRIVED])
def test_one_training_starts_whatever_happens_to_the_answer(shop, monkeypatch, mode, fault):
    (LOST | NOT_ARRIVED)[fault]("CreateSolutionVersion")
    given = {
        "task_id": "train",
        "solution_arn": SOLUTION,
        "aws_conn_id": aws(monkeypatch, mode, **PATIENT.get(fault, {})),
    }
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    arn = Run(lambda: CreateSolutionVersionOperator(**given), began=began)()
    assert shop.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"] == "ACTIVE"
    assert applied() == 1
    assert len(calls.of("CreateSolutionVersion")) == (3 if fault == "throttled" else 1)


@modes
@pytest.mark.parametrize("fault", ["reset", "503", "no answer"])
def test_the_hooks_client_starts_none_twice_either(shop, served, monkeypatch, mode, fault):
    hook = PersonalizeHook(aws(monkeypatch, mode, **PATIENT.get(fault, {})))
    LOST[fault]("CreateSolutionVersion")
    with pytest.raises(Exception, match="503|Service Unavailable|Told to fail|closed|timed out|timeout"):
        hook.conn.create_solution_version(solutionArn=SOLUTION)
    assert served()
    assert applied() == 1


@modes
def test_boto3_still_retries_reads(shop, monkeypatch, mode):
    hook = PersonalizeHook(aws(monkeypatch, mode))
    faults.unavailable_next("DescribeSolution", times=2)
    assert hook.conn.describe_solution(solutionArn=SOLUTION)["solution"]["status"] == "ACTIVE"
    assert len(calls.of("DescribeSolution")) == 3


def test_a_list_that_is_garbled_is_not_an_empty_list(shop, monkeypatch):
    """A task that took it for one would train again."""
    given = {"task_id": "train", "solution_arn": SOLUTION, "aws_conn_id": aws(monkeypatch, "standard")}
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    run = Run(lambda: CreateSolutionVersionOperator(**given), began=began)
    first = run()
    run.ti.try_number = 2
    assumptions.same_version_name = "accepted"
    faults.garbled_next("ListSolutionVersions", seconds=200)
    assert run() == first
    assert applied() == 1


ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "connect_timeout": 0.3, "read_timeout": 0.3}


def test_an_answer_without_an_end_ends_a_wait_by_its_deadline(shop, monkeypatch):
    hook = PersonalizeHook(aws(monkeypatch, "standard", **ONCE))
    faults.hang_next("DescribeSolution", dripping=True, times=None)
    with pytest.raises(WaitTimeoutError, match="ReadTimeoutError"):
        hook.wait(WaitCondition("solution", SOLUTION), deadline=package_clock.now() + 60)


def test_a_training_with_an_endless_answer_starts_once(shop, monkeypatch):
    faults.hang_next("CreateSolutionVersion", dripping=True, done=True)
    given = {"task_id": "train", "solution_arn": SOLUTION, "aws_conn_id": aws(monkeypatch, "standard", **ONCE)}
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    arn = Run(lambda: CreateSolutionVersionOperator(**given), began=began)()
    assert shop.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"] == "ACTIVE"
    assert applied() == 1
