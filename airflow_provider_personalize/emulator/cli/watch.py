"""What the tasks of a run do, told line by line while it runs, and in a table when it is over."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.emulator.cli.airflow_home import AirflowHome
from airflow_provider_personalize.emulator.cli.reasons import reason
from airflow_provider_personalize.emulator.control.calls import Call, calls

say: Final = partial(print, flush=True)

_WAITING: Final = (None, "scheduled", "queued")
_READING: Final = ("Describe", "List", "Get")
_WIDTH: Final = 32
_COLOURS: Final = {
    32: {"success"},
    31: {"failed", "upstream_failed"},
    33: {"up_for_retry", "up_for_reschedule", "deferred"},
    36: {"running"},
    35: {"skipped"},
}
# `dags test` runs one task at a time, and tells nobody but its log that it defers
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
    :param title: The heading; the DAG's name unless it is given.
    :param verbose: Show Airflow's log, too.
    """

    def __init__(self, home: AirflowHome, dag_id: str, *, title: str = "", verbose: bool) -> None:
        say(f"\n{title or dag_id}")
        self._called = len(calls)
        self._home, self._dag_id, self._verbose = home, dag_id, verbose
        self._began = time.monotonic()
        self._log = _Tail(home.log)
        self._events = _Tail(home.events)
        self._tested: Task | None = None
        self._states: dict[Task, str | None] = {}
        self._first: dict[Task, float] = {}
        self._last: dict[Task, float] = {}
        self._run: str | None = None
        self._ended: str | None = None
        self._errors: list[str] = []

    @property
    def over(self) -> bool:
        """Whether the run has ended, or can no longer be watched."""
        return self._ended is not None or bool(self._errors)

    @property
    def green(self) -> bool:
        """Whether the run succeeded, and every task that it did not skip."""
        return self._ended == "success" and {*self._states.values()} <= {"success", "skipped"}

    def look(self) -> None:
        """Tell what has changed since the last look."""
        self._read_events()
        self._read_log()

    def close(self) -> int:
        """Tell how it ended: the table, the reasons of failures, one line. Return the exit status."""
        self.look()
        say()
        _table([(str(task), state or "-", self._duration(task)) for task, state in self._in_order()])
        failed = [task for task, state in self._in_order() if state == "failed"]
        for task in failed:
            say(f"\n{task} failed:", *reason(self._home.folder, self._log.seen, self._dag_id, *task), sep="\n    ")
        for error in self._errors:
            say("\nThe run could not be watched:", *error.splitlines(), sep="\n    ")
        if not self.green and not failed:
            say(f"\nThe end of {self._home.log}:", *self._log.seen.splitlines()[-15:], sep="\n    ")
        say(f"\n{self._dag_id}: {self._summary()}, {_length(time.monotonic() - self._began)}")
        say(_sent(list(calls)[self._called :]))
        return 0 if self.green else 1

    def _read_events(self) -> None:
        for line in self._events.read().splitlines():
            event = json.loads(line)
            if "error" in event:
                self._errors.append(event["error"])
            elif event["dag"] == self._dag_id and self._run in {None, event["run"]}:
                self._heard(event)

    def _heard(self, event: dict[str, Any]) -> None:
        self._run = event["run"]
        self._ended = event.get("ended")
        for task_id, index, state in event["tasks"]:
            self._tell(Task(task_id, index), state)

    def _read_log(self) -> None:
        text = self._log.read()
        if self._verbose:
            print(text, end="", flush=True)
        for said in _TEST.finditer(text):
            if said["task"]:
                self._tested = Task(said["task"], int(said["index"]))
            elif self._tested and said["deferred"] and self._states.get(self._tested) == "running":
                self._tell(self._tested, "deferred")

    def _tell(self, task: Task, state: str | None) -> None:
        if state != self._states.get(task) and state not in _WAITING:
            after = f"  (after {self._length(task)})" if task in self._first else ""
            say(f"{time.strftime('%H:%M:%S')}  {task!s:{_WIDTH}}  {_coloured(str(state))}{after}")
            self._first.setdefault(task, time.monotonic())
            self._last[task] = time.monotonic()
        self._states[task] = state

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


def _sent(made: list[Call]) -> str:
    """Say which calls changed something."""
    sent = Counter(call.operation for call in made if call.error is None and not call.operation.startswith(_READING))
    if not sent:
        return "Personalize was found as wanted, nothing sent." if made else "Personalize was not called."
    return f"Sent to Personalize: {', '.join(f'{number} {operation}' for operation, number in sent.items())}."


def _coloured(state: str) -> str:
    """Colour a state where a terminal shows it; see https://no-color.org."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return state
    colour = next((code for code, states in _COLOURS.items() if state.strip() in states), None)
    return f"\x1b[{colour}m{state}\x1b[0m" if colour else state


def _table(rows: list[tuple[str, str, str]]) -> None:
    rows = [("task", "state", "duration"), *rows]
    task, state, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    for row in rows:
        say(f"{row[0]:{task}}  {_coloured(f'{row[1]:{state}}')}  {row[2]:>8}")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
