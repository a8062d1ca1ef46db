"""
What the service does by itself, at its time: automatic trainings, and campaigns that follow them.

There is no thread. Before each answer the backend catches up: everything that was due since the last call happens, in
order of time, and each at its own time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from airflow_provider_personalize.emulator.control.state import state

Event = Callable[[], "float | None"]


class Scheduler:
    """Events by their time. An event returns when it is due again, which must be later, or None."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()

    def add(self, when: float, event: Event) -> None:
        """Schedule an event, by the service's time in seconds since 1970."""
        heapq.heappush(self._due, (when, next(self._numbers), event))

    def catch_up(self) -> None:
        """Run every event that is due by now."""
        now = state.clock.now()
        while self._due and self._due[0][0] <= now:
            when, _, event = heapq.heappop(self._due)
            with state.clock.seen_at(when):
                again = event()
            if again is not None:
                self.add(again, event)
