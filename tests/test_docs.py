"""
The documentation: each code block runs, or is parsed by what would run it; the pages name every class once.

A block that cannot be checked says so, for its readers too: its first line is ``# Not run: the reason``. Blocks of
``py`` are files of a recipe, and blocks with tests are test modules; slow tests run both.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel

from airflow_provider_personalize import emulator, operators, pytest_plugin, sensors
from airflow_provider_personalize.emulator.control.state import state

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(set(DOCS.rglob("*.md")) - set((DOCS / "_build").rglob("*.md")))]
# Whose tests run, and whose files: see test_readme.py and test_pytest_plugin.py
WITH_TESTS = {"README.md", "docs/emulator/local-personalize.md"}
WITH_FILES = {"docs/emulator/local-personalize.md", "docs/guides/testing.md"}
# Programs that are not installed here, or that take whatever they are given
UNCHECKED = {
    "cd",
    "curl",
    "docker",
    "echo",
    "export",
    "git",
    "grep",
    "helm",
    "kubectl",
    "nox",
    "pre-commit",
    "pytest",
    "zip",
}
PIP_OPTIONS = {
    *("--constraint", "--dry-run", "--editable", "--find-links", "--group", "--no-cache-dir", "--no-deps"),
    *("--no-index", "--quiet", "--requirement", "--upgrade"),
}
PACKAGES = ("hooks", "links", "operators", "sensors", "triggers")
NOT_SHOWN = {"text", "mermaid"}  # nothing to run


class Block(NamedTuple):
    """A code block of a page."""

    page: str
    language: str
    text: str


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page, without indentation."""
    for indent, language, text in re.findall(
        r"^( *)```(\w+)\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        lines = [line.removeprefix(indent) for line in text.splitlines(keepends=True)]
        yield Block(str(page.relative_to(ROOT)), language, "".join(lines))


def check_python(block: Block) -> None:
    """Run a block as a DAG file would, and check the literal parameters of its tasks."""
    from airflow_provider_personalize.cli.dag_files import class_of, unmapped
    from airflow_provider_personalize.cli.literals import literal_errors
    from airflow_provider_personalize.task import PersonalizeTask

    code = compile(block.text, block.page, "exec")
    if "def test_" in block.text:
        assert block.page in WITH_TESTS
        return
    try:
        from airflow.sdk import DAG
    except ImportError:
        from airflow import DAG
    with DAG("block", schedule=None) as outer:
        exec(code, namespace := {"__name__": "block"})
    dags = [outer, *(each for each in namespace.values() if isinstance(each, DAG))]
    tasks = [task for dag in dags for task in dag.tasks if issubclass(class_of(task), PersonalizeTask)]
    assert not {task.task_id: wrong for task in tasks if (wrong := literal_errors(unmapped(task)))}


def check_file(block: Block) -> None:
    """Compile a file of a recipe."""
    assert block.page in WITH_FILES
    compile(block.text, block.page, "exec")


def commands_of(text: str) -> Iterator[list[str]]:
    """Yield the commands of a shell script, each as a list of words."""
    lexer = shlex.shlex(text.replace("\\\n", " ").replace("\n", ";"), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    command: list[str] = []
    is_target = False
    for word in [*lexer, ";"]:
        if re.fullmatch(r"[;&|()]+", word):
            if command:
                yield command
            command = []
        elif word == ">":
            is_target = True
        elif is_target:
            is_target = False
        else:
            command.append(word)


def check_shell(block: Block) -> None:
    """Have each command parsed by the program that it calls."""
    for program, *arguments in commands_of(re.sub(r"(^|\s+)#.*", "", block.text, flags=re.MULTILINE)):
        name = re.sub(r"^python[\d.]*$", "python", program.rpartition("/")[2])
        if name not in UNCHECKED:
            assert name in PROGRAMS, f"how to check {name}?"
            PROGRAMS[name](arguments)


def _python(arguments: list[str]) -> None:
    option, *rest = arguments
    if option == "-c":
        exec(rest[0], {})
    elif option == "-m":
        assert rest[0] in MODULES, f"how to check python -m {rest[0]}?"
        MODULES[rest[0]](rest[1:])
    else:
        assert (ROOT / option).exists(), option


def _pip(arguments: list[str]) -> None:
    assert arguments[0] == "install"
    assert {each for each in arguments if each.startswith("-")} <= PIP_OPTIONS
    extras = re.search(r"optional-dependencies\](.*?)\n\[", (ROOT / "pyproject.toml").read_text("utf-8"), re.DOTALL)[1]
    for named in re.findall(r"(?:personalize|^\.)\[(.+)\]", "\n".join(arguments), re.MULTILINE):
        assert set(named.split(",")) <= set(re.findall(r"^(\w+) =", extras, re.MULTILINE))


def _aws(arguments: list[str]) -> None:
    service, operation, *rest = arguments
    if service == "s3":
        assert operation in {"cp", "ls", "mb", "sync"}
        return
    model = ServiceModel(Loader().load_service_model(service, "service-2"))
    by_name = {xform_name(each, "-"): each for each in model.operation_names}
    members = model.operation_model(by_name[operation]).input_shape.members
    assert {each for each in rest if each.startswith("--")} <= {f"--{xform_name(each, '-')}" for each in members}


def _personalize(arguments: list[str]) -> None:
    import argparse

    from airflow_provider_personalize.cli.commands import COMMANDS

    (command,) = (each for each in COMMANDS if each.name == arguments[0])
    parser = argparse.ArgumentParser(exit_on_error=False)
    for names, option in command.options.items():
        parser.add_argument(*names, **option)
    parser.parse_args(arguments[1:])


def _emulator(arguments: list[str]) -> None:
    from airflow_provider_personalize.emulator.cli.main import _parser

    _parser().parse_args(arguments)


def _build(arguments: list[str]) -> None:
    from build.__main__ import main_parser

    main_parser().parse_args(arguments)


@cache
def _parser_of_airflow() -> Any:
    from airflow.cli.cli_parser import get_parser

    return get_parser()


def _airflow(arguments: list[str]) -> None:
    _parser_of_airflow().parse_args(arguments)


MODULES: dict[str, Callable[[list[str]], None]] = {
    "airflow_provider_personalize": _personalize,
    "airflow_provider_personalize.emulator": _emulator,
    "build": _build,
    "pip": _pip,
    "venv": lambda arguments: None if len(arguments) == 1 else pytest.fail(str(arguments)),
}
PROGRAMS = {"python": _python, "pip": _pip, "aws": _aws, "airflow": _airflow}
CHECKS: dict[str, Callable[[Block], Any]] = {
    "python": check_python,
    "py": check_file,
    "sh": check_shell,
    "json": lambda block: json.loads(block.text),
    "yaml": lambda block: yaml.safe_load(block.text),
    "dockerfile": lambda block: [
        check_shell(block._replace(text=run)) for run in re.findall(r"^RUN ((?:.*\\\n)*.*)", block.text, re.MULTILINE)
    ],
}


@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks_of(page))], ids=lambda page: page.stem)
def test_every_code_block_runs_or_is_parsed(page, personalize, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # what commands name
    (tmp_path / "example_dags").symlink_to(ROOT / "example_dags")
    (tmp_path / "items.csv").write_text("ITEM_ID,PRICE,CATEGORY_L1\n" + "i1,1.5,shoes\n" * 9)
    for name in ("my_dag.py", "dags/create_shop.py", "dags/shop.py", "tests/rehearse_shop.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for block in blocks_of(page):
        if block.language in NOT_SHOWN or re.match(r"# Not run: \w+", block.text):
            continue
        try:
            CHECKS[block.language](block)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a block raises
            pytest.fail(f"{block.page}: {type(error).__name__}: {error}\n{block.text}")


def test_the_dag_of_the_quick_start_has_valid_parameters(personalize):
    check_python(Block("docs/start/my_dag.py", "python", (DOCS / "start" / "my_dag.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "from airflow_provider_personalize.operators import GoneOperator"),
        (
            "python",
            """\
from airflow_provider_personalize.sensors import SolutionSensor
SolutionSensor(task_id="wait", solution_arn="arn:aws:personalize:us-east-1:123456789012:campaign/shop")
""",
        ),
        ("sh", "echo | .venv/bin/pip install --gone '.[emulator]'"),
        ("sh", "pip install 'airflow-provider-personalize[gone]'"),
        ("sh", "python -m airflow_provider_personalize check \\\n    --gone dags/"),
        ("sh", "python -m airflow_provider_personalize.emulator serve --gone 5000"),
        ("sh", "aws personalize untag-resource --gone ARN"),
        ("sh", "echo && airflow providers gone"),
        ("json", "{'a': 1}"),
        ("yaml", "a: b: c"),
        ("dockerfile", "FROM python\nRUN pip install \\\n    --gone ."),
    ],
)
def test_a_wrong_block_is_found(language, text):
    with pytest.raises((Exception, SystemExit)):
        CHECKS[language](Block("docs/page.md", language, text))


def test_the_pages_of_the_operators_name_each_class_once():
    """So does the build of the documentation; here it shows before."""
    module = ast.parse((DOCS / "_ext" / "task_pages.py").read_text(encoding="utf-8"))
    (families,) = (
        ast.literal_eval(each.value)
        for each in module.body
        if isinstance(each, ast.AnnAssign) and ast.unparse(each.target) == "FAMILIES"
    )
    listed = [name for names in families.values() for name in names]
    assert sorted(listed) == sorted([*operators.__all__, *sensors.__all__])
    assert {f"{page}.md" for page in families} | {"index.md"} == {path.name for path in (DOCS / "operators").iterdir()}


def test_the_reference_documents_every_public_class():
    documented = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    named = set(re.findall(r"^\.\. auto\w+:: (\S+)$", documented, re.MULTILINE))
    packages = [import_module(f"airflow_provider_personalize.{each}") for each in PACKAGES]
    classes = [getattr(package, name) for package in packages for name in package.__all__]
    assert {each.__module__ for each in classes} <= named
    assert "airflow_provider_personalize.exceptions" in named
    controls = {f"{type(each).__module__}.{type(each).__name__}" for each in vars(state).values()}
    assert {each for each in controls if each.rpartition(".")[2].lower() in emulator.__all__} <= named
    assert {name for name, value in vars(pytest_plugin).items() if "Fixture" in type(value).__name__} <= named
