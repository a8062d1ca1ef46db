"""Nothing is charged twice and every wait ends, whatever part of Airflow dies."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from postgres import Postgres
from shop import HOUR, PREFIX, SOLUTION, open_many
from stack import Run, Stack, eventually

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.emulator.http.models import personalize_backends

pytestmark = pytest.mark.crash

BUYING = ("UpdateSolution", "CreateSolutionVersion", "CreateDatasetImportJob")
ACCEPTED = {None, "(client left)"}
SECOND_TRY, THIRD_TRY = [2, 2, 2], [3, 3, 3]
ONE_OF_EACH = [1, 1, 1]
# who tries again: the task, or whoever clears the run that failed
retried = pytest.mark.parametrize("dag_id", ["on_the_worker", "without_retries"])


def bought(shop: Any) -> list[int]:
    """Count the updates, trainings and imports since the shop was opened: those that the service has."""
    trainings = shop.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]
    imports = shop.list_dataset_import_jobs()["datasetImportJobs"]
    update = "latestSolutionUpdate" in shop.describe_solution(solutionArn=SOLUTION)["solution"]
    return [int(update), sum(one["trainingType"] == "MANUAL" for one in trainings), len(imports) - 1]


def end(run: Run, shop: Any, expected: list[int] = ONE_OF_EACH) -> None:
    """Let the service finish, and check what was charged and that each task succeeded."""
    clock.advance(HOUR)
    eventually("the run is over", run.is_over)
    assert run.states() == {"success": 3}
    assert [sum(call.error in ACCEPTED for call in calls.of(operation)) for operation in BUYING] == expected
    assert bought(shop) == expected


def let_a_day_pass() -> None:
    """Make all a day older: Airflow's clock, which tells when a run began, cannot be moved."""
    for record in personalize_backends["123456789012"]["us-east-1"].records.values():
        for entry in (record, *record.updates):
            entry.created -= 24 * HOUR


def tries(run: Run) -> list[int]:
    return [task.try_number for task in run.tasks()]


def begun(airflow: Stack, shop: Any, dag_id: str) -> Run:
    """Start a run, and return it when all its tasks wait."""
    run = airflow.run(dag_id)
    state = "deferred" if dag_id == "deferred" else "running"
    eventually("all three wait", lambda: bought(shop) == [1, 1, 1] and run.states() == {state: 3})
    return run


def begun_without_an_answer(airflow: Stack, shop: Any, dag_id: str) -> Run:
    """Start a run, and return it when the service has done all that it asks for and has not answered yet."""
    for operation in BUYING:
        faults.hang_next(operation, done=True)
    run = airflow.run(dag_id)
    eventually("the service has all three", lambda: bought(shop) == ONE_OF_EACH)
    return run


def tried_again(run: Run, dag_id: str, tried: list[int]) -> None:
    """Wait until its tasks run again; where none has tries left, clear the run."""
    if dag_id == "without_retries":
        eventually("the run has failed", run.is_over)
        assert run.states() == {"failed": 3}
        run.clear()
    all_run_again(run, tried)


def all_run_again(run: Run, tried: list[int]) -> None:
    eventually("all are tried again", lambda: tries(run) == tried and run.states() == {"running": 3})


def all_deferred_again(run: Run, tried: int) -> None:
    def are_so() -> bool:
        return not run.is_over() and min(tries(run)) >= tried and run.states() == {"deferred": 3}

    eventually("all wait again", are_so)


def all_updated_once(run: Run, number: int) -> None:
    """Check that each solution was updated once, by the first attempt of its task."""
    eventually("the run is over", run.is_over, 600)
    assert run.states("update") == {"success": number}
    assert {task.try_number for task in run.tasks("update")} == {1}
    assert Counter(call.arn for call in calls.of("UpdateSolution")) == {
        f"{PREFIX}solution/shop-{each}": 1 for each in range(number)
    }


@retried
def test_a_worker_killed_between_call_and_record_pays_for_nothing_twice(airflow: Stack, shop: Any, dag_id: str) -> None:
    run = begun_without_an_answer(airflow, shop, dag_id)
    run.crash_workers()
    faults.clear()
    tried_again(run, dag_id, SECOND_TRY)
    end(run, shop)


