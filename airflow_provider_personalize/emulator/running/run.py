"""Run a DAG file to its end, under the real Airflow and against the emulator."""

from __future__ import annotations

import contextlib
import http.client
import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from airflow_provider_personalize.emulator import bill, faults
from airflow_provider_personalize.emulator.running import leftovers
from airflow_provider_personalize.emulator.running.airflow_home import NO_AIRFLOW, AirflowHome
from airflow_provider_personalize.emulator.running.process import interruptible, running
from airflow_provider_personalize.emulator.running.watch import Watch, say
from airflow_provider_personalize.emulator.server import Server

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_PAUSE: Final = 0.2
_PATIENCE: Final = 300
_UP: Final = "SELECT 1 FROM job WHERE job_type = 'TriggererJob' AND EXISTS (SELECT 1 FROM dag WHERE dag_id = ?)"


@dataclass(frozen=True)
class Options:
    """What ``run`` is asked to do; ``--help`` explains it."""

    path: Path
    python: str
    speed: float
    conf: dict[str, Any]
    failures: list[tuple[str, str]]
    aws_conn_ids: list[str]
    dag_id: str | None
    times: int
    standalone: bool
    exit: bool
    keep: bool
    verbose: bool


class _Stopped(Exception):  # noqa: N818 - says why there is no run
    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def run(options: Options) -> int:
    """Run the file's DAGs and return the exit status; leave the run's folder only if one may want to look into it."""
    leftovers.sweep()
    claim = leftovers.Claim()
    status = FAILED
    try:
        with interruptible():
            status = _run(options, claim)
    except _Stopped as stopped:
        status = stopped.status
        say(stopped)
    except KeyboardInterrupt:
        status = INTERRUPTED
        say("\nInterrupted.")
    finally:
        keep = options.keep or status == FAILED
        claim.release(keep=keep)
        if keep:
            say(f"Airflow's home is kept: {claim.folder}")
    return status


def _run(options: Options, claim: leftovers.Claim) -> int:
    with Server(speed=options.speed) as server:
        _tell_to_fail(options.failures)
        home = AirflowHome(claim.folder, options.path, options.python, server.url, options.aws_conn_ids)
        say(f"Personalize  {server.url} (one second here is {options.speed:g} s there)")
        say(f"Log          {home.log}")
        runs = _Runs(options, home, claim)
        status = runs.standalone() if options.standalone else runs.test()
        if charged := bill.table():
            say(f"\n{charged}")
        return status


def _tell_to_fail(failures: list[tuple[str, str]]) -> None:
    for operation, reason in failures:
        try:
            faults.fail_next(operation, reason, times=None)
        except ValueError as error:
            raise _Stopped(USAGE, str(error)) from None


