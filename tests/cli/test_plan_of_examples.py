"""``plan`` before, between and after two runs of every example: the run sends what was predicted."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_personalize.cli.dag_files import class_of, load
from airflow_provider_personalize.cli.literals import MARK
from airflow_provider_personalize.cli.main import main
from airflow_provider_personalize.emulator import calls
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators.base import CHANGING
from airflow_provider_personalize.resources import RESOURCE_TYPES

EXAMPLES = Path(__file__).parents[2] / "example_dags"
READING = ("Describe", "List", "Get")
RUNS = 2
DAY = 86_400


@pytest.fixture
def runner(personalize, passing_time, tmp_path, monkeypatch):
    """An Airflow whose only DAGs are those of a folder, and which runs them in this process."""
    from airflow.utils import db

    bundle = {"classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": str(tmp_path)}}
    bundles = json.dumps([{"name": tmp_path.name, **bundle}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles)
    monkeypatch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "False")
    db.initdb()
    return Runner(tmp_path, passing_time, monkeypatch)


class Runner:
    def __init__(self, folder: Path, passing_time: Any, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.time = folder, passing_time
        #: What each task has sent, by its ID and the index of a mapped one.
        self.sent: dict[tuple[str, int], list[tuple[str, dict[str, Any]]]] = {}
        call = PersonalizeHook.call

        def noting(hook: Any, method: str, **request: Any) -> Any:
            from airflow.sdk import get_current_context

            operation = hook.conn.meta.method_to_api_mapping[method]
            if not operation.startswith(READING):
                ti = get_current_context()["ti"]
                self.sent.setdefault((ti.task_id, ti.map_index), []).append((operation, request))
            return call(hook, method, **request)

        patch.setattr(PersonalizeHook, "call", noting)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time.time(), timezone.utc)

    def run(self, dag: Any) -> dict[tuple[str, int], str]:
        """Run a DAG, and return how its task instances ended. What asks a person is answered with yes."""
        self.sent.clear()
        calls.clear()
        asking = [task.task_id for task in dag.tasks if task.task_type == "ApprovalOperator"]
        run = dag.test(logical_date=self.now(), mark_success_pattern="|".join(asking) or None)
        assert run.state == "success"
        # the service has seen no other calls, but for what the examples' own functions put
        seen = Counter(each.operation for each in calls if not (each.error or each.operation.startswith(READING)))
        noted = Counter(operation for each in self.sent.values() for operation, _ in each)
        assert {operation for operation in seen - noted if not operation.startswith("Put")} == set()
        return {(ti.task_id, ti.map_index): str(ti.state) for ti in run.get_task_instances()}


def plan(path: Path, dag_id: str, now: datetime, capsys: Any) -> dict[str, list[dict[str, Any]]]:
    """Plan a DAG, and return the steps of each task; nothing but reads reaches the service."""
    capsys.readouterr()
    calls.clear()
    status = main(["plan", str(path), "--dag-id", dag_id, "--logical-date", now.isoformat(), "--format", "json"])
    assert all(call.operation.startswith(READING) for call in calls)
    report = json.loads(capsys.readouterr().out)
    steps: dict[str, list[dict[str, Any]]] = {}
    for step in report["steps"]:
        steps.setdefault(step["task_id"], []).append(step)
    actions = {step["action"] for step in report["steps"]}
    assert "fail" not in actions, report
    assert status == (2 if actions - {"none"} else 0)
    return steps


def compare(steps: list[dict[str, Any]], sent: list[tuple[str, dict[str, Any]]]) -> None:
    """Compare what a task should do with what it sent."""
    first = steps[0]
    if first["action"] == "none":
        assert sent == []
    elif first.get("operation"):
        operation, request = sent[0]
        if first["action"] == "put":  # a plan has no records
            request = {member: request[member] for member in first["request"]}
        name = [member for member, value in first["request"].items() if value == MARK]
        assert (operation, {**request, **dict.fromkeys(name, MARK)}) == (first["operation"], first["request"])
    else:  # a cascade: all it deletes
        deleted = [step["arn"] for step in steps if step["action"] == "delete"]
        assert deleted == [next(iter(request.values())) for operation, request in sent if operation[:6] == "Delete"]


def check_against_the_service(step: dict[str, Any]) -> None:
    """What is found as wanted exists, and what is to be created does not."""
    if step["kind"] in RESOURCE_TYPES and step["action"] == "none" and step["arn"]:
        assert PersonalizeHook().find(step["kind"], step["arn"]), step
    if step["action"] == "create" and MARK not in (name := step["request"].get("name", MARK)):
        noun = re.sub("(?<!^)([A-Z])", r"_\1", step["operation"].removeprefix("Create")).lower()
        assert name not in {each.get("name") for each in PersonalizeHook().list_all(noun)}, step


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("example_*.py")), ids=lambda path: path.stem)
def test_what_is_planned_is_what_a_run_sends(example, runner, capsys):
    for each in EXAMPLES.glob("*.py"):
        if each == example or not each.name.startswith("example_"):
            (runner.folder / each.name).symlink_to(each)
    path = runner.folder / example.name
    file = load(path)
    assert not file.errors
    # what another one starts comes after it
    dags = sorted(file.dags, key=lambda dag: (bool(dag.timetable.asset_condition), dag.dag_id))
    known = []
    for number in range(RUNS + 1):
        for dag in dags:
            planned = plan(path, dag.dag_id, runner.now(), capsys)
            changing = {task.task_id: task for task in dag.tasks if issubclass(class_of(task), CHANGING)}
            assert set(planned) == set(changing)
            for step in (step for steps in planned.values() for step in steps):
                check_against_the_service(step)
            if number == RUNS:
                continue
            states = runner.run(dag)
            for (task_id, index), state in states.items():
                if task_id not in changing or state != "success":
                    assert (task_id, index) not in runner.sent
                elif planned[task_id][0]["action"] not in {"unknown", "wait"}:
                    known.append(task_id)
                    compare(planned[task_id], runner.sent.get((task_id, index), []))
                else:  # what depends on no other task is known
                    assert changing[task_id].upstream_task_ids or "run_id" in str(planned[task_id])
            runner.time.sleep(DAY)
    assert known
