"""The triggers for AssetWatcher, run in an event loop as the triggerer would, against the local Personalize."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION, bring_interactions

pytest.importorskip("airflow.sdk", reason="Airflow 2 has no AssetWatcher")
from airflow.triggers.base import BaseEventTrigger

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.triggers import (
    ResourceFailureTrigger,
    ResourceUpdateTrigger,
    SolutionVersionTrigger,
)

GROUP = f"{PREFIX}dataset-group/shop"


class Variables(dict[str, str]):
    """As much of Airflow's Variable as the triggers use."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = 0

    def get(self, key: str, default: Any = None) -> Any:
        self._may_break()
        return super().get(key, default)

    def set(self, key: str, value: str, description: str) -> None:
        self._may_break()
        assert len(key) <= 250
        self[key] = value

    def delete(self, key: str) -> None:
        del self[key]

    def _may_break(self) -> None:
        self.broken -= 1
        if self.broken >= 0:
            raise ConnectionError("no database")


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Variables:
    variables = Variables()
    monkeypatch.setattr("airflow.sdk.Variable", variables)
    return variables


@pytest.fixture
def shop(personalize: Any, passing_time: Any, variables: Variables) -> Iterator[Any]:
    """A client of a shop with data, and nothing but the calls that come now."""
    bring_interactions()
    personalize.create_dataset_import_job(
        jobName="first", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(HOUR)
    calls.clear()
    return personalize


def again(trigger: BaseEventTrigger) -> Any:
    """Make a trigger anew from what Airflow stores of it, as a triggerer does that starts."""
    path, arguments = trigger.serialize()
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)(**json.loads(json.dumps(arguments)))


