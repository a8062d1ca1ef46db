"""Promotions: the gate, the deployment, the smoke test and the way back, with the real operators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from shop import HOUR, PREFIX, open_market, train
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize._compat import AirflowFailException, AirflowSkipException
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    GateFailedError,
    InvalidRequestError,
    PromotionFailedError,
    RollbackFailedError,
    UpdateReplacedError,
    VersionUnknownError,
)
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.operators import PromoteSolutionVersionOperator, RollbackCampaignOperator

SOLUTION = f"{PREFIX}solution/market"
CAMPAIGN = f"{PREFIX}campaign/market"
USERS = {"verify_user_ids": ["u1", "u2"]}
TAG = "airflow-provider-personalize:"

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


class Shop:
    """A campaign on the first of two versions, of which the second is worse."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.a = open_market(client)
        faults.worse_next(factor=0.5)
        self.b = train(client, SOLUTION)
        client.create_campaign(name="market", solutionVersionArn=self.a)
        clock.advance(HOUR)

    @property
    def found(self) -> dict[str, Any]:
        return self.client.describe_campaign(campaignArn=CAMPAIGN)["campaign"]

    @property
    def live(self) -> str:
        clock.advance(HOUR)
        return self.found["solutionVersionArn"]

    @property
    def tags(self) -> dict[str, str]:
        tags = self.client.list_tags_for_resource(resourceArn=CAMPAIGN)["tags"]
        return {tag["tagKey"].removeprefix(TAG): tag["tagValue"] for tag in tags}

    def deploy(self, version: str, **more: Any) -> None:
        self.client.update_campaign(campaignArn=CAMPAIGN, solutionVersionArn=version, **more)
        clock.advance(HOUR)

    def promote(self, **given: Any) -> Run:
        given = {"campaign_arn": CAMPAIGN, "solution_version_arn": self.b, **given}
        return Run(lambda: PromoteSolutionVersionOperator(task_id="task", **given), TaskInstance())

    def result(self, **more: Any) -> dict[str, Any]:
        return {
            "promoted": True,
            "reasons": [],
            "campaign_arn": CAMPAIGN,
            "solution_version_arn": self.b,
            "previous_version_arn": self.a,
            **more,
        }


@pytest.fixture
def shop(personalize, monkeypatch) -> Shop:
    # a client for each task takes longer than the tasks
    monkeypatch.setattr(HookParameters, "hook", functools.cache(HookParameters.hook))
    return Shop(personalize)


def roll_back(**given: Any) -> Run:
    given = {"campaign_arn": CAMPAIGN, **given}
    return Run(lambda: RollbackCampaignOperator(task_id="task", **given), TaskInstance())


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(days=1)
    return run


def sent() -> int:
    return len([call for call in calls.of("UpdateCampaign") if call.error is None])


def at_the_smoke_test(function: Callable[[], Any], *, done: bool = False, times: int = 1) -> None:
    """Call a function at the next smoke test of what is deployed next, and not at the question before."""
    faults.call_next(
        "UpdateCampaign",
        lambda: faults.call_next("GetRecommendations", function, done=done, times=times),
        done=True,
    )


@deferrable_or_not
def test_a_good_version_is_deployed_verified_for_the_bake_time_and_recorded(shop, deferrable):
    asked = []
    check = {"verify_callable": asked.append, "max_latency": timedelta(seconds=60), "min_recommendations": 3}
    run = shop.promote(min_metrics={"coverage": "0.0001"}, **USERS, **check, bake_time=300, deferrable=deferrable)
    assert run() == shop.result()
    assert (shop.live, sent()) == (shop.b, 1)
    assert shop.tags == {"previous-version": shop.a, "promotion": f"deployed {shop.b}"}
    assert len(asked) == 6
    assert len(calls.of("GetRecommendations")) == 1 + 12
    assert {(answer["user_id"], len(answer["items"])) for answer in asked[0]} == {("u1", 25), ("u2", 25)}
    assert bool(run.deferrals) == deferrable
    assert "callable" not in str([deferral.trigger.serialize() for deferral in run.deferrals])
    link = run.ti.xcoms["personalize_campaign_link"]
    assert link.endswith("campaign$market")


