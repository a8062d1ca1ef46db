"""Run a DAG file to its end, under the real Airflow and against the emulator."""

from __future__ import annotations

import contextlib
import http.client
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from airflow_provider_personalize.emulator.cli import leftovers
from airflow_provider_personalize.emulator.cli.airflow_home import NO_AIRFLOW, AirflowHome
from airflow_provider_personalize.emulator.cli.console import say
from airflow_provider_personalize.emulator.cli.process import interruptible, running
from airflow_provider_personalize.emulator.cli.watch import Watch
from airflow_provider_personalize.emulator.control.faults import When
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.http.models import all_backends
from airflow_provider_personalize.emulator.http.server import Server

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130

_PAUSE: Final = 0.2
_UP_WITHIN: Final = 300  # seconds


@dataclass(frozen=True)
class Options:
    """The options of ``run``; ``--help`` explains them."""

    path: Path
    python: str
    speed: float
    conf: dict[str, Any]
    failures: list[tuple[str, str]]
    worse_models: list[int | None]
    broken_campaigns: list[int | None]
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
    """Run the file's DAGs and return the exit status; keep the run's folder only if it may be of use."""
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
        say("", "Interrupted.")
    finally:
        keep = options.keep or status == FAILED
        claim.release(keep=keep)
        if keep:
            say(f"Airflow's home is kept: {claim.folder}")
    return status


def _run(options: Options, claim: leftovers.Claim) -> int:
    with Server(speed=options.speed) as server:
        _inject_faults(options)
        home = AirflowHome(claim.folder, options.path, options.python, server.url, options.aws_conn_ids)
        say(f"Personalize  {server.url} (one second here is {options.speed:g} s there)")
        say(f"Log          {home.log}")
        runs = _Runs(options, home, claim)
        try:
            status = runs.standalone() if options.standalone or runs.asking else runs.test()
        finally:  # an interrupted run has its price, too
            if charged := state.bill.table():
                say("", charged)
        say(*_trainings(), *_next(options, status))
        return status


def _trainings() -> Iterator[str]:
    """Return a sentence for each solution that goes on to train."""
    for solution in [solution for backend in all_backends() for solution in backend.all_of("solution")]:
        members = solution.current()
        if members["performAutoTraining"]:
            expression = members["solutionConfig"]["autoTrainingConfig"].get("schedulingExpression", "rate(7 days)")
            every = expression.removeprefix("rate(").removesuffix(")").removeprefix("1 ")
            yield f"Solution {members['name']} trains every {every} from now on; each training is charged."


def _next(options: Options, status: int) -> Iterator[str]:
    """Return the command to try next."""
    python = Path(sys.executable)
    with contextlib.suppress(ValueError):
        python = python.relative_to(Path.cwd())
    command = shlex.join([str(python), "-m", "airflow_provider_personalize.emulator", *sys.argv[1:]])
    if options.standalone:
        return
    if status == OK and options.times == 1:
        yield f"\nNext, see that a second run finds what this one made:\n  {command} --times 2"
    else:
        yield f"\nNext, see it in Airflow's web UI:\n  {command} --standalone"


def _inject_faults(options: Options) -> None:
    for operation, reason in options.failures:
        try:
            state.faults.fail_next(operation, reason, times=None)
        except ValueError as error:
            raise _Stopped(USAGE, str(error)) from None
    for number in options.worse_models:
        state.faults.worse_next(factor=0.5, **_only(number))
    for number in options.broken_campaigns:
        state.faults.broken_next(**_only(number))


def _only(number: int | None) -> When:
    """Return which calls a fault is for: the one with a number, or all."""
    return {"times": None} if number is None else {"skip": number - 1, "times": 1}


