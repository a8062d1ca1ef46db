"""The time by which deadlines are kept, and sleeping: all that waits on a worker goes through here."""

from __future__ import annotations

import os
import time
from typing import Final


class SteadyClock:
    """Seconds since the epoch that no step of the machine's clock moves: what one process counts to a deadline by."""

    def __init__(self) -> None:
        self.set()

    def set(self) -> None:
        """Set it by the machine's clock."""
        self._origin = time.time() - time.monotonic()

    def now(self) -> float:
        """Tell the time."""
        return self._origin + time.monotonic()


_clock: Final = SteadyClock()
# a task may be a fork of a process that began days ago
os.register_at_fork(after_in_child=_clock.set)
#: The clock of this process.
steady_time: Final = _clock.now


def now() -> float:
    """Return the time in seconds since the epoch. No step of the machine's clock moves it."""
    return _clock.now()


def sleep(seconds: float) -> None:
    """Sleep for this many seconds."""
    time.sleep(seconds)
