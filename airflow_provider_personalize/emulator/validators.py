"""Validators for numbers that users pass: to the clock, to faults, to assumptions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeGuard


def check_number(name: str, value: object) -> None:
    """Raise ValueError unless a value is a number from 0 on; NaN and infinity, which Python's JSON accepts, are not."""
    if not _is_number(value) or not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value!r}: it must be a number, 0 or more")


def check_at_most(name: str, value: float, most: float) -> None:
    """Raise ValueError if a number is too large."""
    if value > most:
        raise ValueError(f"{name} is {value!r}: it may be {most:g} at most")


def check_positive(name: str, value: object) -> None:
    """Raise ValueError unless a value is a number above 0."""
    if not _is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} is {value!r}: give a number above 0")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
