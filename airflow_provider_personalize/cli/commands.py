"""
The commands, with their options: those of ``python -m airflow_provider_personalize`` and of ``airflow personalize``.

Airflow reads this module at each start of ``airflow``, so it imports nothing that a command needs to run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

#: The exit status where something is wrong, also with the options.
WRONG: Final = 1


@dataclass(frozen=True)
class Command:
    """
    A command; the module of its name has the function ``run``, which returns the exit status.

    :param name: Its name.
    :param help: What it does, in a few words.
    :param about: What it does.
    :param statuses: What its exit statuses mean.
    :param options: Its options: the names of each, or its place, and argparse's own arguments for it.
    """

    name: str
    help: str
    about: str
    statuses: str
    options: Mapping[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)

    def run(self, asked: argparse.Namespace) -> int:
        """Run it, and return the exit status."""
        module = import_module(f"airflow_provider_personalize.cli.{self.name}")
        try:
            return int(module.run(asked))
        except argparse.ArgumentTypeError as error:
            print(f"{self.name}: error: {error}", file=sys.stderr)
            return WRONG


_FORMAT: Final = {"choices": ["text", "json"], "default": "text", "help": "how to print (default: text)"}

COMMANDS: Final = (
    Command(
        name="check",
        help="check literal parameters",
        about="""\
Check the parameters of all Personalize tasks in DAG files, without running them and without AWS: ARNs of another
resource type, rates, unknown keys, missing roles and whatever else an operator checks before it calls the service.
Values that only a run knows, such as templates and what other tasks return, are skipped; what is literal inside a
structure is checked.
""",
        statuses="""\
exit status:
  0  nothing is wrong
  1  a parameter is wrong, or a file cannot be loaded
""",
        options={
            ("paths",): {"metavar": "PATH", "nargs": "+", "help": "a DAG file, or a folder of them"},
            ("--format",): _FORMAT,
        },
    ),
    Command(
        name="plan",
        help="show what a DAG would change",
        about="""\
Print what each Personalize task of a DAG would do first if the DAG ran now: what it would create, update or delete,
and what begins to be charged. The tasks are asked in their order, by the AWS connection that each of them has. Only
calls that read are made. Templates are rendered with the params' defaults and --conf, the logical date and variables;
what only a run knows is said so. The parameters are checked first, as by `check`.
""",
        statuses="""\
exit status:
  0  there is nothing to change
  1  a parameter is wrong, a file cannot be loaded, or a task would fail
  2  there are changes, or steps that only a run knows
""",
        options={
            ("path",): {"metavar": "PATH", "help": "the DAG file"},
            ("--dag-id",): {"metavar": "ID", "help": "only this DAG; by default, all DAGs in the file"},
            ("--conf",): {"metavar": "JSON", "default": "{}", "help": "the run's configuration"},
            ("--logical-date",): {"metavar": "DATE", "help": "of the run, in ISO 8601 (default: now)"},
            ("--format",): _FORMAT,
        },
    ),
    Command(
        name="schema",
        help="propose a schema for a CSV",
        about="""\
Propose an Avro schema for a CSV: from the names of its columns and a sample of its records. The schema goes to the
standard output, and what to know of it to the standard error. Read it before you use it: a sample does not tell what a
column means. docs/guides/schemas.md has the rules.
""",
        statuses="""\
exit status:
  0  the schema is printed
  1  no schema fits the file, or the file cannot be read
""",
        options={
            ("file",): {"metavar": "FILE", "help": "a CSV with a header"},
            ("--type",): {
                "metavar": "TYPE",
                "required": True,
                "dest": "dataset_type",
                "help": "of the dataset: INTERACTIONS, USERS, ITEMS, ACTIONS or ACTION_INTERACTIONS",
            },
            ("--domain",): {
                "metavar": "DOMAIN",
                "help": "of the dataset group, if it has one: ECOMMERCE or VIDEO_ON_DEMAND",
            },
            ("--sample-rows",): {
                "metavar": "NUMBER",
                "type": int,
                "default": 10_000,
                "help": "how many records to read (default: %(default)s)",
            },
        },
    ),
)
