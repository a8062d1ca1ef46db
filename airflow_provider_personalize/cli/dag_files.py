"""Load DAG files as Airflow does, without its database."""

from __future__ import annotations

import argparse
import inspect
import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_provider_personalize.cli.literals import UNKNOWN, marked
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.task import PersonalizeTask, required_parameters

_FRAME: Final = r'\s*File "(?P<file>[^"]*)", line (?P<line>\d+)'


@dataclass(frozen=True)
class FileError:
    """Why a file cannot be loaded."""

    file: str
    message: str

    def __str__(self) -> str:
        return f"{self.file} cannot be loaded: {self.message}"


@dataclass(frozen=True)
class DagFile:
    """
    What Airflow finds in a DAG file, or in a folder of them.

    :param dags: The DAGs.
    :param errors: The files that cannot be loaded.
    """

    dags: list[Any]
    errors: list[FileError]

    def tasks(self) -> Iterator[tuple[Any, Any]]:
        """Iterate over the tasks of this package, each with its DAG; a mapped task as Airflow has it."""
        for dag in self.dags:
            for task in dag.tasks:
                if issubclass(class_of(task), PersonalizeTask):
                    yield dag, task


def class_of(task: Any) -> type[Any]:
    """Return the class of a task, or of the instances of a mapped one."""
    made_by: type[Any] = getattr(task, "operator_class", type(task))
    return made_by


def short_path(path: str) -> str:
    """Return a path as it is from here."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def existing_path(value: str) -> Path:
    """Return the path of an argument, if there is something."""
    if not (path := Path(value).expanduser()).exists():
        raise argparse.ArgumentTypeError(f"there is no {value}")
    return path


def load(path: Path) -> DagFile:
    """Load a DAG file, or all in a folder. What they print and log meanwhile is not shown."""
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    folder = str((path if path.is_dir() else path.parent).absolute())
    if folder not in sys.path:
        sys.path.append(folder)  # as Airflow does for the dags folder
    with quiet():
        bag = _dag_bag()(str(path.absolute()))
    dags = [bag.dags[dag_id] for dag_id in sorted(bag.dags)]
    errors = sorted(bag.import_errors.items())
    return DagFile(dags, [FileError(short_path(file), _in_short(file, error)) for file, error in errors])


@contextmanager
def quiet() -> Iterator[None]:
    """Show nothing of what is printed and logged meanwhile."""
    disabled, rest = logging.root.manager.disable, io.StringIO()
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(rest), redirect_stderr(rest):
            yield
    finally:
        logging.disable(disabled)


def _dag_bag() -> Any:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ModuleNotFoundError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag
    return DagBag


def _in_short(file: str, error: str) -> str:
    """Return the line and the message of an import error, without the traceback: that shows lines of code."""
    lines = error.strip().splitlines()
    frames = [(number, found) for number, line in enumerate(lines) if (found := re.match(_FRAME, line))]
    if not frames:
        return redact(error.strip())
    last = frames[-1][0]
    message = [line for line in lines[last + 1 :] if not line.startswith(" ")]
    places = [found["line"] for _, found in frames if Path(found["file"]).name == Path(file).name]
    where = f"line {places[-1]}: " if places else ""
    return redact(where + "\n".join(message))


def unmapped(task: Any) -> PersonalizeTask:
    """
    Return a task; one that is mapped as each of its instances will be, with what is not known until then.

    :raises Exception: What the constructor says of its parameters.
    """
    if isinstance(task, PersonalizeTask):
        return task
    made_by = task.operator_class
    named = inspect.signature(made_by).parameters
    given = {name: value for name, value in task.partial_kwargs.items() if name in named}
    given = {name: marked(value) if name in made_by.template_fields else value for name, value in given.items()}
    needed = {*made_by.members} | (required_parameters(made_by) & {*named})
    open_ = dict.fromkeys(needed - {*given}, UNKNOWN)
    instance: PersonalizeTask = made_by(task_id=task.task_id, **open_, **given)
    return instance
