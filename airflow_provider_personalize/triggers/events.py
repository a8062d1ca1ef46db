"""The event that a trigger sends to its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED, SUPERSEDED, Outcome, WaitCondition

#: The version of an event. Version 1 has other outcomes, its condition under ``wait`` and its state under ``resume``.
VERSION: Final = 2
_OUTCOMES_OF_VERSION_1: Final[Mapping[str, Outcome]] = {
    "under way": IN_PROGRESS,
    "reached": SUCCEEDED,
    "replaced": SUPERSEDED,
}
_WORDS_OF_VERSION_1: Final = {outcome: word for word, outcome in _OUTCOMES_OF_VERSION_1.items()}


@dataclass(frozen=True)
class WaitEvent:
    """
    The end of a wait in the triggerer, as the trigger's event carries it to the task.

    :param outcome: As in :class:`~airflow_provider_personalize.status.WaitStatus`.
    :param condition: What the trigger waited for.
    :param found: The ARN that the description shows: that of the version, for automatic training.
    :param status: The service's last status.
    :param reason: The service's ``failureReason``, or the error that broke the wait.
    :param last_seen: Both, for log lines.
    :param waiter_delay: Seconds between two polls; None means the delay of the resource type.
    :param deadline: When to give up (seconds since the epoch).
    :param pause: Whether one delay passed before the first poll.
    :param state: What the task needs to continue, in JSON primitives.
    :param version: The version of the row that made the trigger, and so of the worker that may read the event.
    """

    outcome: Outcome
    condition: WaitCondition
    found: str | None = None
    status: str | None = None
    reason: str | None = None
    last_seen: str = "no status seen"
    waiter_delay: float | None = None
    deadline: float = 0
    pause: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)
    version: int = VERSION

    @classmethod
    def from_json(cls, event: Mapping[str, Any]) -> WaitEvent:
        """Read an event of this version or the one before; ignore members that only a later version knows."""
        members = dict(event)
        if members.setdefault("version", 1) == 1:
            members |= {"condition": members["wait"], "state": members["resume"]}
            members["outcome"] = _OUTCOMES_OF_VERSION_1.get(members["outcome"], members["outcome"])
        condition = WaitCondition.of(members["condition"])
        known = {each.name for each in fields(cls)} & members.keys()
        return cls(**{**{name: members[name] for name in known}, "condition": condition})

    def to_json(self) -> dict[str, Any]:
        """Return JSON primitives, in the form of the version: a worker that was not upgraded yet may read them."""
        members = {**vars(self), "condition": asdict(self.condition), "state": dict(self.state)}
        if self.version == 1:
            members["outcome"] = _WORDS_OF_VERSION_1.get(self.outcome, self.outcome)
            members |= {"wait": members.pop("condition"), "resume": members.pop("state")}
            del members["version"]
        return members
