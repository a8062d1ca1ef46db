"""Descriptions that show what was before a write, for a while: see ``faults.stale_next``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_personalize.emulator import faults
from airflow_provider_personalize.emulator.clock import clock
from airflow_provider_personalize.emulator.errors import Refused, not_found
from airflow_provider_personalize.resources import Resource

Request = Mapping[str, Any]
Answer = dict[str, Any]
Ask = Callable[[str, Request], Answer]


class Memory:
    """What descriptions answered before the writes that are still hidden."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Answer | Refused]] = {}

    def answer(self, operation: str, request: Request, resource: Resource, arn: str | None, ask: Ask) -> Answer:
        """Answer a call, from memory if it asks for what is hidden."""
        if operation == f"Describe{resource.pascal}":
            return self._remembered(arn) or ask(operation, request)
        hides = faults.ordered_staleness(operation, arn)
        if hides is None:
            return ask(operation, request)
        before = _look(resource, arn, ask)
        answer = ask(operation, request)
        self._kept[arn or answer[resource.arn_member]] = (clock.now() + hides, before)
        return answer

    def _remembered(self, arn: str | None) -> Answer | None:
        until, before = self._kept.get(arn or "", (0, {}))
        if clock.now() >= until:
            self._kept.pop(arn or "", None)
            return None
        if isinstance(before, Refused):
            raise before
        return before


def _look(resource: Resource, arn: str | None, ask: Ask) -> Answer | Refused:
    try:
        return ask(f"Describe{resource.pascal}", {resource.arn_member: arn}) if arn else not_found(resource.title, arn)
    except Refused as refused:
        return refused
