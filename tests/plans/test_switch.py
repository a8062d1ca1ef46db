"""When a call to stop or start counts as visible, by the plan alone."""

from __future__ import annotations

import pytest
from shop import PREFIX

from airflow_provider_personalize.plans.steps import READ_CONSISTENCY, CallRecord, Memory, Observed, Poll, Sleep
from airflow_provider_personalize.plans.switch import Switch, next_step
from airflow_provider_personalize.resources import RECOMMENDER

STOP = Switch(
    resource_type=RECOMMENDER,
    operation="StopRecommender",
    request={"recommenderArn": f"{PREFIX}recommender/you"},
    goal="stopped",
)


@pytest.mark.parametrize(
    ("status", "since", "step"),
    [
        ("ACTIVE", 0, Sleep),
        ("ACTIVE", READ_CONSISTENCY - 1, Sleep),
        ("ACTIVE", READ_CONSISTENCY, Poll),
        ("STOP PENDING", 0, Poll),
        ("INACTIVE", 0, Poll),
    ],
)
def test_a_call_is_waited_for_until_another_status_is_visible_or_reads_are_consistent(status, since, step):
    memory = Memory(call=CallRecord(before="ACTIVE", answered_at=1000))
    assert type(next_step(STOP, Observed({"status": status}), memory, 1000 + since)) is step
