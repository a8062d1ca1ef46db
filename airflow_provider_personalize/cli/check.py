"""``check``: find what is wrong with literal parameters, without a run and without AWS."""

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from airflow_provider_personalize.cli.dag_files import DagFile, class_of, existing_path, load, short_path, unmapped
from airflow_provider_personalize.cli.literals import MARK, literal_errors

_ABOUT: Final = """\
Check the parameters of all Personalize tasks in DAG files, without running them and without AWS: ARNs of another
resource type, rates, unknown keys, missing roles and whatever else an operator checks before it calls the service.
Values that only a run knows, such as templates and what other tasks return, are skipped; what is literal inside a
structure is checked.
"""
_END: Final = """\
exit status:
  0  nothing is wrong
  1  a parameter is wrong
  2  a file cannot be loaded, or the options are invalid
"""


@dataclass(frozen=True)
class Finding:
    """
    What is wrong with a parameter.

    :param parameter: Its name; None where the message is about several.
    :param message: What was given, and what is allowed.
    """

    file: str
    dag_id: str
    task_id: str
    parameter: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.dag_id}.{self.task_id}: {self.message}"


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="check literal parameters",
        description=_ABOUT,
        epilog=_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", type=existing_path, help="a DAG file, or a folder of them")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how to print (default: text)")
    parser.set_defaults(do=_run)


def _run(asked: argparse.Namespace) -> int:
    loaded = [load(path) for path in asked.paths]
    unloaded = [error for each in loaded for error in each.errors]
    findings = [finding for each in loaded for finding in check(each)]
    number = sum(1 for each in loaded for _ in each.tasks())
    if asked.format == "json":
        errors = [{"file": file, "message": message} for file, message in unloaded]
        print(json.dumps({"findings": [*map(asdict, findings)], "import_errors": errors, "tasks": number}, indent=2))
    else:
        for file, message in unloaded:
            print(f"{file} cannot be loaded: {message}")
        for finding in findings:
            print(finding)
        print(f"{number} tasks checked, {len(findings)} errors")
    return 2 if unloaded else int(bool(findings))


def check(file: DagFile) -> Iterator[Finding]:
    """Iterate over what is wrong with the tasks of a file."""
    for dag, task in file.tasks():
        for message in _errors_of(task):
            named = re.match(r"(?:Unknown parameter in )?(\w+)", message)
            parameter = named[1] if named and named[1] in inspect.signature(class_of(task)).parameters else None
            yield Finding(short_path(dag.fileloc), dag.dag_id, task.task_id, parameter, message)


def _errors_of(task: Any) -> list[str]:
    try:
        instance = unmapped(task)
    except Exception as error:  # noqa: BLE001 - each instance of the mapped task would fail with it
        return [] if MARK in str(error) else [str(error)]
    return literal_errors(instance)
