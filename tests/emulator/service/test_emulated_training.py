"""Automatic training, by the clock; and campaigns that follow it."""

from __future__ import annotations

import pytest
from asking import refusal
from everything import HOUR, RECIPE, Everything, new_shop
from moto import mock_aws
from shop import PREFIX

from airflow_provider_personalize.emulator import assumptions, clock, faults

DAY = 24 * HOUR
SOLUTION = f"{PREFIX}solution/auto"
WEEKLY = "rate(7 days)"


@pytest.fixture
def shop(shop):
    shop.track()
    return shop


def automatic(shop: Everything, every: str = WEEKLY, **more) -> None:
    config = {"autoTrainingConfig": {"schedulingExpression": every}}
    given = {"name": "auto", "datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}user-personalization-v2", **more}
    shop.api.create_solution(solutionConfig=config, **given)
    clock.advance(2)


def versions(shop: Everything) -> list[dict]:
    return shop.api.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]


def types(shop: Everything) -> list[str]:
    return [version["trainingType"] for version in versions(shop)]


def see_a_click(shop: Everything) -> None:
    event = {"eventType": "view", "itemId": "i1", "sentAt": clock.now()}
    shop.events.put_events(trackingId=shop.tracking_id, userId="u1", sessionId="s", eventList=[event])


def test_the_first_training_begins_within_the_hour(shop):
    automatic(shop)
    assert versions(shop) == []
    clock.advance(HOUR)
    (version,) = versions(shop)
    assert (version["trainingType"], version["status"]) == ("AUTOMATIC", "CREATE IN_PROGRESS")
    assert version["creationDateTime"].timestamp() == pytest.approx(clock.now() - HOUR + 1800 - 1, abs=2)
    latest = shop.describe("solution", SOLUTION)["latestSolutionVersion"]
    assert latest["solutionVersionArn"] == version["solutionVersionArn"]


def test_a_version_made_by_hand_within_the_hour_stands_in_for_the_first(shop):
    automatic(shop)
    shop.api.create_solution_version(solutionArn=SOLUTION)
    clock.advance(DAY)
    assert types(shop) == ["MANUAL"]
    see_a_click(shop)
    clock.advance(6 * DAY)
    assert types(shop) == ["MANUAL", "AUTOMATIC"]


def test_training_goes_on_at_its_rate_while_new_interactions_come(shop):
    automatic(shop, "rate(2 days)")
    clock.advance(HOUR)
    for expected in (2, 3, 4):
        see_a_click(shop)
        clock.advance(2 * DAY)
        assert types(shop) == ["AUTOMATIC"] * expected
    first, *_, last = versions(shop)
    assert (last["creationDateTime"] - first["creationDateTime"]).total_seconds() == pytest.approx(6 * DAY, abs=1)


def test_without_new_interactions_no_training_begins(shop):
    automatic(shop, "rate(1 day)")
    clock.advance(20 * DAY)
    assert types(shop) == ["AUTOMATIC"]
    shop.import_csv("Interactions", "s3://all/in/Interactions.csv", "again")
    clock.advance(DAY)
    assert types(shop) == ["AUTOMATIC", "AUTOMATIC"]


def test_turned_off_it_ends_and_turned_on_it_begins_within_the_hour(shop):
    automatic(shop, performAutoTraining=True)
    shop.api.update_solution(solutionArn=SOLUTION, performAutoTraining=False)
    clock.advance(10 * DAY)
    assert versions(shop) == []
    shop.api.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(HOUR)
    assert types(shop) == ["AUTOMATIC"]


def test_setting_the_schedule_that_is_in_force_trains_again_unless_assumed_otherwise(shop):
    automatic(shop)
    clock.advance(HOUR)
    config = {"autoTrainingConfig": {"schedulingExpression": WEEKLY}}
    for days, choice in ((1, "restarts"), (2, "kept")):
        assumptions.same_schedule = choice
        shop.api.update_solution(solutionArn=SOLUTION, performAutoTraining=True, solutionUpdateConfig=config)
        clock.advance(DAY)
        assert len(versions(shop)) == 2, days


def test_a_failed_update_changes_no_schedule(shop):
    automatic(shop)
    clock.advance(HOUR)
    for switch in (True, False):
        faults.fail_next("UpdateSolution", "Because.")
        shop.api.update_solution(solutionArn=SOLUTION, performAutoTraining=switch)
        clock.advance(HOUR)
        assert types(shop) == ["AUTOMATIC"]
    see_a_click(shop)
    clock.advance(7 * DAY)
    assert types(shop) == ["AUTOMATIC", "AUTOMATIC"]


def test_without_enough_data_the_first_training_fails_and_says_why():
    with mock_aws():
        shop = new_shop()
        shop.open()
        automatic(shop)
        clock.advance(2 * HOUR)
        (version,) = versions(shop)
        assert version["status"] == "CREATE FAILED"
        assert "fewer than 1000 interactions" in version["failureReason"]


def test_a_campaign_in_sync_follows_to_the_newest_version_and_others_stay(shop):
    first = shop.solve("auto", "user-personalization-v2")
    shop.campaign("fixed", f"{SOLUTION}/$LATEST")
    campaign = shop.campaign("sync", f"{SOLUTION}/$LATEST", campaignConfig={"syncWithLatestSolutionVersion": True})
    assert shop.describe("campaign", campaign)["solutionVersionArn"] == first
    second = shop.train(SOLUTION)
    now = shop.describe("campaign", campaign)
    assert (now["solutionVersionArn"], now["latestCampaignUpdate"]["solutionVersionArn"]) == (second, second)
    assert now["latestCampaignUpdate"]["status"] == "ACTIVE"
    assert shop.describe("campaign", f"{PREFIX}campaign/fixed")["solutionVersionArn"] == first


def test_a_training_that_is_stopped_makes_no_version_to_follow(shop):
    shop.solve("auto", "user-personalization-v2")
    sync = {"campaignConfig": {"syncWithLatestSolutionVersion": True}}
    campaign = shop.campaign("sync", f"{SOLUTION}/$LATEST", **sync)
    arn = shop.api.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(1500)
    shop.api.stop_solution_version_creation(solutionVersionArn=arn)
    assert shop.describe("solution_version", arn)["status"] == "CREATE STOPPING"
    clock.advance(2 * HOUR)
    assert shop.describe("solution_version", arn)["status"] == "CREATE STOPPED"
    assert "latestCampaignUpdate" not in shop.describe("campaign", campaign)
    assert refusal(shop.api.stop_solution_version_creation, solutionVersionArn=arn)[0] == "ResourceInUseException"
