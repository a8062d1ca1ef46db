"""Evaluation of the service's descriptions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import product
from typing import get_args

import pytest

from airflow_provider_personalize.exceptions import ResourceStoppedError, UpdateReplacedError
from airflow_provider_personalize.goals import Goal
from airflow_provider_personalize.polling import Observation
from airflow_provider_personalize.resources import RESOURCE_TYPES
from airflow_provider_personalize.status import (
    FAILED,
    IN_PROGRESS,
    SUCCEEDED,
    WaitCondition,
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
        ("CREATE PENDING", IN_PROGRESS),
        ("CREATE IN_PROGRESS", IN_PROGRESS),
        ("ACTIVE", SUCCEEDED),
        ("CREATE FAILED", FAILED),
        ("A STATUS OF NEXT YEAR", IN_PROGRESS),
        (None, IN_PROGRESS),
    ],
)
def test_an_update_has_come_as_far_as_its_own_status_says(status, outcome):
    assert WaitCondition("solution", ARN, "updated").evaluate(solution(status)).outcome == outcome


def test_a_failed_update_keeps_the_reason_of_the_service():
    evaluated = WaitCondition("solution", ARN, "updated").evaluate(
        solution("CREATE FAILED", failureReason="no such event type")
    )
    assert evaluated.reason == "no such event type"


def test_the_solutions_own_status_says_nothing_of_its_update():
    evaluated = WaitCondition("solution", ARN, "updated").evaluate({"status": "ACTIVE"})
    assert (evaluated.outcome, evaluated.reason) == (IN_PROGRESS, "no update has been made")


def test_no_update_at_all_may_be_enough():
    assert (
        WaitCondition("solution", ARN, "updated", require_update=False).evaluate({"status": "ACTIVE"}).outcome
        == SUCCEEDED
    )


def test_an_earlier_update_is_not_the_one_that_is_meant():
    wait = WaitCondition("solution", ARN, "updated", iso(THEN + timedelta(milliseconds=1)))
    assert wait.evaluate(solution("ACTIVE")).outcome == IN_PROGRESS


def test_a_later_update_in_place_of_the_one_that_is_meant_is_not_a_success():
    wait = WaitCondition("solution", ARN, "updated", iso(THEN - timedelta(milliseconds=1)))
    evaluated = wait.evaluate(solution("ACTIVE"))
    assert evaluated.failed
    assert isinstance(wait.error(evaluated), UpdateReplacedError)
    assert "replaced" in str(wait.error(evaluated))


def test_the_update_that_is_meant_is_recognised_in_any_time_zone():
    elsewhere = THEN.astimezone(timezone(timedelta(hours=5)))
    assert (
        WaitCondition("solution", ARN, "updated", iso(THEN)).evaluate(solution("ACTIVE", elsewhere)).outcome
        == SUCCEEDED
    )


@pytest.mark.parametrize(
    ("own", "update", "outcome"),
    [
        ("ACTIVE", None, SUCCEEDED),
        ("ACTIVE", "ACTIVE", SUCCEEDED),
        ("ACTIVE", "CREATE FAILED", SUCCEEDED),
        ("CREATE FAILED", None, SUCCEEDED),
        ("ACTIVE", "CREATE PENDING", IN_PROGRESS),
        ("CREATE IN_PROGRESS", None, IN_PROGRESS),
        ("DELETE PENDING", "ACTIVE", IN_PROGRESS),
    ],
)
def test_a_solution_is_settled_when_nothing_is_in_progress_with_it(own, update, outcome):
    description = {**solution(update), "status": own} if update else {"status": own}
    assert WaitCondition("solution", ARN, "settled").evaluate(description).outcome == outcome


@pytest.mark.parametrize(
    ("own", "update", "outcome"),
    [
        ("ACTIVE", "ACTIVE", SUCCEEDED),
        ("UPDATE PENDING", "ACTIVE", IN_PROGRESS),
        ("UPDATE IN_PROGRESS", "ACTIVE", IN_PROGRESS),
        ("ACTIVE", "UPDATE IN_PROGRESS", IN_PROGRESS),
        ("A STATUS OF NEXT YEAR", "ACTIVE", IN_PROGRESS),
        ("UPDATE IN_PROGRESS", "CREATE FAILED", FAILED),
        ("ACTIVE", "CREATE FAILED", FAILED),
        ("ACTIVE", "UPDATE FAILED", FAILED),
        ("UPDATE PENDING", None, IN_PROGRESS),
        ("ACTIVE", None, SUCCEEDED),
    ],
)
def test_the_update_of_a_dataset_shows_at_both_levels(own, update, outcome):
    latest = {"latestDatasetUpdate": {"status": update, "creationDateTime": THEN}} if update else {}
    wait = WaitCondition("dataset", ARN, "updated", require_update=False)
    assert wait.evaluate({"status": own, **latest}).outcome == outcome


def test_a_dataset_is_settled_after_an_update_that_failed_in_whatever_word():
    for word in ("CREATE FAILED", "UPDATE FAILED"):
        description = {"status": "ACTIVE", "latestDatasetUpdate": {"status": word}}
        assert WaitCondition("dataset", ARN, "settled").evaluate(description).outcome == SUCCEEDED


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES.values(), ids=list(RESOURCE_TYPES))
def test_each_resource_type_ends_in_its_own_statuses(resource_type):
    wait = WaitCondition(resource_type.name, ARN)
    assert {wait.evaluate({"status": status}).outcome for status in resource_type.ready} == {SUCCEEDED}
    if resource_type.has_status:
        assert {wait.evaluate({"status": status}).outcome for status in resource_type.failed} == {FAILED}
        assert wait.evaluate({"status": "CREATE PENDING"}).outcome == IN_PROGRESS


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES.values(), ids=list(RESOURCE_TYPES))
@pytest.mark.parametrize("goal", get_args(Goal))
def test_an_abridged_description_is_evaluated_like_the_whole(resource_type, goal):
    wait = WaitCondition(resource_type.name, ARN, goal, iso(THEN))
    for own, update in product([*resource_type.final, "CREATE PENDING", "DELETE PENDING"], repeat=2):
        described = {"name": "shop", "status": own, "failureReason": "own", "creationDateTime": THEN}
        updated = {"name": "shop", "status": update, "failureReason": "the update's", "creationDateTime": THEN}
        whole = Observation({**described, resource_type.update_member: updated} if resource_type.updates else described)
        short = whole.abridged(wait.poll_target)
        assert goal == "trained" or "name" not in str(short)
        before, after = wait.evaluate_observation(whole), wait.evaluate_observation(short)
        assert (after.outcome, after.status, after.reason) == (before.outcome, before.status, before.reason)


RECOMMENDER = ARN.replace("solution", "recommender")


@pytest.mark.parametrize(
    ("goal", "status", "outcome"),
    [
        ("stopped", "ACTIVE", IN_PROGRESS),
        ("stopped", "STOP PENDING", IN_PROGRESS),
        ("stopped", "STOP IN_PROGRESS", IN_PROGRESS),
        ("stopped", "INACTIVE", SUCCEEDED),
        ("stopped", "CREATE FAILED", FAILED),
        ("started", "INACTIVE", IN_PROGRESS),
        ("started", "START PENDING", IN_PROGRESS),
        ("started", "START IN_PROGRESS", IN_PROGRESS),
        ("started", "ACTIVE", SUCCEEDED),
        ("started", "CREATE FAILED", FAILED),
        ("ready", "INACTIVE", FAILED),
        ("ready", "START PENDING", IN_PROGRESS),
    ],
)
def test_a_recommender_is_stopped_and_started_by_its_own_words(goal, status, outcome):
    assert WaitCondition("recommender", RECOMMENDER, goal).evaluate({"status": status}).outcome == outcome


def test_a_stopped_recommender_says_who_starts_it():
    wait = WaitCondition("recommender", RECOMMENDER)
    error = wait.error(wait.evaluate({"status": "INACTIVE"}))
    assert isinstance(error, ResourceStoppedError)
    assert "StartRecommenderOperator" in str(error)


@pytest.mark.parametrize("goal", ["ready", "updated", "settled", "stopped", "started", "gone"])
@pytest.mark.parametrize(("own", "update"), [("DELETE PENDING", "ACTIVE"), ("ACTIVE", "DELETE IN_PROGRESS")])
def test_what_is_being_deleted_is_nothing_else(goal, own, update):
    description = {"status": own, "latestRecommenderUpdate": {"status": update}}
    evaluated = WaitCondition("recommender", RECOMMENDER, goal).evaluate(description)
    assert (evaluated.outcome, evaluated.status[:6]) == (IN_PROGRESS, "DELETE")


@pytest.mark.parametrize(
    ("update", "outcome"),
    [({}, FAILED), ({"status": "CREATE FAILED"}, FAILED), ({"status": "ACTIVE"}, SUCCEEDED)],
)
def test_an_update_may_make_up_for_a_failed_creation(update, outcome):
    description = {"status": "CREATE FAILED", "latestCampaignUpdate": update}
    assert WaitCondition("campaign", ARN).evaluate(description).outcome == outcome


def test_no_update_at_all_is_not_enough_where_the_resource_itself_failed():
    wait = WaitCondition("campaign", ARN, "updated", require_update=False)
    assert wait.evaluate({"status": "CREATE FAILED"}).outcome == FAILED


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
        (True, None, IN_PROGRESS),
        (False, None, FAILED),
        (False, ("CREATE PENDING", True), IN_PROGRESS),
        (False, ("ACTIVE", True), IN_PROGRESS),
        (True, ("ACTIVE", False), FAILED),
        (True, ("CREATE PENDING", False), IN_PROGRESS),
        (True, ("CREATE FAILED", False), IN_PROGRESS),
        (False, ("CREATE FAILED", True), FAILED),
    ],
)
def test_a_version_of_automatic_training_may_come_as_long_as_that_is_on_or_may_be_turned_on(own, update, outcome):
    described = {"solutionArn": ARN, "status": "ACTIVE", "performAutoTraining": own}
    if update:
        described["latestSolutionUpdate"] = {"status": update[0], "performAutoTraining": update[1]}
    evaluated = WaitCondition("solution_version", ARN, "trained").evaluate(described)
    assert evaluated.outcome == outcome
    assert "automatic training" in evaluated.reason


def test_a_solution_that_failed_trains_nothing():
    wait = WaitCondition("solution_version", ARN, "trained")
    evaluated = wait.evaluate({"solutionArn": ARN, "status": "CREATE FAILED", "performAutoTraining": True})
    assert str(wait.error(evaluated)).startswith(
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
    assert is_being_updated(RESOURCE_TYPES["dataset"], description) == under_way


@pytest.mark.parametrize(("waited", "delay"), [(0, 2.5), (50, 5), (150, 15), (3600, 15)])
def test_the_delay_between_polls_grows_with_the_time_waited(waited, delay):
    assert WaitCondition("solution", ARN).next_delay(waited) == delay


def test_a_pause_before_there_is_an_arn_has_a_title_without_one():
    assert WaitCondition("dataset_group", "", "later").title == "next attempt at dataset group"
