"""The commands of ``airflow personalize``, from Airflow 3.2 on."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from airflow_provider_personalize.cli.commands import COMMANDS, Command


def get_personalize_cli_commands() -> list[Any]:
    """Return the group of commands that this package adds to ``airflow``."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

    commands = [
        ActionCommand(
            name=command.name,
            help=command.help,
            description=command.about,
            epilog=command.statuses,
            func=_ending(command),
            args=[Arg(names, **option) for names, option in command.options.items()],
        )
        for command in COMMANDS
    ]
    return [GroupCommand(name="personalize", help="Check and plan DAGs for Amazon Personalize", subcommands=commands)]


def _ending(command: Command) -> Callable[[Namespace], None]:
    """Return the command as Airflow runs it: Airflow takes no exit status from what it calls."""

    def run(asked: Namespace) -> None:
        sys.exit(command.run(asked))

    return run
