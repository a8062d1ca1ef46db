"""The emulator's state, which one call restores."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from moto.moto_api import state_manager

from airflow_provider_personalize.emulator.control.state import State, state

TRANSITION = "personalize::solution"


def snapshot(of: State) -> dict[str, Any]:
    return {
        "speed": of.clock.speed,
        "assumptions": asdict(of.assumptions),
        "quotas": of.quotas.in_force(),
        "faults": of.faults.told(),
        "calls": list(of.calls),
        "bill": of.bill.shown(),
        "prices": asdict(of.bill.prices),
    }


def test_a_reset_restores_everything(client, group):
    default = state_manager.get_transition(TRANSITION)
    new = snapshot(State())
    state.clock.speed = 7
    state.assumptions.unchanged_update = "ignored"
    state.quotas.set("schema", 1)
    state.faults.expired_next("ListSchemas")
    state.faults.throttle(100)
    state.bill.prices.training_hour = 7
    state_manager.set_transition(TRANSITION, {"progression": "manual", "times": 3})
    changed = snapshot(state)
    assert {name for name in new if changed[name] == new[name]} == {"bill"}

    state.reset()
    assert snapshot(state) == new
    assert state_manager.get_transition(TRANSITION) == default
    assert client.list_dataset_groups()["datasetGroups"] == []
