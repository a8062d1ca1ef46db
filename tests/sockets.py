"""The open connections of this process, for tests that must leave none."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import psutil

#: Seconds that anything may take, on a busy machine.
_PATIENCE: Final = 60


def open_sockets() -> int:
    """Count the ends of connections in this process: both, where client and server are in it."""
    return sum(each.status == "ESTABLISHED" for each in psutil.Process().net_connections("tcp"))


def settles(condition: Callable[[], bool]) -> bool:
    """Wait in real time until something is so; return whether it is."""
    end = time.monotonic() + _PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()
