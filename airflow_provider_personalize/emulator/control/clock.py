"""The service's time, which runs faster than ours and stops when a test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_personalize.emulator.validators import check_at_most, check_number

DEFAULT_SPEED = 60.0
FASTEST = 1_000_000.0  # twelve days in a second
FARTHEST = 10 * 366 * 86400.0  # ten years from the real time: a date that every client can read


class Clock:
    """
    Service time: real time since the start, times the speed, plus what was skipped.

    It starts when it is first asked for, at the real time: a process that takes long to start gets no head start.

    A test stops it with ``clock.freeze()`` and moves it with ``clock.advance(90)``; nobody has to sleep.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = threading.local()
        self.reset()

    def reset(self) -> None:
        """Set it to the real time, at the default speed: a real minute is an hour of the service."""
        self._speed = DEFAULT_SPEED
        self._started: tuple[float, float] | None = None

    def now(self) -> float:
        """Return the service's time, in seconds since 1970."""
        at: float | None = getattr(self._seen, "at", None)
        if at is not None:
            return at
        with self._lock:
            return self._now()

    def _now(self) -> float:
        if self._started is None:
            self._started = time.time(), time.monotonic()
        start, since = self._started
        return start + (time.monotonic() - since) * self._speed

    @property
    def speed(self) -> float:
        """Seconds of the service per real second; 0 while frozen."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        check_number("speed", speed)
        check_at_most("speed", speed, FASTEST)
        with self._lock:
            if self._started is not None:
                self._started = self._now(), time.monotonic()
            self._speed = float(speed)

    @contextmanager
    def seen_at(self, moment: float) -> Iterator[None]:
        """Set the time of this thread, and no other, to a moment: to do what was due then."""
        self._seen.at = moment
        try:
            yield
        finally:
            self._seen.at = None

    def freeze(self) -> None:
        """Stop it, until a speed is set."""
        self.speed = 0

    def advance(self, seconds: float) -> None:
        """Skip some seconds of the service's time, which ends ten years after the real time."""
        check_number("advance", seconds)
        with self._lock:
            now = self._now()
            check_at_most("advance", seconds, max(0.0, time.time() + FARTHEST - now))
            self._started = now + seconds, time.monotonic()
