"""Imports and trainings that bring nothing new, on the real operators, against the local Personalize and S3."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any
from unittest.mock import Mock

import pytest
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION, api
from task_runs import Run, TaskDeferred, TaskInstance, killed_after

from airflow_provider_personalize._compat import AirflowSkipException
from airflow_provider_personalize.clock import sleep
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import InvalidRequestError, ResourceFailedError
from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    freshness,
)
from airflow_provider_personalize.operators.freshness import digest_of_objects
from airflow_provider_personalize.plans.freshness import OBJECTS_TAG

pytestmark = pytest.mark.usefixtures("personalize")
GROUP = f"{PREFIX}dataset-group/shop"
FOLDER = "s3://shop/daily/"
TEAM = {"tagKey": "team", "tagValue": "shop"}
_numbers = count()


def task(operator: Any, **given: Any) -> Run:
    """A task instance of a run of its own, which begins now."""
    run = Run(lambda: operator(task_id="task", **given), TaskInstance(run_id=f"run {next(_numbers)}"))
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc)
    sleep(60)
    return run


def import_(location: str = LOCATION, **given: Any) -> Run:
    source = {"dataLocation": location}
    given = {"skip_if_unchanged": True, **given}
    return task(CreateDatasetImportJobOperator, dataset_arn=DATASET, data_source=source, role_arn=ROLE, **given)


def train_(**given: Any) -> Run:
    return task(CreateSolutionVersionOperator, solution_arn=SOLUTION, **given)


def put(key: str, count: int = 1000) -> None:
    rows = "".join(f"u{number % 50},i{number % 70},{1_700_000_000 + number}\n" for number in range(count))
    api("s3").put_object(Bucket="shop", Key=key, Body=f"USER_ID,ITEM_ID,TIMESTAMP\n{rows}".encode())


def is_skipped(run: Run) -> bool:
    """Run a task, and return whether it was skipped; then nothing was called that is charged."""
    before = len(calls.of("CreateDatasetImportJob")) + len(calls.of("CreateSolutionVersion"))
    try:
        run()
        skipped = False
    except AirflowSkipException:
        skipped = True
    after = len(calls.of("CreateDatasetImportJob")) + len(calls.of("CreateSolutionVersion"))
    assert (before == after) is skipped
    sleep(60)
    return skipped


def tags(client: Any, arn: str) -> list[dict[str, str]]:
    return client.list_tags_for_resource(resourceArn=arn)["tags"]


def test_an_import_is_skipped_while_what_it_would_read_is_the_same(personalize, capsys):
    put("daily/1.csv")
    import_(FOLDER, skip_if_unchanged=False)()
    first = import_(FOLDER, tags=[TEAM])()
    assert "the last import does not tell which objects it read" in capsys.readouterr().out
    assert [tag for tag in tags(personalize, first) if tag["tagKey"] != OBJECTS_TAG] == [TEAM]
    assert is_skipped(import_(FOLDER))
    assert import_(FOLDER, if_skipped="succeed")() == first
    for how in ("skip", "succeed"):
        planned = import_(FOLDER, if_skipped=how, dry_run=True)()
        assert (planned["action"], planned["reason"][-len(first) :]) == ("none", first)
    assert first in capsys.readouterr().out
    put("daily/deeper/1.csv")  # an import reads the first level only
    put("daily.csv")
    assert is_skipped(import_(FOLDER))
    put("daily/2.csv")
    assert not is_skipped(import_(FOLDER))
    assert is_skipped(import_(FOLDER))
    put("daily/2.csv", 1001)
    assert not is_skipped(import_(FOLDER))
    api("s3").delete_object(Bucket="shop", Key="daily/2.csv")
    assert not is_skipped(import_(FOLDER))
    assert not is_skipped(import_(FOLDER, publish_attribution_metrics_to_s3=True))
    assert is_skipped(import_(FOLDER))


def _erase(client: Any) -> None:
    api("s3").put_object(Bucket="shop", Key="gone.csv", Body=b"USER_ID\nu1\n")
    source = {"dataLocation": "s3://shop/gone.csv"}
    client.create_data_deletion_job(jobName="gone", datasetGroupArn=GROUP, dataSource=source, roleArn=ROLE)


def _put_elsewhere(_: Any) -> None:
    put("other.csv")
    import_("s3://shop/other.csv")()


def _recreate(client: Any) -> None:
    client.delete_dataset(datasetArn=DATASET)
    sleep(HOUR)
    client.create_dataset(
        name="shop", schemaArn=f"{PREFIX}schema/shop", datasetGroupArn=GROUP, datasetType="INTERACTIONS"
    )
    sleep(HOUR)


def _fail(_: Any) -> None:
    faults.fail_next("CreateDatasetImportJob", "bad luck")
    with pytest.raises(Exception, match="bad luck"):
        import_(skip_if_unchanged=False)()


@pytest.mark.parametrize(
    "change",
    [
        _put_elsewhere,
        _erase,
        _recreate,
        _fail,
        lambda _: import_(import_mode="INCREMENTAL", skip_if_unchanged=False)(),
        lambda _: import_(skip_if_unchanged=False, wait_for_completion=False)(),
    ],
    ids=["another location", "users deleted", "a new dataset", "a failed import", "another mode", "one in progress"],
)
def test_unchanged_files_are_imported_again_where_the_dataset_is_another(personalize, change: Callable[[Any], None]):
    import_()()
    assert is_skipped(import_())
    change(personalize)
    assert not is_skipped(import_())
    sleep(48 * HOUR)  # a deletion takes up to a day
    is_skipped(import_())
    assert is_skipped(import_())


@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
def test_the_same_import_in_progress_is_waited_for_before_a_skip(fails):
    if fails:
        faults.fail_next("CreateDatasetImportJob", "bad luck")
    import_(wait_for_completion=False)()
    assert is_skipped(import_(wait_for_completion=False))
    assert is_skipped(import_(deferrable=True)) is not fails


def test_there_must_be_room_for_the_tag_of_the_objects():
    tags = [{"tagKey": f"{number}", "tagValue": ""} for number in range(50)]
    import_(tags=tags[:49])()
    with pytest.raises(InvalidRequestError, match="tags has 50 entries: at most 49 are allowed, since skip_if_unch"):
        import_(tags=tags)()


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
def test_a_retry_finds_the_import_of_its_earlier_attempt_and_does_not_skip(personalize, deferrable):
    run = import_(deferrable=deferrable)
    with killed_after("CreateDatasetImportJob"):
        run()
    sleep(HOUR)  # it has ended, and its objects are those that are there
    run.ti.try_number = 2
    assert tags(personalize, run())
    assert len(calls.of("CreateDatasetImportJob")) == 1


def test_a_retry_skips_only_once_reads_are_consistent(passing_time):
    import_()()
    retry = import_()
    retry.ti.try_number = 2
    passing_time.slept.clear()
    assert is_skipped(retry)
    assert sum(passing_time.slept) >= 60


def test_what_cannot_be_listed_is_no_reason_to_skip():
    with pytest.raises(ResourceFailedError, match="Invalid Data location"):
        import_("s3://typo/a.csv")()
    s3 = api("s3")
    assert digest_of_objects(s3, LOCATION) != digest_of_objects(s3, "s3://shop/")


def test_each_fact_of_a_file_is_in_the_digest():
    """An object that was replaced and put back has its old ETag and another date."""

    def digest(**other: Any) -> str | None:
        day = datetime(2026, 1, 1, tzinfo=timezone.utc)
        shown = {"Key": "daily/1.csv", "ETag": "e", "Size": 1, "LastModified": day, **other}
        client = Mock(**{"get_paginator.return_value.paginate.return_value": [{"Contents": [shown]}]})
        return digest_of_objects(client, FOLDER)

    later = datetime(2026, 1, 2, tzinfo=timezone.utc)
    others = [{}, {"Key": "daily/2.csv"}, {"ETag": "f"}, {"Size": 2}, {"LastModified": later}]
    assert digest() == digest()
    assert len({digest(**other) for other in others}) == len(others)


def test_a_folder_of_many_files_is_listed_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(freshness, "MOST_FILES", 2)
    digests = []
    for number in range(4):
        digests.append(digest_of_objects(api("s3"), FOLDER))
        put(f"daily/{number}.csv", 1)
    assert digests[::3] == [None, None]
    assert len({*digests}) == 3


@pytest.fixture
def imported(personalize: Any) -> Any:
    """The shop has data."""
    import_(skip_if_unchanged=False)()
    return personalize


def test_a_training_is_skipped_while_the_newest_version_is_young(imported):
    young = {"skip_if_younger_than": timedelta(days=1)}
    first = train_(**young)()
    assert is_skipped(train_(**young))
    assert train_(**young, if_skipped="succeed")() == first
    sleep(24 * HOUR)
    assert not is_skipped(train_(**young))


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
@pytest.mark.parametrize("limit", [24 * HOUR, 60], ids=["longer than a training", "shorter than a training"])
def test_a_training_of_another_is_waited_for_before_a_skip(imported, deferrable, fails, limit):
    if fails:
        faults.fail_next("CreateSolutionVersion", "bad luck")
    imported.create_solution_version(solutionArn=SOLUTION)
    assert is_skipped(train_(skip_if_younger_than=limit, deferrable=deferrable)) is not fails


def test_a_task_that_is_killed_does_not_stop_the_training_of_another(imported):
    arn = imported.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    task, context = train_(skip_if_younger_than=24 * HOUR, deferrable=True, stop_on_kill=True).ready()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    asyncio.run(deferred.value.trigger.on_kill())
    task.on_kill()
    sleep(HOUR)
    assert imported.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"] == "ACTIVE"


def test_a_training_is_skipped_while_there_is_no_new_data(imported):
    new = {"skip_if_no_new_data": True}
    first = train_(**new)()
    assert is_skipped(train_(**new))
    assert train_(**new, if_skipped="succeed")() == first
    assert is_skipped(import_(skip_if_unchanged=False)) is False
    assert not is_skipped(train_(**new))
    assert is_skipped(train_(**new))
    import_(skip_if_unchanged=False, wait_for_completion=False)()
    assert not is_skipped(train_(**new))  # which waits for the import
    assert imported.list_dataset_import_jobs(datasetArn=DATASET)["datasetImportJobs"][-1]["status"] == "ACTIVE"
    imported.update_solution(solutionArn=SOLUTION, performAutoTraining=False)
    sleep(600)
    assert not is_skipped(train_(**new))
    imported.create_event_tracker(name="shop", datasetGroupArn=GROUP)
    assert not is_skipped(train_(**new))
    assert is_skipped(train_(**new, ignore_real_time_data=True))
    assert not is_skipped(train_())


@pytest.mark.parametrize("given", [{"skip_if_younger_than": 24 * HOUR}, {"skip_if_no_new_data": True}], ids=str)
def test_a_retry_finds_the_training_of_its_earlier_attempt_and_does_not_skip(imported, given):
    older = train_()()
    sleep(30 * HOUR)
    import_(skip_if_unchanged=False)()
    run = train_(**given, if_skipped="succeed")
    with killed_after("CreateSolutionVersion"):
        run()
    sleep(HOUR)
    run.ti.try_number = 2
    arn = run()
    assert arn != older
    assert len(calls.of("CreateSolutionVersion")) == 2


@pytest.mark.parametrize("operator", [import_, train_], ids=["import", "training"])
def test_how_a_skip_ends_is_one_of_two_words(operator):
    with pytest.raises(ValueError, match="if_skipped is 'fail': allowed are 'skip', 'succeed'"):
        operator(if_skipped="fail").make()
