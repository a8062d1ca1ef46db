"""
moto's own switch for how a resource gets from one status to the next.

``state_manager.set_transition("personalize::solution", {"progression": …})`` takes ``"immediate"``, ``"manual"``
(``"times"`` descriptions per step) or ``"time"`` (``"seconds"`` per step).
"""

from __future__ import annotations

from typing import Any, Final

from moto.moto_api import state_manager

from airflow_provider_personalize.emulator.control.durations import SECONDS

_PREFIX: Final = "personalize::"


def register() -> None:
    """Tell moto that everything goes by time unless the user says otherwise."""
    for name in SECONDS:
        state_manager.register_default_transition(f"{_PREFIX}{name}", {"progression": "time"})


def of(name: str) -> dict[str, Any]:
    """Return the transition that is set for a progress, as in ``solution_update``."""
    transition: dict[str, Any] = state_manager.get_transition(f"{_PREFIX}{name}")
    return transition


def reset() -> None:
    """Return to progress by time."""
    for name in state_manager.get_registered_models():
        if name.startswith(_PREFIX):
            state_manager.unset_transition(name)
