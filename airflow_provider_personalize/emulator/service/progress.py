"""
How a resource gets from one status to the next.

moto's own switch decides: ``state_manager.set_transition("personalize::solution", {"progression": …})`` with
``"immediate"``, ``"manual"`` (``"times"`` descriptions per step) or ``"time"`` (``"seconds"`` per step). A deletion
follows the same switch as the creation unless it has its own, like ``campaign_delete``. Unlike moto's own
``ManagedState``, time is the emulator's clock, and a status that nobody looked at is not skipped late: what is seen
depends on the time alone. Where that switch is not set, things take the seconds that are in ``assumptions``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from moto.moto_api import state_manager

from airflow_provider_personalize.emulator.control.assumptions import assumptions
from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.control.durations import SECONDS


def switch(name: str) -> str:
    """Return the name under which moto's state manager switches the progress of a kind."""
    return f"personalize::{name}"


def deletion(name: str) -> str:
    """Return the name under which the deletion of a kind goes on."""
    own = f"{name}_delete"
    return own if own in SECONDS else name


def register() -> None:
    """Tell moto that everything goes by time unless the user says otherwise."""
    for name in SECONDS:
        state_manager.register_default_transition(switch(name), {"progression": "time"})


def _way(name: str, steps: int) -> dict[str, Any]:
    """Return how something goes on, with the seconds of each step: all take the same, unless moto was told."""
    seconds = assumptions.seconds.get(name, 0) / max(steps, 1)
    return {"seconds": seconds, **state_manager.get_transition(switch(name))}


@dataclass
class Progress:
    """
    A way through statuses, evaluated when someone looks.

    :param name: What goes that way, as in ``solution_update``.
    :param statuses: The statuses in their order.
    :param reached: When the current one was reached.
    """

    name: str
    statuses: Sequence[str]
    reached: float
    _step: int = 0
    _looks: int = 0

    @property
    def status(self) -> str:
        """The status now."""
        self._go_on()
        return self.statuses[self._step]

    @property
    def ended(self) -> bool:
        """Whether the last status is reached."""
        return self.status == self.statuses[-1]

    @property
    def expected(self) -> float:
        """When the last status will be reached by time; now, if something else decides."""
        how = self._how()
        left = 0 if self.ended else len(self.statuses) - 1 - self._step
        return self.reached + left * how["seconds"] if left and how["progression"] == "time" else clock.now()

    def describe(self) -> None:
        """Count a description, for a manual progression."""
        self._looks += 1

    def _how(self) -> dict[str, Any]:
        return _way(self.name, len(self.statuses) - 1)

    def _go_on(self) -> None:
        how = self._how()
        if self._step < len(self.statuses) - 1:
            {"immediate": self._at_once, "manual": self._by_looks, "time": self._by_time}[how["progression"]](how)

    def _at_once(self, how: dict[str, Any]) -> None:  # noqa: ARG002 - called like its neighbours
        self._step = len(self.statuses) - 1
        self.reached = max(self.reached, clock.now())

    def _by_looks(self, how: dict[str, Any]) -> None:
        if self._looks >= how["times"]:
            self._step, self._looks = self._step + 1, 0
            self.reached = max(self.reached, clock.now())

    def _by_time(self, how: dict[str, Any]) -> None:
        now = clock.now()
        while self._step < len(self.statuses) - 1 and now >= self.reached + how["seconds"]:
            self._step += 1
            self.reached += how["seconds"]
