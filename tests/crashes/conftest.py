"""An Airflow on PostgreSQL for all tests of crashes, and for each a shop and a run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from postgres import NoPostgresError, Postgres, postgres
from shop import DATASET, HOUR, LOCATION, ROLE, bring_interactions, open_shop, start_clock
from stack import DAGS, Stack


@pytest.fixture(scope="session")
def database() -> Iterator[Postgres]:
    server = postgres()
    try:
        there = server.__enter__()
    except (NoPostgresError, OSError, subprocess.SubprocessError) as why:
        pytest.skip(f"no PostgreSQL: {why}")
    yield there
    server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def stack(database: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An Airflow whose AWS is the emulator in this process."""
    from airflow_provider_personalize.emulator.server import Server

    with Server() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        with Stack(tmp_path_factory.mktemp("airflow"), DAGS, server.url, database) as stack:
            yield stack


@pytest.fixture
def airflow(stack: Stack) -> Iterator[Stack]:
    """All of it runs, and after the test no run of it goes on."""
    stack.keep_up()
    yield stack
    stack.keep_up()
    stack.stop_runs()


@pytest.fixture
def shop(airflow: Stack, record_property: Callable[[str, object], None]) -> Iterator[Any]:
    """A client of a shop with data. Everything that is charged takes an hour, which a test skips."""
    from moto.core.base_backend import BackendDict

    from airflow_provider_personalize.emulator import assumptions, calls, clock, faults, quotas

    BackendDict.reset()
    faults.clear()
    start_clock(time.time() - HOUR)  # so that after that hour it is what Airflow's clock is
    quotas.set("solution", None)
    clock.speed = 1
    bring_interactions()
    client = open_shop()
    client.create_dataset_import_job(
        jobName="before", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(HOUR)
    calls.clear()
    assumptions.change({"seconds": dict.fromkeys(("solution_update", "solution_version", "dataset_import_job"), HOUR)})
    yield client
    reads = sum(call.operation.startswith(("Describe", "List")) for call in calls)
    record_property("calls", f"{len(calls) - reads:>8} {reads:>8}")
    for changed in (assumptions, clock, quotas):
        changed.reset()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how long each scenario took, and how many calls reached the service."""
    durations = {report.nodeid: report.duration for report in terminalreporter.getreports("passed")}
    rows = [
        f"{durations[report.nodeid]:>9.0f} {report.user_properties[0][1]}  {report.head_line}"
        for report in terminalreporter.getreports("")
        if report.when == "teardown" and report.user_properties and report.nodeid in durations
    ]
    if rows:
        terminalreporter.write_line("\n".join(["  seconds   writes    reads  scenario", *rows]))
