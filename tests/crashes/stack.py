"""A whole Airflow on PostgreSQL, each part a process of its own that can be killed and started again."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
from postgres import Postgres

from airflow_provider_personalize.emulator.cli.airflow_home import AirflowHome
from airflow_provider_personalize.emulator.cli.process import running

DAGS = Path(__file__).parent / "dags" / "crashes.py"
TRIGGERERS = ("triggerer-1", "triggerer-2")
PARTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    **{part: ["triggerer", "--skip-serve-logs"] for part in TRIGGERERS},
}
_MAIN = "import {first}, runpy; runpy.run_path({main!r}, run_name='__main__')"
# The processes of all tasks are forked from the scheduler: what it has imported, none of them has to
_OF_EACH_TASK = (
    "airflow_provider_personalize.operators, airflow_provider_personalize.hooks, airflow_provider_personalize.triggers"
)

# A crash is noticed within seconds, and a busy machine is not taken for one
SETTINGS = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "30",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "12",
}


def eventually(what: str, seen: Callable[[], Any], seconds: float = 300) -> Any:
    """Return what is seen as soon as that is something; fail if it takes too long."""
    until = time.monotonic() + seconds
    while not (now := seen()):
        assert time.monotonic() < until, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
    return now


def kill(*processes: psutil.Process) -> None:
    """End processes by SIGKILL, so that none sees another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in processes:
            process.send_signal(number)
    psutil.wait_procs(processes, timeout=10)


