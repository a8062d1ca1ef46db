"""
What a thousand waits cost a triggerer: this package's trigger beside one made the Amazon provider's own way.

::

    python3 -m venv bench && bench/bin/pip install -e . "apache-airflow-providers-amazon[aiobotocore]"
    bench/bin/python tests/benchmarks/waiting.py                    # 1, 100, 500, 1000 and 2000 waits: half an hour
    bench/bin/python tests/benchmarks/waiting.py 1000 --ways ours   # one number, one of the two
    bench/bin/python tests/benchmarks/waiting.py 1 1000 --one-arn   # all of them wait for the same solution
    bench/bin/python tests/benchmarks/waiting.py 5000 --steady 10   # ten minutes without an end, a poll every 30 s

Each number of waits runs in a fresh process, in the triggerer's own ``TriggerRunner``, which is given all triggers at
once, against ``endpoint.py`` in another process. A wait polls every 5 s, and its update is ACTIVE after 20 to 40 s.

What is measured begins with a bare triggerer: all that a way imports is counted. Since a triggerer has that only once,
"MB above one" says what all waits but the first take. It needs Airflow 3.3 and ``openssl``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import botocore

HERE = Path(__file__).parent
ARN = "arn:aws:personalize:us-east-1:123456789012:solution/s{:05d}"
INTERVAL = 5
STEADY_INTERVAL = 30
HOUR = 3600
MB = 1e6


@dataclass(frozen=True)
class Way:
    """
    A way to wait.

    :param trigger: The path of the trigger's class.
    :param arn: The name of its parameter for the ARN.
    :param arguments: Its other arguments.
    :param hold: The seconds that it waits by design before the first poll.
    """

    trigger: str
    arn: str
    arguments: dict[str, Any]
    hold: float = 0


WAYS = {
    "ours": Way(
        "airflow_provider_personalize.triggers.SolutionUpdateTrigger",
        "arn",
        {"deadline": time.time() + 10 * HOUR},
        hold=10,
    ),
    "twin": Way("twin.TwinTrigger", "solution_arn", {"waiter_max_attempts": 10_000}),
}
COLUMNS = {
    "CPU s": "{:.1f}",
    "CPU ms a poll": "{:.1f}",
    "MB": "{:.0f}",
    "MB above one": "{:.0f}",
    "all polled after s": "{:.1f}",
    "delay p50 s": "{:.1f}",
    "delay p99 s": "{:.1f}",
    "lag p99 ms": "{:.0f}",
    "lag max ms": "{:.0f}",
    "calls": "{:.0f}",
    "sockets": "{:.0f}",
    "threads": "{:.0f}",
    "threads left": "{:.0f}",
    "took s": "{:.0f}",
}
COMPARED = (
    "CPU s",
    "CPU ms a poll",
    "MB",
    "MB above one",
    "all polled after s",
    "delay p50 s",
    "lag p99 ms",
    "calls",
    "sockets",
)


# --- in the process that is measured ---------------------------------------------------------------------------------


def wait(way: str, number: int, *, one_arn: bool, steady: float) -> None:
    """Run the waits in this process, and write what they cost."""
    from airflow.sdk.log import configure_logging

    # as in the triggerer's child process, whose log goes to its supervisor
    nowhere = os.fdopen(os.open(os.devnull, os.O_WRONLY), "wb", buffering=0)
    configure_logging(json_output=True, output=nowhere, sending_to_supervisor=True)
    runner = make_runner(workloads(way, number, one_arn=one_arn, interval=STEADY_INTERVAL if steady else INTERVAL))
    before = rss()
    print(json.dumps({"began": time.time()}), flush=True)
    began, cpu = time.monotonic(), time.process_time()
    lags, sizes, threads = asyncio.run(run(runner, number, steady))
    result = {
        "CPU s": time.process_time() - cpu,
        "MB": (max(sizes) - before) / MB,
        "lag p99 ms": 1000 * quantile(lags, 0.99),
        "lag max ms": 1000 * max(lags),
        "threads": threads,
        "threads left": threading.active_count() - 1,
        "took s": time.monotonic() - began,
    }
    print(json.dumps({"result": result, "fired": runner.events.fired}), flush=True)


def workloads(way: str, number: int, *, one_arn: bool, interval: int) -> list[Any]:
    """Make what the supervisor sends for each trigger."""
    from airflow.executors.workloads.task import TaskInstanceDTO
    from airflow.executors.workloads.trigger import RunTrigger
    from airflow.models.trigger import Trigger

    return [
        RunTrigger(
            id=each + 1,
            classpath=WAYS[way].trigger,
            encrypted_kwargs=Trigger.encrypt_kwargs(
                {WAYS[way].arn: ARN.format(0 if one_arn else each), "waiter_delay": interval, **WAYS[way].arguments}
            ),
            ti=TaskInstanceDTO(
                id=UUID(int=each + 1),
                task_id=f"wait_{each}",
                dag_id="shop",
                run_id="manual__2026-01-01T00:00:00+00:00",
                try_number=1,
                dag_version_id=UUID(int=0),
                pool_slots=1,
                priority_weight=1,
            ),
        )
        for each in range(number)
    ]


class Events(deque[Any]):
    """The runner's queue of events, which notes when each came."""

    def __init__(self) -> None:
        super().__init__()
        self.fired: list[tuple[str, float]] = []

    def append(self, entry: Any) -> None:
        payload = entry.event.payload
        assert payload.get("outcome", payload.get("status")) in {"succeeded", "success"}, payload
        self.fired.append((payload.get("solution_arn") or payload["condition"]["arn"], time.time()))
        super().append(entry)


