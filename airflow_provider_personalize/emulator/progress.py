"""
How a resource gets from one status to the next.

moto's own switch decides: ``state_manager.set_transition("personalize::solution", {"progression": …})`` with
``"immediate"``, ``"manual"`` (``"times"`` descriptions per step) or ``"time"`` (``"seconds"`` per step). A deletion
follows the same switch as the creation unless it has its own, like ``campaign_delete``. Unlike moto's own
``ManagedState``, time is the emulator's clock, and a status that nobody looked at is not skipped late: what is seen
depends on the time alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from moto.moto_api import state_manager

from airflow_provider_personalize.emulator.clock import clock

# Seconds of service time from the call to the end, typical of small data; there are two steps on the way.
# https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html says "a few minutes" of updates; the others
# are from outputs recorded in AWS's sample notebooks (https://github.com/aws-samples/amazon-personalize-samples).
# The seconds of exports, stops, starts, metric attributions and the deletion of users are assumed.
SECONDS: Final = {
    "dataset_group": 30,
    "dataset": 30,
    "dataset_update": 120,
    "dataset_import_job": 6 * 60,
    "dataset_export_job": 6 * 60,
    "data_deletion_job": 2 * 60 * 60,
    "solution": 1,
    "solution_update": 180,
    "solution_version": 40 * 60,
    "solution_version_stop": 120,
    "campaign": 10 * 60,
    "campaign_update": 10 * 60,
    "campaign_delete": 120,
    "recommender": 50 * 60,
    "recommender_update": 50 * 60,
    "recommender_delete": 120,
    "recommender_start": 10 * 60,
    "recommender_stop": 120,
    "event_tracker": 60,
    "filter": 60,
    "batch_inference_job": 20 * 60,
    "batch_segment_job": 8 * 60,
    "metric_attribution": 60,
    "metric_attribution_update": 60,
}
_STEPS = 2


def switch(name: str) -> str:
    """Return the name under which moto's state manager switches the progress of a kind."""
    return f"personalize::{name}"


def deletion(name: str) -> str:
    """Return the name under which the deletion of a kind goes on."""
    own = f"{name}_delete"
    return own if own in SECONDS else name


def register() -> None:
    """Tell moto how long everything takes unless the user says otherwise."""
    for name, seconds in SECONDS.items():
        state_manager.register_default_transition(switch(name), {"progression": "time", "seconds": seconds / _STEPS})


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
        how = state_manager.get_transition(switch(self.name))
        left = 0 if self.ended else len(self.statuses) - 1 - self._step
        return self.reached + left * how["seconds"] if left and how["progression"] == "time" else clock.now()

    def describe(self) -> None:
        """Count a description, for a manual progression."""
        self._looks += 1

    def _go_on(self) -> None:
        how = state_manager.get_transition(switch(self.name))
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
