"""What a poll reads, what it returns, and how the delay grows while polls have transient errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.resources import RESOURCE_TYPES

#: What an observation keeps of a description for waits: what an evaluation reads.
WAIT_MEMBERS: Final = ("status", "failureReason", "creationDateTime")
#: What it keeps for event triggers: what an event tells besides.
EVENT_MEMBERS: Final = (
    *WAIT_MEMBERS,
    "lastUpdatedDateTime",
    "name",
    "jobName",
    "solutionVersionArn",
    "trainingMode",
    "trainingType",
)
# The backoff doubles a delay at most this many times.
_MAX_DOUBLINGS: Final = 3


class PollTarget(NamedTuple):
    """
    What a poll reads. Waits with the same target can share one observation.

    :param resource: The resource type's name in the table.
    :param arn: The ARN; for a version from automatic training, the ARN of its solution.
    :param trained: Whether to read the version that automatic training made of the solution, or the solution as long as
        there is no such version.
    :param since: The time (ISO 8601) after which that training must have begun, or to which to read a list at least.
    :param listed: Whether to list the resources of the type in the parent with this ARN, instead of describing one.
    :param watched: Whether an event trigger reads it, whose events tell more than a wait evaluates.
    """

    resource: str
    arn: str
    trained: bool = False
    since: str | None = None
    listed: bool = False
    watched: bool = False


class Observation(NamedTuple):
    """
    The result of one poll: a description, or an error.

    :param description: The service's description; empty if it does not exist.
    :param error: The error of the call: transient, or an answer such as access denied.
    :param odd: The members whose type is not the documented one, a sentence each.
    """

    description: Mapping[str, Any] = MappingProxyType({})
    error: Exception | None = None
    odd: tuple[str, ...] = ()

    def abridged(self, target: PollTarget) -> Observation:
        """
        Return a copy with only the members that an evaluation reads.

        Whole descriptions of thousands of resources take megabytes, and the traceback of an error keeps connections
        open.
        """
        for error in (self.error, getattr(self.error, "kwargs", {}).get("error")):  # and the error that botocore wraps
            if isinstance(error, Exception):
                error.__context__ = error.__cause__ = error.__traceback__ = None
        if target.trained:  # its evaluation reads the solution's configuration too
            return self
        resource_type = RESOURCE_TYPES[target.resource]
        if target.listed:
            of_each = (*EVENT_MEMBERS, resource_type.arn_member)
            summaries = self.description.get(resource_type.list_member, ())
            listed = [_only(of_each, summary) for summary in summaries]
            return Observation({resource_type.list_member: listed}, self.error, self.odd)
        update = resource_type.update_member
        members = EVENT_MEMBERS if target.watched else WAIT_MEMBERS
        description = _only(members, self.description)
        if shown := self.description.get(update):
            description[update] = _only(members, shown)
        return Observation(description, self.error, self.odd)


def _only(members: Iterable[str], description: Mapping[str, Any]) -> dict[str, Any]:
    return {member: description[member] for member in members if member in description}


class Backoff:
    """Lengthens the delay between the polls of one wait while their errors are transient."""

    def __init__(self) -> None:
        self._failures = 0

    def next_delay(self, delay: float, *, is_transient: bool) -> float:
        """
        Return the seconds to wait after a poll: ``delay``, doubled for each transient error in a row after the first.

        :param is_transient: Whether the poll had a transient error.
        """
        self._failures = self._failures + 1 if is_transient else 0
        return delay * 2.0 ** min(max(self._failures - 1, 0), _MAX_DOUBLINGS)
