"""The order of imports, and what parsing a DAG file imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import airflow_provider_personalize
from airflow_provider_personalize import operators, sensors

PACKAGE = Path(airflow_provider_personalize.__file__).parent
NAME = PACKAGE.name

# Each room may import those that stand before it. Rooms of one line may not import each other.
ORDER = [
    {
        "resources",
        "error_codes",
        "_compat",
        "sample",
        "clock",
        "lazy",
        "signatures",
        "options",
        "coercion",
        "rates",
        "redaction",
        "charges",
    },
    {"exceptions", "goals", "arns", "shape_rules", "data"},
    {"request_rules", "assets"},
    {"comparison", "aws_errors", "polling"},
    {"status"},
    {"progress"},
    {"plans", "outcome"},
    {"hooks"},
    {"hook_parameters"},
    {"triggers"},
    {"links", "operation", "outlets", "lineage"},
    {"openlineage"},
    {"task"},
    {"operators", "sensors"},
    {"preload", "permissions"},
    {"cli"},
    {"__main__"},
]
APART = {"emulator", "pytest_plugin"}
EMULATOR_MAY_USE = {"data", "resources", "request_rules", "rates"}


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


def emulator_module(path: Path) -> str:
    """The name of a module below the emulator, as in ``control.clock``."""
    name = ".".join(path.relative_to(PACKAGE / "emulator").with_suffix("").parts)
    return name.removesuffix(".__init__")


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
    pure = {"collections", "dataclasses", "datetime", "hashlib", "json", "logging", "re", "typing"}
    assert froms | plain <= {NAME, "__future__", *pure}
    assert not imports_of(path) & {"clock", "hooks", "hook_parameters", "task", "triggers", "operators"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "data").glob("*.py")), ids=lambda path: path.name)
def test_schemas_and_data_need_neither_airflow_nor_aws(path):
    assert imports_of(path) <= {"data"}
    tree = list(ast.walk(ast.parse(path.read_text())))
    froms = {(node.module or "").split(".")[0] for node in tree if isinstance(node, ast.ImportFrom)}
    plain = {name.split(".")[0] for node in tree for name in _plain_imports(node)}
    assert froms | plain <= {NAME, "pyarrow", *sys.stdlib_module_names} - {"socket", "urllib", "http"}


@pytest.mark.parametrize("path", EMULATOR, ids=emulator_module)
def test_the_emulator_uses_only_resource_types_and_the_services_rules(path):
    assert imports_of(path) <= EMULATOR_MAY_USE | {"emulator"}
    if path.parent.name == "inside" and path.parent.parent.name == "cli":
        return  # what Airflow runs
    assert "airflow" not in {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _plain_imports(node))
    }


def _plain_imports(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_nothing_but_the_fixtures_imports_the_emulator():
    users = [path for path in PACKAGE.rglob("*.py") if path not in EMULATOR and "emulator" in imports_of(path)]
    assert users == [PACKAGE / "pytest_plugin.py"]


# The groups of the emulator's modules: each may import those before it. Imports for annotations count.
EMULATOR_ORDER = [
    {"errors", "service_model", "validators"},
    {"engine"},
    {"control"},
    {"service"},
    {"http"},
    {"local", "server"},
    {"cli"},
    {"__init__", "__main__"},
]
LEVELS = {group: level for level, groups in enumerate(EMULATOR_ORDER) for group in groups}


@pytest.mark.parametrize("path", EMULATOR, ids=emulator_module)
def test_the_emulators_groups_import_only_those_before_them(path):
    group = emulator_module(path).split(".")[0]
    imported = {module.split(".")[0] for module in emulator_imports(path)} - {group}
    assert all(LEVELS[each] < LEVELS[group] for each in imported), imported


def test_the_emulator_has_no_import_cycle():
    graph = {emulator_module(path): emulator_imports(path) for path in EMULATOR}
    TopologicalSorter(graph).prepare()


def emulator_imports(path: Path) -> set[str]:
    """The emulator's modules that a file imports, wherever in it."""
    prefix = f"{NAME}.emulator"
    modules = {emulator_module(each) for each in EMULATOR}
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{prefix}."):
            source = (node.module or "").removeprefix(prefix).lstrip(".")
            inner = {f"{source}.{alias.name}".lstrip(".") for alias in node.names}
            found |= {each if each in modules else source or "__init__" for each in inner}
    return found


CHANGES = {"add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "setdefault", "update"}
# the emulator's state, moto's backends, and the connection of the request that a thread answers
STATES = {"control.state.state", "http.models.personalize_backends", "control.transport_faults.connection"}


def test_the_emulator_keeps_its_state_in_one_object():
    """Elsewhere no module keeps an object of the emulator's own, and no function changes a module's name."""
    kept, changed = set(), set()
    for path in EMULATOR:
        name = emulator_module(path)
        for node in ast.parse(path.read_text()).body:
            targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
            for target in targets:
                if isinstance(target, ast.Name) and _is_object(getattr(node, "value", None)):
                    kept.add(f"{name}.{target.id}")
        changed |= {f"{name}.{each}" for each in _changed_names(path)}
    assert (kept, changed) == (STATES, set())


def _is_object(value: ast.AST | None) -> bool:
    """Whether a value is made by a class; those of constants, such as tuples of types, are not meant."""
    constants = {"TypeVar", "Quota", "Size", "_Once"}
    called = value.func if isinstance(value, ast.Call) else None
    name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
    return name.lstrip("_")[:1].isupper() and name not in constants


def _changed_names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    own = {each.id for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) for each in _stored(node)}
    changed: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            changed |= set(node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", None) in CHANGES:
            changed.add(getattr(node.func.value, "id", ""))
        elif isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed.add(getattr(node.value, "id", ""))
    return changed & own


def _stored(node: ast.AST) -> list[ast.Name]:
    return [each for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]


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
HEAVY |= {"openlineage", "airflow.providers.openlineage.extractors", f"{NAME}.openlineage", f"{NAME}.lineage"}


CORE = f"""
from {NAME}.operators import UpdateSolutionOperator
from {NAME}.sensors import SolutionUpdateSensor
"""
NOT_FOR_CORE = (
    "status",
    "polling",
    "plans",
    "hook_parameters",
    "request_rules",
    "exceptions",
    "operators.driver",
    "operators.creating",
    "operators.deleting",
    "operators.training",
    "sensors.training",
)


@pytest.mark.parametrize(
    ("script", "heavy"),
    [
        (CORE, HEAVY | LATER | {f"{NAME}.{module}" for module in NOT_FOR_CORE}),
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


@pytest.mark.parametrize("name", [*operators.__all__, *sensors.__all__])
def test_at_most_three_classes_stand_between_a_public_one_and_airflows_base(name):
    public = getattr(operators, name, None) or getattr(sensors, name)
    ours = [each for each in public.__mro__[1:] if each.__module__.startswith(NAME)]
    assert len(ours) <= 3, ours
