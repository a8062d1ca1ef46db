"""What the plugin in a run's Airflow writes down when Airflow calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.utils.state import TaskInstanceState

from airflow_provider_personalize.emulator.cli.inside.listener import Listener


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERSONALIZE_RUN_EVENTS", str(tmp_path / "events"))
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "")
    return tmp_path / "events"


def written(events: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events.read_text().splitlines()]


def states(events: Path) -> list[str]:
    return [state for event in written(events) for _, _, state in event["tasks"]]


def task_instance(**more: Any) -> SimpleNamespace:
    task = SimpleNamespace(task_type="UpdateSolutionOperator")
    return SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1, state=None, task=task, **more)


def fail() -> None:
    raise ValueError("too\nbad")


def test_a_task_that_starts_names_itself_to_its_aws_clients(events):
    Listener().on_task_instance_running(task_instance())
    (event,) = written(events)
    assert event["tasks"] == [["t", -1, "running"]]
    assert (event["type"], event["app"]) == ("UpdateSolutionOperator", os.environ["AWS_SDK_UA_APP_ID"])


def test_a_dry_run_is_not_reported_as_found_as_wanted(events):
    (ti := task_instance()).task.is_dry_run = True
    Listener().on_task_instance_running(ti)
    assert written(events)[0]["type"] is None


def test_iterations_of_a_loop_name_themselves_apart(events):
    for index in (0, 1):
        Listener().on_task_instance_running(task_instance(region_index=index))
    first, second = written(events)
    assert first["app"] != second["app"]
    assert [event["tasks"][0][1] for event in (first, second)] == [0, 1]


def test_a_task_that_leaves_its_process_deferred_is_reported(events):
    """As Airflow 3 does: it has no call for the deferral itself."""
    listener, ti = Listener(), task_instance()
    listener.on_task_instance_running(ti)
    ti.state = TaskInstanceState.DEFERRED
    listener.before_stopping()
    listener.before_stopping()  # of another component
    assert states(events) == ["running", "deferred"]


def test_a_task_that_was_deferred_is_reported_where_it_resumes(events):
    """As Airflow 2 does: it has no call when a task leaves its process."""
    Listener().on_task_instance_running(task_instance(next_method="execute_complete"))
    assert states(events) == ["deferred", "running"]


@pytest.mark.parametrize("state", [TaskInstanceState.FAILED, TaskInstanceState.UP_FOR_RETRY])
def test_a_failure_is_reported_with_where_it_was_raised(events, state):
    ti = task_instance()
    ti.state = state
    with pytest.raises(ValueError, match="too") as caught:
        fail()
    Listener().on_task_instance_failed(ti, caught.value)
    (event,) = written(events)
    where, line, *what = event["reason"]
    assert where.startswith(f'File "{__file__}", line ')
    assert where.endswith(", in fail")
    assert line == '  raise ValueError("too\\nbad")'
    assert (what, event["tasks"][0][2]) == (["ValueError: too", "bad"], state.value)


def test_an_error_of_the_listener_itself_is_reported(events):
    Listener().on_task_instance_success(SimpleNamespace())
    (event,) = written(events)
    assert "AttributeError" in event["error"]
