"""Every fault, and how a wait and a write end with it: the tables of ``docs/concepts/faults.md``."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

from botocore.exceptions import EndpointConnectionError
from shop import DATASET, LOCATION, ROLE, SOLUTION
from task_runs import Run

from airflow_provider_personalize import clock as package_clock
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.http.models import personalize_backends
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import CreateSolutionVersionOperator, UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionUpdateSensor
from airflow_provider_personalize.status import WaitCondition

LIMIT: Final = 3600
REFUSED: Final = "(refused)"
DESCRIBE: Final = "DescribeSolution"
OVER_QUOTA: Final = "over a quota"

Tell = Callable[..., None]


def refused_next(operation: str, **when: Any) -> None:
    """Refuse the connection, which the emulator itself cannot do."""

    def refuse() -> None:
        raise transport_faults.InjectedFault(
            REFUSED, error=lambda: EndpointConnectionError(endpoint_url="https://personalize")
        )

    faults.call_next(operation, refuse, **when)


def every_other_throttled(operation: str) -> None:
    """Throttle every other call, beginning with the first."""
    calls_so_far = itertools.count()

    def throttle() -> None:
        if next(calls_so_far) % 2 == 0:
            raise ServiceError("ThrottlingException", "Rate exceeded")

    faults.call_next(operation, throttle, times=None)


def refusal(code: str) -> Tell:
    """Refuse a write, and each poll from the fourth on."""

    def begin(operation: str) -> None:
        calls_so_far = itertools.count()

        def refuse() -> None:
            if operation != DESCRIBE or next(calls_so_far) > 2:
                raise ServiceError(code, "Told to.")

        faults.call_next(operation, refuse, times=None)

    return begin


def error(code: str, status: int = 400, message: str = "Told to fail.") -> Tell:
    return lambda operation, **when: faults.error_next(operation, code, status=status, message=message, **when)


def unavailable(**how: Any) -> Tell:
    return lambda operation, **when: faults.unavailable_next(operation, **how, **when)


# botocore's model says so of LimitExceededException
PER_SECOND: Final = "The limit on the number of requests per second has been exceeded."


def redirected(operation: str, **when: Any) -> None:
    """Redirect, as a proxy does to its sign-in page."""

    def redirect() -> None:
        raise transport_faults.InjectedFault("302", status=302, body="<html>Sign in.</html>", content_type="text/html")

    faults.call_next(operation, redirect, **when)


over_quota: Final = error("LimitExceededException")

FAULTS: Final[dict[str, Tell]] = {
    "throttled": error("ThrottlingException"),
    "429": error("TooManyRequests", 429),
    "LimitExceeded, rate": error("LimitExceededException", message=PER_SECOND),
    "500": unavailable(status=500),
    "503": unavailable(),
    "503, proxy's HTML": unavailable(html=True),
    "503, applied": unavailable(done=True),
    "302, proxy's HTML": redirected,
    "connection refused": refused_next,
    "connection reset": faults.reset_next,
    "connection reset, applied": lambda operation, **when: faults.reset_next(operation, done=True, **when),
    "answer after 20 s": lambda operation, **when: faults.slow_next(operation, latency=20, **when),
    "no answer": faults.hang_next,
    "no answer, applied": lambda operation, **when: faults.hang_next(operation, done=True, **when),
    "answer cut off, applied": faults.cut_next,
    "answer not JSON, applied": faults.garbled_next,
}
LASTS: Final[dict[str, dict[str, Any]]] = {"30 s": {"seconds": 30}, "always": {"times": None}}
# Other faults, with how long they last and how they are injected
OTHERS: Final[dict[tuple[str, str], Tell]] = {
    ("none", "-"): lambda operation: None,
    ("every other call throttled", "always"): every_other_throttled,
    ("credentials expired", "until renewed"): faults.expired_next,
    ("credentials expired", "always"): lambda operation: faults.expired_next(operation, times=None),
    ("access denied", "always"): refusal("AccessDeniedException"),
    ("not found", "always"): refusal("ResourceNotFoundException"),
    ("InvalidInputException", "always"): refusal("InvalidInputException"),
    ("ValidationException", "always"): refusal("ValidationException"),
    (OVER_QUOTA, "15 min"): lambda operation: over_quota(operation, seconds=15 * 60),
    (OVER_QUOTA, "always"): lambda operation: over_quota(operation, times=None),
}
ROWS: Final = [*OTHERS, *((fault, lasting) for fault in FAULTS for lasting in LASTS)]


def begin(fault: str, lasting: str, operation: str) -> None:
    """Inject the fault into the calls of an operation."""
    if other := OTHERS.get((fault, lasting)):
        other(operation)
    else:
        FAULTS[fault](operation, **LASTS[lasting])


def wait_on_worker() -> None:
    PersonalizeHook().wait(WaitCondition("solution", SOLUTION, "updated"), deadline=package_clock.now() + LIMIT)


def task(made: type, **parameters: Any) -> Callable[[], Any]:
    given = {"task_id": "task", "solution_arn": SOLUTION, "timeout": LIMIT, **parameters}
    return lambda: Run(lambda: made(**given), began=datetime.fromtimestamp(clock.now(), timezone.utc))()


# Each way to wait, and two writes: the operation that the fault affects, and the task
WAYS: Final[dict[str, tuple[str, Callable[[], Any]]]] = {
    "wait on a worker": (DESCRIBE, wait_on_worker),
    "sensor, `poke`": (DESCRIBE, task(SolutionUpdateSensor)),
    "sensor, deferred": (DESCRIBE, task(SolutionUpdateSensor, deferrable=True)),
    "training, on a worker": ("CreateSolutionVersion", task(CreateSolutionVersionOperator)),
    "update, deferred": ("UpdateSolution", task(UpdateSolutionOperator, perform_auto_training=True, deferrable=True)),
}


def prepare(client: Any, operation: str) -> None:
    """Create what the task needs: an update in progress, or data to train on."""
    if operation == DESCRIBE:
        client.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    else:
        source = {"dataLocation": LOCATION}
        client.create_dataset_import_job(jobName="data", datasetArn=DATASET, dataSource=source, roleArn=ROLE)
        clock.advance(LIMIT)


def applied() -> int:
    """Return the number of trainings and updates that the service has applied."""
    records = personalize_backends["123456789012"]["us-east-1"].records
    versions = sum(record.resource_type.name == "solution_version" for record in records.values())
    return versions + len(records[SOLUTION].updates)


def measure(client: Any, passed: Callable[[], float], fault: str, lasting: str, way: str) -> str:
    """Return how a task ends with a fault: its result, the seconds, the calls that reached the service."""
    operation, go = WAYS[way]
    if fault == OVER_QUOTA and not operation.startswith("Create"):  # only a create can exceed a quota
        return "-"
    prepare(client, operation)
    random.seed(1)
    before, began = applied(), passed()
    calls.clear()
    begin(fault, lasting, operation)
    try:
        go()
        end = "done"
    except Exception as error:  # noqa: BLE001 - however it ends
        end = type(error).__name__
    reached = [call for call in calls.of(operation) if call.error != REFUSED]
    many = f", {applied() - before} applied" if operation != DESCRIBE else ""
    return f"{end}, {passed() - began:.0f} s, {len(reached)} calls{many}".replace(" 1 calls", " 1 call")
