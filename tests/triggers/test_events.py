"""The event of a trigger, in both versions."""

from __future__ import annotations

import json

import pytest

from airflow_provider_personalize.status import FAILED, IN_PROGRESS, SUCCEEDED, SUPERSEDED, WaitCondition
from airflow_provider_personalize.triggers.events import WaitEvent

ARN = "arn:aws:personalize:us-east-1:123456789012:solution/shop"


@pytest.mark.parametrize(
    ("before", "now"),
    [("under way", IN_PROGRESS), ("reached", SUCCEEDED), ("replaced", SUPERSEDED), ("failed", FAILED)],
)
def test_outcomes_in_events_of_version_1_are_understood(before, now):
    event = {"outcome": before, "wait": {"resource": "solution", "arn": ARN}, "resume": {}, "deadline": 1.0}
    assert WaitEvent.from_json(event).outcome == now


@pytest.mark.parametrize("outcome", [SUCCEEDED, FAILED, SUPERSEDED, "timed out", "broken"])
@pytest.mark.parametrize("version", [1, 2])
def test_an_event_survives_json_in_both_versions(version, outcome):
    condition = WaitCondition("solution", ARN, "updated", "2026-01-01T00:00:00+00:00", False)
    event = WaitEvent(outcome, condition, None, "ACTIVE", "why", "seen", 30, 9.5, True, {"a": [1]}, version)
    assert WaitEvent.from_json(json.loads(json.dumps(event.to_json()))) == event


def test_members_that_only_a_later_version_of_an_event_knows_are_ignored():
    event = WaitEvent(SUCCEEDED, WaitCondition("solution", ARN)).to_json()
    later = {**event, "version": 3, "of_next_year": 1, "condition": {**event["condition"], "of_next_year": 1}}
    assert WaitEvent.from_json(later) == WaitEvent(SUCCEEDED, WaitCondition("solution", ARN), version=3)
