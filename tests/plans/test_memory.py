"""What an attempt remembers comes back from a deferral, or counts as lost."""

from __future__ import annotations

import json

import pytest

from airflow_provider_personalize.plans.steps import CallRecord, Memory, Refusal, Superseded

FULL = Memory(
    call=CallRecord(before="2026-01-01", contents=({"a": 1},), ambiguous=True),
    refusal=Refusal("Code", "why", 9.5),
    superseded=Superseded("why", None),
    schemas=("a",),
)


def test_it_survives_json():
    assert Memory.from_json(FULL.to_json()) == Memory.from_json(json.loads(json.dumps(FULL.to_json())))
    assert Memory.from_json(FULL.to_json()).to_json() == FULL.to_json()


@pytest.mark.parametrize(
    "other",
    [{"version": 0}, {"of_next_year": 1}, {"call": {"of_next_year": 1}}, {"call": 1}, {"refusal": ["Code"]}],
    ids=str,
)
def test_a_state_of_another_release_counts_as_lost(other):
    assert Memory.from_json({**FULL.to_json(), **other}) == Memory(is_retry=True)
