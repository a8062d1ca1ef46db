"""The assumptions written out, as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, fields
from typing import Any

from airflow_provider_personalize.emulator.control.assumptions import Assumptions
from airflow_provider_personalize.emulator.control.durations import DURATIONS


def answers() -> str:
    """Return the assumptions, each with its answers, the default first."""
    rows = ((f"`{each.name}`", each.metadata["asks"], _choices(each), each.metadata["source"]) for each in _open())
    return _table(("Name", "Question", "Answers", "Source"), rows)


def durations() -> str:
    """Return how long everything takes."""
    rows = ((f"`{name}`", f"{seconds:g}", source) for name, (seconds, source) in DURATIONS.items())
    return _table(("Name", "Seconds", "Source"), rows)


def _open() -> list[Field[Any]]:
    return [each for each in fields(Assumptions) if each.name != "seconds"]


def _choices(each: Field[Any]) -> str:
    return ", ".join(f"`{choice}`" for choice in each.metadata["choices"]) or f"a number; `{each.default:g}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))
