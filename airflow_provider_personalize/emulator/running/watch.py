"""What the tasks of a run do, told line by line while it runs, and in a table when it is over."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from airflow_provider_personalize.emulator.running.airflow_home import AirflowHome
from airflow_provider_personalize.emulator.running.reasons import reason

say: Final = partial(print, flush=True)

_WAITING: Final = (None, "scheduled", "queued")
_ENDED: Final = ("success", "failed")
# `dags test` runs one task at a time and tells its log, and on Airflow 2 nobody else, what it does
_TEST: Final = re.compile(
    r"\[DAG TEST\] (?:starting task_id=(?P<task>\S+) map_index=(?P<index>-?\d+)"
    r"|(?P<deferred>running trigger in line)|(?P<resumed>Trigger completed)|end task)"
)


class Task(NamedTuple):
    """A task instance; ``map_index`` is -1 where a task is not mapped."""

    id: str
    map_index: int

    def __str__(self) -> str:
        return self.id if self.map_index < 0 else f"{self.id}[{self.map_index}]"


class Watch:
    """
    Tell what the tasks of a DAG's run do: of the first that begins from now on.

    :param home: The Airflow that runs it.
    :param dag_id: The DAG.
    :param verbose: Show Airflow's log, too.
    """

    def __init__(self, home: AirflowHome, dag_id: str, *, verbose: bool) -> None:
        self._home, self._dag_id, self._verbose = home, dag_id, verbose
        self._began = time.monotonic()
        self._log = _Tail(home.log)
        self._tested: tuple[Task, str] | None = None
        self._states: dict[Task, str | None] = {}
        self._first: dict[Task, float] = {}
        self._last: dict[Task, float] = {}
        self._run: str | None = None
        self._before = _last_run(home.database, dag_id)

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self._run in _ENDED

    @property
    def green(self) -> bool:
        """Whether the run succeeded, and every task that it did not skip."""
        return self._run == "success" and {*self._states.values()} <= {"success", "skipped"}

    def look(self) -> None:
        """Tell what has changed since the last look."""
        self._read_log()
        with contextlib.suppress(sqlite3.OperationalError):  # busy, or not there yet: the next look will see
            self._run, now = _read(self._home.database, self._dag_id, self._before)
            self._tell({task: self._running(task, state) for task, state in now.items()})

    def close(self) -> int:
        """Tell how it ended: the table, the reasons of failures, one line. Return the exit status."""
        self.look()
        say()
        _table([(str(task), state or "-", self._duration(task)) for task, state in self._in_order()])
        failed = [task for task, state in self._in_order() if state == "failed"]
        for task in failed:
            say(f"\n{task} failed:", *reason(self._home.folder, self._log.seen, self._dag_id, *task), sep="\n    ")
        if not self.green and not failed:
            say(f"\nThe end of {self._home.log}:", *self._log.seen.splitlines()[-15:], sep="\n    ")
        say(f"\n{self._dag_id}: {self._summary()}, {_length(time.monotonic() - self._began)}")
        return 0 if self.green else 1

    def _read_log(self) -> None:
        text = self._log.read()
        if self._verbose:
            print(text, end="", flush=True)
        for said in _TEST.finditer(text):
            self._tested = self._doing(said)

    def _doing(self, said: re.Match[str]) -> tuple[Task, str] | None:
        if said["task"]:
            return Task(said["task"], int(said["index"])), "running"
        if self._tested and (said["deferred"] or said["resumed"]):
            return self._tested[0], "deferred" if said["deferred"] else "running"
        return None

    def _running(self, task: Task, state: str | None) -> str | None:
        if self._tested and self._tested[0] == task and state in (*_WAITING, "running", "deferred"):
            return self._tested[1]
        return state

    def _tell(self, now: dict[Task, str | None]) -> None:
        width = max(map(len, map(str, now)), default=0)
        for task, state in now.items():
            if state != self._states.get(task) and state not in _WAITING:
                after = f"  (after {self._length(task)})" if task in self._first else ""
                say(f"{time.strftime('%H:%M:%S')}  {task!s:{width}}  {state}{after}")
                self._first.setdefault(task, time.monotonic())
                self._last[task] = time.monotonic()
        self._states = now

    def _in_order(self) -> Iterable[tuple[Task, str | None]]:
        return sorted(self._states.items(), key=lambda item: (self._first.get(item[0], float("inf")), item[0]))

    def _length(self, task: Task) -> str:
        return _length(time.monotonic() - self._first[task])

    def _duration(self, task: Task) -> str:
        ran = self._states[task] not in {*_WAITING, "upstream_failed"}
        return _length(self._last[task] - self._first[task]) if ran else "-"

    def _summary(self) -> str:
        counts = Counter(state or "not started" for state in self._states.values())
        outcome = "success" if self.green else "failed" if self.over else "not finished"
        return f"{outcome} ({', '.join(f'{number} {state}' for state, number in counts.items())})"


class _Tail:
    """What is added to a file from now on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8", errors="replace")
        self._file.seek(0, 2)
        self._rest = ""
        self.seen = ""

    def read(self) -> str:
        """Return the lines that are new."""
        text, newline, self._rest = (self._rest + self._file.read()).rpartition("\n")
        self.seen += text + newline
        return text + newline


def _last_run(database: Path, dag_id: str) -> int:
    """Read the number of the DAG's last run, 0 where there is none."""
    with _opened(database) as connection:
        last: int = connection.execute(
            "SELECT coalesce(max(id), 0) FROM dag_run WHERE dag_id = ?", [dag_id]
        ).fetchone()[0]
        return last


def _read(database: Path, dag_id: str, before: int) -> tuple[str | None, dict[Task, str | None]]:
    """Read the state of the DAG's first run after another one, and of its tasks."""
    with _opened(database) as connection:
        run = connection.execute(
            "SELECT state, run_id FROM dag_run WHERE dag_id = ? AND id > ? ORDER BY id", [dag_id, before]
        ).fetchone()
        rows = connection.execute(
            "SELECT task_id, map_index, state FROM task_instance WHERE dag_id = ? AND run_id = ?"
            " ORDER BY end_date IS NULL, end_date, task_id, map_index",
            [dag_id, run and run[1]],
        )
        return run and run[0], {Task(task_id, index): state for task_id, index, state in rows}


def _opened(database: Path) -> contextlib.AbstractContextManager[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=5))


def _table(rows: list[tuple[str, str, str]]) -> None:
    rows = [("task", "state", "duration"), *rows]
    task, state, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    for row in rows:
        say(f"{row[0]:{task}}  {row[1]:{state}}  {row[2]:>8}")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
