"""The trigger, run in an event loop as the triggerer would, against the local Personalize."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from shop import PREFIX, SOLUTION
from task_runs import fire

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.triggers import PersonalizeTrigger, SolutionUpdateTrigger
from airflow_provider_personalize.triggers.events import WaitEvent

EVERYTHING: dict[str, Any] = {
    "arn": SOLUTION,
    "waiter_delay": 5,
    "deadline": time.time() + 3600,
    "created": "2026-01-01T00:00:00+00:00",
    "require_update": False,
    "pause": True,
    "state": {"then": "go on"},
    "stop_on_kill": True,
    "asked": {"solution_arn": SOLUTION, "name": "a"},
    "aws_conn_id": "aws_default",
    "region_name": "eu-west-1",
    "verify": False,
    "botocore_config": {"read_timeout": 7, "retries": {"mode": "standard"}},
    "connection_required": True,
}


RECORDED = json.loads((Path(__file__).parent / "version_1.json").read_text())


@pytest.fixture(params=RECORDED)
def recorded(request) -> dict[str, Any]:
    """A row and its event, as this package wrote them in version 1."""
    return RECORDED[request.param]


def first_event(trigger: PersonalizeTrigger) -> dict[str, Any]:
    """Run a trigger as it is: not made anew from what it serializes."""

    async def first() -> Any:
        return (await anext(trigger.run())).payload

    return asyncio.run(first())


def watch(**arguments: Any) -> SolutionUpdateTrigger:
    given = {"arn": SOLUTION, "waiter_delay": 5, "deadline": time.time() + 3600, **arguments}
    return SolutionUpdateTrigger(**given)


def test_it_survives_the_way_through_json_with_everything_it_needs():
    path, arguments = SolutionUpdateTrigger(**EVERYTHING).serialize()
    assert path == "airflow_provider_personalize.triggers.SolutionUpdateTrigger"
    assert arguments == {**EVERYTHING, "resource": "solution", "goal": "updated", "version": 2}
    again = SolutionUpdateTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)


@pytest.mark.parametrize("trigger_class", [PersonalizeTrigger, SolutionUpdateTrigger])
def test_a_trigger_of_a_later_version_is_accepted(personalize, trigger_class, caplog, capsys):
    """A worker that was upgraded before the triggerer wrote it."""
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    path, arguments = trigger_class(
        resource="solution", arn=SOLUTION, goal="updated", deadline=time.time() + 600
    ).serialize()
    row = Trigger(classpath=path, kwargs={**arguments, "version": 3, "of_next_year": {"a": 1}, "more": None})
    assert fire(trigger_class(**row.kwargs))["outcome"] == "succeeded"
    said = caplog.text + capsys.readouterr().out
    assert said.count("(2) does not know: more, of_next_year, of version 3") == 1


def test_it_survives_airflows_own_serialisation():
    for trigger in (SolutionUpdateTrigger(**EVERYTHING), PersonalizeTrigger(resource="campaign", **EVERYTHING)):
        row = Trigger.from_object(trigger)
        assert (row.classpath, row.kwargs) == trigger.serialize()


def test_the_client_gets_the_tasks_parameters(monkeypatch):
    hook = SolutionUpdateTrigger(**EVERYTHING).hook_parameters.hook()
    config = hook.conn.meta.config
    assert hook.conn.meta.region_name == "eu-west-1"
    assert hook.verify is False
    assert (config.read_timeout, config.connect_timeout) == (7, 10)


def test_it_fires_when_the_update_is_active(personalize):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    event = fire(watch(state={"then": "update"}))
    assert (event["outcome"], event["status"], event["state"]) == ("succeeded", "ACTIVE", {"then": "update"})


def test_it_does_not_fire_in_its_first_ten_seconds(personalize, passing_time):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    fire(watch())
    assert passing_time.slept == [10]
    assert len(calls.of("DescribeSolution", SOLUTION)) == 1


def test_with_a_pause_it_polls_after_an_interval(personalize, passing_time):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    fire(watch(pause=True, waiter_delay=300))
    assert passing_time.slept == [300]


def test_it_says_why_an_update_failed(personalize):
    faults.fail_next("UpdateSolution", "no such event type")
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    event = fire(watch())
    assert (event["outcome"], event["status"], event["reason"]) == ("failed", "CREATE FAILED", "no such event type")


def test_its_deadline_is_a_time_and_holds_across_a_restart(personalize, passing_time):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    trigger = watch(deadline=passing_time.time() + 60)
    passing_time.sleep(45)  # as long as the triggerer was away
    event = fire(trigger)
    assert event["outcome"] == "timed out"
    assert sum(passing_time.slept) == pytest.approx(60, abs=1)


def test_it_polls_once_more_at_the_deadline(personalize, passing_time):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    event = fire(watch(deadline=passing_time.time() - 1000))
    assert event["outcome"] == "succeeded"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"aws_conn_id": "no_such_connection"}, "no_such_connection"),
        ({"arn": f"{PREFIX}solution/nowhere"}, "ResourceNotFoundException"),
        ({"botocore_config": {"no_such_option": 1}}, "no_such_option"),
        ({"resource": "no_such_kind"}, "no_such_kind"),
    ],
)
def test_it_never_raises(personalize, arguments, reason):
    event = fire(watch(**arguments))
    assert event["outcome"] == "broken"
    assert reason in event["reason"]


def test_it_can_be_cancelled(personalize, monkeypatch):
    """The triggerer stops a trigger by cancelling it; that must not turn into an event."""
    monkeypatch.undo()

    async def cancelled() -> list[Any]:
        events: list[Any] = []

        async def run() -> None:
            async for event in watch().run():
                events.append(event)

        task = asyncio.create_task(run())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return events

    assert asyncio.run(cancelled()) == []


def test_throttling_is_polled_through(personalize):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    faults.error_next("DescribeSolution", "ThrottlingException", times=30)
    assert fire(watch())["outcome"] == "succeeded"


def test_throttling_forever_ends_by_the_deadline_and_is_named(personalize, passing_time):
    faults.error_next("DescribeSolution", "ThrottlingException", times=None)
    event = fire(watch(deadline=passing_time.time() + 100))
    assert event["outcome"] == "timed out"
    assert "ThrottlingException" in event["last_seen"]


def test_all_waits_of_a_connection_share_one_client(personalize, monkeypatch):
    import boto3

    made = []
    real = boto3.session.Session.client
    monkeypatch.setattr(boto3.session.Session, "client", lambda *a, **k: made.append(a) or real(*a, **k))
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    region = "us-east-1"

    async def together() -> list[Any]:
        async def first(trigger: PersonalizeTrigger) -> Any:
            return await anext(trigger.run())

        return await asyncio.gather(*(first(watch(region_name=region)) for _ in range(20)))

    assert {event.payload["outcome"] for event in asyncio.run(together())} == {"succeeded"}
    assert len(made) == 1


def test_a_row_of_version_1_ends_in_an_event_that_its_worker_understands(personalize, recorded):
    """As recorded before the upgrade: the worker that resumes the task may not be upgraded yet."""
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    (_, arguments), before = recorded["row"], recorded["event"]
    trigger = PersonalizeTrigger(**{**arguments, "created": None, "deadline": time.time() + 3600})
    event = first_event(trigger)
    assert event.keys() == before.keys()
    assert event["resume"] == before["resume"]
    assert event["outcome"] in {"reached", "broken"}  # the version to train does not exist here


def test_an_event_of_version_1_is_understood(recorded):
    event = WaitEvent.from_json(recorded["event"])
    (_, arguments) = recorded["row"]
    assert (event.condition.arn, event.condition.goal) == (arguments["arn"], arguments["goal"])
    assert (event.deadline, event.waiter_delay) == (arguments["deadline"], arguments["waiter_delay"])
    assert event.state == arguments["resume"]
    assert event.outcome == recorded["event"]["outcome"].replace("reached", "succeeded")
    assert event.version == 1


def test_a_status_is_logged_when_it_changes_and_not_at_each_poll(personalize, caplog, capsys):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    calls.clear()
    fire(watch())
    said = caplog.text + capsys.readouterr().out
    logged = {
        status: len(re.findall(rf"{status}, after [^,]+, timeout in", said)) for status in ("PENDING", "IN_PROGRESS")
    }
    assert logged == {"PENDING": 1, "IN_PROGRESS": 1}
    assert len(calls.of("DescribeSolution", SOLUTION)) > 3


def test_for_a_later_attempt_it_only_pauses(personalize, passing_time):
    calls.clear()
    event = fire(watch(goal="later", waiter_delay=60, pause=True))
    assert event["outcome"] == "succeeded"
    assert passing_time.slept == [60]
    assert calls.of("DescribeSolution") == []
