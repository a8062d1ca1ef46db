"""A training whose task is killed while deferred, with the triggerer's own way of cancelling."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from shop import DATASET, LOCATION, ROLE, SOLUTION
from task_runs import Run, TaskDeferred

from airflow_provider_personalize import clock as package_clock
from airflow_provider_personalize.emulator import clock, faults
from airflow_provider_personalize.operators import CreateSolutionVersionOperator
from airflow_provider_personalize.triggers import PersonalizeTrigger

triggerer = pytest.importorskip("airflow.jobs.triggerer_job_runner")
if not hasattr(triggerer, "_USER_ACTION_CANCEL_MSG"):
    pytest.skip("Airflow tells triggers that their task was killed from 3.3 on", allow_module_level=True)


@pytest.fixture
def data(personalize: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training data; sleeping advances the clock."""
    monkeypatch.setattr(package_clock, "sleep_in_loop", asyncio.sleep)
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(3600)


@pytest.fixture
def training(personalize: Any, data: None) -> str:
    """A training in progress."""
    arn = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(20 * 60)
    return arn


def status(personalize: Any, arn: str) -> str:
    return personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"]


def cancel(arn: str, *, by_the_user: bool, **arguments: Any) -> None:
    """Run a trigger that waits for a training, and end it."""
    arguments = {"resource": "solution_version", "arn": arn, "waiter_delay": 5, "deadline": 9e9, **arguments}
    cancel_trigger(arguments, by_the_user=by_the_user)


def cancel_trigger(arguments: dict[str, Any], *, by_the_user: bool = True) -> None:
    """Run a trigger in the triggerer's runner, and end it there."""

    async def run_and_cancel() -> None:
        runner = triggerer.TriggerRunner()
        trigger = PersonalizeTrigger(**arguments)
        trigger.task_instance = None
        runner.triggers[1] = {"task": None, "is_watcher": False, "name": "training", "events": 0}
        task = runner.triggers[1]["task"] = asyncio.create_task(runner.run_trigger(1, trigger))
        await asyncio.sleep(0.2)
        if by_the_user:
            runner.to_cancel.append(1)
            await runner.cancel_triggers()
        else:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not runner.events

    asyncio.run(run_and_cancel())


def test_it_is_stopped_where_that_is_asked_for(personalize, training):
    cancel(training, by_the_user=True, stop_on_kill=True)
    assert status(personalize, training) == "CREATE STOPPING"


def test_it_is_stopped_though_the_credentials_ran_out(personalize, training):
    faults.expired_next("StopSolutionVersionCreation")
    cancel(training, by_the_user=True, stop_on_kill=True)
    assert status(personalize, training) == "CREATE STOPPING"


def deferred(**given: Any) -> dict[str, Any]:
    """Begin a training whose answer is lost; return what its task hands to the trigger."""
    faults.hang_next("CreateSolutionVersion", done=True)
    run = Run(lambda: CreateSolutionVersionOperator(task_id="a", solution_arn=SOLUTION, deferrable=True, **given))
    task, context = run.ready()
    with pytest.raises(TaskDeferred) as deferral:
        task.execute(context)
    return deferral.value.trigger.serialize()[1]


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("stop_on_kill", [True, False])
def test_one_whose_answer_was_lost_is_stopped_too(personalize, stop_on_kill):
    arguments = deferred(stop_on_kill=stop_on_kill)
    clock.advance(20 * 60)
    cancel_trigger(arguments)
    [version] = personalize.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]
    assert (version["status"] == "CREATE STOPPING") is stop_on_kill


@pytest.mark.usefixtures("data")
def test_one_whose_answer_was_lost_and_that_is_not_visible_yet_goes_on_and_that_is_logged(personalize, capsys):
    faults.stale_next("CreateSolutionVersion", hides=30)
    cancel_trigger(deferred(stop_on_kill=True))
    clock.advance(60)
    [version] = personalize.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]
    assert version["status"] in {"CREATE PENDING", "CREATE IN_PROGRESS"}
    assert "if it began, it goes on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("by_the_user", "stop_on_kill"), [(True, False), (False, True)], ids=["not asked for", "the triggerer ends"]
)
def test_it_goes_on_otherwise(personalize, training, by_the_user, stop_on_kill):
    cancel(training, by_the_user=by_the_user, stop_on_kill=stop_on_kill)
    assert status(personalize, training) == "CREATE IN_PROGRESS"


def test_one_that_is_being_stopped_already_is_not_an_error(personalize, training, capsys):
    personalize.stop_solution_version_creation(solutionVersionArn=training)
    cancel(training, by_the_user=True, stop_on_kill=True)
    assert "CREATE STOPPING: there is nothing to stop" in capsys.readouterr().out


def test_a_refusal_is_in_the_triggerers_log(personalize, training, capsys):
    faults.error_next("StopSolutionVersionCreation", "AccessDeniedException", message="not you")
    cancel(training, by_the_user=True, stop_on_kill=True)
    assert status(personalize, training) == "CREATE IN_PROGRESS"
    assert "on_kill() raised an exception" in capsys.readouterr().out
