"""The event that a trigger sends to its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from airflow_provider_personalize.status import Outcome, WaitCondition, outcome_of

#: Of the form of the event. Version 1 had no number, and its state under "resume".
VERSION: Final = 2


@dataclass(frozen=True)
class WaitEvent:
    """
    How a wait in the triggerer ended.

    :param outcome: As of a :class:`~airflow_provider_personalize.status.WaitStatus`.
    :param condition: What was waited for.
    :param found: The ARN of what was found, which may be another than the one that was waited for.
    :param status: The service's own word, if it had one.
    :param reason: Why.
    :param last_seen: What was seen last, for the log.
    :param waiter_delay: Seconds between two polls.
    :param deadline: When to give up, in seconds since the epoch.
    :param pause: Whether a delay passed before the first poll.
    :param state: The deferral state, as the task gave it to the trigger.
    :param version: Of the form of the event.
    """

    outcome: Outcome
    condition: WaitCondition
    deadline: float
    last_seen: str
    found: str | None = None
    status: str | None = None
    reason: str | None = None
    waiter_delay: float | None = None
    pause: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON primitives."""
        return {**vars(self), "condition": asdict(self.condition), "state": dict(self.state)}

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> WaitEvent:
        """Return it from :meth:`to_json`, or from an event of version 1."""
        return cls(
            outcome=outcome_of(event),
            condition=WaitCondition.of(event["condition"] if "condition" in event else event["wait"]),
            deadline=event["deadline"],
            last_seen=event["last_seen"],
            found=event["found"],
            status=event["status"],
            reason=event["reason"],
            waiter_delay=event.get("waiter_delay"),
            pause=event.get("pause", False),
            state=event["state"] if "state" in event else event["resume"],
            version=event.get("version", 1),
        )
