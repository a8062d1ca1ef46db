"""
Watch a solution with a whole Airflow 3, and stop its triggerer in several ways meanwhile.

``python tests/matrix/watching.py --python PYTHON``: of the Airflow to run. Each version must start a run of the DAG in
``watched.py`` once, also those that are trained while no triggerer runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from shop import DATASET, HOUR, LOCATION, ROLE, SOLUTION, bring_interactions, open_shop

from airflow_provider_personalize.emulator import calls, clock
from airflow_provider_personalize.emulator.cli.airflow_home import AirflowHome
from airflow_provider_personalize.emulator.cli.process import running
from airflow_provider_personalize.emulator.server import Server

DAG_FILE = Path(__file__).parent / "watched.py"
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
SETTINGS = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",
    # no part may make one of its own
    "AIRFLOW__CORE__FERNET_KEY": "d2F0Y2hpbmctdGhlLXRyaWdnZXJlci1vZi1haXJmbG8=",
    "AIRFLOW__CORE__PARALLELISM": "2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    # so that a triggerer that was killed is noticed
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
}
# what tells why a try failed
SHOWN = ("variables", "assets/events", "dags/watched/dagRuns")


class Airflow:
    """An Airflow 3 of one DAG file; each part is a process of its own."""

    def __init__(self, folder: Path, python: str, endpoint: str) -> None:
        self._folder, self._python = folder, python
        self._home = AirflowHome(folder, DAG_FILE, python, endpoint, ["aws_default"])
        self._home.env |= SETTINGS
        self._ending = contextlib.ExitStack()
        self._triggerer: psutil.Process | None = None

    def __enter__(self) -> Airflow:
        with self._run("load", str(self._home.load), str(DAG_FILE), str(self._home.found)) as load:
            assert load.wait() == 0, (self._folder / "load.log").read_text()
        for part in PARTS:
            self.start(part)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def _run(self, name: str, *command: str) -> Any:
        return running([self._python, *command], self._home.env, self._folder / f"{name}.log")

    def start(self, part: str) -> None:
        logs = [] if part in {"api-server", "dag-processor"} else ["--skip-serve-logs"]
        process = self._ending.enter_context(self._run(part, str(self._home.main), part, *logs))
        if part == "triggerer":
            self._triggerer = psutil.Process(process.pid)

    def stop_triggerer(self, number: signal.Signals) -> None:
        """End it, and the process in which its triggers run."""
        assert self._triggerer is not None
        all_of_it = [*self._triggerer.children(recursive=True), self._triggerer]
        for process in all_of_it if number == signal.SIGKILL else [self._triggerer]:
            process.send_signal(number)
        psutil.wait_procs(all_of_it, timeout=30)

    def api(self, path: str) -> Any:
        """Ask the REST API; nothing, as long as it does not answer."""
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"{self._home.web}/auth/token", timeout=60) as answer:
                headers = {"Authorization": f"Bearer {json.load(answer)['access_token']}"}
            request = urllib.request.Request(f"{self._home.web}/api/v2/{path}", headers=headers)
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        return {}

    def fired(self) -> list[str]:
        """List the versions of which there are asset events."""
        events = self.api("assets/events?limit=100").get("asset_events", [])
        return sorted(event["extra"]["payload"]["arn"] for event in events)

    def recorded(self) -> str | None:
        """Return what the trigger has recorded in its Variable."""
        found = self.api("variables?limit=100").get("variables", [])
        return next((each["value"] for each in found if not each["key"].endswith("_probe")), None)

    def read(self) -> list[str]:
        """List the versions that the DAG's runs were for."""
        runs = [run for run in self.api("dags/watched/dagRuns").get("dag_runs", []) if run["state"] == "success"]
        read: list[str] = []
        for run in runs:
            xcom = self.api(f"dags/watched/dagRuns/{run['dag_run_id']}/taskInstances/read/xcomEntries/return_value")
            read += xcom["value"] if isinstance(xcom["value"], list) else json.loads(xcom["value"])
        return sorted(read)

    def logs(self) -> str:
        return "\n".join(
            f"--- {log}\n{log.read_text(errors='replace')[-4000:]}" for log in self._folder.glob("[dts]*.log")
        )


def eventually(what: str, seen: Callable[[], Any], seconds: float = 240) -> None:
    until = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < until, f"not within {seconds:.0f} s: {what}"
        time.sleep(2)
    print(f"{time.strftime('%X')} {what}", flush=True)


def watch(airflow: Airflow, client: Any) -> None:
    """Train while the triggerer runs, is killed, is down and is stopped gently."""

    def train() -> str:
        version: str = client.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
        clock.advance(HOUR)
        return version

    def are_recorded(versions: list[str]) -> bool:
        return all(f"{version}@" in str(airflow.recorded()) for version in versions)

    old = [train()]
    eventually("the watcher knows what there was", lambda: are_recorded(old))
    trained = [train()]
    eventually("a version starts a run", lambda: airflow.read() == trained)
    eventually("it is recorded", lambda: are_recorded(trained))
    airflow.stop_triggerer(signal.SIGKILL)
    trained += [train(), train()]
    airflow.start("triggerer")
    eventually("those of meanwhile start runs", lambda: airflow.read() == sorted(trained))
    eventually("they are recorded", lambda: are_recorded(trained))
    airflow.stop_triggerer(signal.SIGTERM)
    airflow.start("triggerer")
    trained.append(train())
    eventually("the next one starts a run", lambda: airflow.read() == sorted(trained))
    assert airflow.fired() == sorted(trained), "each has one event"
    assert not calls.of("CreateSolutionVersion")[len(old + trained) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable)
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        os.environ["AWS_ENDPOINT_URL"] = server.url
        clock.speed = 1
        bring_interactions()
        client = open_shop()
        source = {"dataLocation": LOCATION}
        client.create_dataset_import_job(jobName="first", datasetArn=DATASET, dataSource=source, roleArn=ROLE)
        clock.advance(HOUR)
        with Airflow(Path(folder), parser.parse_args().python, server.url) as airflow:
            try:
                watch(airflow, client)
            except BaseException:
                print(airflow.logs(), *map(airflow.api, SHOWN), airflow.read(), sep="\n")
                raise


if __name__ == "__main__":
    main()
