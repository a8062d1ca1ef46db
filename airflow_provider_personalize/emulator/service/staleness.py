"""Descriptions and lists that show what was before a write, for a while: see ``faults.stale_next``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_personalize.emulator.control import faults
from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.errors import Refused, not_found
from airflow_provider_personalize.resources import ResourceType

Request = Mapping[str, Any]
Answer = dict[str, Any]
Ask = Callable[[str, Request], Answer]
# What a list has by ARN: its place, and what is known of it
Listed = dict[str, tuple[int, Callable[[], Answer]]]


class _Kept(NamedTuple):
    """
    What was before a write.

    :param resource: The kind of what was written.
    :param until: When the write can be seen.
    :param before: What a description answered.
    :param place: Its place in lists.
    """

    resource: ResourceType
    until: float
    before: Answer | Refused
    place: int


class Memory:
    """
    What was before the writes that are still hidden.

    :param place: Tells the place of a resource in lists, by its ARN.
    """

    def __init__(self, place: Callable[[str], int]) -> None:
        self._place = place
        self._kept: dict[str, _Kept] = {}

    def answer(self, operation: str, request: Request, resource: ResourceType, arn: str | None, ask: Ask) -> Answer:
        """Answer a call, from memory if it describes what is hidden; lists ask for themselves what to show."""
        if operation == f"Describe{resource.pascal}":
            return self._remembered(arn) or ask(operation, request)
        hides = faults.ordered_staleness(operation, arn)
        if hides is None:
            return ask(operation, request)
        before, place = _look(resource, arn, ask), self._place(arn or "")
        answer = ask(operation, request)
        self._kept[arn or answer[resource.arn_member]] = _Kept(resource, clock.now() + hides, before, place)
        return answer

    def _hidden(self) -> dict[str, _Kept]:
        for arn, kept in list(self._kept.items()):
            if clock.now() >= kept.until:
                self._kept.pop(arn, None)
        return dict(self._kept)

    def _remembered(self, arn: str | None) -> Answer | None:
        kept = self._hidden().get(arn or "")
        if kept is None:
            return None
        if isinstance(kept.before, Refused):
            raise kept.before
        return kept.before

    def overlay(self, resource: ResourceType, narrowed: str | None, listed: Listed) -> Listed:
        """
        Make of what there is to list what there was, in its old place.

        :param narrowed: The parent that the list is narrowed to.
        """
        for arn, kept in self._hidden().items():
            if kept.resource is not resource:
                continue
            listed.pop(arn, None)
            if not isinstance(kept.before, Refused):
                was = kept.before[resource.member]
                if narrowed in {None, was.get(resource.list_filter or "")}:
                    listed[arn] = kept.place, was.copy
        return dict(sorted(listed.items(), key=lambda each: each[1][0]))


def _look(resource: ResourceType, arn: str | None, ask: Ask) -> Answer | Refused:
    try:
        return ask(f"Describe{resource.pascal}", {resource.arn_member: arn}) if arn else not_found(resource.title, arn)
    except Refused as refused:
        return refused
