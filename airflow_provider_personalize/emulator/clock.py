"""The service's time, which runs faster than ours and stops when a test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_personalize.emulator.given import check_number

DEFAULT_SPEED = 60.0


class Clock:
    """
    Service time: real time since the start, times the speed, plus what was skipped.

    A test stops it with ``clock.freeze()`` and moves it with ``clock.advance(90)``; nobody has to sleep.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = threading.local()
        self.reset()

    def reset(self) -> None:
        """Set it to the real time, at the default speed: a real minute is an hour of the service."""
        self._speed = DEFAULT_SPEED
        self._start, self._since = time.time(), time.monotonic()

    def now(self) -> float:
        """Return the service's time, in seconds since 1970."""
        at: float | None = getattr(self._seen, "at", None)
        if at is not None:
            return at
        with self._lock:
            return self._now()

    def _now(self) -> float:
        return self._start + (time.monotonic() - self._since) * self._speed

    @property
    def speed(self) -> float:
        """Seconds of the service per real second; 0 while frozen."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        check_number("speed", speed)
        with self._lock:
            self._start, self._since = self._now(), time.monotonic()
            self._speed = float(speed)

    @contextmanager
    def seen_at(self, moment: float) -> Iterator[None]:
        """Let this thread, and no other, live at some moment: to do what was due then."""
        self._seen.at = moment
        try:
            yield
        finally:
            self._seen.at = None

    def freeze(self) -> None:
        """Stop it, until a speed is set."""
        self.speed = 0

    def advance(self, seconds: float) -> None:
        """Skip some seconds of the service's time."""
        check_number("advance", seconds)
        with self._lock:
            self._start += seconds


clock = Clock()
