"""Time: deadlines, the pauses between polls and sleeping all go through here, so that a test replaces one module."""

from __future__ import annotations

import os
import time
from typing import Final


class SteadyClock:
    """Seconds since the epoch, unaffected by steps of the machine's clock after it was set."""

    def __init__(self) -> None:
        self.set()

    def set(self) -> None:
        """Set it to the machine's clock."""
        self._origin = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the time in seconds since the epoch."""
        return self._origin + time.monotonic()


_clock: Final = SteadyClock()
# a task may be a fork of a process that started days ago
os.register_at_fork(after_in_child=_clock.set)


def now() -> float:
    """Return the time of this process in seconds since the epoch. No step of the machine's clock moves it."""
    return _clock.now()


def monotonic() -> float:
    """Return seconds that only grow, from an arbitrary start."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Block this thread for so many seconds."""
    time.sleep(seconds)


async def sleep_in_loop(seconds: float) -> None:
    """Wait for so many seconds without blocking the event loop."""
    from asyncio import sleep

    await sleep(seconds)
