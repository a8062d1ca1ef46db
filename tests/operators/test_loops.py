"""
Task loops of Airflow 3.4: each iteration does its own work, and a retry of one finds what that one did.

Iterations share dag, task, run, map index and try number; the context's ``loop.index`` tells them apart, and the task
state store is each iteration's own (both seen on Airflow 3.4.0b2).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION, open_market, train
from task_runs import Run, Store, TaskInstance, killed_after

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import ResourceDiffersError, ResourceExistsError
from airflow_provider_personalize.operators import (
    CreateCampaignOperator,
    CreateDataDeletionJobOperator,
    CreateDatasetExportJobOperator,
    CreateDatasetImportJobOperator,
    CreateFilterOperator,
    CreateSolutionVersionOperator,
    PromoteSolutionVersionOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.operators.task_state import identity_of

GROUP = f"{PREFIX}dataset-group/shop"
IMPORT = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE}
USERS = "s3://shop/users.csv"
RUNNING: dict[type, dict[str, Any]] = {
    CreateSolutionVersionOperator: {"solution_arn": SOLUTION},
    CreateDatasetImportJobOperator: IMPORT,
    CreateDatasetExportJobOperator: {
        "dataset_arn": DATASET,
        "job_output": {"s3DataDestination": {"path": "s3://shop/out/"}},
        "role_arn": ROLE,
    },
    CreateDataDeletionJobOperator: {
        "dataset_group_arn": GROUP,
        "data_source": {"dataLocation": USERS},
        "role_arn": ROLE,
    },
}
every_job = pytest.mark.parametrize("operator", RUNNING, ids=lambda operator: operator.operation)


@pytest.fixture(autouse=True)
def _data(personalize: Any) -> None:
    """The resources that trainings and jobs need."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key="users.csv", Body=b"USER_ID\nu1\n")
    clock.advance(HOUR)
    calls.clear()


def iterations(make: Callable[..., Any], count: int = 3, map_index: int = -1, **given: Any) -> list[Run]:
    """As many iterations of a task in one run, which began a minute ago."""
    began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(minutes=1)
    return [
        Run(
            lambda: make(task_id="task", **given),
            TaskInstance(map_index=map_index),
            began=began,
            store=Store(),
            iteration=index,
        )
        for index in range(count)
    ]


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    return run


@every_job
def test_each_iteration_starts_one_of_its_own_and_a_retry_finds_it(operator):
    runs = iterations(operator, **RUNNING[operator])
    arns = [run() for run in runs]
    assert len(set(arns)) == 3
    assert [retry(run)() for run in runs] == arns
    assert len(calls.of(operator.operation)) == 3


@every_job
def test_an_iteration_whose_worker_died_is_found_by_its_retry_and_not_taken_for_the_one_before(operator):
    first, second = iterations(operator, 2, **RUNNING[operator])
    arn = first()
    with killed_after(operator.operation):
        second()
    assert retry(second)() != arn
    assert len(calls.of(operator.operation)) == 2


def test_a_task_that_is_mapped_inside_a_loop_imports_once_for_each_index_of_each_iteration():
    arns = [run() for index in (0, 1) for run in iterations(CreateDatasetImportJobOperator, 2, index, **IMPORT)]
    assert len(set(arns)) == 4


def test_outside_of_loops_names_are_what_they_were_before_there_were_any():
    """As this package derived them before it knew of loops: a retry after an upgrade finds what was started before."""
    run = Run(lambda: CreateDatasetImportJobOperator(task_id="task", **IMPORT), TaskInstance(map_index=2))
    assert identity_of({"ti": run.ti}) == "shop/task/manual__2026-01-01T00:00:00+00:00/2"
    assert run() == f"{PREFIX}dataset-import-job/shop-task-0b35255895c5"