GATES = {
    "a minimum": ({"min_metrics": {"coverage": 2}}, ["coverage"], "at least 2"),
    "a maximum, as a template": ({"max_metrics": '{"coverage": 1e-9}'}, ["coverage"], "at most 1e-09"),
    "the live version": ({"not_worse_than": "live", "tolerance": {"coverage": "10%"}}, ["coverage"], "at least "),
}


@pytest.mark.parametrize("if_gate_fails", ["fail", "skip", "return"])
@pytest.mark.parametrize("name", GATES)
def test_a_version_that_fails_the_gate_is_not_deployed(shop, name, if_gate_fails):
    given, metrics, wanted = GATES[name]
    run = shop.promote(**given, if_gate_fails=if_gate_fails)
    live = shop.client.get_solution_metrics(solutionVersionArn=shop.a)["metrics"]["coverage"]
    if if_gate_fails == "return":
        result = run()
        assert result == shop.result(promoted=False, reasons=result["reasons"])
        assert [reason["metric"] for reason in result["reasons"]] == metrics
        assert all(reason["wanted"].startswith(wanted) for reason in result["reasons"])
        assert [reason["found"] for reason in result["reasons"]] == [pytest.approx(live / 2)]
        assert [reason["live"] for reason in result["reasons"]] == [live if "live" in name else None]
    else:
        with pytest.raises(
            GateFailedError if if_gate_fails == "fail" else AirflowSkipException, match=wanted
        ) as caught:
            run()
        assert isinstance(caught.value, AirflowFailException) == (if_gate_fails == "fail")
    if if_gate_fails == "skip":
        planned = shop.promote(**given, if_gate_fails="skip", dry_run=True)()
        assert (planned["action"], planned["arn"]) == ("none", CAMPAIGN)
        assert wanted in planned["reason"]
    assert (shop.live, sent(), shop.tags) == (shop.a, 0, {})


def test_a_version_passes_that_is_not_worse_than_another_or_hardly(shop):
    assert shop.promote(not_worse_than="live", tolerance="50%")() == shop.result()
    assert shop.promote(solution_version_arn=shop.a, not_worse_than=shop.b, tolerance=0)()["promoted"]


def test_a_missing_metric_is_an_error_whatever_is_to_be_done(shop):
    with pytest.raises(GateFailedError, match="no_such: wanted at least 0, found no such metric"):
        shop.promote(min_metrics={"no_such": 0}, if_gate_fails="return")()
    assert (shop.live, sent()) == (shop.a, 0)


BROKEN = {
    "no recommendations": (lambda: faults.broken_next(), {}, "u1: got 0 recommendations, expected at least 1"),
    "an error": (
        lambda: faults.error_next("GetRecommendations", "ResourceNotFoundException", times=None),
        {},
        "u2: .*ResourceNotFoundException",
    ),
    "no answer for long": (
        lambda: faults.unavailable_next("GetRecommendations", times=None),
        {},
        "u1: .*ServiceUnavailable",
    ),
    "the callable says no": (None, {"verify_callable": lambda answers: False}, "verify_callable returned False"),
    "the callable returns something false": (
        None,
        {"verify_callable": lambda answers: 0},
        "verify_callable returned 0",
    ),
    "no answer at the time limit": (
        lambda: at_the_smoke_test(lambda: faults.unavailable_next("GetRecommendations", times=None), done=True),
        {"verify_user_ids": ["u1"], "timeout": 2 * HOUR, "waiter_delay": HOUR, "bake_time": 2 * HOUR - 1},
        "u1: .*ServiceUnavailable",
    ),
    "the callable raises": (None, {"verify_callable": lambda answers: answers[9]}, "verify_callable: IndexError"),
    "too late": (
        None,
        {"timeout": 2 * HOUR, "bake_time": 2 * HOUR - 1, "waiter_delay": 600},
        "the time limit passed before its bake time",
    ),
}