def make_runner(waits: list[Any]) -> Any:
    """Make the triggerer's runner, whose supervisor sends it these waits and hears of their end."""
    from airflow.jobs.triggerer_job_runner import TriggerRunner, messages
    from airflow.sdk.execution_time import task_runner

    class Supervisor:
        """The supervisor's end, as far as a connection in the environment leaves it work."""

        async def start(self) -> None:
            self._reader_task = asyncio.ensure_future(asyncio.Event().wait())

        def send(self, message: Any) -> None:
            return None

        async def asend(self, message: Any) -> Any:
            if message.failures:
                raise RuntimeError(f"triggers failed: {message.failures[0]}")
            to_create = waits.copy()
            waits.clear()
            return messages.TriggerStateSync(to_create=to_create, to_cancel=set())

    class Runner(TriggerRunner):
        async def init_comms(self) -> None:
            self.comms_decoder = task_runner.SUPERVISOR_COMMS = Supervisor()
            await self.comms_decoder.start()

    runner = Runner()
    runner.events = Events()
    return runner


async def run(runner: Any, number: int, steady: float) -> tuple[list[float], list[int], int]:
    """Run until all have fired, and watch the loop, the memory and the threads."""
    lags, sizes, threads = [0.0], [rss()], 1
    running = asyncio.ensure_future(runner.arun())
    began = reported = checked = time.monotonic()
    while len(runner.events.fired) < number and not running.done():
        due = time.monotonic() + 0.02
        await asyncio.sleep(0.02)
        now = time.monotonic()
        lags.append(now - due)
        if now - checked > 0.5:
            checked = now
            sizes.append(rss())
            threads = max(threads, threading.active_count())
        if steady and now - reported > 60:
            reported = now
            usage = resource.getrusage(resource.RUSAGE_SELF)
            line = f"minute {(now - began) / 60:.0f}: {rss() / MB:.1f} MB, CPU {usage.ru_utime + usage.ru_stime:.1f} s"
            print(line, f"lag p99 {1000 * quantile(lags, 0.99):.0f} ms", sep=", ", file=sys.stderr, flush=True)
            lags = [0.0]
        if steady and now - began > steady * 60:
            break
    for details in runner.triggers.values():
        details["task"].cancel()
    await asyncio.sleep(1)
    runner.stop = True
    await running
    return lags, sizes, threads


def rss() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def quantile(values: list[float], at: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * at))]


# --- in the process that measures ------------------------------------------------------------------------------------


