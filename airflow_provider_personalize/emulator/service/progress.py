"""
How a resource gets from one status to the next.

Things take the seconds that are in ``assumptions``, unless moto's switch is set (``control.transitions``). A deletion
follows the same switch as the creation unless it has its own, like ``campaign_delete``. Unlike with moto's own
``ManagedState``, time is the emulator's clock, and the status depends on the time alone: also if nobody read the
statuses before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_personalize.emulator.control import transitions
from airflow_provider_personalize.emulator.control.durations import SECONDS
from airflow_provider_personalize.emulator.control.state import state


def deletion(type_name: str) -> str:
    """Return the name of the progress of a deletion."""
    own = f"{type_name}_delete"
    return own if own in SECONDS else type_name


@dataclass
class Progress:
    """
    A sequence of statuses, evaluated when it is read.

    :param name: What goes through them, as in ``solution_update``.
    :param statuses: The statuses in their order.
    :param reached: When the current one was reached.
    """

    name: str
    statuses: Sequence[str]
    reached: float
    _step: int = 0
    _described: int = 0

    @property
    def status(self) -> str:
        """The status now."""
        self._advance()
        return self.statuses[self._step]

    @property
    def ended(self) -> bool:
        """Whether the last status is reached."""
        return self.status == self.statuses[-1]

    @property
    def expected(self) -> float:
        """When the last status will be reached by time; now, if something else decides that."""
        transition = self._transition()
        left = 0 if self.ended else len(self.statuses) - 1 - self._step
        return (
            self.reached + left * transition["seconds"]
            if left and transition["progression"] == "time"
            else state.clock.now()
        )

    def describe(self) -> None:
        """Count a description, for a manual progression."""
        self._described += 1

    def _transition(self) -> dict[str, Any]:
        # all steps take the same time, unless moto was told otherwise
        seconds = state.assumptions.seconds.get(self.name, 0) / max(len(self.statuses) - 1, 1)
        return {"seconds": seconds, **transitions.of(self.name)}

    def _advance(self) -> None:
        transition = self._transition()
        if self._step < len(self.statuses) - 1:
            ways = {"immediate": self._at_once, "manual": self._by_descriptions, "time": self._by_time}
            ways[transition["progression"]](transition)

    def _at_once(self, transition: dict[str, Any]) -> None:  # noqa: ARG002 - called like its neighbours
        self._step = len(self.statuses) - 1
        self.reached = max(self.reached, state.clock.now())

    def _by_descriptions(self, transition: dict[str, Any]) -> None:
        if self._described >= transition["times"]:
            self._step, self._described = self._step + 1, 0
            self.reached = max(self.reached, state.clock.now())

    def _by_time(self, transition: dict[str, Any]) -> None:
        now = state.clock.now()
        while self._step < len(self.statuses) - 1 and now >= self.reached + transition["seconds"]:
            self._step += 1
            self.reached += transition["seconds"]
