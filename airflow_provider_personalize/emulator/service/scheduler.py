"""
What the service does of itself, at its time: automatic trainings, and campaigns that follow them.

There is no thread. Before each answer the backend catches up: everything that was due since the last call happens, in
the order of time, and each at its own time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from airflow_provider_personalize.emulator.control.clock import clock

Event = Callable[[], "float | None"]


class Agenda:
    """Events by their time. An event returns when it wants to happen again, which must be later, or None."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()

    def add(self, when: float, event: Event) -> None:
        """Let something happen at some time."""
        heapq.heappush(self._due, (when, next(self._numbers), event))

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        now = clock.now()
        while self._due and self._due[0][0] <= now:
            when, _, event = heapq.heappop(self._due)
            with clock.seen_at(when):
                again = event()
            if again is not None:
                self.add(again, event)

    def clear(self) -> None:
        """Forget all events."""
        self._due.clear()
