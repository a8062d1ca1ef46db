"""The progress of a run: a line for each change of a task while it runs, and a table at its end."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from rich.text import Text

from airflow_provider_personalize.emulator.cli.airflow_home import AirflowHome
from airflow_provider_personalize.emulator.cli.console import console, say, styled, table
from airflow_provider_personalize.emulator.control.calls import Call
from airflow_provider_personalize.emulator.control.state import state

_WAITING: Final = (None, "scheduled", "queued")
_UNFINISHED: Final = ("running", "deferred", "awaiting_input", "up_for_retry", "up_for_reschedule")
_READING: Final = ("Describe", "List", "Get")
# operators that find what they want may send nothing; of a sensor, that says nothing
_WRITER: Final = re.compile(r"(Create|Update|Delete|Start|Stop|Tag|Untag)\w+Operator")
_WIDTH: Final = 32


class Task(NamedTuple):
    """A task instance; ``map_index`` is -1 where a task is not mapped."""

    id: str
    map_index: int

    def __str__(self) -> str:
        return self.id if self.map_index < 0 else f"{self.id}[{self.map_index}]"


@dataclass
class _Progress:
    """What is known of a task."""

    state: str | None = None
    began: float | None = None
    changed: float = 0
    app_id: str | None = None
    task_type: str = ""
    reason: list[str] = field(default_factory=list)

    @property
    def duration(self) -> str:
        ran = self.began is not None and self.state not in {*_WAITING, "upstream_failed"}
        until = time.monotonic() if self.state in _UNFINISHED else self.changed
        return _length(until - (self.began or 0)) if ran else "-"


class Watch:
    """
    Show what the tasks of a DAG's run do.

    On a terminal, a spinner shows the tasks in progress while the ``with`` block runs.

    :param home: The Airflow that runs it.
    :param dag_id: The DAG.
    :param title: The heading; the DAG's name unless it is given.
    :param run_id: The run; None is the first that begins from now on.
    :param verbose: Show Airflow's log, too.
    """

    def __init__(
        self, home: AirflowHome, dag_id: str, *, title: str = "", run_id: str | None = None, verbose: bool
    ) -> None:
        say("", title or dag_id)
        self._logged = len(state.calls)
        self._home, self._dag_id, self._verbose = home, dag_id, verbose
        self._began = time.monotonic()
        self._log = _Tail(home.log)
        self._events = _Tail(home.events)
        self._tasks: dict[Task, _Progress] = {}
        self._run = run_id
        self._ended: str | None = None
        self._errors: list[str] = []
        self._spinner = console().status("")

    def __enter__(self) -> Watch:
        self._spinner.start()
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._spinner.stop()
        if error_type is not None and issubclass(error_type, KeyboardInterrupt):
            self._show("interrupted")

    @property
    def over(self) -> bool:
        """Whether the run has ended, or can no longer be watched."""
        return self._ended is not None or bool(self._errors)

    @property
    def succeeded(self) -> bool:
        """Whether the run succeeded, and every task that it did not skip."""
        return self._ended == "success" and {task.state for task in self._tasks.values()} <= {"success", "skipped"}

    def update(self) -> None:
        """Show what has changed since the last update."""
        for line in self._events.read().splitlines():
            event = json.loads(line)
            if "error" in event:
                self._errors.append(event["error"])
            elif event["dag"] == self._dag_id and self._run in {None, event["run"]}:
                self._apply(event)
        text = self._log.read()
        if self._verbose and text:
            say(text.rstrip("\n"))
        self._spinner.update(self._in_progress())

    def close(self) -> int:
        """Show how it ended: the table, the reasons of failures, one line. Return the exit status."""
        self.update()
        self._show("success" if self.succeeded else "failed" if self.over else "not finished")
        return 0 if self.succeeded else 1

    def _show(self, outcome: str) -> None:
        """Show the table, the reasons of failures, one line."""
        say("")
        calls = list(state.calls)[self._logged :]
        rows = [
            (str(task), styled(one.state or "-"), one.duration, _sent_by(one, calls)) for task, one in self._in_order()
        ]
        table("task", "state", "duration", "sent to Personalize", numbers=("duration",), rows=rows)
        self._explain(outcome)
        counts = Counter(task.state or "not started" for task in self._tasks.values())
        states = ", ".join(f"{number} {state}" for state, number in counts.items()) or "no task has started"
        say("", f"{self._dag_id}: {outcome} ({states}), {_length(time.monotonic() - self._began)}", _sent(calls))

    def _apply(self, event: dict[str, Any]) -> None:
        self._run = event["run"]
        # the process of the last task may report its end after the scheduler has ended the run
        self._ended = event.get("ended", self._ended)
        for task_id, index, new_state in event["tasks"]:
            task = Task(task_id, index)
            one = self._tasks.setdefault(task, _Progress())
            one.app_id = event.get("app", one.app_id)
            one.task_type = event.get("type") or one.task_type
            one.reason = event.get("reason", one.reason)
            self._change(task, one, new_state)

    def _change(self, task: Task, one: _Progress, new_state: str | None) -> None:
        before, one.state = one.state, new_state
        if new_state == before or new_state in _WAITING:
            return
        now = time.monotonic()
        after = "" if one.began is None else f"  (after {_length(now - one.began)})"
        one.began, one.changed = one.began or now, now
        # at the end, since the run may be interrupted as soon as somebody sees this
        line = Text(f"{time.strftime('%H:%M:%S')}  {task!s:{_WIDTH}}  ")
        say(line.append_text(styled(str(new_state))).append(after))
        if new_state == "up_for_retry":
            say(*_indented(one.reason))

    def _in_progress(self) -> str:
        now = time.monotonic()
        tasks = (
            f"{task} {one.state} {_length(now - (one.began or now))}"
            for task, one in self._in_order()
            if one.state in _UNFINISHED
        )
        return ", ".join(tasks) or "waiting for a task"

    def _explain(self, outcome: str) -> None:
        explained = [(task, one) for task, one in self._in_order() if one.state == "failed" and one.reason]
        for task, one in explained:
            say("", f"{task} failed:", *_indented(one.reason))
        for error in self._errors:
            say("", "The run could not be watched:", *_indented(error.splitlines()))
        if outcome not in {"success", "interrupted"} and not explained:
            say("", f"The end of {self._home.log}:", *_indented(self._log.seen.splitlines()[-15:]))

    def _in_order(self) -> Iterable[tuple[Task, _Progress]]:
        return sorted(self._tasks.items(), key=lambda item: (item[1].began or float("inf"), item[0]))


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


def _sent_by(one: _Progress, calls: list[Call]) -> str:
    """Return which calls of a task changed something."""
    own = [call for call in calls if one.app_id is not None and call.app_id == one.app_id]
    if not own:
        return "-"
    if sent := _writes(own):
        return sent
    found = one.state == "success" and _WRITER.fullmatch(one.task_type)
    return "nothing: found as wanted" if found else "nothing"


def _sent(calls: list[Call]) -> str:
    """Return which calls of a run changed something, in a sentence."""
    if not calls:
        return "Personalize was not called."
    sent = _writes(calls)
    return f"Sent to Personalize: {sent}." if sent else "Nothing was sent to Personalize."


def _writes(calls: list[Call]) -> str:
    sent = Counter(call.operation for call in calls if call.error is None and not call.operation.startswith(_READING))
    return ", ".join(f"{number} {operation}" for operation, number in sent.items())


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
