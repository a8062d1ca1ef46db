"""An update is recognised by its content: among those of others, seen late, after crashes, deferred or not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from kinds_of_update import KINDS, Kind
from task_runs import Run, TaskDeferred, fire, killed_after

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import ResourceFailedError, UpdateReplacedError, WaitTimeoutError
from airflow_provider_personalize.operators.updating import UpdateOperator

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest, personalize: Any) -> Kind:
    """One of the kinds, made; its own updates are quick, so that none is in progress when a minute is over."""
    made: Kind = request.param
    made.make(personalize)
    calls.clear()
    assumptions.seconds[f"{made.name}_update"] = 20
    return made


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(minutes=5)
    return run


def and_then(monkeypatch: pytest.MonkeyPatch, happen: Any) -> None:
    """Let something happen right after the task's update was sent."""
    call = UpdateOperator.call

    def call_and_then(*args: Any) -> dict[str, Any]:
        answer = call(*args)
        happen()
        return answer

    monkeypatch.setattr(UpdateOperator, "call", call_and_then)


@deferrable_or_not
def test_an_update_of_another_writer_that_is_visible_first_is_not_taken_for_ours(personalize, kind, deferrable):
    """Theirs is ACTIVE when the task looks, but is not shown then; ours is shown later than theirs, and fails."""
    faults.stale_next(kind.operation, hides=60)
    kind.update(personalize, kind.theirs)
    clock.advance(30)
    faults.stale_next(kind.operation, hides=40)
    faults.fail_next(kind.operation, "ours fails")
    with pytest.raises(ResourceFailedError, match="ours fails"):
        kind.run(deferrable=deferrable)()
    assert kind.accepted() == 2


@deferrable_or_not
def test_ours_is_waited_for_behind_another_writers_that_is_visible_first(personalize, kind, deferrable):
    faults.stale_next(kind.operation, hides=60)
    kind.update(personalize, kind.theirs)
    clock.advance(30)
    faults.stale_next(kind.operation, hides=40)
    run = kind.run(deferrable=deferrable)
    assert run() == kind.arn
    assert kind.is_in_force(personalize, kind.ours[1])
    created = kind.latest(personalize)["creationDateTime"]
    assert datetime.fromisoformat(run.ti.xcoms[f"{kind.name}_update"]["creationDateTime"]) == created


@deferrable_or_not
def test_an_update_accepted_while_another_is_in_progress_is_told_from_that(personalize, kind, deferrable):
    assumptions.update_while_pending = "accepted"
    assumptions.update_visible_after = 15
    assumptions.seconds[f"{kind.name}_update"] = 100
    kind.update(personalize, kind.theirs)
    clock.advance(5)
    faults.fail_next(kind.operation, "ours fails")
    with pytest.raises(ResourceFailedError, match="ours fails"):
        kind.run(deferrable=deferrable)()
    assert kind.accepted() == 2


@deferrable_or_not
def test_an_update_that_was_replaced_before_it_was_seen_was_superseded(personalize, kind, deferrable, monkeypatch):
    def replace() -> None:
        clock.advance(30)
        kind.update(personalize, kind.later)

    and_then(monkeypatch, replace)
    with pytest.raises(UpdateReplacedError, match="Superseded: an update with other content .*not as wanted: .*wanted"):
        kind.run(deferrable=deferrable)()
    assert kind.accepted() == 2


def test_a_superseding_update_with_our_content_is_adopted(personalize, kind):
    def replace() -> None:
        clock.advance(30)
        kind.update(personalize, kind.ours[1])
        run.between = lambda: None

    faults.fail_next(kind.operation, "ours fails")
    run = kind.run(deferrable=True)
    run.between = replace
    assert run() == kind.arn
    assert kind.is_in_force(personalize, kind.ours[1])
    created = kind.latest(personalize)["creationDateTime"]
    shown = run.ti.xcoms[f"{kind.name}_update"]
    assert (datetime.fromisoformat(shown["creationDateTime"]), shown["sent"]) == (created, True)
    assert len(run.deferrals) == 2


@deferrable_or_not
def test_an_adopted_update_that_fails_is_no_success(personalize, kind, deferrable, monkeypatch):
    """Ours fails at once, and so does theirs, which has the same content and is seen in its place."""

    def replace() -> None:
        clock.advance(30)
        faults.fail_next(kind.operation, "theirs fails")
        kind.update(personalize, kind.ours[1])

    faults.fail_next(kind.operation, "ours fails")
    and_then(monkeypatch, replace)
    with pytest.raises(ResourceFailedError, match="theirs fails"):
        kind.run(deferrable=deferrable)()


