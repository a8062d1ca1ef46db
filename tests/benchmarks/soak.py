"""
Soak test: 500 waits on an Airflow with PostgreSQL and two triggerers, with injected faults, for an hour.

::

    apt-get install postgresql && pip install psycopg2-binary asyncpg
    export PYTHONPATH=tests:tests/crashes
    python tests/benchmarks/soak.py
    python tests/benchmarks/soak.py --waits 50 --minutes 5

Each wait is a deferred task that has updated a solution of its own, and polls every 10 s. About one poll in fifteen is
throttled, refused, cut off, malformed, late, dripping, or left without an answer. After a third and after two
thirds of the time a triggerer is killed and another started. At the end the updates become ACTIVE.

It prints a row a minute, then what was lost, and ends with 1 if a task failed or was tried again, or an update was sent
twice. A triggerer that was started anew begins with less memory.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from postgres import postgres
from shop import HOUR, open_many, open_shop
from stack import DAGS, TRIGGERERS, Run, Stack, eventually

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults, quotas
from airflow_provider_personalize.emulator.server import Server

MB = 1e6
DAY = 24 * HOUR
DESCRIBE = "DescribeSolution"
PAUSE = 5
FAULTS: dict[str, Callable[[int], None]] = {
    "throttled": lambda times: faults.error_next(DESCRIBE, "ThrottlingException", times=times),
    "503": lambda times: faults.unavailable_next(DESCRIBE, html=True, times=times),
    "500": lambda times: faults.unavailable_next(DESCRIBE, status=500, times=times),
    "expired": lambda times: faults.expired_next(DESCRIBE),  # once: where new credentials expire too, a wait may fail
    "reset": lambda times: faults.reset_next(DESCRIBE, times=times),
    "cut": lambda times: faults.cut_next(DESCRIBE, times=times),
    "garbled": lambda times: faults.garbled_next(DESCRIBE, times=times),
    "slow": lambda times: faults.slow_next(DESCRIBE, latency=3, times=times),
    "hanging": lambda times: faults.hang_next(DESCRIBE, seconds=20, times=times),
    "dripping": lambda times: faults.hang_next(DESCRIBE, seconds=20, dripping=True, times=times),
}


@contextlib.contextmanager
def airflow(folder: Path) -> Iterator[Stack]:
    """An Airflow, with the emulator in this process as its AWS."""
    with postgres() as database, Server(speed=1) as server:
        os.environ["AWS_ENDPOINT_URL"] = server.url
        with Stack(folder, DAGS, server.url, database) as stack:
            yield stack


def begin(stack: Stack, waits: int) -> Run:
    """Update and defer in so many tasks."""
    quotas.set("solution", None)
    open_many(open_shop(), waits)
    assumptions.seconds["solution_update"] = DAY
    calls.clear()
    run = stack.run("many", number=waits)
    eventually("all wait", lambda: run.states("update") == {"deferred": waits}, 10 * waits)
    return run


def soak(stack: Stack, run: Run, options: argparse.Namespace) -> None:
    """Inject faults, kill triggerers, and print a row a minute."""
    chance = random.Random(options.seed)
    began, told, row = time.monotonic(), Counter(), 0
    crashes = [options.minutes * 60 / 3, options.minutes * 60 * 2 / 3]
    print(
        "| minute | waits | triggers | MB | calls | without an answer | load |", "|---" * 7 + "|", sep="\n", flush=True
    )
    while (now := time.monotonic() - began) < options.minutes * 60:
        fault, times = chance.choice(list(FAULTS)), max(1, options.waits * PAUSE // 100)
        FAULTS[fault](times)
        told[fault] += 1
        if crashes and now > crashes[0]:
            crashed = TRIGGERERS[len(crashes) % 2]
            crashes.pop(0)
            stack.crash(crashed)
            print(f"| {now / 60:.1f} | {crashed} killed, and started again |", flush=True)
        stack.keep_up()
        if now >= row * 60:
            row += 1
            print(sample(stack, run, now), flush=True)
        time.sleep(PAUSE)
    faults.clear()
    print(
        f"\nHow often it was told to fail: {', '.join(f'{number} {fault}' for fault, number in told.items())}",
        flush=True,
    )


def sample(stack: Stack, run: Run, now: float) -> str:
    sizes = [sum(one.memory_info().rss for one in stack.runners(part)) / MB for part in TRIGGERERS]
    polls = calls.of(DESCRIBE)
    cells = [
        f"{now / 60:.0f}",
        run.states("update")["deferred"],
        " ".join(map(str, stack.triggerers().values())),
        " ".join(f"{size:.0f}" for size in sizes),
        len(polls),
        sum(poll.error is not None for poll in polls),
        f"{os.getloadavg()[0]:.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def lost(run: Run, waits: int) -> list[str]:
    """Make all updates ACTIVE; return what is wrong."""
    clock.advance(DAY)
    eventually("the run is over", run.is_over, 10 * waits)
    tasks, sent = run.tasks("update"), Counter(call.arn for call in calls.of("UpdateSolution"))
    return [
        *(f"{task} did not succeed" for task in tasks if task.state != "success"),
        *(f"{task} was tried again" for task in tasks if task.try_number > 1),
        *(f"{arn} was updated {number} times" for arn, number in sent.items() if number > 1),
        *[f"{len(sent)} of {waits} were updated"] * (len(sent) != waits),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waits", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1, help="seed of the injected faults")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, airflow(Path(folder)) as stack:
        began = time.monotonic()
        run = begin(stack, options.waits)
        print(f"{options.waits} waits began in {time.monotonic() - began:.0f} s", flush=True)
        soak(stack, run, options)
        began = time.monotonic()
        found = lost(run, options.waits)
        print(f"All over in {time.monotonic() - began:.0f} s.", *(found or ["Nothing lost, nothing twice."]), sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
