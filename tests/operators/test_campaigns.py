"""Campaigns: which version they serve, and that an update is this update."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from shop import HOUR, MARKET, PREFIX, ROLE, open_market, train
from task_runs import Run, TaskInstance

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceFailedError,
    UpdateReplacedError,
)
from airflow_provider_personalize.operators import (
    CreateBatchInferenceJobOperator,
    CreateCampaignOperator,
    UpdateCampaignOperator,
)
from airflow_provider_personalize.plans.steps import Fail, Memory, until_usable

SOLUTION = f"{PREFIX}solution/market"
CAMPAIGN = f"{PREFIX}campaign/market"
LATEST = f"{SOLUTION}/$LATEST"
SYNC = {"syncWithLatestSolutionVersion": True}

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
however_shown = pytest.mark.parametrize("shown", ["resolved", "literally"])


@pytest.fixture
def first(personalize):
    """A trained version."""
    return open_market(personalize)


def create(version: str, **more: Any) -> Run:
    given = {"name": "market", "solution_version_arn": version, **more}
    return Run(lambda: CreateCampaignOperator(task_id="task", **given), TaskInstance())


def update(**given: Any) -> Run:
    return Run(lambda: UpdateCampaignOperator(task_id="task", **{"campaign_arn": CAMPAIGN, **given}), TaskInstance())


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(days=1)
    return run


def campaign(personalize: Any) -> dict[str, Any]:
    return personalize.describe_campaign(campaignArn=CAMPAIGN)["campaign"]


def sent() -> int:
    return len([call for call in calls.of("UpdateCampaign") if call.error is None])


@deferrable_or_not
def test_an_update_is_waited_for_though_the_campaign_itself_stays_active(personalize, first, deferrable):
    create(first)()
    second = train(personalize, SOLUTION)
    seen = []
    run = update(solution_version_arn=second, deferrable=deferrable)
    run.between = lambda: seen.append(campaign(personalize))
    assert run() == CAMPAIGN
    assert campaign(personalize)["latestCampaignUpdate"]["status"] == "ACTIVE"
    assert campaign(personalize)["solutionVersionArn"] == second
    assert run.ti.xcoms["campaign_update"]["sent"] is True
    assert [(each["status"], each["solutionVersionArn"]) for each in seen] == [("ACTIVE", first)] * deferrable


@deferrable_or_not
def test_the_active_of_an_earlier_update_is_not_mistaken_for_this_ones(personalize, first, deferrable):
    create(first)()
    update(min_provisioned_tps=2)()
    earlier = campaign(personalize)["latestCampaignUpdate"]["creationDateTime"]
    assumptions.update_visible_after = 7
    update(min_provisioned_tps=3, deferrable=deferrable)()
    assert campaign(personalize)["latestCampaignUpdate"]["creationDateTime"] > earlier
    assert campaign(personalize)["minProvisionedTPS"] == 3


@deferrable_or_not
def test_a_failed_update_fails_the_task_though_the_campaign_itself_stays_active(personalize, first, deferrable):
    create(first)()
    faults.fail_next("UpdateCampaign", "no room")
    run = update(min_provisioned_tps=2, deferrable=deferrable)
    with pytest.raises(ResourceFailedError, match="no room"):
        run()
    assert campaign(personalize)["status"] == "ACTIVE"
    assert retry(run)() == CAMPAIGN
    assert sent() == 2


def test_an_unchanged_resource_is_not_updated(first, capsys):
    create(first, campaign_config={"enableMetadataWithRecommendations": False})()
    for _ in range(2):
        update(solution_version_arn=first, min_provisioned_tps="1")()
    assert sent() == 0
    assert "Nothing is sent: it serves so already" in capsys.readouterr().out


@pytest.mark.parametrize("config", [None, {"syncWithLatestSolutionVersion": False}], ids=["sync not said", "no sync"])
@however_shown
def test_latest_without_sync_moves_a_campaign_on_an_older_version_and_no_other(personalize, first, shown, config):
    assumptions.latest_version_shown = shown
    create(LATEST, campaign_config=config)()
    update(solution_version_arn=LATEST, campaign_config=config)()
    assert sent() == 0
    train(personalize, SOLUTION)
    update(solution_version_arn=LATEST, campaign_config=config)()
    assert sent() == 1
    update(solution_version_arn=LATEST, campaign_config=config)()
    assert sent() == 1


@however_shown
def test_a_version_that_is_not_trained_yet_is_not_the_latest(personalize, first, shown):
    assumptions.latest_version_shown = shown
    create(LATEST)()
    personalize.create_solution_version(solutionArn=SOLUTION)
    update(solution_version_arn=LATEST)()
    assert sent() == 0


@however_shown
def test_latest_and_the_version_that_it_means_are_the_same(personalize, first, shown):
    assumptions.latest_version_shown = shown
    create(LATEST)()
    update(solution_version_arn=first)()
    assert sent() == 0
    second = train(personalize, SOLUTION)
    update(solution_version_arn=first)()
    assert sent() == 0
    update(solution_version_arn=second)()
    update(solution_version_arn=LATEST)()
    assert sent() == 1


@however_shown
def test_a_campaign_in_sync_is_as_wanted_whatever_version_it_is_on(personalize, first, shown):
    assumptions.latest_version_shown = shown
    create(LATEST, campaign_config=SYNC)()
    train(personalize, SOLUTION)
    assert create(LATEST, campaign_config=SYNC)() == CAMPAIGN
    for config in (SYNC, None):
        update(solution_version_arn=LATEST, campaign_config=config)()
    assert sent() == 0
    assert calls.of("ListSolutionVersions") == []


def test_sync_is_turned_on_and_off(personalize, first):
    create(LATEST)()
    for config in (SYNC, {"syncWithLatestSolutionVersion": False}):
        update(solution_version_arn=LATEST, campaign_config=config)()
        assert campaign(personalize)["campaignConfig"] == config
    assert sent() == 2


@deferrable_or_not
def test_an_update_in_force_counts_though_the_service_follows_a_new_version_right_after_it(
    personalize, first, deferrable, capsys
):
    create(first)()
    run = update(solution_version_arn=LATEST, campaign_config=SYNC, deferrable=deferrable, waiter_delay=600)
    personalize.create_solution_version(solutionArn=SOLUTION)
    clock.advance(HOUR * 2 / 3 - 300)  # it ends while this update is in progress
    assert run() == CAMPAIGN
    assert "though a later update followed" in capsys.readouterr().out
    latest = campaign(personalize)["latestCampaignUpdate"]
    assert latest["creationDateTime"].isoformat() > run.ti.xcoms["campaign_update"]["creationDateTime"]


@deferrable_or_not
def test_an_update_is_not_sent_again_where_the_versions_cannot_be_listed_behind_it(
    personalize, first, monkeypatch, deferrable
):
    """Nor is it shown yet."""
    create(first)()
    train(personalize, SOLUTION)
    call = UpdateCampaignOperator.call

    def call_and_be_throttled(*args: Any) -> dict[str, Any]:
        answer = call(*args)
        faults.error_next("ListSolutionVersions", "ThrottlingException", seconds=10)
        return answer

    monkeypatch.setattr(UpdateCampaignOperator, "call", call_and_be_throttled)
    faults.stale_next("UpdateCampaign", hides=45)
    run = update(solution_version_arn=LATEST, deferrable=deferrable)
    assert run() == CAMPAIGN
    assert len(calls.of("UpdateCampaign")) == 1
    assert run.ti.xcoms["campaign_update"]["sent"] is True


def test_a_superseded_update_is_not_a_success(personalize, first):
    create(first)()

    def replace() -> None:
        clock.advance(HOUR)
        personalize.update_campaign(campaignArn=CAMPAIGN, minProvisionedTPS=9)
        clock.advance(HOUR)

    run = update(min_provisioned_tps=2, deferrable=True)
    run.between = replace
    with pytest.raises(UpdateReplacedError, match="replaced"):
        run()


@however_shown
def test_creating_on_latest_where_the_campaign_is_on_an_older_version_says_so(personalize, first, shown):
    assumptions.latest_version_shown = shown
    create(LATEST)()
    assert create(LATEST)() == CAMPAIGN
    second = train(personalize, SOLUTION)
    with pytest.raises(ResourceDiffersError, match=f"solution_version_arn: wanted '{second}'"):
        create(LATEST)()
    assert create(LATEST, ignore_changes=["solution_version_arn"])() == CAMPAIGN


@however_shown
def test_a_retry_takes_the_campaign_of_the_latest_version_of_then(personalize, first, shown):
    assumptions.latest_version_shown = shown
    run = create(LATEST, wait_for_completion=False)
    run()
    train(personalize, SOLUTION)
    assert retry(run)() == CAMPAIGN


@pytest.mark.parametrize("given", [{"solution_version_arn": True}, {"min_provisioned_tps": 2}], ids=["same", "other"])
@deferrable_or_not
def test_a_campaign_whose_creation_failed_may_be_updated(personalize, first, given, deferrable):
    faults.fail_next("CreateCampaign", "bad luck")
    with pytest.raises(ResourceFailedError):
        create(first)()
    given = {"solution_version_arn": first} if "solution_version_arn" in given else given
    assert update(**given, deferrable=deferrable)() == CAMPAIGN
    assert sent() == 1
    assert campaign(personalize)["latestCampaignUpdate"]["status"] == "ACTIVE"
    update(**given)()
    assert sent() == 1


def test_a_failed_campaign_of_which_the_service_makes_no_update_is_not_a_success(first):
    assumptions.unchanged_update = "ignored"
    faults.fail_next("CreateCampaign", "bad luck")
    with pytest.raises(ResourceFailedError):
        create(first)()
    with pytest.raises(ResourceFailedError, match="bad luck"):
        update(solution_version_arn=first)()


@however_shown
def test_an_unchanged_update_that_the_service_ignores_ends(first, shown, passing_time):
    assumptions.latest_version_shown = shown
    assumptions.unchanged_update = "ignored"
    create(LATEST)()
    before = sum(passing_time.slept)
    update(solution_version_arn=LATEST, if_unchanged="update")()
    assert sent() == 1
    assert sum(passing_time.slept) - before < 120


@deferrable_or_not
def test_a_retry_after_a_crash_sends_nothing_twice(personalize, first, deferrable):
    create(first)()
    train(personalize, SOLUTION)
    run = update(solution_version_arn=LATEST, if_unchanged="update", wait_for_completion=False)
    run()
    run = retry(update(solution_version_arn=LATEST, if_unchanged="update", deferrable=deferrable))
    assert run() == CAMPAIGN
    assert sent() == 1


def test_sync_without_latest_is_refused_before_the_call(first):
    create(first)()
    with pytest.raises(InvalidRequestError, match="LATEST"):
        update(solution_version_arn=first, campaign_config=SYNC)()
    with pytest.raises(InvalidRequestError, match="nothing to change"):
        update()()
    assert calls.of("UpdateCampaign") == []


@pytest.mark.parametrize("arn", ["arn:aws:personalize:us-east-1:me:solution/s", MARKET], ids=["no account", "a group"])
def test_latest_of_another_resource_type_is_refused(first, arn):
    with pytest.raises(InvalidRequestError, match="it must be the ARN of a solution, such as"):
        create(f"{arn}/$LATEST")()


def test_the_arn_of_a_solution_is_not_a_version(first):
    with pytest.raises(InvalidRequestError, match="solution version"):
        create(MARKET.replace("dataset-group", "solution"))()


def recommend_in_bulk(version: str, **more: Any) -> Run:
    locations = {
        "job_input": {"s3DataSource": {"path": "s3://shop/users.json"}},
        "job_output": {"s3DataDestination": {"path": "s3://shop/out/"}},
    }
    given = {"solution_version_arn": version, "role_arn": ROLE, **locations, **more}
    return Run(lambda: CreateBatchInferenceJobOperator(task_id="task", **given), TaskInstance())


def move(version: str, **more: Any) -> Run:
    return update(solution_version_arn=version, **more)


FITS = {"CreateCampaign": create, "UpdateCampaign": move, "CreateBatchInferenceJob": recommend_in_bulk}


@pytest.mark.parametrize("operation", FITS)
def test_a_version_that_will_never_be_active_fails_the_task_at_once_with_the_reason(personalize, first, operation):
    if operation == "UpdateCampaign":
        create(first)()
    faults.fail_next("CreateSolutionVersion", "too few users")
    failed = train(personalize, SOLUTION)
    began = clock.now()
    with pytest.raises(ResourceFailedError, match=r"CREATE FAILED: too few users .solution version market/"):
        FITS[operation](failed)()
    faults.error_next("DescribeSolutionVersion", "AccessDeniedException")
    if operation != "UpdateCampaign":  # that waits, since the campaign may be what is in use
        with pytest.raises(Exception, match="ResourceInUseException"):
            FITS[operation](failed)()
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        FITS[operation](f"{SOLUTION}/00000000")()
    assert clock.now() == began
    step = until_usable({"status": "DELETE IN_PROGRESS"}, failed, Memory())
    assert isinstance(step, Fail)
    assert "DELETE IN_PROGRESS" in str(step.error)


@pytest.mark.parametrize("operation", FITS)
@deferrable_or_not
def test_a_version_in_training_is_waited_for(personalize, first, operation, deferrable):
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key="users.json", Body=b'{"userId": "u1"}\n')
    if operation == "UpdateCampaign":
        create(first)()
    version = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    arn = FITS[operation](version, deferrable=deferrable)()
    assert [call.error for call in calls.of(operation)][-2:] == ["ResourceInUseException", None]
    if operation == "CreateBatchInferenceJob":
        return
    assert (arn, campaign(personalize)["solutionVersionArn"]) == (CAMPAIGN, version)