class _Runs:
    """The runs of a file's DAGs, one after the other."""

    def __init__(self, options: Options, home: AirflowHome, claim: leftovers.Claim) -> None:
        self._options, self._home, self._claim = options, home, claim
        found = self._load()
        self._dag_ids = self._choose(found["dags"])
        #: The tasks that wait for a person's answer, which ``airflow dags test`` has no way to give.
        self.asking = found["asking"]
        if found["has_asset_schedule"]:
            home.let_assets_start_runs()
        self._airflow_2 = found["version"].startswith("2.")
        say(f"Airflow      {found['version']}, {', '.join(self._dag_ids)}")

    def test(self) -> int:
        """Run each with ``airflow dags test``."""
        file = "--subdir" if self._airflow_2 else "--dagfile-path"
        path = str(self._options.path)
        return max(
            self._watch(dag_id, title, "dags", "test", dag_id, file, path, *self._conf())
            for dag_id, title in self._runs()
        )

    def _runs(self) -> list[tuple[str, str]]:
        """Return the DAG of each run, and its heading."""
        times = self._options.times
        counted = [f", run {number} of {times}" if times > 1 else "" for number in range(1, times + 1)]
        return [(dag_id, f"{dag_id}{count}") for count in counted for dag_id in self._dag_ids]

    def standalone(self) -> int:
        """Run each in an Airflow with scheduler, triggerer and web UI, and leave that up."""
        with self._airflow("standalone") as it:
            self._wait_until_up(it)
            say(f"Web UI       {self._home.web}")
            if self.asking:
                say(f"Asks you     {', '.join(self.asking)}: answer in the web UI, under Required Actions")
            for dag_id in self._dag_ids:  # before the first run, whose assets may start another
                self._dags("unpause", dag_id)
            status = max(self._trigger(*run, it) for run in self._runs())
            if self._options.standalone and not self._options.exit:
                self._stay_up(it)
        return status

    def _load(self) -> dict[str, Any]:
        serialize = ["serialize"] if self._options.standalone else []
        with self._python(self._home.load, str(self._options.path), str(self._home.found), *serialize) as process:
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

    def _watch(self, dag_id: str, title: str, *command: str) -> int:
        watch = Watch(self._home, dag_id, title=title, verbose=self._options.verbose)
        with watch, self._airflow(*command) as process:
            while process.poll() is None:
                watch.update()
                time.sleep(_PAUSE)
        return watch.close()

    def _trigger(self, dag_id: str, title: str, standalone: subprocess.Popen[bytes]) -> int:
        now = datetime.now(timezone.utc).isoformat()
        run_id = f"manual__{now}"
        page = f"grid?dag_run_id={quote(run_id, safe='')}" if self._airflow_2 else f"runs/{quote(run_id, safe='')}"
        title = f"{title}  {self._home.web}/dags/{dag_id}/{page}"
        watch = Watch(self._home, dag_id, title=title, run_id=run_id, verbose=self._options.verbose)
        # Airflow 3 has no {{ ds }} and no {{ ts }} in a run without a logical date
        date = [] if self._airflow_2 else ["--logical-date", now]
        self._dags("trigger", dag_id, "--run-id", run_id, *date, *self._conf())
        with watch:
            while not watch.over and standalone.poll() is None:
                watch.update()
                time.sleep(_PAUSE)
        return watch.close()

    def _dags(self, command: str, *arguments: str) -> None:
        with self._airflow("dags", command, *arguments) as process:
            if process.wait() != 0:
                raise _Stopped(FAILED, self._end_of_log(f"airflow dags {command} failed."))

    def _wait_until_up(self, standalone: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _UP_WITHIN
        while (why_not := self._why_not_up()) is not None:
            if standalone.poll() is not None or time.monotonic() > deadline:
                raise _Stopped(FAILED, self._end_of_log(f"airflow standalone did not come up: {why_not}."))
            time.sleep(_PAUSE)

    def _why_not_up(self) -> str | None:
        """Return what is missing of a scheduler and a triggerer that work, from the health that Airflow reports."""
        path = "/health" if self._airflow_2 else "/api/v2/monitor/health"
        try:
            with contextlib.closing(http.client.HTTPConnection(self._home.web.rpartition("/")[2], timeout=5)) as web:
                web.request("GET", path)
                answer = web.getresponse()
                if answer.status != http.client.OK:
                    return f"its web server answers {answer.status}"
                health = json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return str(error)
        status = {part: health[part]["status"] for part in ("scheduler", "triggerer")}
        return next((f"the {part} is {said}" for part, said in status.items() if said != "healthy"), None)

    def _stay_up(self, standalone: subprocess.Popen[bytes]) -> None:
        say("", f"Airflow stays up at {self._home.web} until Ctrl-C.")
        try:
            standalone.wait()
            say(self._end_of_log("airflow standalone has ended."))
        except KeyboardInterrupt:
            say("", "Stopping.")

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