@deferrable_or_not
@pytest.mark.parametrize("name", BROKEN)
def test_a_version_that_fails_its_smoke_test_is_rolled_back_and_not_promoted_again(shop, name, deferrable):
    break_it, given, story = BROKEN[name]
    if break_it:
        break_it()
    run = shop.promote(**{**USERS, **given}, deferrable=deferrable)
    with pytest.raises(PromotionFailedError, match=f"(?s){story}.*market/{shop.a[-8:]} is live again") as caught:
        run()
    assert isinstance(caught.value, AirflowFailException)
    assert (shop.live, sent()) == (shop.a, 2)
    assert shop.tags == {"previous-version": shop.a, "promotion": f"rolled-back {shop.b}"}
    faults.clear()
    for again in (shop.promote(), retry(shop.promote())):
        with pytest.raises(
            PromotionFailedError, match=f"failed on this campaign before.*remove the tag {TAG}promotion"
        ):
            again()
    assert (shop.live, sent()) == (shop.a, 2)
    shop.client.untag_resource(resourceArn=CAMPAIGN, tagKeys=[f"{TAG}promotion"])
    assert shop.promote()() == shop.result()


def test_a_slow_answer_is_asked_for_again_and_then_fails_the_smoke_test(shop, passing_time):
    slow = lambda: passing_time.slept.append(3)  # noqa: E731
    at_the_smoke_test(slow)
    assert shop.promote(**USERS, max_latency=1)() == shop.result()
    at_the_smoke_test(slow, times=2)
    run = shop.promote(solution_version_arn=shop.a, **USERS, max_latency=1)
    with pytest.raises(PromotionFailedError, match="u1: answered after 3.* s, expected within 1 s"):
        run()
    assert shop.live == shop.b


def test_a_transient_error_of_the_smoke_test_is_retried(shop):
    faults.call_next("UpdateCampaign", lambda: faults.unavailable_next("GetRecommendations", times=5), done=True)
    assert shop.promote(**USERS)() == shop.result()


@deferrable_or_not
def test_an_update_that_fails_is_rolled_back(shop, deferrable):
    faults.fail_next("UpdateCampaign", "no room")
    with pytest.raises(PromotionFailedError, match=r"CREATE FAILED: no room.* is live again"):
        shop.promote(deferrable=deferrable)()
    assert (shop.live, sent()) == (shop.a, 2)
    assert shop.found["latestCampaignUpdate"]["status"] == "ACTIVE"


@deferrable_or_not
@pytest.mark.parametrize("how", ["the update fails", "the call is denied", "the time limit", "another writer"])
def test_where_the_rollback_fails_too_the_task_says_that_and_why_and_a_retry_completes_it(shop, how, deferrable):
    story = {
        "the update fails": "its update ended in CREATE FAILED: full",
        "the call is denied": "AccessDenied",
        "the time limit": "Timed out; last seen: ",
        "another writer": "Superseded: ",
    }[how]

    def disturb() -> None:
        if how == "the update fails":
            faults.fail_next("UpdateCampaign", "full")
        elif how == "the call is denied":
            faults.error_next("UpdateCampaign", "AccessDeniedException")
        elif how == "the time limit":
            assumptions.seconds |= {"campaign_update": 9 * HOUR}
        else:
            faults.call_next("UpdateCampaign", replace_it, done=True)

    def replace_it() -> None:
        clock.advance(HOUR)
        shop.client.update_campaign(campaignArn=CAMPAIGN, solutionVersionArn=shop.b, minProvisionedTPS=3)

    at_the_smoke_test(disturb)
    faults.empty_next(times=None)
    run = shop.promote(**USERS, deferrable=deferrable)
    with pytest.raises(RollbackFailedError, match=f"(?s)got 0 recommendations.*is not live again: .*{story}") as caught:
        run()
    assert not isinstance(caught.value, AirflowFailException)
    clock.advance(10 * HOUR)
    with pytest.raises(PromotionFailedError, match="is live again"):
        retry(run)()
    assert shop.live == shop.a


