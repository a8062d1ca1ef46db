"""Recommenders: updated, stopped and started, with every status on the way."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import HOUR, MARKET, PREFIX, RECOMMENDED, open_market
from task_runs import Run, TaskInstance

from airflow_provider_personalize import operators
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    ResourceDiffersError,
    ResourceFailedError,
    ResourceStoppedError,
    WaitTimeoutError,
)

RECOMMENDER = f"{PREFIX}recommender/you"
SWITCHES = {"Stop": ("ACTIVE", "INACTIVE"), "Start": ("INACTIVE", "ACTIVE")}

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
either_way = pytest.mark.parametrize("verb", SWITCHES)


@pytest.fixture
def shop(personalize):
    """A client of a service with a recommender."""
    open_market(personalize)
    personalize.create_recommender(name="you", datasetGroupArn=MARKET, recipeArn=RECOMMENDED)
    clock.advance(HOUR)
    return personalize


def run_of(verb: str, **given: Any) -> Run:
    operator = getattr(operators, f"{verb}RecommenderOperator")
    return Run(lambda: operator(task_id="task", **{"recommender_arn": RECOMMENDER, **given}), TaskInstance())


def status(client: Any) -> str:
    return client.describe_recommender(recommenderArn=RECOMMENDER)["recommender"]["status"]


def sent(verb: str) -> int:
    return len([call for call in calls.of(f"{verb}Recommender") if call.error is None])


def bring_to(client: Any, wanted: str) -> None:
    if wanted == "INACTIVE":
        client.stop_recommender(recommenderArn=RECOMMENDER)
        clock.advance(HOUR)
    calls.clear()


@either_way
@deferrable_or_not
def test_the_recommender_has_the_requested_status_when_the_task_ends(shop, verb, deferrable):
    before, after = SWITCHES[verb]
    bring_to(shop, before)
    run = run_of(verb, deferrable=deferrable)
    assert run() == RECOMMENDER
    assert status(shop) == after
    assert sent(verb) == 1
    assert len(run.deferrals) == deferrable


@either_way
@deferrable_or_not
def test_an_unnecessary_call_is_not_sent_and_the_log_says_so(shop, verb, deferrable, capsys):
    bring_to(shop, SWITCHES[verb][1])
    assert run_of(verb, deferrable=deferrable)() == RECOMMENDER
    assert sent(verb) == 0
    assert f"{SWITCHES[verb][1]} already; nothing is sent" in capsys.readouterr().out


@either_way
@pytest.mark.parametrize("hides", [20, 90])
@deferrable_or_not
def test_a_stale_status_right_after_the_call_ends_nothing_and_fails_nothing(shop, verb, hides, deferrable):
    before, after = SWITCHES[verb]
    bring_to(shop, before)
    faults.stale_next(f"{verb}Recommender", hides=hides)
    run_of(verb, deferrable=deferrable)()
    assert status(shop) == after
    assert sent(verb) == 1


@either_way
def test_without_waiting_the_task_still_ends_only_when_the_call_shows(shop, verb):
    bring_to(shop, SWITCHES[verb][0])
    faults.stale_next(f"{verb}Recommender", hides=20)
    run_of(verb, wait_for_completion=False)()
    assert status(shop).startswith(verb.upper())


@either_way
@deferrable_or_not
def test_a_change_started_by_an_earlier_attempt_is_waited_for(shop, verb, deferrable):
    before, after = SWITCHES[verb]
    bring_to(shop, before)
    run_of(verb, wait_for_completion=False)()
    run_of(verb, wait_for_completion=False)()
    assert status(shop).startswith(verb.upper())
    run_of(verb, deferrable=deferrable)()
    assert status(shop) == after
    assert sent(verb) == 1


@either_way
@deferrable_or_not
def test_an_opposite_change_in_progress_is_waited_for_first(shop, verb, deferrable):
    after = SWITCHES[verb][1]
    opposite = "Start" if verb == "Stop" else "Stop"
    bring_to(shop, after)
    run_of(opposite, wait_for_completion=False)()
    run_of(verb, deferrable=deferrable)()
    assert status(shop) == after
    assert sent(verb) == 1


@deferrable_or_not
def test_an_update_in_progress_is_waited_for_before_a_stop(shop, deferrable):
    shop.update_recommender(recommenderArn=RECOMMENDER, recommenderConfig={"minRecommendationRequestsPerSecond": 2})
    run_of("Stop", deferrable=deferrable)()
    assert [call.error for call in calls.of("StopRecommender")] == [None]
    assert status(shop) == "INACTIVE"


@either_way
@pytest.mark.parametrize("refusal", ["ResourceInUseException", "InvalidInputException"])
def test_a_call_retried_by_boto3_after_a_lost_answer_counts_as_done(shop, verb, refusal):
    before, after = SWITCHES[verb]
    bring_to(shop, before)
    run = run_of(verb)
    make = run.make

    def make_repeating() -> Any:
        task = make()
        call = task.call

        def twice(*request: Any) -> None:
            call(*request)
            faults.error_next(f"{verb}Recommender", refusal)
            call(*request)

        task.call = twice
        return task

    run.make = make_repeating
    run()
    assert status(shop) == after


@either_way
def test_another_refusal_keeps_the_services_error(shop, verb):
    bring_to(shop, SWITCHES[verb][0])
    faults.error_next(f"{verb}Recommender", "InvalidInputException", message="not so", times=None)
    with pytest.raises(ClientError, match="not so"):
        run_of(verb)()


@either_way
@deferrable_or_not
def test_in_use_forever_ends_by_the_deadline(shop, verb, deferrable):
    bring_to(shop, SWITCHES[verb][0])
    faults.error_next(f"{verb}Recommender", "ResourceInUseException", message="busy for ever", times=None)
    with pytest.raises(WaitTimeoutError, match="busy for ever"):
        run_of(verb, timeout=300, deferrable=deferrable)()


@either_way
def test_a_failed_recommender_cannot_be_stopped_or_started(personalize, verb):
    open_market(personalize)
    faults.fail_next("CreateRecommender", "bad luck")
    personalize.create_recommender(name="you", datasetGroupArn=MARKET, recipeArn=RECOMMENDED)
    clock.advance(HOUR)
    with pytest.raises(ResourceFailedError, match="bad luck"):
        run_of(verb)()
    assert calls.of(f"{verb}Recommender") == []


@either_way
def test_a_missing_resource_is_an_error_of_the_service(shop, verb):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        run_of(verb, recommender_arn=f"{RECOMMENDER}2")()


@deferrable_or_not
def test_an_update_is_waited_for_though_the_recommender_itself_stays_active(shop, deferrable):
    run = run_of("Update", recommender_config={"minRecommendationRequestsPerSecond": 2}, deferrable=deferrable)
    run.between = lambda: run.ti.xcoms.update(between=status(shop))
    assert run() == RECOMMENDER
    shown = shop.describe_recommender(recommenderArn=RECOMMENDER)["recommender"]
    assert shown["latestRecommenderUpdate"]["status"] == "ACTIVE"
    assert shown["recommenderConfig"]["minRecommendationRequestsPerSecond"] == 2
    assert run.ti.xcoms.get("between") == ("ACTIVE" if deferrable else None)


COLUMNS = {"trainingDataConfig": {"excludedDatasetColumns": {"INTERACTIONS": ["EVENT_TYPE"]}}}


def test_the_same_columns_make_no_update_and_the_task_ends(shop, passing_time):
    run_of("Update", recommender_config=COLUMNS)()
    run_of("Update", recommender_config=COLUMNS)()
    assert sent("Update") == 1
    before = sum(passing_time.slept)
    run = run_of("Update", recommender_config=COLUMNS, if_unchanged="update")
    assert run() == RECOMMENDER
    assert sent("Update") == 2
    assert run.ti.xcoms["recommender_update"]["creationDateTime"] is None
    assert sum(passing_time.slept) - before < 120


def test_columns_that_are_to_be_trained_on_again_are_a_change(shop):
    run_of("Update", recommender_config=COLUMNS)()
    run_of("Update", recommender_config={"trainingDataConfig": {"excludedDatasetColumns": {}}})()
    shown = shop.describe_recommender(recommenderArn=RECOMMENDER)["recommender"]
    assert sent("Update") == 2
    assert shown["recommenderConfig"]["trainingDataConfig"] == {"excludedDatasetColumns": {}}


@deferrable_or_not
def test_a_failed_update_fails_the_task_with_the_reason_of_the_service(shop, deferrable):
    faults.fail_next("UpdateRecommender", "no data")
    with pytest.raises(ResourceFailedError, match="no data"):
        run_of("Update", recommender_config=COLUMNS, deferrable=deferrable)()
    assert status(shop) == "ACTIVE"


def test_a_stopped_recommender_is_not_updated_and_not_ready(shop):
    bring_to(shop, "INACTIVE")
    with pytest.raises(ResourceStoppedError, match="StartRecommenderOperator"):
        run_of("Update", recommender_config=COLUMNS)()
    given = {"name": "you", "dataset_group_arn": MARKET, "recipe_arn": RECOMMENDED}
    run = Run(lambda: operators.CreateRecommenderOperator(task_id="task", **given))
    with pytest.raises(ResourceStoppedError, match="StartRecommenderOperator"):
        run()
    assert calls.of("UpdateRecommender") == []


@pytest.mark.parametrize("shown", ["status", "update"])
def test_a_stopped_recommender_is_deleted_as_well(shop, shown):
    assumptions.deletion_shown = shown
    run_of("Update", recommender_config=COLUMNS)()
    bring_to(shop, "INACTIVE")
    run_of("Delete")()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        status(shop)


def test_created_again_with_other_columns_says_which(shop):
    run_of("Update", recommender_config=COLUMNS)()
    given = {"name": "you", "dataset_group_arn": MARKET, "recipe_arn": RECOMMENDED}
    config = {"trainingDataConfig": {"excludedDatasetColumns": {}}}
    with pytest.raises(ResourceDiffersError, match=r"excludedDatasetColumns\.INTERACTIONS"):
        Run(lambda: operators.CreateRecommenderOperator(task_id="task", **given, recommender_config=config))()
