"""What a task can wait for."""

from __future__ import annotations

from typing import Final, Literal

from airflow_provider_personalize.resources import ResourceType

Goal = Literal["ready", "updated", "settled", "stopped", "started", "gone", "trained", "later"]

READY: Final = "ready"
UPDATED: Final = "updated"
SETTLED: Final = "settled"
STOPPED: Final = "stopped"
STARTED: Final = "started"
GONE: Final = "gone"
TRAINED: Final = "trained"
#: Only a pause, for something that cannot be done now: the trigger does not poll.
LATER: Final = "later"


def poll_interval(resource_type: ResourceType, goal: Goal) -> int:
    """Return the seconds between two polls, from the table."""
    return resource_type.update_poll_interval if goal == UPDATED else resource_type.poll_interval
