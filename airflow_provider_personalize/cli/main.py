"""The command line: ``python -m airflow_provider_personalize``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

_PROGRAM: Final = "python -m airflow_provider_personalize"
_ABOUT: Final = "Commands for DAGs with tasks for Amazon Personalize. A local Personalize is in .emulator."
# The modules of the commands. Only that of the command at hand is imported: not all need Airflow.
_COMMANDS: Final = ("check", "plan", "schema")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=_ABOUT)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", help="each has its own --help")
    given = sys.argv[1:] if arguments is None else arguments
    for name in [name for name in _COMMANDS if name in given[:1]] or _COMMANDS:
        import_module(f"airflow_provider_personalize.cli.{name}").add_to(commands)
    asked = parser.parse_args(given)
    return int(asked.do(asked))