@deferrable_or_not
@pytest.mark.parametrize("hides", [5, 30, 58])
def test_a_forced_update_that_shows_late_and_fails_is_no_success(personalize, kind, deferrable, hides):
    kind.run()()
    assumptions.seconds[f"{kind.name}_update"] = 100
    if kind.name == "recommender":
        pytest.skip("the service makes no update of it")
    faults.stale_next(kind.operation, hides=hides)
    faults.fail_next(kind.operation, "bad luck")
    with pytest.raises(ResourceFailedError, match="bad luck"):
        kind.run(if_unchanged="update", deferrable=deferrable)()


@deferrable_or_not
def test_an_update_that_never_shows_is_no_success_where_it_was_not_as_wanted_before(personalize, kind, deferrable):
    faults.stale_next(kind.operation, hides=9000)
    run = kind.run(timeout=600, deferrable=deferrable)
    with pytest.raises(WaitTimeoutError, match="not visible yet"):
        run()
    assert kind.accepted() == 1
    assert bool(run.deferrals) == deferrable


@deferrable_or_not
def test_an_update_that_shows_after_minutes_is_still_found(personalize, kind, deferrable):
    faults.stale_next(kind.operation, hides=200)
    assert kind.run(deferrable=deferrable)() == kind.arn
    assert kind.accepted() == 1
    assert kind.is_in_force(personalize, kind.ours[1])


@deferrable_or_not
def test_nothing_is_sent_twice_where_describing_breaks_behind_the_call(personalize, kind, deferrable, monkeypatch):
    """Our update is over when it can be seen again, also where an unchanged one is to be sent."""
    kind.update(personalize, kind.ours[1])
    clock.advance(600)
    operation = f"Describe{kind.resource.pascal}"
    and_then(monkeypatch, lambda: faults.error_next(operation, "ThrottlingException", seconds=120))
    if kind.name != "recommender":
        assert kind.run(if_unchanged="update", deferrable=deferrable)() == kind.arn
        assert kind.accepted() == 2


@deferrable_or_not
def test_a_retry_does_not_take_another_writers_update_for_an_earlier_trys(personalize, kind, deferrable):
    """The worker was killed before the call."""
    kind.update(personalize, kind.theirs)
    clock.advance(60)
    assert retry(kind.run(deferrable=deferrable))() == kind.arn
    assert kind.is_in_force(personalize, kind.ours[1])


@deferrable_or_not
def test_a_retry_takes_its_own_update_behind_a_crash(personalize, kind, deferrable):
    run = kind.run(if_unchanged="update", deferrable=deferrable)
    with killed_after(kind.operation):
        run()
    clock.advance(120)
    assert retry(run)() == kind.arn
    assert kind.accepted() == 1


@deferrable_or_not
def test_an_update_whose_answer_was_lost_and_that_failed_is_no_success(personalize, kind, deferrable):
    faults.unavailable_next(kind.operation, done=True)
    faults.fail_next(kind.operation, "bad luck")
    with pytest.raises(ResourceFailedError, match="bad luck"):
        kind.run(deferrable=deferrable)()
    assert len(calls.of(kind.operation)) == 1


@deferrable_or_not
def test_an_update_in_progress_that_sets_more_is_waited_for_and_not_taken_for_ours(personalize, deferrable):
    campaign = next(kind for kind in KINDS if kind.name == "campaign")
    campaign.make(personalize)
    more = {"campaignConfig": {**campaign.ours[1]["campaignConfig"], "enableMetadataWithRecommendations": True}}
    campaign.update(personalize, {**campaign.ours[1], **more})
    assert campaign.run(deferrable=deferrable)() == campaign.arn
    assert campaign.is_in_force(personalize, campaign.ours[1])
    assert campaign.accepted() == 2


@deferrable_or_not
def test_what_an_update_of_a_solution_leaves_as_it_is_may_be_in_its_summary(personalize, deferrable):
    assumptions.update_summary = "in_full"
    solution = KINDS[0]
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
    campaign = KINDS[1]
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


def test_a_pause_that_began_before_an_upgrade_of_this_package_goes_on_after_it(personalize, kind):
    """The version before carried of a call without an answer no more than that there was one."""
    run = kind.run(deferrable=True)
    task, context = run._ready()
    event = {
        "outcome": "reached",
        "wait": {"resource": kind.name, "arn": kind.arn, "goal": "later", "created": None, "require_update": True},
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
    assert kind.is_in_force(personalize, kind.ours[1])
    assert kind.accepted() == 1