def watch(trigger: BaseEventTrigger, *meanwhile: Callable[[], Any], seconds: float = 2 * HOUR) -> list[dict[str, Any]]:
    """
    Run a trigger for so long, and return its events.

    :param meanwhile: What happens one after the other, each once the trigger waits for its next poll.
    """
    from airflow_provider_personalize import clock as ours

    events: list[dict[str, Any]] = []
    left, sleep = list(meanwhile), ours.sleep_in_loop
    until = ours.monotonic() + seconds

    async def sleep_in_loop(duration: float) -> None:
        if left and duration > 10:
            left.pop(0)()
        if ours.monotonic() >= until:
            raise asyncio.CancelledError
        await sleep(duration)

    async def run() -> None:
        async with aclosing(again(trigger).run()) as running:
            async for event in running:
                events.append(json.loads(json.dumps(event.payload)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ours, "sleep_in_loop", sleep_in_loop)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(run())
    return events


def train(client: Any) -> str:
    version: str = client.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    return version


def test_each_version_fires_once_whatever_becomes_of_the_triggerer(shop: Any) -> None:
    trigger, trained = SolutionVersionTrigger(solution_arn=SOLUTION), [train(shop)]
    clock.advance(HOUR)  # what there was before does not fire
    event, *others = watch(trigger, lambda: trained.append(train(shop)))
    version = shop.describe_solution_version(solutionVersionArn=trained[1])["solutionVersion"]
    assert {"creationDateTime", "lastUpdatedDateTime"} < event.keys()
    assert others == []
    assert event | {"creationDateTime": 0, "lastUpdatedDateTime": 0, "key": 0} == {
        "key": 0,
        "change": "creation",
        "resource": "solution_version",
        "arn": trained[1],
        "solutionVersionArn": trained[1],
        "solutionArn": SOLUTION,
        "name": trained[1].partition("/")[2],
        "status": "ACTIVE",
        "trainingMode": version["trainingMode"],
        "trainingType": "MANUAL",
        "creationDateTime": 0,
        "lastUpdatedDateTime": 0,
    }
    assert event["key"] == f"{trained[1]}@{event['creationDateTime']}"
    trained += [train(shop), train(shop)]
    clock.advance(HOUR)  # no triggerer runs
    calls.clear()
    began = clock.now()
    events = watch(trigger, lambda: trained.append(train(shop)))
    assert [each["arn"] for each in events[:2]] == trained[2:4], "in the order in which they ended"
    assert [each["arn"] for each in events[2:]] == trained[4:]
    reads = [call for call in calls if call.operation.startswith(("Describe", "List"))]
    assert {call.operation for call in reads} == {"ListSolutionVersions"}
    assert len(reads) == pytest.approx((clock.now() - began) / 60, rel=0.15)
    assert watch(trigger) == []


def test_an_event_that_may_not_be_stored_yet_is_sent_again(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A triggerer that is killed within ten seconds of an event may not have stored it."""
    trigger = SolutionVersionTrigger(solution_arn=SOLUTION)
    assert watch(trigger) == []
    train(shop)
    clock.advance(HOUR)

    async def killed() -> Any:
        async with aclosing(again(trigger).run()) as running:
            return (await anext(running)).payload

    event = asyncio.run(killed())
    assert watch(trigger) == [event]
    assert watch(trigger) == []


def test_the_first_version_of_a_solution_to_come_fires(shop: Any) -> None:
    solution = f"{PREFIX}solution/later"
    trigger = SolutionVersionTrigger(solution_arn=solution)
    faults.error_next("ListSolutionVersions", "ResourceNotFoundException")
    assert watch(trigger, seconds=60) == []
    recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    shop.create_solution(name="later", datasetGroupArn=GROUP, recipeArn=recipe, performAutoTraining=False)
    clock.advance(HOUR)
    version = shop.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    clock.advance(HOUR)  # no triggerer runs
    assert [event["arn"] for event in watch(trigger)] == [version]


def test_only_trainings_of_the_type_fire(shop: Any) -> None:
    def run_both() -> None:
        shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
        train(shop)

    types = ("AUTOMATIC", "MANUAL")
    triggers = [SolutionVersionTrigger(solution_arn=SOLUTION, training_type=each, waiter_delay=900) for each in types]
    for trigger in triggers:
        watch(trigger, seconds=60)
    run_both()
    assert [{event["trainingType"] for event in watch(each, seconds=12 * HOUR)} for each in triggers] == [
        {"AUTOMATIC"},
        {"MANUAL"},
    ]


def test_each_update_fires_once(shop: Any) -> None:
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(HOUR)
    trigger = ResourceUpdateTrigger(arn=SOLUTION)
    updates = [lambda on=on: shop.update_solution(solutionArn=SOLUTION, performAutoTraining=on) for on in (False, True)]
    (first,) = watch(trigger, updates[0])
    assert (first["change"], first["arn"], first["status"], first["name"]) == ("update", SOLUTION, "ACTIVE", "shop")
    updates[1]()
    (second,) = watch(trigger)
    assert second["key"] > first["key"]
    assert {call.operation for call in calls} == {"UpdateSolution", "DescribeSolution"}


def test_failures_fire_with_their_reasons(shop: Any) -> None:
    of_solution, of_group = ResourceFailureTrigger(arn=SOLUTION), ResourceFailureTrigger(arn=GROUP)
    for trigger in (of_solution, of_group):
        assert watch(trigger, seconds=60) == []
    for operation in ("CreateSolutionVersion", "UpdateSolution", "CreateFilter"):
        faults.fail_next(operation, f"no {operation}")
    train(shop)
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    shop.create_filter(
        name="f", datasetGroupArn=GROUP, filterExpression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("a")'
    )
    shop.stop_solution_version_creation(solutionVersionArn=train(shop))
    failed = {(each["resource"], each["change"]): each for each in watch(of_solution)}
    assert {key: each["failureReason"] for key, each in failed.items()} == {
        ("solution_version", "creation"): "no CreateSolutionVersion",
        ("solution", "update"): "no UpdateSolution",
    }
    (event,) = watch(of_group)
    assert (event["resource"], event["status"], event["datasetGroupArn"]) == ("filter", "CREATE FAILED", GROUP)
    assert [watch(trigger) for trigger in (of_solution, of_group)] == [[], []]
    calls.clear()
    watch(ResourceFailureTrigger(arn=SOLUTION, resources=["solution_version"]), seconds=60)
    assert {call.operation for call in calls} == {"ListSolutionVersions"}


@pytest.mark.parametrize(
    "trouble",
    [
        lambda variables: faults.error_next("ListSolutionVersions", "ThrottlingException", times=9),
        lambda variables: faults.expired_next("ListSolutionVersions", times=9),
        lambda variables: faults.error_next("ListSolutionVersions", "AccessDeniedException", times=9),
        lambda variables: faults.error_next("ListSolutionVersions", "ResourceNotFoundException", times=9),
        lambda variables: setattr(variables, "broken", 7),
    ],
    ids=["throttled", "expired", "denied", "not found", "no database"],
)
def test_no_error_ends_it_and_no_event_is_lost(
    shop: Any, variables: Variables, trouble: Callable[[Variables], Any], caplog: Any, capsys: Any
) -> None:
    trigger, versions = SolutionVersionTrigger(solution_arn=SOLUTION, waiter_delay=300), []
    assert watch(trigger, seconds=60) == []
    events = watch(trigger, lambda: trouble(variables), lambda: versions.append(train(shop)), seconds=8 * HOUR)
    assert [event["arn"] for event in events] == versions
    assert watch(trigger, seconds=60) == []
    said = caplog.text + capsys.readouterr().out
    assert said.count("ListSolutionVersions cannot be called") <= 2


def test_a_connection_that_is_missing_is_tried_again(shop: Any, caplog: Any, capsys: Any) -> None:
    assert watch(SolutionVersionTrigger(solution_arn=SOLUTION, aws_conn_id="nowhere")) == []
    assert (caplog.text + capsys.readouterr().out).count("nowhere") >= 1


def test_what_cannot_be_read_is_not_taken_for_a_first_run(shop: Any, variables: Variables) -> None:
    """Airflow 3.1 and newer report a Variable that they could not read as missing."""
    trigger = SolutionVersionTrigger(solution_arn=SOLUTION, variable="mine")
    assert watch(trigger, seconds=60) == []
    version = train(shop)
    clock.advance(HOUR)
    read, asked = variables.get, []

    def unreadable(key: str, default: Any = None) -> Any:
        asked.append(key)
        return default if len(asked) < 8 else read(key, default)

    variables.get = unreadable  # type: ignore[method-assign]
    assert [event["arn"] for event in watch(trigger)] == [version]
    assert set(variables) == {"mine"}


@pytest.mark.parametrize(("begin_with", "pages"), [("newest", 1), ("oldest", 2)])
def test_a_long_history_takes_no_more_calls(shop: Any, begin_with: Any, pages: int) -> None:
    """AWS documents an order for one list alone, so the trigger relies on it only where it sees it."""
    job = {"datasetArn": DATASET, "dataSource": {"dataLocation": LOCATION}, "roleArn": ROLE}
    assumptions.change({"lists_begin_with": begin_with})
    trigger = ResourceFailureTrigger(arn=DATASET, resources=["dataset_import_job"])
    assert watch(trigger, seconds=60) == []
    faults.fail_next("CreateDatasetImportJob", "no file")
    for number in range(110):  # no triggerer runs for nine days
        shop.create_dataset_import_job(jobName=f"j{number}", **job)
        clock.advance(2 * HOUR)
    calls.clear()
    (event,) = watch(trigger, seconds=HOUR)
    assert (event["name"], event["failureReason"]) == ("j0", "no file")
    assert len(calls.of("ListDatasetImportJobs")) == pytest.approx(12 * pages, abs=2 * pages + 2), "every five minutes"


def test_the_example_takes_the_newest_of_several_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow hands a run its events in no order."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "example_dags")
    example = import_module("example_new_version")
    payloads = [
        {"arn": arn, "creationDateTime": f"2026-01-0{day}"} for arn, day in (("old", 1), ("new", 3), ("mid", 2))
    ]
    events = {example.new_version: [SimpleNamespace(extra={"payload": payload}) for payload in payloads]}
    assert example.newest_version.function(events) == "new"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SolutionVersionTrigger(solution_arn=f"{SOLUTION}/0a1b2c3d"), "the ARN of a solution, such as"),
        (lambda: SolutionVersionTrigger(solution_arn=SOLUTION, training_type="automatic"), "allowed are 'AUTOMATIC'"),
        (lambda: SolutionVersionTrigger(solution_arn=SOLUTION, waiter_delay=0), "waiter_delay is 0: allowed are"),
        (lambda: ResourceUpdateTrigger(arn=SOLUTION, waiter_delay="60"), "waiter_delay is '60': allowed are"),
        (lambda: ResourceUpdateTrigger(arn=GROUP), "the ARN of a campaign"),
        (lambda: ResourceFailureTrigger(arn=SOLUTION, resources=[]), r"resources is \[\]: allowed for"),
        (lambda: ResourceFailureTrigger(arn=SOLUTION, resources=["dataset"]), "solution, solution_version, campaign"),
    ],
)
def test_wrong_arguments_are_refused_when_the_dag_file_is_read(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        make()


def test_airflow_stores_and_hashes_a_trigger_unchanged() -> None:
    """A hash that changes on its way through the database restarts the trigger whenever the DAG file is read."""
    from airflow.models.trigger import Trigger

    config = {"read_timeout": 7, "retries": {"mode": "standard"}}
    trigger = ResourceFailureTrigger(arn=SOLUTION, resources=["campaign"], botocore_config=config, verify=False)
    row = Trigger.from_object(trigger)
    assert (row.classpath, row.kwargs) == trigger.serialize() == again(trigger).serialize()
    assert BaseEventTrigger.hash(*trigger.serialize()) == BaseEventTrigger.hash(row.classpath, row.kwargs)
    assert again(trigger).hook_parameters.check_config() == config
    assert again(trigger).hook_parameters.region_name == "us-east-1"
