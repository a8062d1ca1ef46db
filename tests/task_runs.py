"""Run a task as Airflow would: render it, execute it, and where it defers, run its trigger and resume a fresh copy."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name

from airflow_provider_personalize._compat import BaseOperator
from airflow_provider_personalize.hooks import PersonalizeHook

try:
    from airflow.sdk.exceptions import TaskDeferred
except ImportError:
    from airflow.exceptions import TaskDeferred


@dataclass
class TaskInstance:
    """The members of Airflow's task instance that the package uses."""

    dag_id: str = "shop"
    task_id: str = "task"
    run_id: str = "manual__2026-01-01T00:00:00+00:00"
    map_index: int = -1
    try_number: int = 1
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value))

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcoms.get(key)


#: How the name of a solution version may be shown, and whether its ARN has it: no form of a given name is recorded.
VERSION_FORMS = {
    "plain": ("given", "digits"),
    "after its solution": ("after_solution", "digits"),
    "in its ARN": ("after_solution", "name"),
}


class Store(dict[str, Any]):
    """As much of Airflow's task state store as the package uses."""

    set = dict.__setitem__


@dataclass
class Run:
    """
    One try of a task.

    :param make: Makes the task; called again after each deferral, as another worker would.
    :param began: When its DAG run began.
    :param store: Airflow's task state store, where it has one.
    :param iteration: Of the task loop that it is in, from 0; None outside of one.
    :param outlet_events: Airflow's events of the assets in its outlets.
    :param between: What happens while it is deferred.
    :param deferrals: What it deferred with, in order.
    """

    make: Callable[[], BaseOperator]
    ti: TaskInstance = field(default_factory=TaskInstance)
    params: dict[str, Any] = field(default_factory=dict)
    began: datetime | None = None
    store: Any = None
    iteration: int | None = None
    outlet_events: Any = None
    between: Callable[[], None] = lambda: None
    deferrals: list[TaskDeferred] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self) -> Any:
        task, context = self.ready()
        step = lambda: task.execute(context)  # noqa: E731
        while True:
            try:
                result = step()
            except TaskDeferred as deferred:
                self.deferrals.append(deferred)
                self.between()
                event = fire(deferred.trigger)
                self.events.append(event)
                task, context = self.ready()
                step = lambda deferred=deferred, task=task, context=context, event=event: task.resume_execution(  # noqa: E731
                    deferred.method_name, {"event": event}, context
                )
            else:
                task.post_execute(context, result)
                return result

    def ready(self) -> tuple[BaseOperator, dict[str, Any]]:
        task = self.make()
        run = SimpleNamespace(run_id=self.ti.run_id, start_date=self.began)
        context = {"ti": self.ti, "task": task, "params": self.params, "run_id": self.ti.run_id, "dag_run": run}
        if self.store is not None:
            context["task_state_store"] = self.store
        if self.outlet_events is not None:
            context["outlet_events"] = self.outlet_events
        if self.iteration is not None:
            context["loop"] = SimpleNamespace(index=self.iteration)
        task.render_template_fields(context)
        return task, context


class Killed(BaseException):
    """The end of a worker, which nothing catches."""


@contextmanager
def killed_after(operation: str, number: int = 1) -> Iterator[None]:
    """Kill the worker in this block when the call of a number is done, and its answer not known yet."""
    ask, left = PersonalizeHook.call, [None] * (number - 1)

    def dying(hook: PersonalizeHook, method: str, **request: Any) -> Any:
        answer = ask(hook, method, **request)
        if method == xform_name(operation):
            if not left:
                raise Killed
            left.pop()
        return answer

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(PersonalizeHook, "call", dying)
        yield
        pytest.fail(f"{operation} was not called")


def fire(trigger: Any) -> dict[str, Any]:
    """Carry a trigger to the triggerer and back: through JSON, and made anew from what it said of itself."""

    async def first_event(there: Any) -> Any:
        async for event in there.run():
            return event.payload
        raise AssertionError("the trigger ended without an event")

    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    there = getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))
    return json.loads(json.dumps(asyncio.run(first_event(there))))


def signing_keys(hook: PersonalizeHook) -> list[str]:
    """Return a list that each later request of a hook's client adds the key to that it is signed with."""
    keys: list[str] = []

    def note(request: Any, **_: Any) -> None:
        keys.append(re.findall("Credential=([^/]+)/", str(request.headers["Authorization"]))[0])

    hook.conn.meta.events.register_first("before-send.personalize", note)
    return keys