@pytest.mark.parametrize("operation", ["TagResource", "DescribeSolutionVersion"])
def test_a_rollback_needs_no_more_than_the_permission_to_update(shop, operation):
    deny = lambda: faults.error_next(operation, "AccessDeniedException", times=None)  # noqa: E731
    at_the_smoke_test(deny)
    faults.empty_next(times=None)
    with pytest.raises(PromotionFailedError, match="is live again"):
        shop.promote(**USERS)()
    assert (shop.live, sent()) == (shop.a, 2)


def test_a_rollback_whose_end_cannot_be_recorded_is_reported_and_a_new_run_records_it(shop):
    fail = lambda: faults.error_next("TagResource", "ResourceNotFoundException")  # noqa: E731
    at_the_smoke_test(lambda: faults.call_next("UpdateCampaign", fail, done=True))
    faults.empty_next(times=None)
    with pytest.raises(PromotionFailedError, match="is live again.*could not be recorded: .*ResourceNotFound"):
        shop.promote(**USERS)()
    assert shop.tags["promotion"] == f"failed {shop.b}"
    with pytest.raises(PromotionFailedError, match="failed on this campaign before.*is live again"):
        shop.promote()()
    assert (shop.live, sent(), shop.tags["promotion"]) == (shop.a, 2, f"rolled-back {shop.b}")


def failing(shop: Shop) -> Run:
    """A promotion of B that fails there, and whose rollback fails, too: B stays live."""
    at_the_smoke_test(lambda: faults.fail_next("UpdateCampaign", "full"))
    faults.empty_next(times=None)
    run = shop.promote(**USERS)
    with pytest.raises(RollbackFailedError):
        run()
    faults.clear()
    return run


@pytest.mark.parametrize("how", ["it fails", "its update fails", "it is good", "a crash before the call"])
def test_a_version_that_failed_and_is_live_all_the_same_is_never_returned_to(shop, how):
    third = train(shop.client, SOLUTION)
    failing(shop)
    assert shop.live == shop.b
    run = shop.promote(solution_version_arn=third, **USERS)
    if how == "its update fails":
        faults.fail_next("UpdateCampaign", "no room")
    elif how != "it is good":
        faults.empty_next(times=None)
    if how == "a crash before the call":
        with killed_after("TagResource"):
            run()
        retry(run)
    if how == "it is good":
        assert run() == shop.result(solution_version_arn=third)
        assert roll_back()() == shop.a
    else:
        with pytest.raises(PromotionFailedError, match=f"market/{shop.a[-8:]} is live again"):
            run()
    assert shop.live == shop.a
    tags = {"previous-version": shop.a, "promotion": f"rolled-back {third}", "failed-version": shop.b}
    assert shop.tags == tags


def test_a_task_that_may_not_ask_the_campaign_changes_nothing(shop):
    faults.error_next("GetRecommendations", "AccessDeniedException", times=None)
    with pytest.raises(Exception, match="AccessDeniedException") as caught:
        shop.promote(**USERS)()
    assert not isinstance(caught.value, AirflowFailException)
    assert (shop.live, sent(), shop.tags) == (shop.a, 0, {})


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExpiredTokenException"])
def test_a_version_that_could_not_be_verified_is_rolled_back_and_may_be_promoted_again(shop, code):
    at_the_smoke_test(lambda: faults.error_next("GetRecommendations", code, times=None), done=True)
    run = shop.promote(**USERS)
    with pytest.raises(PromotionFailedError, match=f"{code}.*is live again. A new run promotes the version again"):
        run()
    assert (shop.live, sent()) == (shop.a, 2)
    assert shop.tags == {"previous-version": shop.a, "promotion": f"unverified {shop.b}"}
    faults.clear()
    assert shop.promote(**USERS)() == shop.result()


def unusable(shop: Shop, how: str) -> str:
    if how == "it does not exist":
        return f"{SOLUTION}/00000000"
    if how == "it failed":
        faults.fail_next("CreateSolutionVersion", "too few users")
    version: str = shop.client.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    if how == "it was stopped":
        shop.client.stop_solution_version_creation(solutionVersionArn=version)
    clock.advance(HOUR)
    return version


