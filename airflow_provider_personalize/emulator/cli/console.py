"""What the commands print: colours and a spinner on a terminal, plain lines that nothing wraps anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE: Final = 1000  # where there is no terminal, nothing is wrapped
_STYLES: Final = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "up_for_retry": "yellow",
    "up_for_reschedule": "yellow",
    "deferred": "yellow",
    "awaiting_input": "yellow",
    "running": "cyan",
    "skipped": "magenta",
}


@cache
def console() -> Console:
    """Return the console of this process."""
    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, soft_wrap=True, markup=False, highlight=False, emoji=False)


def say(*lines: object) -> None:
    """Print lines."""
    for line in lines:
        console().print(line if isinstance(line, Text) else str(line))
    console().file.flush()


def styled(state: str) -> Text:
    """Return the name of a task's state in its colour."""
    return Text(state, style=_STYLES.get(state, ""))


def table(*columns: str, numbers: tuple[str, ...] = (), rows: Iterable[tuple[str | Text, ...]]) -> None:
    """Print a table, some columns of which are numbers."""
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        drawn.add_row(*row)
    console().print(drawn)