@retried
def test_the_attempt_after_a_killed_worker_waits_for_the_same_jobs(airflow: Stack, shop: Any, dag_id: str) -> None:
    run = begun(airflow, shop, dag_id)
    for tried in (SECOND_TRY, THIRD_TRY):
        run.crash_workers()
        tried_again(run, dag_id, tried)
    end(run, shop)


def test_the_waits_of_a_triggerer_that_is_killed_move_to_the_other(airflow: Stack, shop: Any) -> None:
    open_many(shop, 40)
    calls.clear()
    run = airflow.run("many", number=40)
    eventually("all wait", lambda: run.states("update") == {"deferred": 40}, 600)
    assert all(airflow.triggerers().values()), "each triggerer has some"
    airflow.crash("triggerer-1")
    eventually("the other has all", lambda: list(airflow.triggerers().values()) == [40])
    clock.advance(HOUR)
    all_updated_once(run, 40)


@retried
def test_a_scheduler_killed_during_calls_pays_for_nothing_twice(airflow: Stack, shop: Any, dag_id: str) -> None:
    """The next one takes its tasks back and runs them again, whether they have a try left or not."""
    run = begun_without_an_answer(airflow, shop, dag_id)
    airflow.crash("scheduler")
    airflow.keep_up()
    all_run_again(run, SECOND_TRY)
    faults.clear()
    end(run, shop)


def test_tasks_that_are_deferred_do_not_notice_that_the_scheduler_is_killed(airflow: Stack, shop: Any) -> None:
    run = begun(airflow, shop, "deferred")
    airflow.crash("scheduler")
    airflow.keep_up()
    end(run, shop)
    assert tries(run) == [1, 1, 1]


@pytest.mark.parametrize("dag_id", ["on_the_worker", "deferred"])
def test_a_database_outage_of_half_a_minute_pays_for_nothing_twice(
    airflow: Stack, database: Postgres, shop: Any, dag_id: str
) -> None:
    run = begun(airflow, shop, dag_id)
    database.stop()
    time.sleep(30)
    database.start()
    airflow.keep_up()
    end(run, shop)


def test_a_run_cleared_after_each_crash_waits_for_the_same_jobs(airflow: Stack, database: Postgres, shop: Any) -> None:
    def crash_database() -> None:
        database.stop()
        time.sleep(5)
        database.start()

    run = begun(airflow, shop, "deferred")
    crashes = (lambda: airflow.crash("triggerer-1"), lambda: airflow.crash("scheduler"), crash_database)
    for tried, crash in enumerate(crashes, start=2):
        crash()
        airflow.keep_up()
        run.clear()
        all_deferred_again(run, tried)
    end(run, shop)


def test_a_run_cleared_while_it_is_deferred_waits_for_the_same_jobs_again(airflow: Stack, shop: Any) -> None:
    run = begun(airflow, shop, "deferred")
    run.clear()
    all_deferred_again(run, 2)
    end(run, shop)


def test_a_run_cleared_the_next_day_pays_once_more_in_all_attempts(airflow: Stack, shop: Any) -> None:
    """But for the update, which is as wanted."""
    run = begun(airflow, shop, "deferred")
    end(run, shop)
    let_a_day_pass()
    run.clear()
    waiting = {"success": 1, "deferred": 2}
    eventually("the other two wait", lambda: bought(shop) == [1, 2, 2] and run.states() == waiting)
    run.clear()
    eventually("both wait again", lambda: tries(run) == THIRD_TRY and run.states() == waiting)
    end(run, shop, [1, 2, 2])


def test_a_failed_run_cleared_the_next_day_reuses_finished_jobs(airflow: Stack, shop: Any) -> None:
    """Which only Airflow's task state store can tell from what a try saw the end of."""
    run = begun(airflow, shop, "without_retries")
    run.crash_workers()
    eventually("the run has failed", run.is_over)
    clock.advance(HOUR)
    let_a_day_pass()
    run.clear()
    end(run, shop)
    assert tries(run) == SECOND_TRY


def test_waits_that_end_at_once_fail_no_task(airflow: Stack, shop: Any) -> None:
    """Airflow 3 fails tasks whose trigger fires at once (https://github.com/apache/airflow/issues/71580)."""
    open_many(shop, 24)
    calls.clear()
    assumptions.seconds["solution_update"] = 3
    all_updated_once(airflow.run("many", number=24), 24)
