"""
Each resource type changes its status as moto's state manager says: at once, by polls, or by seconds.

The statuses are those that ``test_emulated_lifecycles`` has written from the API reference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asking import refusal
from everything import HOUR, Everything, Maker, schema
from moto.moto_api import state_manager
from test_emulated_lifecycles import DELETED, GONE, MADE, PATHS, arn_member

from airflow_provider_personalize.emulator import clock, faults, service_model
from airflow_provider_personalize.emulator.control.durations import SECONDS

SECONDS_A_STEP = 10
WAYS: dict[str, tuple[dict[str, Any], Callable[[list[str]], list[str]]]] = {
    "at once": ({"progression": "immediate"}, lambda path: path[-1:]),
    "by polls": ({"progression": "manual", "times": 1}, lambda path: path[1:]),
    "by time": ({"progression": "time", "seconds": SECONDS_A_STEP}, lambda path: path),
}
OPERATIONS = service_model.service().operation_names


def tell(switch: str, how: dict[str, Any]) -> None:
    state_manager.set_transition(f"personalize::{switch}", how)


def statuses(poll_status: Callable[[], str], last: str, how: dict[str, Any]) -> list[str]:
    """Look until the last status is seen, and return each that was."""
    seen = [poll_status()]
    while seen[-1] != last:
        assert len(seen) < 10, seen
        clock.advance(SECONDS_A_STEP if how["progression"] == "time" else 0)
        seen.append(poll_status())
    return seen


def poller_of(shop: Everything, resource_type: str, arn: str) -> Callable[[], str]:
    def poll_status() -> str:
        try:
            return shop.describe(resource_type, arn)["status"]
        except shop.api.exceptions.ResourceNotFoundException:
            return GONE

    return poll_status


def delete(shop: Everything, resource_type: str, arn: str) -> None:
    getattr(shop.api, f"delete_{resource_type}")(**{arn_member(resource_type): arn})


def is_deletable(resource_type: str) -> bool:
    return f"Delete{resource_type.replace('_', ' ').title().replace(' ', '')}" in OPERATIONS


@pytest.mark.parametrize("resource_type", PATHS)
def test_a_resource_type_is_created_and_deleted_as_configured(shop, resource_type):
    maker = Maker(shop, resource_type)
    deleted = PATHS[resource_type][2][1:] if resource_type == "dataset_group" else DELETED[1:]
    for name, (how, expected) in WAYS.items():
        for switch in {resource_type, f"{resource_type}_delete"} & set(SECONDS):
            tell(switch, how)
        arn = maker.make(name.replace(" ", "-"))
        poll_status, made = poller_of(shop, resource_type, arn), PATHS[resource_type][0]
        assert statuses(poll_status, made[-1], how) == expected(made), name
        if is_deletable(resource_type):
            delete(shop, resource_type, arn)
            assert statuses(poll_status, GONE, how) == expected(deleted), name


@pytest.mark.parametrize("resource_type", PATHS)
def test_a_failed_resource_has_a_reason_and_can_be_deleted(shop, resource_type):
    maker = Maker(shop, resource_type)
    faults.fail_next(
        "Create" + arn_member(resource_type)[0].upper() + arn_member(resource_type)[1:].removesuffix("Arn"), "Because."
    )
    arn = maker.make()
    clock.advance(24 * HOUR)
    shown = shop.describe(resource_type, arn)
    assert shown["status"] == ("FAILED" if resource_type == "data_deletion_job" else "CREATE FAILED")
    answer = service_model.answer_shape(
        f"Describe{arn_member(resource_type)[0].upper()}{arn_member(resource_type)[1:-3]}"
    )
    (shape,) = answer.members.values()
    assert shown.get("failureReason") == ("Because." if "failureReason" in shape.members else None)
    if is_deletable(resource_type):
        delete(shop, resource_type, arn)
        clock.advance(HOUR)
        assert refusal(getattr(shop.api, f"describe_{resource_type}"), **{arn_member(resource_type): arn})[0] == (
            "ResourceNotFoundException"
        )


UPDATES: dict[str, Callable[[Everything, str, int], None]] = {
    "solution": lambda shop, arn, turn: shop.api.update_solution(solutionArn=arn, performAutoTraining=bool(turn % 2)),
    "campaign": lambda shop, arn, turn: shop.api.update_campaign(campaignArn=arn, minProvisionedTPS=turn + 2),
    "recommender": lambda shop, arn, turn: shop.api.update_recommender(
        recommenderArn=arn, recommenderConfig={"minRecommendationRequestsPerSecond": turn + 2}
    ),
    "dataset": lambda shop, arn, turn: shop.api.update_dataset(datasetArn=arn, schemaArn=wider(shop, turn)),
    "metric_attribution": lambda shop, arn, turn: shop.api.update_metric_attribution(
        metricAttributionArn=arn,
        addMetrics=[{"eventType": "buy", "metricName": f"m{turn}", "expression": "SAMPLECOUNT()"}],
    ),
}


def wider(shop: Everything, turn: int) -> str:
    more = [{"name": f"MORE{n}", "type": ["null", "int"]} for n in range(turn + 1)]
    return shop.api.create_schema(name=f"wider{turn}", schema=schema("Items", *more))["schemaArn"]


@pytest.mark.parametrize("resource_type", UPDATES)
def test_an_update_runs_as_configured(shop, resource_type):
    arn = Maker(shop, resource_type).make()
    clock.advance(2 * HOUR)

    def poll_status() -> str:
        shown = shop.describe(resource_type, arn)
        if resource_type in {"dataset", "metric_attribution"}:  # these show it themselves
            return shown["status"]
        assert shown["status"] == "ACTIVE"
        return shown[f"latest{resource_type.title()}Update"]["status"]

    path = ["UPDATE PENDING", "UPDATE IN_PROGRESS", "ACTIVE"] if resource_type == "dataset" else MADE
    for turn, (how, expected) in enumerate(WAYS.values()):
        clock.advance(1)
        tell(f"{resource_type}_update", how)
        UPDATES[resource_type](shop, arn, turn)
        assert statuses(poll_status, "ACTIVE", how) == expected(path), how


def test_a_recommender_stops_and_starts_as_configured(shop):
    arn = Maker(shop, "recommender").make()
    clock.advance(2 * HOUR)
    poll_status = poller_of(shop, "recommender", arn)
    for how, expected in WAYS.values():
        for verb, end in (("stop", "INACTIVE"), ("start", "ACTIVE")):
            tell(f"recommender_{verb}", how)
            getattr(shop.api, f"{verb}_recommender")(recommenderArn=arn)
            assert statuses(poll_status, end, how) == expected(
                [f"{verb.upper()} PENDING", f"{verb.upper()} IN_PROGRESS", end]
            )


def test_a_training_stops_as_configured(shop):
    maker = Maker(shop, "solution_version")
    for name, (how, expected) in WAYS.items():
        tell("solution_version_stop", how)
        arn = maker.make(name.replace(" ", "-"))
        clock.advance(SECONDS["solution_version"] - 1)
        poll_status = poller_of(shop, "solution_version", arn)
        assert poll_status() == "CREATE IN_PROGRESS"
        shop.api.stop_solution_version_creation(solutionVersionArn=arn)
        assert statuses(poll_status, "CREATE STOPPED", how) == expected(["CREATE STOPPING", "CREATE STOPPED"]), name


def test_every_switch_was_tried_above():
    tried = {
        *PATHS,
        *(f"{resource_type}_delete" for resource_type in PATHS),
        *(f"{resource_type}_update" for resource_type in UPDATES),
    }
    assert set(SECONDS) <= {*tried, "recommender_stop", "recommender_start", "solution_version_stop"}
