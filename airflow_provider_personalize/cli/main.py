"""The command line: ``python -m airflow_provider_personalize``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from airflow_provider_personalize.cli.commands import COMMANDS, WRONG

_PROGRAM: Final = "python -m airflow_provider_personalize"
_ABOUT: Final = "Commands for DAGs with tasks for Amazon Personalize. A local Personalize is in .emulator."


class _Parser(argparse.ArgumentParser):
    """A parser whose errors do not end with argparse's own status 2, with which ``plan`` reports changes."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG, f"{self.prog}: error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = _Parser(prog=_PROGRAM, description=_ABOUT)
    parsers = parser.add_subparsers(required=True, metavar="COMMAND", help="each has its own --help")
    for command in COMMANDS:
        one = parsers.add_parser(
            command.name,
            help=command.help,
            description=command.about,
            epilog=command.statuses,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for names, option in command.options.items():
            one.add_argument(*names, **option)
        one.set_defaults(run=command.run)
    asked = parser.parse_args(arguments)
    return int(asked.run(asked))
