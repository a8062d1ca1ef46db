"""What ``help()``, editors and type checkers show of each operator's and sensor's parameters."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_personalize import operators, options, sensors
from airflow_provider_personalize._compat import BaseOperator, BaseSensorOperator
from airflow_provider_personalize.operators import CreateSolutionOperator, UpdateSolutionOperator

TASKS = [getattr(room, name) for room in (operators, sensors) for name in room.__all__]

every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.__name__)


def named(init: Any) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(init).parameters.values()
    return {each.name: each for each in parameters if each.name != "self" and each.kind is not each.VAR_KEYWORD}


def ours(task: type) -> dict[str, inspect.Parameter]:
    """Return what a class and its bases in the package define."""
    bases = [base for base in reversed(task.__mro__) if base.__module__.startswith("airflow_provider_personalize")]
    each = [named(vars(base)["__init__"]) for base in bases if "__init__" in vars(base)]
    return {name: parameter for parameters in each for name, parameter in parameters.items()}


def airflows(task: type) -> set[str]:
    """What Airflow takes, by its own signatures."""
    bases = (BaseSensorOperator, BaseOperator) if issubclass(task, BaseSensorOperator) else (BaseOperator,)
    return {name for base in bases for name in named(base.__init__) if not name.startswith("_")}


@every_task
def test_the_signature_has_every_parameter_of_the_package_and_leaves_room_for_airflows(task):
    *parameters, rest = inspect.signature(task).parameters.values()
    assert {each.name: each for each in parameters} == ours(task)
    assert {"aws_conn_id", "region_name", "verify", "botocore_config"} <= {each.name for each in parameters}
    assert rest.kind is rest.VAR_KEYWORD


@every_task
def test_the_docstring_documents_each_once_in_the_same_order(task):
    fields = [line.split(":")[1] for line in task.__doc__.splitlines() if line.startswith(":param ")]
    assert fields == [f"param {name}" for name in named(task)]


def test_help_shows_them():
    text = pydoc.render_doc(CreateSolutionOperator)
    for name in ("solution_config", "if_exists", "ignore_changes", "deferrable", "aws_conn_id"):
        assert f"{name}: " in text.partition("Method resolution order")[0]
        assert f":param {name}: " in text


def test_a_subclass_has_its_own_and_those_that_it_inherits():
    class Mine(UpdateSolutionOperator):
        """
        Update with a note.

        :param note: The note.
        """

        def __init__(self, *, note: str, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    class Fixed(Mine):
        def __init__(self, *, task_id: str) -> None:
            super().__init__(task_id=task_id, note="", solution_arn="x")

    assert next(iter(inspect.signature(Mine).parameters)) == "note"
    assert inspect.signature(Mine).parameters.keys() == {"note", *inspect.signature(UpdateSolutionOperator).parameters}
    assert Mine.__doc__.count(":param note: The note.") == Mine.__doc__.count(":param if_unchanged:") == 1
    assert list(inspect.signature(Fixed).parameters) == ["task_id"]


@every_task
def test_type_checkers_see_every_parameter_with_its_type(task):
    definer = next(base for base in task.__mro__ if "__init__" in vars(base))
    *own, rest = inspect.signature(vars(definer)["__init__"]).parameters.values()
    inherited = getattr(options, rest.annotation.removeprefix("Unpack[").removesuffix("]"))
    types = {each.name: each.annotation for each in own if each.name != "self"}
    assert not types.keys() & inherited.__annotations__.keys()
    types |= {name: each.__forward_arg__ for name, each in inherited.__annotations__.items()}
    assert {name: types[name] for name in ours(task)} == {name: each.annotation for name, each in ours(task).items()}
    assert airflows(task) <= types.keys()


RIGHT = 'UpdateSolutionOperator(task_id="a", solution_arn="x", deferrable=True, retries=3, aws_conn_id=None)'
WRONG = {
    'UpdateSolutionOperator(task_id="a", solution_arn="x", deferable=True)': 'Unexpected keyword argument "deferable"',
    'UpdateSolutionOperator(task_id="a", solution_arn="x", timeout="1h")': 'Argument "timeout"',
    'UpdateSolutionOperator(task_id="a", solution_arn="x", if_unchanged="never")': 'Argument "if_unchanged"',
    'UpdateSolutionOperator(task_id="a", solution_arn="x", region_name=1)': 'Argument "region_name"',
    'UpdateSolutionOperator(task_id="a")': 'Missing named argument "solution_arn"',
    'SolutionUpdateSensor(task_id="a", solution_arn="x", require_updates=False)': "Unexpected keyword argument",
    'SolutionUpdateSensor(task_id="a", solution_arn="x", mode="pokes")': 'Argument "mode"',
}


@pytest.mark.slow
def test_mypy_refuses_a_wrong_name_and_a_wrong_type(tmp_path):
    snippet = tmp_path / "dag.py"
    lines = [
        "from airflow_provider_personalize.operators import UpdateSolutionOperator",
        "from airflow_provider_personalize.sensors import SolutionUpdateSensor",
        RIGHT,
        *WRONG,
    ]
    snippet.write_text("\n".join(lines) + "\n", encoding="utf-8")
    root = Path(__file__).parents[1]
    command = [sys.executable, "-m", "mypy", "--config-file", root / "pyproject.toml", "--no-pretty", snippet]
    done = subprocess.run(command, cwd=root, text=True, capture_output=True)
    said = {int(line.split(":")[1]): line for line in done.stdout.splitlines() if ": error: " in line}
    assert said.keys() == set(range(4, 4 + len(WRONG))), done.stdout + done.stderr
    for line, expected in zip(sorted(said), WRONG.values(), strict=True):
        assert expected in said[line]