UNUSABLE = {
    "it does not exist": "ResourceNotFoundException.*solution version.*00000000",
    "it failed": "CREATE FAILED: too few users .solution version market/",
    "it was stopped": "CREATE STOPPED: .*solution version market/",
}


@pytest.mark.parametrize("how", UNUSABLE)
def test_a_version_that_is_not_there_or_failed_is_an_error_at_once(shop, how):
    version, began = unusable(shop, how), clock.now()
    for run in (shop.promote(solution_version_arn=version, **USERS), roll_back(to=version)):
        with pytest.raises(Exception, match=UNUSABLE[how]):
            run()
    assert (clock.now() - began, calls.of("UpdateCampaign"), shop.tags) == (0, [], {})


def test_a_version_in_training_is_waited_for(shop):
    version = shop.client.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    run = shop.promote(solution_version_arn=version, not_worse_than=shop.b, **USERS, deferrable=True)
    assert run() == shop.result(solution_version_arn=version)


def test_an_error_before_the_smoke_test_says_that_the_version_is_not_verified(shop, capsys):
    deny = lambda: faults.error_next("DescribeCampaign", "AccessDeniedException", times=None)  # noqa: E731
    faults.call_next("UpdateCampaign", deny, done=True)
    with pytest.raises(Exception, match="AccessDenied"):
        shop.promote(**USERS)()
    assert f"{shop.b} was sent to the campaign and may be live, and it is not verified" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["by the promotion", "by another task", "by a retry", "in favour of another"])
def test_a_version_that_was_rolled_back_and_is_deployed_by_hand_is_left_alone(shop, how):
    run = shop.promote(**USERS)
    if how in ("by the promotion", "in favour of another"):
        if how == "in favour of another":
            third = train(shop.client, SOLUTION)
            at_the_smoke_test(lambda: shop.deploy(third))
        faults.empty_next(times=None)
        with pytest.raises(PromotionFailedError, match="is live again|which is left as it is"):
            run()
    else:
        assert run() == shop.result()
        back = roll_back()
        if how == "by a retry":
            with killed_after("UpdateCampaign"):
                back()
            clock.advance(HOUR)
            retry(back)
        assert back() == shop.a
    assert shop.tags == {"previous-version": shop.a, "promotion": f"rolled-back {shop.b}"}
    shop.deploy(shop.b)
    before = sent()
    for again in (shop.promote(), retry(run)):
        with pytest.raises(PromotionFailedError, match="It is live all the same"):
            again()
    assert (shop.live, sent()) == (shop.b, before)


CRASHES = [
    *((operation, number) for number in (1, 2) for operation in ("TagResource", "UpdateCampaign")),
    ("TagResource", 3),
]


@deferrable_or_not
@pytest.mark.parametrize(("operation", "number"), CRASHES)
def test_after_a_crash_behind_any_call_a_retry_returns_to_the_earlier_version_and_deploys_nothing_twice(
    shop, operation, number, deferrable
):
    faults.empty_next(times=None)
    run = shop.promote(**USERS, deferrable=deferrable)
    with killed_after(operation, number):
        run()
    clock.advance(20)
    with pytest.raises(PromotionFailedError, match="remove the tag" if number == 3 else "is live again"):
        retry(run)()
    assert shop.tags["promotion"] == f"rolled-back {shop.b}"
    assert (shop.live, sent()) == (shop.a, 2)
    versions = [shop.b, shop.a]
    assert shop.found["latestCampaignUpdate"]["solutionVersionArn"] == versions[-1]


@pytest.mark.parametrize(("operation", "number"), [("UpdateCampaign", 1), ("TagResource", 2)])
def test_after_a_crash_a_retry_completes_a_good_promotion(shop, operation, number):
    run = shop.promote(not_worse_than="live", tolerance=1, **USERS)
    with killed_after(operation, number):
        run()
    clock.advance(HOUR)
    assert retry(run)() == shop.result()
    assert (shop.live, sent()) == (shop.b, 1)


