"""Stale reads: descriptions and lists that show for a while what was before a write; see ``faults.stale_next``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service.refusals import not_found
from airflow_provider_personalize.resources import ResourceType

Request = Mapping[str, Any]
Answer = dict[str, Any]
Ask = Callable[[str, Request], Answer]
# What a list has by ARN: its place, and what is known of it
Listed = dict[str, tuple[int, Callable[[], Answer]]]


class _Kept(NamedTuple):
    """
    What was before a write.

    :param resource_type: The type of what was written.
    :param until: When the write becomes visible.
    :param before: What a description answered before it.
    :param place: Its place in lists.
    """

    resource_type: ResourceType
    until: float
    before: Answer | ServiceError
    place: int


class Memory:
    """
    What was before the writes that are still hidden.

    :param place: Returns the place of a resource in lists, by its ARN.
    """

    def __init__(self, place: Callable[[str], int]) -> None:
        self._place = place
        self._kept: dict[str, _Kept] = {}

    def answer(
        self, operation: str, request: Request, resource_type: ResourceType, arn: str | None, ask: Ask
    ) -> Answer:
        """Answer a call, from memory if it describes what is hidden; lists call :meth:`overlay`."""
        if operation == f"Describe{resource_type.pascal}":
            return self._remembered(arn) or ask(operation, request)
        hides = state.faults.take_staleness(operation, arn)
        if hides is None:
            return ask(operation, request)
        before, place = _describe(resource_type, arn, ask), self._place(arn or "")
        answer = ask(operation, request)
        self._kept[arn or answer[resource_type.arn_member]] = _Kept(
            resource_type, state.clock.now() + hides, before, place
        )
        return answer

    def _hidden(self) -> dict[str, _Kept]:
        for arn, kept in list(self._kept.items()):
            if state.clock.now() >= kept.until:
                self._kept.pop(arn, None)
        return dict(self._kept)

    def _remembered(self, arn: str | None) -> Answer | None:
        kept = self._hidden().get(arn or "")
        if kept is None:
            return None
        if isinstance(kept.before, ServiceError):
            raise kept.before
        return kept.before

    def overlay(self, resource_type: ResourceType, parent: str | None, listed: Listed) -> Listed:
        """
        Replace in a list what is hidden by what was before, in its old place.

        :param parent: The parent that the list is limited to.
        """
        for arn, kept in self._hidden().items():
            if kept.resource_type is not resource_type:
                continue
            listed.pop(arn, None)
            if not isinstance(kept.before, ServiceError):
                was = kept.before[resource_type.member]
                if parent in {None, was.get(resource_type.list_filter or "")}:
                    listed[arn] = kept.place, was.copy
        return dict(sorted(listed.items(), key=lambda each: each[1][0]))


def _describe(resource_type: ResourceType, arn: str | None, ask: Ask) -> Answer | ServiceError:
    try:
        return (
            ask(f"Describe{resource_type.pascal}", {resource_type.arn_member: arn})
            if arn
            else not_found(resource_type.title, arn)
        )
    except ServiceError as refused:
        return refused
