"""
Each kind goes from status to status as moto's state manager is told: at once, look by look, or second by second.

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
from airflow_provider_personalize.emulator.service.progress import SECONDS

SECONDS_A_STEP = 10
WAYS: dict[str, tuple[dict[str, Any], Callable[[list[str]], list[str]]]] = {
    "at once": ({"progression": "immediate"}, lambda path: path[-1:]),
    "by looks": ({"progression": "manual", "times": 1}, lambda path: path[1:]),
    "by time": ({"progression": "time", "seconds": SECONDS_A_STEP}, lambda path: path),
}
OPERATIONS = service_model.service().operation_names


def tell(switch: str, how: dict[str, Any]) -> None:
    state_manager.set_transition(f"personalize::{switch}", how)


def statuses(look: Callable[[], str], last: str, how: dict[str, Any]) -> list[str]:
    """Look until the last status is seen, and return each that was."""
    seen = [look()]
    while seen[-1] != last:
        assert len(seen) < 10, seen
        clock.advance(SECONDS_A_STEP if how["progression"] == "time" else 0)
        seen.append(look())
    return seen


def looking(shop: Everything, kind: str, arn: str) -> Callable[[], str]:
    def look() -> str:
        try:
            return shop.describe(kind, arn)["status"]
        except shop.api.exceptions.ResourceNotFoundException:
            return GONE

    return look


def delete(shop: Everything, kind: str, arn: str) -> None:
    getattr(shop.api, f"delete_{kind}")(**{arn_member(kind): arn})


def is_deletable(kind: str) -> bool:
    return f"Delete{kind.replace('_', ' ').title().replace(' ', '')}" in OPERATIONS


@pytest.mark.parametrize("kind", PATHS)
def test_a_kind_is_made_and_deleted_as_told(shop, kind):
    maker = Maker(shop, kind)
    deleted = PATHS[kind][2][1:] if kind == "dataset_group" else DELETED[1:]
    for name, (how, expected) in WAYS.items():
        for switch in {kind, f"{kind}_delete"} & set(SECONDS):
            tell(switch, how)
        arn = maker.make(name.replace(" ", "-"))
        look, made = looking(shop, kind, arn), PATHS[kind][0]
        assert statuses(look, made[-1], how) == expected(made), name
        if is_deletable(kind):
            delete(shop, kind, arn)
            assert statuses(look, GONE, how) == expected(deleted), name


@pytest.mark.parametrize("kind", PATHS)
def test_what_fails_says_why_and_can_be_deleted(shop, kind):
    maker = Maker(shop, kind)
    faults.fail_next("Create" + arn_member(kind)[0].upper() + arn_member(kind)[1:].removesuffix("Arn"), "Because.")
    arn = maker.make()
    clock.advance(24 * HOUR)
    shown = shop.describe(kind, arn)
    assert shown["status"] == ("FAILED" if kind == "data_deletion_job" else "CREATE FAILED")
    answer = service_model.answer_shape(f"Describe{arn_member(kind)[0].upper()}{arn_member(kind)[1:-3]}")
    (shape,) = answer.members.values()
    assert shown.get("failureReason") == ("Because." if "failureReason" in shape.members else None)
    if is_deletable(kind):
        delete(shop, kind, arn)
        clock.advance(HOUR)
        assert refusal(getattr(shop.api, f"describe_{kind}"), **{arn_member(kind): arn})[0] == (
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


@pytest.mark.parametrize("kind", UPDATES)
def test_an_update_goes_as_told(shop, kind):
    arn = Maker(shop, kind).make()
    clock.advance(2 * HOUR)

    def look() -> str:
        shown = shop.describe(kind, arn)
        if kind in {"dataset", "metric_attribution"}:  # these show it themselves
            return shown["status"]
        assert shown["status"] == "ACTIVE"
        return shown[f"latest{kind.title()}Update"]["status"]

    path = ["UPDATE PENDING", "UPDATE IN_PROGRESS", "ACTIVE"] if kind == "dataset" else MADE
    for turn, (how, expected) in enumerate(WAYS.values()):
        clock.advance(1)
        tell(f"{kind}_update", how)
        UPDATES[kind](shop, arn, turn)
        assert statuses(look, "ACTIVE", how) == expected(path), how


def test_a_recommender_stops_and_starts_as_told(shop):
    arn = Maker(shop, "recommender").make()
    clock.advance(2 * HOUR)
    look = looking(shop, "recommender", arn)
    for how, expected in WAYS.values():
        for verb, end in (("stop", "INACTIVE"), ("start", "ACTIVE")):
            tell(f"recommender_{verb}", how)
            getattr(shop.api, f"{verb}_recommender")(recommenderArn=arn)
            assert statuses(look, end, how) == expected([f"{verb.upper()} PENDING", f"{verb.upper()} IN_PROGRESS", end])


def test_a_training_stops_as_told(shop):
    maker = Maker(shop, "solution_version")
    for name, (how, expected) in WAYS.items():
        tell("solution_version_stop", how)
        arn = maker.make(name.replace(" ", "-"))
        clock.advance(SECONDS["solution_version"] - 1)
        look = looking(shop, "solution_version", arn)
        assert look() == "CREATE IN_PROGRESS"
        shop.api.stop_solution_version_creation(solutionVersionArn=arn)
        assert statuses(look, "CREATE STOPPED", how) == expected(["CREATE STOPPING", "CREATE STOPPED"]), name


def test_every_switch_was_tried_above():
    tried = {*PATHS, *(f"{kind}_delete" for kind in PATHS), *(f"{kind}_update" for kind in UPDATES)}
    assert set(SECONDS) <= {*tried, "recommender_stop", "recommender_start", "solution_version_stop"}