def test_a_retry_finds_an_update_that_failed_after_the_crash_and_rolls_back(shop):
    faults.fail_next("UpdateCampaign", "no room")
    run = shop.promote()
    with killed_after("UpdateCampaign"):
        run()
    clock.advance(HOUR)
    with pytest.raises(PromotionFailedError, match="no room"):
        retry(run)()
    assert (shop.live, sent()) == (shop.a, 2)


def test_a_version_that_was_live_is_verified_and_left_where_it_fails(shop):
    assert shop.promote(solution_version_arn=shop.a, **USERS)()["previous_version_arn"] == shop.a
    faults.empty_next(times=None)
    run = shop.promote(solution_version_arn=shop.a, **USERS)
    with pytest.raises(PromotionFailedError, match="This task did not deploy it, and left it live"):
        run()
    assert (shop.live, sent(), shop.tags) == (shop.a, 0, {})


def test_nothing_is_recorded_or_deployed_where_the_campaign_cannot_be_tagged(shop):
    faults.error_next("TagResource", "AccessDeniedException", times=None)
    with pytest.raises(Exception, match="AccessDenied"):
        shop.promote()()
    assert sent() == 0


@pytest.mark.parametrize("shown", ["resolved", "literally"])
def test_a_campaign_with_latest_returns_to_the_version_that_this_meant(shop, shown):
    assumptions.latest_version_shown = shown
    shop.deploy(f"{SOLUTION}/$LATEST")
    third = train(shop.client, SOLUTION)
    faults.empty_next(times=None)
    with pytest.raises(PromotionFailedError, match=f"market/{shop.b[-8:]} is live again"):
        shop.promote(solution_version_arn=third, **USERS)()
    assert shop.live == shop.b


def test_another_writer_during_the_smoke_test_is_an_error_and_left_alone(shop):
    third = train(shop.client, SOLUTION)
    at_the_smoke_test(lambda: shop.deploy(third))
    with pytest.raises(UpdateReplacedError):
        shop.promote(**USERS, bake_time=300)()
    assert (shop.live, sent()) == (third, 2)