class _Runs:
    """The runs of a file's DAGs, one after the other."""

    def __init__(self, options: Options, home: AirflowHome, claim: leftovers.Claim) -> None:
        self._options, self._home, self._claim = options, home, claim
        found = self._load()
        self._dag_ids = self._choose(found["dags"])
        self._airflow_2 = found["version"].startswith("2.")
        say(f"Airflow      {found['version']}, {', '.join(self._dag_ids)}")

    def test(self) -> int:
        """Run each with ``airflow dags test``."""
        file = "--subdir" if self._airflow_2 else "--dagfile-path"
        statuses = [
            self._watch(dag_id, "dags", "test", dag_id, file, str(self._options.path), *self._conf())
            for dag_id in self._dag_ids * self._options.times
        ]
        return max(statuses)

    def standalone(self) -> int:
        """Run each in an Airflow with scheduler, triggerer and web UI, and leave that up."""
        with self._airflow("standalone") as it:
            self._wait_until_up(it)
            say("Web UI       {}  user: {}  password: {}".format(self._home.web, *self._home.login()))
            status = max(self._trigger(dag_id, it) for dag_id in self._dag_ids * self._options.times)
            if not self._options.exit:
                self._stay_up(it)
        return status

    def _load(self) -> dict[str, Any]:
        with self._python(self._home.load, str(self._options.path), str(self._home.found)) as process:
            status = process.wait()
        if status == NO_AIRFLOW:
            raise _Stopped(FAILED, f"{self._options.python} has no Airflow: install apache-airflow, or say --python.")
        if status != 0:
            raise _Stopped(FAILED, self._end_of_log("Airflow could not load the file."))
        found: dict[str, Any] = json.loads(self._home.found.read_text(encoding="utf-8"))
        if found["errors"]:
            raise _Stopped(FAILED, "\n".join([f"{self._options.path} cannot be imported:", *found["errors"]]))
        return found

    def _choose(self, dag_ids: list[str]) -> list[str]:
        if not dag_ids:
            raise _Stopped(FAILED, f"There is no DAG in {self._options.path}.")
        if self._options.dag_id is None:
            return dag_ids
        if self._options.dag_id not in dag_ids:
            raise _Stopped(USAGE, f"There is no DAG {self._options.dag_id!r} in the file, but {', '.join(dag_ids)}.")
        return [self._options.dag_id]

    def _conf(self) -> list[str]:
        return ["--conf", json.dumps(self._options.conf)] if self._options.conf else []

    def _watch(self, dag_id: str, *command: str) -> int:
        watch = Watch(self._home, dag_id, verbose=self._options.verbose)
        with self._airflow(*command) as process:
            while process.poll() is None:
                watch.look()
                time.sleep(_PAUSE)
        return watch.close()

    def _trigger(self, dag_id: str, standalone: subprocess.Popen[bytes]) -> int:
        watch = Watch(self._home, dag_id, verbose=self._options.verbose)
        # Airflow 3 has no {{ ds }} and no {{ ts }} in a run without a logical date
        date = [] if self._airflow_2 else ["--logical-date", datetime.now(timezone.utc).isoformat()]
        for command in (["unpause", dag_id], ["trigger", dag_id, *date, *self._conf()]):
            with self._airflow("dags", *command) as process:
                if process.wait() != 0:
                    raise _Stopped(FAILED, self._end_of_log(f"airflow dags {command[0]} failed."))
        while not watch.over and standalone.poll() is None:
            watch.look()
            time.sleep(_PAUSE)
        return watch.close()

    def _wait_until_up(self, standalone: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while (why_not := self._why_not_up()) is not None:
            if standalone.poll() is not None or time.monotonic() > deadline:
                raise _Stopped(FAILED, self._end_of_log(f"airflow standalone did not come up: {why_not}."))
            time.sleep(_PAUSE)

    def _why_not_up(self) -> str | None:
        """Say what is missing of a triggerer, our DAGs in the database, and a web server that answers."""
        try:
            with contextlib.closing(sqlite3.connect(self._home.database, timeout=5)) as database:
                if not all(database.execute(_UP, [dag_id]).fetchone() for dag_id in self._dag_ids):
                    return "the triggerer or the DAG is not in its database"
            with contextlib.closing(http.client.HTTPConnection(self._home.web.rpartition("/")[2], timeout=5)) as web:
                web.request("GET", "/")
                status = web.getresponse().status
                return None if status < http.client.INTERNAL_SERVER_ERROR else f"its web server answers {status}"
        except (sqlite3.OperationalError, OSError) as error:
            return str(error)

    def _stay_up(self, standalone: subprocess.Popen[bytes]) -> None:
        say(f"\nAirflow stays up at {self._home.web} until Ctrl-C.")
        try:
            standalone.wait()
            say(self._end_of_log("airflow standalone has ended."))
        except KeyboardInterrupt:
            say("\nStopping.")

    def _airflow(self, *arguments: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        return self._python(self._home.main, *arguments)

    @contextlib.contextmanager
    def _python(self, script: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        with running([self._options.python, str(script), *arguments], self._home.env, self._home.log) as process:
            self._claim.note(process.pid)
            yield process

    def _end_of_log(self, what: str) -> str:
        lines = self._home.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        return "\n    ".join([f"{what} The end of its log:", *lines])