@dataclass(frozen=True)
class TaskInstance:
    """What Airflow's database shows of a task instance."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    pid: int | None


class Stack:
    """
    An Airflow that runs.

    :param folder: An existing folder of its own.
    :param dag_file: The file whose DAGs it has.
    :param endpoint: Where the emulator is.
    :param database: Where its database is.
    """

    def __init__(self, folder: Path, dag_file: Path, endpoint: str, database: Postgres) -> None:
        self.folder, self._dag_file = folder, dag_file
        self._home = AirflowHome(folder, dag_file, sys.executable, endpoint, ["aws_default"])
        self._database = database
        self._home.env |= SETTINGS | {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.url}
        self._parts: dict[str, psutil.Process] = {}
        self._ending = contextlib.ExitStack()

    def __enter__(self) -> Stack:
        with self._python("load", *map(str, (self._home.load, self._dag_file, self._home.found))) as load:
            assert load.wait() == 0, self.log_of("load")
        for part in PARTS:
            self.start(part)
        eventually("the web server answers", self._answers)
        eventually("both triggerers run", lambda: len(self.triggerers()) == len(TRIGGERERS))
        eventually("the DAGs are known", lambda: self.rows("SELECT 1 FROM serialized_dag"))
        return self

    def __exit__(self, *_: object) -> None:
        for process in filter(psutil.Process.is_running, self._parts.values()):
            process.kill()  # nothing is left to be ended gently
        self._ending.close()

    def start(self, part: str) -> None:
        """Start a part that does not run."""
        main = _MAIN.format(first=_OF_EACH_TASK if part == "scheduler" else "runpy", main=str(self._home.main))
        process = self._ending.enter_context(self._python(part, "-c", main, *PARTS[part]))
        self._parts[part] = psutil.Process(process.pid)

    def crash(self, part: str) -> None:
        """
        Kill a part; a triggerer with the process in which its triggers run, a scheduler without its workers.

        These are forks of the scheduler and keep its connections to the database open, so PostgreSQL cannot see that it
        is gone: rows that it had locked would stay locked, and the next scheduler and the API would wait for them. That
        happens on no machine that loses all processes at once, nor where workers are no forks. So end its sessions.
        """
        kill(self._parts[part], *(self.runners(part) if part in TRIGGERERS else []))
        end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        eventually("its sessions have ended", lambda: not self.rows(end_sessions, part))

    def runners(self, triggerer: str) -> list[psutil.Process]:
        """Return the processes in which a triggerer's triggers run."""
        return list(self._parts[triggerer].children())

    def keep_up(self) -> None:
        """Start what has ended, and a scheduler without a heartbeat, as whatever supervises an Airflow does."""
        for part, process in self._parts.items():
            if part == "scheduler" and self._has_no_heartbeat(process):
                kill(process, *process.children(recursive=True))
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                self.start(part)

    def _has_no_heartbeat(self, scheduler: psutil.Process) -> bool:
        """Return whether it is stuck: without its database, it may wait forever for workers that have ended."""
        beats = "SELECT 1 FROM job WHERE job_type = 'SchedulerJob' AND latest_heartbeat > now() - interval '30 s'"
        return scheduler.is_running() and time.time() - scheduler.create_time() > 60 and not self.rows(beats)

    def log_of(self, part: str) -> str:
        """Return the end of a part's log."""
        return self._log(part).read_text(errors="replace")[-5000:]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database."""
        import psycopg2

        with contextlib.closing(psycopg2.connect(self._database.dsn)) as connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def triggerers(self) -> dict[int, int]:
        """Return the triggerers that live, by the number of their job, and how many triggers each has."""
        return dict(self.rows(
            "SELECT job.id, count(trigger.id) FROM job LEFT JOIN trigger ON trigger.triggerer_id = job.id"
            " WHERE job_type = 'TriggererJob' AND job.state = 'running'"
            " AND latest_heartbeat > now() - interval '12 s' GROUP BY job.id"
        ))  # fmt: skip

    def run(self, dag_id: str, **conf: Any) -> Run:
        """Start a run of a DAG."""
        asked = {"logical_date": datetime.now(timezone.utc).isoformat(), "conf": conf}
        return Run(self, dag_id, self.api("POST", f"dags/{dag_id}/dagRuns", asked)["dag_run_id"])

    def api(self, method: str, path: str, asked: Any = None) -> Any:
        """Ask Airflow's REST API."""
        headers = {"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"}
        url = f"{self._home.web}/api/v2/{path}"
        request = urllib.request.Request(url, json.dumps(asked).encode() if asked else None, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def stop_runs(self) -> None:
        """End the runs that are not over, so that they are in nobody's way."""
        for dag_id, run_id in self.rows("SELECT dag_id, run_id FROM dag_run WHERE state IN ('queued', 'running')"):
            self.api("PATCH", f"dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})

    def _token(self) -> str:
        with urllib.request.urlopen(f"{self._home.web}/auth/token", timeout=120) as answer:
            return str(json.load(answer)["access_token"])

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(self._token())
        return False

    def _log(self, part: str) -> Path:
        return self.folder / f"{part}.log"

    def _python(self, part: str, *command: str) -> Any:
        return running([sys.executable, *command], self._home.env | {"PGAPPNAME": part}, self._log(part))


class Run:
    """A run of a DAG."""

    def __init__(self, stack: Stack, dag_id: str, run_id: str) -> None:
        self._stack, self._key = stack, (dag_id, run_id)

    def is_over(self) -> bool:
        """Return whether the run has ended; restart ended parts of Airflow meanwhile."""
        self._stack.keep_up()
        ((state,),) = self._stack.rows("SELECT state FROM dag_run WHERE (dag_id, run_id) = (%s, %s)", *self._key)
        return state in {"success", "failed"}

    def tasks(self, task_id: str | None = None) -> list[TaskInstance]:
        """Return its task instances; only those of one task, if one is given."""
        found = self._stack.rows(
            "SELECT task_id, map_index, state, try_number, pid FROM task_instance WHERE (dag_id, run_id) = (%s, %s)"
            " ORDER BY 1, 2",
            *self._key,
        )
        return [TaskInstance(*row) for row in found if task_id in {None, row[0]}]

    def states(self, task_id: str | None = None) -> Counter[str | None]:
        return Counter(task.state for task in self.tasks(task_id))

    def crash_workers(self) -> None:
        """Kill all that work on it: each task's process and the one that watches over it."""
        processes = [psutil.Process(task.pid) for task in self.tasks() if task.state == "running"]
        kill(*(one for process in processes for one in (process.parent(), process)))

    def clear(self) -> None:
        """Clear it as a whole, as a person does in the web UI; if it was over, it begins anew."""
        dag_id, run_id = self._key
        self._stack.api("POST", f"dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False})