def test_a_campaign_whose_creation_failed_has_no_version_to_return_to(shop):
    faults.fail_next("CreateCampaign", "no room")
    faults.fail_next("CreateCampaign", "no room")
    for name in ("new", "more"):
        shop.client.create_campaign(name=name, solutionVersionArn=shop.a)
    clock.advance(HOUR)
    faults.empty_next(times=None)
    run = shop.promote(campaign_arn=f"{PREFIX}campaign/new", **USERS)
    with pytest.raises(RollbackFailedError, match="not live again: no version was live before"):
        run()
    with pytest.raises(VersionUnknownError, match="serves no version to compare with"):
        shop.promote(campaign_arn=f"{PREFIX}campaign/more", not_worse_than="live")()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a recommender": ({"campaign_arn": f"{PREFIX}recommender/market"}, "recommenders have no versions"),
    "$LATEST": ({"solution_version_arn": f"{SOLUTION}/$LATEST"}, "must be the ARN of a solution version"),
    "a minimum": ({"min_metrics": {"coverage": "high"}}, "min_metrics is .* a dict of numbers"),
    "a minimum that is no number": ({"min_metrics": {"coverage": "nan"}}, "min_metrics is .* a dict of numbers"),
    "a gate that a template left empty": ({"min_metrics": ""}, "min_metrics is '': it must be a dict of numbers"),
    "a maximum that a template left out": ({"max_metrics": "None"}, "max_metrics is None: it must be"),
    "a comparison that a template left out": ({"not_worse_than": "None"}, "not_worse_than is None: allowed are 'live'"),
    "users that a template left out": ({"verify_user_ids": "None"}, "verify_user_ids is None: it must be a list"),
    "no users": ({"verify_user_ids": "[]"}, r"verify_user_ids is \[\]: it must be a list of ids, of one at least"),
    "an empty id": ({"verify_user_ids": ["u1", ""]}, "verify_user_ids is .*: it must be a list of ids"),
    "a tolerance": ({"tolerance": "little"}, "tolerance is 'little'"),
    "a tolerance of nothing": ({"tolerance": "5%"}, "tolerance is '5%': it needs not_worse_than"),
    "a comparison": ({"not_worse_than": "last"}, "not_worse_than is 'last'"),
    "a text for a list": ({"verify_user_ids": "u1"}, "verify_user_ids is 'u1'"),
    "items for users": ({"verify_item_ids": ["i1"]}, "verify_user_ids is empty: the recipe aws-user"),
    "nothing to bake with": ({"bake_time": 60}, "bake_time, max_latency and verify_callable need them"),
    "another region": ({"campaign_arn": CAMPAIGN.replace("us-east-1", "eu-west-1")}, "of another region"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_that_is_wrong_is_refused_before_anything_is_sent(shop, name):
    given, match = REFUSED[name]
    with pytest.raises(InvalidRequestError, match=match):
        shop.promote(**given)()
    assert (sent(), calls.of("TagResource")) == (0, [])


async def _check_later(answers: list[dict[str, Any]]) -> bool:
    return False


@pytest.mark.parametrize(
    "given",
    [
        {"wait_for_completion": False},
        {"verify_callable": 1},
        {"if_gate_fails": "branch"},
        {"bake_time": -1},
        {"timeout": 300, "bake_time": 300},
        {"execution_timeout": timedelta(minutes=5), "bake_time": timedelta(minutes=5)},
        {"default_args": {"execution_timeout": timedelta(minutes=5)}, "bake_time": 301},
        {"min_recommendations": 501},
        {"min_recommendations": -1},
        {"verify_callable": _check_later},
    ],
)
def test_options_are_checked_when_the_dag_is_parsed(given):
    name = next(iter(given.get("default_args", given)))
    with pytest.raises((TypeError, ValueError), match=f"{name} is .*: allowed"):
        PromoteSolutionVersionOperator(task_id="task", campaign_arn=CAMPAIGN, solution_version_arn="x", **given)


def test_a_campaign_in_sync_is_refused(shop):
    shop.deploy(f"{SOLUTION}/$LATEST", campaignConfig={"syncWithLatestSolutionVersion": True})
    for run in (shop.promote(solution_version_arn=shop.a), roll_back(to=shop.a)):
        with pytest.raises(InvalidRequestError, match="follows the newest version by itself"):
            run()
    assert sent() == 1


@deferrable_or_not
def test_a_rollback_returns_to_the_version_before_the_promotion_once(shop, deferrable):
    shop.promote()()
    run = roll_back(deferrable=deferrable)
    with killed_after("UpdateCampaign"):
        run()
    clock.advance(20)
    assert retry(run)() == shop.a
    assert roll_back()() == shop.a
    assert (shop.live, sent()) == (shop.a, 2)
    with pytest.raises(PromotionFailedError, match="failed on this campaign before"):
        shop.promote()()


def test_a_rollback_to_a_version_needs_no_tags(shop):
    faults.error_next("TagResource", "AccessDeniedException", times=None)
    assert roll_back(to=shop.b)() == shop.b
    assert roll_back(to=shop.a, wait_for_completion=False)() == shop.a
    assert shop.live == shop.a


@pytest.mark.parametrize("case", ["no tags", "nothing before", "another version"])
def test_a_rollback_never_guesses(shop, case):
    match = "the campaign has no tag"
    if case == "nothing before":
        tags = {"previous-version": "none", "promotion": f"deployed {shop.a}"}
        match = "No version was live before"
    if case == "another version":
        tags = {"previous-version": shop.b, "promotion": f"deployed {shop.b[:-1]}x"}
        match = "something else deployed that. Name the version"
    if case != "no tags":
        listed = [{"tagKey": f"{TAG}{key}", "tagValue": value} for key, value in tags.items()]
        shop.client.tag_resource(resourceArn=CAMPAIGN, tags=listed)
    with pytest.raises(VersionUnknownError, match=match):
        roll_back()()
    with pytest.raises(InvalidRequestError, match="to is 'earlier': it must be"):
        roll_back(to="earlier")()
    assert sent() == 0
