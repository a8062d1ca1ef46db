"""Import a CSV from S3, on the real operator, trigger and hook, against the local Personalize."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, PREFIX, ROLE, bring_interactions
from task_runs import Run, Store, TaskInstance

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceExistsError,
    ResourceFailedError,
)
from airflow_provider_personalize.operators import CreateDatasetImportJobOperator

pytestmark = pytest.mark.usefixtures("personalize")
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def import_(ti: TaskInstance | None = None, **parameters: Any) -> Run:
    given = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE, **parameters}
    return Run(lambda: CreateDatasetImportJobOperator(task_id="import", **given), ti or TaskInstance())


def jobs(personalize: Any) -> list[dict[str, Any]]:
    return personalize.list_dataset_import_jobs(datasetArn=DATASET)["datasetImportJobs"]


@deferrable_or_not
def test_the_data_is_in_when_the_task_ends(personalize, deferrable):
    run = import_(deferrable=deferrable)
    arn = run()
    job = personalize.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
    assert (job["status"], job["dataSource"], job["roleArn"]) == ("ACTIVE", {"dataLocation": LOCATION}, ROLE)
    assert len(run.deferrals) == deferrable


def test_every_member_of_the_request_reaches_the_service(personalize):
    import_()()
    arn = import_(
        job_name="nightly-1",
        import_mode="INCREMENTAL",
        publish_attribution_metrics_to_s3="True",
        tags=[{"tagKey": "team", "tagValue": "shop"}],
    )()
    assert arn == f"{PREFIX}dataset-import-job/nightly-1"
    job = personalize.describe_dataset_import_job(datasetImportJobArn=arn)["datasetImportJob"]
    assert (job["importMode"], job["publishAttributionMetricsToS3"]) == ("INCREMENTAL", True)


def test_a_retry_finds_the_job_of_the_earlier_attempt_and_imports_nothing_again(personalize, capsys):
    first = import_(wait_for_completion=False)()
    assert import_()() == first
    assert len(jobs(personalize)) == 1
    assert "no other is made" in capsys.readouterr().out


def test_another_run_and_another_mapped_instance_start_jobs_of_their_own(personalize):
    arns = {
        import_(TaskInstance(run_id=run_id, map_index=index))()
        for run_id in ("scheduled__2026-01-01", "scheduled__2026-01-02")
        for index in (-1, 0, 1)
    }
    assert len(arns) == len(jobs(personalize)) == 6


def test_another_dataset_starts_a_job_of_its_own():
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        import_(dataset_arn=DATASET.replace("shop", "other"))()
    arns = [call.arn for call in calls.of("CreateDatasetImportJob")]
    import_(wait_for_completion=False)()
    assert calls.of("CreateDatasetImportJob")[-1].arn not in arns


def test_a_run_that_is_cleared_after_its_end_imports_again(personalize):
    first = import_()()
    again = import_()
    again.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    second = again()
    assert (second, len(jobs(personalize))) == (f"{first}-2", 2)


def test_a_job_in_progress_is_waited_for_whatever_run_began_it(personalize):
    import_(wait_for_completion=False)()
    again = import_()
    again.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    again()
    assert len(jobs(personalize)) == 1


def test_a_user_given_name_that_an_earlier_run_used_is_refused(personalize):
    import_(job_name="nightly")()
    tomorrow = import_(job_name="nightly")
    tomorrow.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    with pytest.raises(ResourceExistsError, match="Nothing was done"):
        tomorrow()


@pytest.mark.parametrize("store", [lambda: None, Store], ids=["no store", "a store"])
@pytest.mark.parametrize("try_number", [1, 2])
def test_a_user_given_name_that_an_earlier_run_is_importing_under_is_refused(personalize, store, try_number):
    """What this run put into the file may have come too late for that import."""
    import_(job_name="nightly", wait_for_completion=False)()
    clock.advance(120)
    tomorrow = import_(TaskInstance(run_id="tomorrow", try_number=try_number), job_name="nightly")
    tomorrow.began, tomorrow.store = datetime.fromtimestamp(clock.now(), timezone.utc), store()
    with pytest.raises(ResourceExistsError, match="Nothing was done: .*not made by this task instance"):
        tomorrow()
    assert len(jobs(personalize)) == 1


def test_a_user_given_name_that_another_task_of_the_run_has_used_is_refused_by_each_attempt(personalize):
    import_(job_name="mine")()
    other = import_(TaskInstance(task_id="other"), job_name="mine")
    other.store = Store()
    for _ in range(2):
        with pytest.raises(ResourceExistsError, match="Nothing was done: .*not made by this task instance"):
            other()
        other.ti.try_number += 1
    assert len(jobs(personalize)) == 1


def test_after_a_failed_import_a_corrected_one_is_another_job(personalize):
    with pytest.raises(ResourceFailedError):
        import_(data_source={"dataLocation": "s3://shop/typo.csv"})()
    import_()()
    assert len(jobs(personalize)) == 2


def test_a_failed_job_with_a_user_given_name_fails_even_without_waiting(personalize):
    faults.fail_next("CreateDatasetImportJob", "bad luck")
    with pytest.raises(ResourceFailedError):
        import_(job_name="mine")()
    with pytest.raises(ResourceFailedError):
        import_(job_name="mine", wait_for_completion=False)()


def test_a_template_that_yields_no_name_derives_one():
    run = import_(job_name="{{ params.name }}", import_mode="{{ params.mode }}")
    run.params = {"name": None, "mode": None}
    assert not run().endswith("/None")


def test_a_derived_name_is_one_that_the_service_allows():
    ti = TaskInstance(dag_id="größe.shop/2", task_id="_" * 200, run_id="manual__x")
    name = import_(ti)().rpartition("/")[2]
    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,62}", name)


@deferrable_or_not
def test_a_failed_import_fails_the_task_with_the_reason_of_the_service(deferrable):
    bring_interactions(header="USER_ID,ITEM,TIMESTAMP")
    with pytest.raises(ResourceFailedError, match=r"missing the following columns: \[ITEM_ID\]"):
        import_(deferrable=deferrable)()


def test_after_a_failed_import_a_retry_starts_another_job(personalize):
    faults.fail_next("CreateDatasetImportJob", "bad luck", times=2)
    run = import_()
    for _ in range(2):
        with pytest.raises(ResourceFailedError, match="bad luck"):
            run()
    arn = run()
    assert arn.endswith("-3")
    assert sorted(job["status"] for job in jobs(personalize)) == ["ACTIVE", "CREATE FAILED", "CREATE FAILED"]


def test_a_failed_job_with_a_user_given_name_is_not_replaced(personalize):
    faults.fail_next("CreateDatasetImportJob", "bad luck")
    for _ in range(2):
        with pytest.raises(ResourceFailedError, match="bad luck"):
            import_(job_name="mine")()
    assert len(jobs(personalize)) == 1


def test_a_name_that_another_import_has_is_refused_with_each_difference(personalize):
    import_(job_name="mine")()
    with pytest.raises(ResourceDiffersError) as refusal:
        import_(job_name="mine", import_mode="INCREMENTAL", data_source={"dataLocation": "s3://shop/other.csv"})()
    assert refusal.value.differences == [
        "data_source.dataLocation: wanted 's3://shop/other.csv', found 's3://shop/interactions.csv'",
        "import_mode: wanted 'INCREMENTAL', found 'FULL'",
    ]


def test_invalid_parameters_are_refused_before_the_call():
    with pytest.raises(InvalidRequestError) as refusal:
        import_(dataset_arn="shop", role_arn="me", import_mode="HALF", job_name="a b")()
    assert len(refusal.value.faults) == 4
    assert calls.of("CreateDatasetImportJob") == []


def test_the_console_page_is_kept():
    run = import_(wait_for_completion=False)
    run()
    assert run.ti.xcoms["personalize_dataset_group_link"] == (
        "https://us-east-1.console.aws.amazon.com/personalize/home?region=us-east-1"
        "#arn:aws:personalize:us-east-1:123456789012:dataset-group$shop/setup"
    )