def measure(way: str, number: int, options: argparse.Namespace) -> dict[str, float]:
    """Run one number of waits one way, and return the columns of the table."""
    with tempfile.TemporaryDirectory() as home, endpoint(Path(home), ends=not options.steady) as (service, extra):
        child = subprocess.Popen(
            [*options.under, sys.executable, __file__, str(number), "--child", way]
            + ["--one-arn"] * options.one_arn
            + ["--steady", str(options.steady)],
            env=environment(home, extra),
            stdout=subprocess.PIPE,
            text=True,
        )
        said = (json.loads(line) for line in child.stdout if line.startswith("{"))  # a profiler may say something too
        began = next(said)["began"]
        service.stdin.write(f"{began}\n")
        service.stdin.flush()
        (measured,) = said
        report = json.loads(service.communicate()[0])
    delays = [at - report["active"][arn] for arn, at in measured["fired"]] or [0]
    return {
        **measured["result"],
        "all polled after s": max(report["asked"].values()) - began - WAYS[way].hold,
        "delay p50 s": median(delays),
        "delay p99 s": quantile(delays, 0.99),
        "CPU ms a poll": 1000 * measured["result"]["CPU s"] / report["calls"],
        "calls": report["calls"],
        "sockets": report["sockets"],
    }


@contextmanager
def endpoint(home: Path, *, ends: bool) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start the endpoint with a certificate of its own; give it, and the connection's extra that leads to it."""
    certificate = home / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", home / "key.pem", "-out", certificate],
        check=True,
        capture_output=True,
    )
    both, bundle = home / "both.pem", home / "bundle.pem"
    both.write_text((home / "key.pem").read_text() + certificate.read_text())
    # as long as what a client of AWS has to read
    bundle.write_text(Path(botocore.__file__).with_name("cacert.pem").read_text() + certificate.read_text())
    service = subprocess.Popen(
        [sys.executable, HERE / "endpoint.py", both, "ends" if ends else "goes on"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = f"https://127.0.0.1:{int(service.stdout.readline())}"
        yield service, {"endpoint_url": url, "verify": str(bundle), "region_name": "us-east-1"}
    finally:
        service.kill()
        service.wait()


def environment(home: str, extra: dict[str, Any]) -> dict[str, str]:
    connection = {"conn_type": "aws", "login": "test", "password": "test", "extra": extra}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "AWS_", "PYTHON"))}
    return kept | {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def table(rows: dict[tuple[str, int], dict[str, float]]) -> str:
    """Lay the measurements out, and under each pair its ratios."""
    lines = [f"| waits | way | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for (way, number), row in rows.items():
        cells = [form.format(row[column]) for column, form in COLUMNS.items()]
        lines.append(f"| {number} | {way} | {' | '.join(cells)} |")
        if way == "twin" and (ours := rows.get(("ours", number))):
            ratios = [ratio(ours[column], row[column]) if column in COMPARED else "" for column in COLUMNS]
            lines.append(f"| {number} | **ratio** | {' | '.join(ratios)} |")
    return "\n".join(lines)


def ratio(ours: float, twin: float) -> str:
    if not min(ours, twin) > 0:
        return ""
    return f"1/{twin / ours:.1f}" if twin > ours else f"{ours / twin:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("waits", nargs="*", type=int, default=[1, 100, 500, 1000, 2000])
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--one-arn", action="store_true")
    parser.add_argument("--steady", type=float, default=0, metavar="MINUTES")
    parser.add_argument("--under", type=shlex.split, default=[], help="a profiler, to measure under")
    parser.add_argument("--child", choices=list(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        sys.path.insert(0, str(HERE))
        wait(options.child, options.waits[0], one_arn=options.one_arn, steady=options.steady)
        return
    print("load before:", *os.getloadavg(), file=sys.stderr)
    rows: dict[tuple[str, int], dict[str, float]] = {}
    for number in options.waits:
        for way in options.ways:
            row = rows[way, number] = measure(way, number, options)
            row["MB above one"] = row["MB"] - rows.get((way, 1), {}).get("MB", math.nan)
            print(way, number, rows[way, number], file=sys.stderr, flush=True)
    print("load after:", *os.getloadavg(), file=sys.stderr)
    print(table(rows))


if __name__ == "__main__":
    main()
