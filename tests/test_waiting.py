"""How far something has come, by what the service answers of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import product
from typing import get_args

import pytest

from airflow_provider_personalize.exceptions import ResourceStoppedError, UpdateReplacedError
from airflow_provider_personalize.resources import RESOURCES
from airflow_provider_personalize.waiting import (
    FAILED,
    REACHED,
    UNDER_WAY,
    Goal,
    Moved,
    Reading,
    Wait,
    is_being_updated,
    is_newer,
    iso,
)

ARN = "arn:aws:personalize:us-east-1:123456789012:solution/shop"
THEN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def solution(status: str = "ACTIVE", created: datetime = THEN, **update: object) -> dict[str, object]:
    return {"status": "ACTIVE", "latestSolutionUpdate": {"status": status, "creationDateTime": created, **update}}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("CREATE PENDING", UNDER_WAY),
        ("CREATE IN_PROGRESS", UNDER_WAY),
        ("ACTIVE", REACHED),
        ("CREATE FAILED", FAILED),
        ("A STATUS OF NEXT YEAR", UNDER_WAY),
        (None, UNDER_WAY),
    ],
)
def test_an_update_has_come_as_far_as_its_own_status_says(status, outcome):
    assert Wait("solution", ARN, "updated").judge(solution(status)).outcome == outcome


def test_a_failed_update_keeps_the_reason_of_the_service():
    verdict = Wait("solution", ARN, "updated").judge(solution("CREATE FAILED", failureReason="no such event type"))
    assert verdict.reason == "no such event type"


def test_the_solutions_own_status_says_nothing_of_its_update():
    verdict = Wait("solution", ARN, "updated").judge({"status": "ACTIVE"})
    assert (verdict.outcome, verdict.reason) == (UNDER_WAY, "no update has been made")


def test_no_update_at_all_may_be_enough():
    assert Wait("solution", ARN, "updated", require_update=False).judge({"status": "ACTIVE"}).outcome == REACHED


def test_an_earlier_update_is_not_the_one_that_is_meant():
    wait = Wait("solution", ARN, "updated", iso(THEN + timedelta(milliseconds=1)))
    assert wait.judge(solution("ACTIVE")).outcome == UNDER_WAY


def test_a_later_update_in_place_of_the_one_that_is_meant_is_no_success():
    wait = Wait("solution", ARN, "updated", iso(THEN - timedelta(milliseconds=1)))
    verdict = wait.judge(solution("ACTIVE"))
    assert verdict.failed
    assert isinstance(wait.error(verdict), UpdateReplacedError)
    assert "replaced" in str(wait.error(verdict))


def test_the_update_that_is_meant_is_recognised_in_any_time_zone():
    elsewhere = THEN.astimezone(timezone(timedelta(hours=5)))
    assert Wait("solution", ARN, "updated", iso(THEN)).judge(solution("ACTIVE", elsewhere)).outcome == REACHED


@pytest.mark.parametrize(
    ("own", "update", "outcome"),
    [
        ("ACTIVE", None, REACHED),
        ("ACTIVE", "ACTIVE", REACHED),
        ("ACTIVE", "CREATE FAILED", REACHED),
        ("CREATE FAILED", None, REACHED),
        ("ACTIVE", "CREATE PENDING", UNDER_WAY),
        ("CREATE IN_PROGRESS", None, UNDER_WAY),
        ("DELETE PENDING", "ACTIVE", UNDER_WAY),
    ],
)
def test_a_solution_is_settled_when_nothing_is_under_way_with_it(own, update, outcome):
    description = {**solution(update), "status": own} if update else {"status": own}
    assert Wait("solution", ARN, "settled").judge(description).outcome == outcome


@pytest.mark.parametrize(
    ("own", "update", "outcome"),
    [
        ("ACTIVE", "ACTIVE", REACHED),
        ("UPDATE PENDING", "ACTIVE", UNDER_WAY),
        ("UPDATE IN_PROGRESS", "ACTIVE", UNDER_WAY),
        ("ACTIVE", "UPDATE IN_PROGRESS", UNDER_WAY),
        ("A STATUS OF NEXT YEAR", "ACTIVE", UNDER_WAY),
        ("UPDATE IN_PROGRESS", "CREATE FAILED", FAILED),
        ("ACTIVE", "CREATE FAILED", FAILED),
        ("ACTIVE", "UPDATE FAILED", FAILED),
        ("UPDATE PENDING", None, UNDER_WAY),
        ("ACTIVE", None, REACHED),
    ],
)
def test_the_update_of_a_dataset_shows_at_both_levels(own, update, outcome):
    latest = {"latestDatasetUpdate": {"status": update, "creationDateTime": THEN}} if update else {}
    wait = Wait("dataset", ARN, "updated", require_update=False)
    assert wait.judge({"status": own, **latest}).outcome == outcome


def test_a_dataset_is_settled_after_an_update_that_failed_in_whatever_word():
    for word in ("CREATE FAILED", "UPDATE FAILED"):
        description = {"status": "ACTIVE", "latestDatasetUpdate": {"status": word}}
        assert Wait("dataset", ARN, "settled").judge(description).outcome == REACHED


@pytest.mark.parametrize("row", RESOURCES.values(), ids=list(RESOURCES))
def test_each_kind_ends_by_its_own_words(row):
    wait = Wait(row.name, ARN)
    assert {wait.judge({"status": status}).outcome for status in row.ready} == {REACHED}
    if row.has_status:
        assert {wait.judge({"status": status}).outcome for status in row.failed} == {FAILED}
        assert wait.judge({"status": "CREATE PENDING"}).outcome == UNDER_WAY


@pytest.mark.parametrize("row", RESOURCES.values(), ids=list(RESOURCES))
@pytest.mark.parametrize("goal", get_args(Goal))
def test_an_abridged_description_is_judged_like_the_whole(row, goal):
    wait = Wait(row.name, ARN, goal, iso(THEN))
    for own, update in product([*row.final, "CREATE PENDING", "DELETE PENDING"], repeat=2):
        described = {"name": "shop", "status": own, "failureReason": "own", "creationDateTime": THEN}
        updated = {"name": "shop", "status": update, "failureReason": "the update's", "creationDateTime": THEN}
        whole = Reading({**described, row.update_member: updated} if row.updates else described)
        short = whole.abridged(wait.source)
        assert goal == "trained" or "name" not in str(short)
        before, after = wait.judge_reading(whole), wait.judge_reading(short)
        assert (after.outcome, after.status, after.reason) == (before.outcome, before.status, before.reason)


RECOMMENDER = ARN.replace("solution", "recommender")


@pytest.mark.parametrize(
    ("goal", "status", "outcome"),
    [
        ("stopped", "ACTIVE", UNDER_WAY),
        ("stopped", "STOP PENDING", UNDER_WAY),
        ("stopped", "STOP IN_PROGRESS", UNDER_WAY),
        ("stopped", "INACTIVE", REACHED),
        ("stopped", "CREATE FAILED", FAILED),
        ("started", "INACTIVE", UNDER_WAY),
        ("started", "START PENDING", UNDER_WAY),
        ("started", "START IN_PROGRESS", UNDER_WAY),
        ("started", "ACTIVE", REACHED),
        ("started", "CREATE FAILED", FAILED),
        ("ready", "INACTIVE", FAILED),
        ("ready", "START PENDING", UNDER_WAY),
    ],
)
def test_a_recommender_is_stopped_and_started_by_its_own_words(goal, status, outcome):
    assert Wait("recommender", RECOMMENDER, goal).judge({"status": status}).outcome == outcome


def test_a_stopped_recommender_says_who_starts_it():
    wait = Wait("recommender", RECOMMENDER)
    error = wait.error(wait.judge({"status": "INACTIVE"}))
    assert isinstance(error, ResourceStoppedError)
    assert "StartRecommenderOperator" in str(error)


@pytest.mark.parametrize("goal", ["ready", "updated", "settled", "stopped", "started", "gone"])
@pytest.mark.parametrize(("own", "update"), [("DELETE PENDING", "ACTIVE"), ("ACTIVE", "DELETE IN_PROGRESS")])
def test_what_is_being_deleted_is_nothing_else(goal, own, update):
    description = {"status": own, "latestRecommenderUpdate": {"status": update}}
    verdict = Wait("recommender", RECOMMENDER, goal).judge(description)
    assert (verdict.outcome, verdict.status[:6]) == (UNDER_WAY, "DELETE")


@pytest.mark.parametrize(
    ("update", "outcome"),
    [({}, FAILED), ({"status": "CREATE FAILED"}, FAILED), ({"status": "ACTIVE"}, REACHED)],
)
def test_an_update_may_make_up_for_a_failed_creation(update, outcome):
    description = {"status": "CREATE FAILED", "latestCampaignUpdate": update}
    assert Wait("campaign", ARN).judge(description).outcome == outcome


def test_no_update_at_all_is_not_enough_where_the_resource_itself_failed():
    wait = Wait("campaign", ARN, "updated", require_update=False)
    assert wait.judge({"status": "CREATE FAILED"}).outcome == FAILED


def test_a_call_is_shown_once_the_status_has_changed_or_time_is_up():
    for patience, outcome in ((9e9, UNDER_WAY), (1, REACHED)):
        moved = Moved("recommender", RECOMMENDER, "stopped", before="ACTIVE", patience=patience)
        assert moved.judge({"status": "ACTIVE"}).outcome == outcome
        assert moved.judge({"status": "STOP PENDING"}).outcome == REACHED


@pytest.mark.parametrize(
    ("created", "before", "newer"),
    [
        (THEN + timedelta(seconds=1), THEN, True),
        (THEN, THEN, False),
        (THEN - timedelta(days=1), THEN, False),
        (THEN, None, True),
        (None, None, False),
        (None, THEN, False),
    ],
)
def test_an_update_is_newer_by_its_date(created, before, newer):
    update = {"status": "ACTIVE"} | ({"creationDateTime": created} if created else {})
    assert is_newer(update, before.isoformat() if before else None) is newer
    assert not is_newer({}, None)


@pytest.mark.parametrize(
    ("own", "update", "outcome"),
    [
        (True, None, UNDER_WAY),
        (False, None, FAILED),
        (False, ("CREATE PENDING", True), UNDER_WAY),
        (False, ("ACTIVE", True), UNDER_WAY),
        (True, ("ACTIVE", False), FAILED),
        (True, ("CREATE PENDING", False), UNDER_WAY),
        (True, ("CREATE FAILED", False), UNDER_WAY),
        (False, ("CREATE FAILED", True), FAILED),
    ],
)
def test_a_version_of_automatic_training_may_come_as_long_as_that_is_on_or_may_be_turned_on(own, update, outcome):
    described = {"solutionArn": ARN, "status": "ACTIVE", "performAutoTraining": own}
    if update:
        described["latestSolutionUpdate"] = {"status": update[0], "performAutoTraining": update[1]}
    verdict = Wait("solution_version", ARN, "trained").judge(described)
    assert verdict.outcome == outcome
    assert "automatic training" in verdict.reason


def test_a_solution_that_failed_trains_nothing():
    wait = Wait("solution_version", ARN, "trained")
    verdict = wait.judge({"solutionArn": ARN, "status": "CREATE FAILED", "performAutoTraining": True})
    assert str(wait.error(verdict)).startswith(
        "CREATE FAILED: the service gives no reason (automatic version of solution shop)"
    )


@pytest.mark.parametrize(
    ("status", "update", "under_way"),
    [
        ("ACTIVE", None, False),
        ("CREATE IN_PROGRESS", None, False),
        ("ACTIVE", "ACTIVE", False),
        ("ACTIVE", "CREATE PENDING", True),
        ("UPDATE PENDING", "ACTIVE", True),
        ("UPDATE PENDING", None, True),
    ],
)
def test_a_dataset_may_show_in_either_of_two_places_first_that_it_is_being_updated(status, update, under_way):
    description = {"status": status} | ({"latestDatasetUpdate": {"status": update}} if update else {})
    assert is_being_updated(RESOURCES["dataset"], description) == under_way