@every_job
def test_a_name_that_every_iteration_has_is_refused_from_the_second_on(operator):
    """Otherwise, tasks would succeed one after the other without doing anything."""
    naming = {operator.name_parameter: "mine"}
    first, second = iterations(operator, 2, **RUNNING[operator], **naming)
    arn = first()
    for _ in range(2):
        with pytest.raises(ResourceExistsError, match=r"not made by this iteration of the loop.*\{\{ loop.index \}\}"):
            second()
        retry(second)
    assert retry(first)() == arn
    assert len([call for call in calls.of(operator.operation) if call.error is None]) == 1


@every_job
def test_a_name_with_the_iteration_in_it_is_found_again_by_a_retry(operator):
    first, second = iterations(operator, 2, **RUNNING[operator], **{operator.name_parameter: "mine-{{ loop.index }}"})
    arn = first()
    with killed_after(operator.operation):
        second()
    assert retry(second)() != arn
    assert len(calls.of(operator.operation)) == 2


def forced(count: int) -> list[Run]:
    return iterations(
        UpdateSolutionOperator, count, solution_arn=SOLUTION, perform_auto_training=True, if_unchanged="update"
    )


def sent() -> int:
    return len([call for call in calls.of("UpdateSolution") if call.error is None])


def test_an_update_of_the_iteration_before_is_not_mistaken_for_this_ones():
    first, second = forced(2)
    first()
    clock.advance(60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UpdateSolutionOperator, "call", _killed)
        with pytest.raises(KeyboardInterrupt):
            second()
    retry(second)()
    assert sent() == 2


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_an_update_of_this_iteration_is_found_by_its_retry():
    first, second = forced(2)
    first()
    clock.advance(60)
    with killed_after("UpdateSolution"):
        second()
    clock.advance(600)
    retry(second)()
    assert sent() == 2


def test_an_update_that_never_arrived_is_sent_again_though_the_iteration_before_made_one_like_it():
    first, second = forced(2)
    first()
    clock.advance(60)
    faults.reset_next("UpdateSolution", done=False)
    second()
    assert sent() == 2


def test_what_another_iteration_made_is_not_an_earlier_attempts():
    given = {"name": "mine", "dataset_group_arn": GROUP, "if_exists": "fail"}
    first, second = iterations(
        CreateFilterOperator, 2, filter_expression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")', **given
    )
    first()
    for _ in range(2):
        with pytest.raises(ResourceExistsError):
            second()
        retry(second)
    assert retry(first)()


def test_the_newest_version_of_an_iteration_is_not_that_of_the_one_before(personalize):
    version = open_market(personalize)
    latest = f"{version.rpartition('/')[0]}/$LATEST"
    first, second = iterations(CreateCampaignOperator, 2, name="market", solution_version_arn=latest)
    first()
    train(personalize, version.rpartition("/")[0])
    for _ in range(2):
        with pytest.raises(ResourceDiffersError, match="solution_version_arn"):
            second()
        retry(second)
    assert retry(first)()


def test_a_loop_deploys_the_version_that_passes_once_and_retries_train_and_deploy_nothing(personalize):
    solution = open_market(personalize).rpartition("/")[0]
    live = train(personalize, solution)
    campaign = personalize.create_campaign(name="market", solutionVersionArn=live)["campaignArn"]
    clock.advance(HOUR)
    calls.clear()
    faults.worse_next(factor=0.5, times=2)
    gate = {"not_worse_than": live, "if_gate_fails": "return", "verify_user_ids": ["u1"]}
    results = []
    for index, training in enumerate(iterations(CreateSolutionVersionOperator, solution_arn=solution)):
        version = training()
        given = {"campaign_arn": campaign, "solution_version_arn": version, **gate}
        run = iterations(PromoteSolutionVersionOperator, **given)[index]
        if index == 2:
            with killed_after("UpdateCampaign"):
                run()
        results.append(retry(run)())
        assert (retry(training)(), retry(run)()) == (version, results[-1])
    assert [result["promoted"] for result in results] == [False, False, True]
    assert [len(calls.of(operation)) for operation in ("CreateSolutionVersion", "UpdateCampaign")] == [3, 1]
