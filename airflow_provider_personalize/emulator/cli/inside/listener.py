"""
An Airflow plugin that writes down what tasks do: a line of JSON for each event.

Tasks that the scheduler skips get no event of their own; the end of the run reports the states of all.
"""

from __future__ import annotations

import hashlib
import json
import os
import traceback
from collections.abc import Callable
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin
from sqlalchemy.orm import object_session

_MOST_LINES = 15


def _write(**event: Any) -> None:
    with open(os.environ["PERSONALIZE_RUN_EVENTS"], "ab", buffering=0) as events:  # noqa: PTH123 - one write, unbuffered
        events.write((json.dumps(event) + "\n").encode())


def _report(read: Callable[[], dict[str, Any]]) -> None:
    try:
        _write(**read())
    except Exception:  # noqa: BLE001 - the run says that it could not be watched
        _write(error=traceback.format_exc())


def _index(ti: Any) -> int:
    # from Airflow 3.4, region_index counts the iterations of a loop, too
    region = getattr(ti, "region_index", None)
    index: int = ti.map_index if region is None else region
    return index


def _name(state: Any) -> str | None:
    name: str | None = getattr(state, "value", state)
    return name


def _task_changed(ti: Any, state: Any, **more: Any) -> None:
    _report(lambda: {"dag": ti.dag_id, "run": ti.run_id, "tasks": [[ti.task_id, _index(ti), _name(state)]], **more})


def _run_ended(dag_run: Any, state: str) -> None:
    def read() -> dict[str, Any]:
        # in the scheduler's own transaction, which nobody else may commit
        session = object_session(dag_run)
        tis = dag_run.get_task_instances(**({} if session is None else {"session": session}))
        tis.sort(key=lambda ti: (ti.end_date is None, ti.end_date, ti.task_id, _index(ti)))
        tasks = [[ti.task_id, _index(ti), _name(ti.state)] for ti in tis]
        return {"dag": dag_run.dag_id, "run": dag_run.run_id, "ended": state, "tasks": tasks}

    _report(read)


def _name_application(ti: Any) -> str:
    """Name the task in the user agent of its AWS clients, so that the emulator knows whose a call is."""
    key = f"{ti.dag_id} {ti.run_id} {ti.task_id} {_index(ti)}"
    app_id = hashlib.sha256(key.encode()).hexdigest()[:20]
    os.environ["AWS_SDK_UA_APP_ID"] = app_id
    return app_id


def _reason(error: object) -> list[str]:
    """Return an error in a few lines: where it was raised, and its message."""
    if not isinstance(error, BaseException):
        return str(error or "").splitlines()[-_MOST_LINES:]
    where: list[str] = []
    for frame in traceback.extract_tb(error.__traceback__)[-1:]:
        where = [f'File "{frame.filename}", line {frame.lineno}, in {frame.name}']
        where += [f"  {frame.line}"] if frame.line else []
    return [*where, *f"{type(error).__name__}: {error}".splitlines()[:_MOST_LINES]]


class Listener:
    """What Airflow calls, in the process of the task or of the scheduler."""

    def __init__(self) -> None:
        self._running: Any = None

    @hookimpl
    def on_task_instance_running(self, task_instance: Any) -> None:
        """Report a task that starts or resumes."""
        self._running = task_instance
        if getattr(task_instance, "next_method", None):
            _task_changed(task_instance, "deferred")  # Airflow 2, which calls no listener when a task is deferred
        task = getattr(task_instance, "task", None)
        # a dry run finds nothing as wanted
        task_type = None if getattr(task, "is_dry_run", False) else getattr(task, "task_type", None)
        _task_changed(task_instance, "running", app=_name_application(task_instance), type=task_type)

    @hookimpl
    def on_task_instance_success(self, task_instance: Any) -> None:
        """Report a task that succeeded."""
        _task_changed(task_instance, "success")

    @hookimpl
    def on_task_instance_failed(self, task_instance: Any, error: Any) -> None:
        """Report a task that failed or is to be retried, with the reason."""
        _task_changed(task_instance, task_instance.state or "failed", reason=_reason(error))

    @hookimpl
    def before_stopping(self) -> None:
        """Report how the task left its process: on Airflow 3, deferred too."""
        ended, self._running = self._running, None
        if ended is not None and ended.state:
            _task_changed(ended, ended.state)

    @hookimpl
    def on_dag_run_success(self, dag_run: Any) -> None:
        """Report the end of a run that succeeded."""
        _run_ended(dag_run, "success")

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any) -> None:
        """Report the end of a run that failed."""
        _run_ended(dag_run, "failed")


class RunPlugin(AirflowPlugin):
    """The plugin that brings the listener."""

    name = "personalize_run"
    listeners = [Listener()]  # noqa: RUF012 - as Airflow has it
