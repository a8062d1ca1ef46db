"""The command line: ``python -m airflow_provider_personalize``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

from airflow_provider_personalize.cli import check

_PROGRAM: Final = "python -m airflow_provider_personalize"
_ABOUT: Final = "Commands for DAGs with tasks for Amazon Personalize. A local Personalize is in .emulator."
_COMMANDS: Final = (check,)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=_ABOUT)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", help="each has its own --help")
    for command in _COMMANDS:
        command.add_to(commands)
    asked = parser.parse_args(arguments)
    return int(asked.do(asked))
