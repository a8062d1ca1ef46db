"""An update is recognised by its content: among those of others, seen late, after crashes, deferred or not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from task_runs import Run, Store, TaskDeferred, fire, killed_after
from update_cases import UPDATE_CASES, UpdateCase

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import ResourceFailedError, UpdateReplacedError, WaitTimeoutError
from airflow_provider_personalize.operators.updating import UpdateOperator

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


@pytest.fixture(params=UPDATE_CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest, personalize: Any) -> UpdateCase:
    """An existing resource of each type. Its own updates are quick, so that none is in progress after a minute."""
    made: UpdateCase = request.param
    made.make(personalize)
    calls.clear()
    assumptions.seconds[f"{made.name}_update"] = 20
    return made


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(minutes=5)
    return run


def and_then(monkeypatch: pytest.MonkeyPatch, happen: Any) -> None:
    """Run a function right after the task has sent its update."""
    call = UpdateOperator.call

    def call_and_then(*args: Any) -> dict[str, Any]:
        answer = call(*args)
        happen()
        return answer

    monkeypatch.setattr(UpdateOperator, "call", call_and_then)


@deferrable_or_not
def test_another_writers_update_that_is_visible_first_is_not_mistaken_for_this_one(personalize, case, deferrable):
    """Theirs is ACTIVE but not visible when the task polls; ours becomes visible later than theirs, and fails."""
    faults.stale_next(case.operation, hides=60)
    case.update(personalize, case.theirs)
    clock.advance(30)
    faults.stale_next(case.operation, hides=40)
    faults.fail_next(case.operation, "ours fails")
    with pytest.raises(ResourceFailedError, match="ours fails"):
        case.run(deferrable=deferrable)()
    assert case.accepted() == 2


@deferrable_or_not
def test_this_update_is_waited_for_behind_another_writers_visible_one(personalize, case, deferrable):
    faults.stale_next(case.operation, hides=60)
    case.update(personalize, case.theirs)
    clock.advance(30)
    faults.stale_next(case.operation, hides=40)
    run = case.run(deferrable=deferrable)
    assert run() == case.arn
    assert case.is_in_force(personalize, case.ours[1])
    created = case.latest(personalize)["creationDateTime"]
    assert datetime.fromisoformat(run.ti.xcoms[f"{case.name}_update"]["creationDateTime"]) == created


@deferrable_or_not
def test_an_update_accepted_while_another_is_in_progress_is_told_from_that(personalize, case, deferrable):
    assumptions.update_while_pending = "accepted"
    assumptions.update_visible_after = 15
    assumptions.seconds[f"{case.name}_update"] = 100
    case.update(personalize, case.theirs)
    clock.advance(5)
    faults.fail_next(case.operation, "ours fails")
    with pytest.raises(ResourceFailedError, match="ours fails"):
        case.run(deferrable=deferrable)()
    assert case.accepted() == 2


@deferrable_or_not
def test_an_update_that_was_replaced_before_it_was_seen_was_superseded(personalize, case, deferrable, monkeypatch):
    def replace() -> None:
        clock.advance(30)
        case.update(personalize, case.later)

    and_then(monkeypatch, replace)
    with pytest.raises(UpdateReplacedError, match="Superseded: an update with other content .*not as wanted: .*wanted"):
        case.run(deferrable=deferrable)()
    assert case.accepted() == 2


def test_a_superseding_update_with_the_same_content_is_adopted(personalize, case):
    def replace() -> None:
        clock.advance(30)
        case.update(personalize, case.ours[1])
        run.between = lambda: None

    faults.fail_next(case.operation, "ours fails")
    run = case.run(deferrable=True)
    run.between = replace
    assert run() == case.arn
    assert case.is_in_force(personalize, case.ours[1])
    created = case.latest(personalize)["creationDateTime"]
    shown = run.ti.xcoms[f"{case.name}_update"]
    assert (datetime.fromisoformat(shown["creationDateTime"]), shown["sent"]) == (created, True)
    assert len(run.deferrals) == 2


@deferrable_or_not
def test_an_adopted_update_that_fails_is_not_a_success(personalize, case, deferrable, monkeypatch):
    """Ours fails at once, and so does theirs, which has the same content and is seen in its place."""

    def replace() -> None:
        clock.advance(30)
        faults.fail_next(case.operation, "theirs fails")
        case.update(personalize, case.ours[1])

    faults.fail_next(case.operation, "ours fails")
    and_then(monkeypatch, replace)
    with pytest.raises(ResourceFailedError, match="theirs fails"):
        case.run(deferrable=deferrable)()


@deferrable_or_not
@pytest.mark.parametrize("hides", [5, 30, 58])
def test_a_forced_update_that_shows_late_and_fails_is_not_a_success(personalize, case, deferrable, hides):
    case.run()()
    assumptions.seconds[f"{case.name}_update"] = 100
    if case.name == "recommender":
        pytest.skip("the service makes no update of it")
    faults.stale_next(case.operation, hides=hides)
    faults.fail_next(case.operation, "bad luck")
    with pytest.raises(ResourceFailedError, match="bad luck"):
        case.run(if_unchanged="update", deferrable=deferrable)()


@deferrable_or_not
def test_an_update_that_never_becomes_visible_is_not_a_success_if_it_was_needed(personalize, case, deferrable):
    faults.stale_next(case.operation, hides=9000)
    run = case.run(timeout=600, deferrable=deferrable)
    with pytest.raises(WaitTimeoutError, match="not visible yet"):
        run()
    assert case.accepted() == 1
    assert bool(run.deferrals) == deferrable


@deferrable_or_not
def test_an_update_that_shows_after_minutes_is_still_found(personalize, case, deferrable):
    faults.stale_next(case.operation, hides=200)
    assert case.run(deferrable=deferrable)() == case.arn
    assert case.accepted() == 1
    assert case.is_in_force(personalize, case.ours[1])


@deferrable_or_not
def test_nothing_is_sent_twice_where_describing_breaks_behind_the_call(personalize, case, deferrable, monkeypatch):
    """Our update is over when it can be seen again, also where an unchanged one is to be sent."""
    case.update(personalize, case.ours[1])
    clock.advance(600)
    operation = f"Describe{case.resource.pascal}"
    and_then(monkeypatch, lambda: faults.error_next(operation, "ThrottlingException", seconds=120))
    if case.name != "recommender":
        assert case.run(if_unchanged="update", deferrable=deferrable)() == case.arn
        assert case.accepted() == 2


@deferrable_or_not
def test_a_retry_does_not_take_another_writers_update_for_an_earlier_attempts(personalize, case, deferrable):
    """The worker was killed before the call."""
    case.update(personalize, case.theirs)
    clock.advance(60)
    assert retry(case.run(deferrable=deferrable))() == case.arn
    assert case.is_in_force(personalize, case.ours[1])


@deferrable_or_not
def test_a_retry_takes_its_own_update_behind_a_crash(personalize, case, deferrable):
    run = case.run(if_unchanged="update", deferrable=deferrable)
    with killed_after(case.operation):
        run()
    clock.advance(120)
    assert retry(run)() == case.arn
    assert case.accepted() == 1


@deferrable_or_not
def test_an_update_whose_answer_was_lost_and_that_failed_is_not_a_success(personalize, case, deferrable):
    faults.unavailable_next(case.operation, done=True)
    faults.fail_next(case.operation, "bad luck")
    with pytest.raises(ResourceFailedError, match="bad luck"):
        case.run(deferrable=deferrable)()
    assert len(calls.of(case.operation)) == 1


@deferrable_or_not
def test_an_update_in_progress_that_sets_more_is_waited_for_and_not_taken_for_ours(personalize, deferrable):
    campaign = next(case for case in UPDATE_CASES if case.name == "campaign")
    campaign.make(personalize)
    more = {"campaignConfig": {**campaign.ours[1]["campaignConfig"], "enableMetadataWithRecommendations": True}}
    campaign.update(personalize, {**campaign.ours[1], **more})
    assert campaign.run(deferrable=deferrable)() == campaign.arn
    assert campaign.is_in_force(personalize, campaign.ours[1])
    assert campaign.accepted() == 2


@deferrable_or_not
def test_unchanged_members_may_appear_in_an_updates_summary(personalize, deferrable):
    assumptions.update_summary = "in_full"
    solution = UPDATE_CASES[0]
    clicks = {"eventsConfig": {"eventParametersList": [{"eventType": "click", "weight": 0.5}]}}
    solution.update(personalize, {"solutionUpdateConfig": clicks})
    clock.advance(600)
    run = solution.run(deferrable=deferrable)
    assert run() == solution.arn
    assert run.ti.xcoms["solution_update"]["sent"] is True
    assert solution.is_in_force(
        personalize, {"solutionUpdateConfig": {**solution.ours[1]["solutionUpdateConfig"], **clicks}}
    )


@deferrable_or_not
@pytest.mark.parametrize("summary", ["as_sent", "in_full"])
def test_a_newer_version_does_not_make_another_of_an_update_to_the_latest(
    personalize, deferrable, summary, monkeypatch
):
    """A training ends right after the call."""
    from shop import HOUR, train

    assumptions.update_summary = summary
    campaign = UPDATE_CASES[1]
    campaign.make(personalize)
    market = campaign.described(personalize)["solutionVersionArn"].rpartition("/")[0]
    second = train(personalize, market)
    faults.stale_next("UpdateCampaign", hides=30)
    and_then(monkeypatch, lambda: personalize.create_solution_version(solutionArn=market) and None)
    assumptions.seconds["solution_version"] = 10
    run = campaign.run(
        solution_version_arn=f"{market}/$LATEST", min_provisioned_tps=None, campaign_config=None, deferrable=deferrable
    )
    assert run() == campaign.arn
    assert campaign.accepted() == 1
    assert campaign.described(personalize)["solutionVersionArn"] == second
    clock.advance(HOUR)


class FullStore(Store):
    """A task state store that answers, and keeps nothing."""

    def set(self, key: str, value: str) -> None:
        raise OSError("no space left")


@pytest.mark.parametrize("store", [None, Store, FullStore], ids=["no store", "a store", "a store that is full"])
def test_a_forced_update_is_sent_once_though_its_attempt_died_in_the_call(case, store):
    run = case.run(if_unchanged="update")
    run.store = store and store()
    with killed_after(case.operation):
        run()
    clock.advance(120)
    retry(run)()
    assert case.accepted() == 1


def test_a_pause_started_before_an_upgrade_of_this_package_continues_after_it(personalize, case):
    """The earlier version kept of a call without an answer only that there was one."""
    run = case.run(deferrable=True)
    task, context = run.ready()
    event = {
        "outcome": "reached",
        "wait": {"resource": case.name, "arn": case.arn, "goal": "later", "created": None, "require_update": True},
        **dict.fromkeys(("found", "status", "reason")),
        "last_seen": "no status seen",
        "deadline": clock.now() + 3600,
        "pause": True,
        "resume": {"then": "go on", "carried": {"sent": True, "tries": 1}},
    }
    while event:
        try:
            event = task.execute_complete(context, event) and None
        except TaskDeferred as deferred:
            event = fire(deferred.trigger)
    assert case.is_in_force(personalize, case.ours[1])
    assert case.accepted() == 1
