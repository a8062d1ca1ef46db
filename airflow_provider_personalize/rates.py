"""Rate expressions: how often a solution trains by itself, as in ``rate(3 days)``."""

from __future__ import annotations

import re
from typing import Final

_RATE: Final = r"rate\(([0-9]{1,9}) days?\)"


def rate_days(expression: object) -> int | None:
    """Return the days in ``rate(3 days)``, or None for anything else."""
    match = re.fullmatch(_RATE, expression) if isinstance(expression, str) else None
    return int(match[1]) if match else None
