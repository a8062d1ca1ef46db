"""``check``: find what is wrong with literal parameters, without a run and without AWS."""

from __future__ import annotations

import argparse
import inspect
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_personalize.cli.commands import WRONG
from airflow_provider_personalize.cli.dag_files import (
    DagFile,
    FileError,
    class_of,
    existing_path,
    load,
    short_path,
    unmapped,
)
from airflow_provider_personalize.cli.literals import MARK, literal_errors
from airflow_provider_personalize.task import IdleOptionError


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


def run(asked: argparse.Namespace) -> int:
    """Check the files, and return the exit status."""
    loaded = [load(path) for path in map(existing_path, asked.paths)]
    import_errors = [error for each in loaded for error in each.errors]
    findings = [finding for each in loaded for finding in check(each)]
    number = sum(1 for each in loaded for _ in each.tasks())
    if asked.format == "json":
        print(json.dumps({**as_json(findings, import_errors), "tasks": number}, indent=2))
    else:
        for line in (*import_errors, *findings):
            print(line)
        print(f"{number} tasks checked, {len(findings)} errors")
    return WRONG if import_errors or findings else 0


def as_json(findings: Iterable[Finding], import_errors: Iterable[FileError]) -> dict[str, list[dict[str, Any]]]:
    """Return what is wrong with the parameters, and which files cannot be loaded."""
    return {"findings": [*map(asdict, findings)], "import_errors": [*map(asdict, import_errors)]}


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
    except IdleOptionError:  # each instance of the mapped task may get what the option needs
        return []
    except Exception as error:  # noqa: BLE001 - each instance of the mapped task would fail with it
        return [] if MARK in str(error) else [str(error)]
    return literal_errors(instance)
