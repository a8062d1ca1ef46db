"""The order of imports, and what parsing a DAG file imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_personalize

PACKAGE = Path(airflow_provider_personalize.__file__).parent
NAME = PACKAGE.name

# Each room may import those that stand before it. Rooms of one line may not import each other.
ORDER = [
    {"resources", "_compat", "sample", "clock", "lazy", "signatures", "options", "coercion", "rates", "redaction"},
    {"exceptions", "arns", "shape_rules"},
    {"request_rules"},
    {"comparison", "aws_errors"},
    {"status"},
    {"plans"},
    {"hooks"},
    {"hook_parameters"},
    {"triggers"},
    {"links", "operation"},
    {"task"},
    {"operators", "sensors"},
    {"preload", "permissions"},
]
APART = {"emulator", "pytest_plugin"}
EMULATOR_MAY_USE = {"resources", "request_rules", "rates", "sample"}


def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{NAME}."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == NAME:
            found |= {alias.name for alias in node.names}
    return found


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


ROOMS = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if room_of(path) not in {"__init__", *APART}]
EMULATOR = sorted((PACKAGE / "emulator").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    room = room_of(path)
    typing_only = {"hooks"} if room == "hook_parameters" else {"hook_parameters", "task"}
    for imported in imports_of(path) - {room}:
        assert ROOMS[imported] < ROOMS[room] or imported in typing_only, f"{path.name} imports {imported}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "plans").glob("*.py")), ids=lambda path: path.name)
def test_plans_are_pure(path):
    """No I/O, no Airflow, no boto3; the time is passed in."""
    tree = ast.walk(ast.parse(path.read_text()))
    froms = {(node.module or "").split(".")[0] for node in tree if isinstance(node, ast.ImportFrom)}
    plain = {name for node in ast.walk(ast.parse(path.read_text())) for name in _plain_imports(node)}
    assert froms | plain <= {NAME, "__future__", "collections", "dataclasses", "datetime", "logging", "re", "typing"}
    assert not imports_of(path) & {"clock", "hooks", "hook_parameters", "task", "triggers", "operators"}


@pytest.mark.parametrize("path", EMULATOR, ids=lambda path: path.name)
def test_the_emulator_stands_apart(path):
    assert imports_of(path) <= EMULATOR_MAY_USE | {"emulator"}
    assert "airflow" not in {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _plain_imports(node))
    }


def _plain_imports(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


# The rooms of the emulator, in the order of what may know of what; annotations count
EMULATOR_ORDER = ["engine", "service", "http", "cli", "__main__"]


@pytest.mark.parametrize("path", EMULATOR, ids=lambda path: path.name)
def test_the_emulators_rooms_know_only_of_those_before_them(path):
    room = path.relative_to(PACKAGE / "emulator").with_suffix("").parts[0]
    later = EMULATOR_ORDER[EMULATOR_ORDER.index(room) + 1 :] if room in EMULATOR_ORDER else []
    assert not rooms_imported(path) & set(later)


def rooms_imported(path: Path) -> set[str]:
    """The rooms of the emulator that a file imports, for its annotations too."""
    prefix = f"{NAME}.emulator"
    froms = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    inner = {node.module.split(".")[2] for node in froms if (node.module or "").startswith(f"{prefix}.")}
    return inner | {alias.name for node in froms if node.module == prefix for alias in node.names}


def modules(*packages: str) -> str:
    """Return Python code that imports every module of these packages."""
    paths = [path for package in packages for path in sorted((PACKAGE / package).glob("*.py"))]
    return "".join(
        f"import {NAME}.{path.parent.name}.{path.stem.removesuffix('__init__')}".rstrip(".") + "\n" for path in paths
    )


DAG_FILE = f"""
from airflow.sdk import DAG
with DAG("d", schedule=None):
    {NAME}.operators.UpdateSolutionOperator(task_id="a", solution_arn="{{{{ params.x }}}}", deferrable=True)
    {NAME}.sensors.SolutionUpdateSensor(task_id="b", solution_arn="x", deferrable=True)
"""
LATER = {f"{NAME}.triggers", f"{NAME}.options"}
HEAVY = {"boto3", "botocore", "aiobotocore", "moto", "airflow.providers.amazon.aws"}


CORE = f"""
from {NAME}.operators import UpdateSolutionOperator
from {NAME}.sensors import SolutionUpdateSensor
"""
OTHER_AREAS = {f"{NAME}.{package}.{area}" for package in ("operators", "sensors") for area in ("datasets", "serving")}


@pytest.mark.parametrize(
    ("script", "heavy"),
    [
        (CORE, HEAVY | LATER | OTHER_AREAS),
        (
            modules("operators", "sensors", "links") + DAG_FILE,
            HEAVY | {"asgiref", f"{NAME}.triggers", f"{NAME}.options"},
        ),
        (modules("triggers"), HEAVY),
    ],
    ids=["a DAG file of the core", "a DAG file", "a triggerer"],
)
def test_reading_imports_nothing_that_only_a_running_task_needs(script, heavy):
    script += "import sys; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    imported = set(ast.literal_eval(done.stdout.splitlines()[-1]))
    assert f"{NAME}._compat" in imported
    assert not {name for name in imported if any(name == one or name.startswith(f"{one}.") for one in heavy)}
