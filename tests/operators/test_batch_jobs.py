"""Recommend in bulk, on the real operators: each job once, since each is charged."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from shop import HOUR, MARKET, PREFIX, ROLE, open_market, train
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize import operators
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceExistsError,
    ResourceFailedError,
)

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
OUTPUT = {"s3DataDestination": {"path": "s3://shop/out/"}}
LINES = {"BatchInferenceJob": {"userId": "u1"}, "BatchSegmentJob": {"itemId": "i1"}}
every_job_type = pytest.mark.parametrize("job_type", LINES)


def bucket() -> Any:
    return boto3.client("s3", region_name="us-east-1")


def input_of(job_type: str) -> dict[str, Any]:
    bucket().put_object(Bucket="shop", Key=f"in/{job_type}.json", Body=f"{json.dumps(LINES[job_type])}\n".encode())
    return {"s3DataSource": {"path": f"s3://shop/in/{job_type}.json"}}


@pytest.fixture
def versions(personalize):
    """A trained version for each kind of job."""
    personal = open_market(personalize)
    recipe = "arn:aws:personalize:::recipe/aws-item-affinity"
    segments = personalize.create_solution(
        name="segments", datasetGroupArn=MARKET, recipeArn=recipe, performAutoTraining=False
    )["solutionArn"]
    clock.advance(HOUR)
    return {"BatchInferenceJob": personal, "BatchSegmentJob": train(personalize, segments)}


def job(job_type: str, versions: dict[str, str], **more: Any) -> Run:
    operator = getattr(operators, f"Create{job_type}Operator")
    given = {
        "solution_version_arn": versions[job_type],
        "job_input": input_of(job_type),
        "job_output": OUTPUT,
        "role_arn": ROLE,
    }
    return Run(lambda: operator(task_id="job", **{**given, **more}), TaskInstance())


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(days=1)
    return run


def describe(client: Any, job_type: str, arn: str) -> dict[str, Any]:
    name = {"BatchInferenceJob": "batch_inference_job", "BatchSegmentJob": "batch_segment_job"}[job_type]
    member = job_type[0].lower() + job_type[1:]
    return getattr(client, f"describe_{name}")(**{f"{member}Arn": arn})[member]


def made(job_type: str) -> int:
    return len(calls.of(f"Create{job_type}"))


@every_job_type
@deferrable_or_not
def test_the_output_is_written_when_the_task_ends(personalize, versions, job_type, deferrable):
    run = job(job_type, versions, deferrable=deferrable, num_results="3")
    arn = run()
    assert describe(personalize, job_type, arn)["status"] == "ACTIVE"
    (written,) = bucket().list_objects_v2(Bucket="shop", Prefix="out/")["Contents"]
    (line,) = bucket().get_object(Bucket="shop", Key=written["Key"])["Body"].read().decode().splitlines()
    answer = json.loads(line)
    assert answer["input"] == LINES[job_type]
    assert next(len(value) for value in answer["output"].values() if isinstance(value, list)) == 3
    assert len(run.deferrals) == deferrable
    assert run.ti.xcoms["personalize_dataset_group_link"].endswith("dataset-group$market/setup")


@every_job_type
@deferrable_or_not
def test_a_retry_adopts_the_job_of_the_earlier_attempt_whether_it_is_over_or_not(versions, job_type, deferrable):
    run = job(job_type, versions, wait_for_completion=False, deferrable=deferrable)
    first = run()
    again = retry(job(job_type, versions, deferrable=deferrable))
    assert again() == first
    assert retry(again)() == first
    assert made(job_type) == 1


@every_job_type
def test_after_a_lost_answer_a_retry_finds_the_job(versions, job_type):
    run = job(job_type, versions)
    with killed_after(f"Create{job_type}"):
        run()
    assert retry(run)().startswith("arn:")
    assert made(job_type) == 1


@every_job_type
@deferrable_or_not
def test_after_a_failed_job_a_retry_starts_another_job(versions, job_type, deferrable):
    faults.fail_next(f"Create{job_type}", "bad luck")
    run = job(job_type, versions, deferrable=deferrable)
    with pytest.raises(ResourceFailedError, match="bad luck"):
        run()
    assert retry(run)().endswith("-2")
    assert made(job_type) == 2


@every_job_type
def test_another_run_and_another_version_start_jobs_of_their_own(personalize, versions, job_type):
    arns = {job(job_type, versions)()}
    second = train(personalize, versions[job_type].rpartition("/")[0])
    arns.add(job(job_type, {job_type: second})())
    run = job(job_type, versions)
    run.ti.run_id = "another"
    arns.add(run())
    assert len(arns) == made(job_type) == 3


@every_job_type
def test_a_used_name_is_refused(versions, job_type):
    job(job_type, versions, job_name="mine")()
    with pytest.raises(ResourceDiffersError, match="num_results: wanted 7, found 25"):
        job(job_type, versions, job_name="mine", num_results=7)()
    tomorrow = job(job_type, versions, job_name="mine")
    tomorrow.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    with pytest.raises(ResourceExistsError, match="Nothing was done"):
        tomorrow()
    assert made(job_type) == 1


@every_job_type
def test_invalid_parameters_are_refused_before_the_call(versions, job_type):
    latest = f"{PREFIX}solution/market/$LATEST"
    with pytest.raises(InvalidRequestError) as refusal:
        job(job_type, {job_type: latest}, job_name="a b", job_output={"s3DataDestination": {}}, num_results="many")()
    assert len(refusal.value.faults) == 4
    assert made(job_type) == 0


def test_every_member_of_the_request_reaches_the_service(personalize, versions):
    job_type = "BatchInferenceJob"
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")'
    arn = personalize.create_filter(name="f", datasetGroupArn=MARKET, filterExpression=expression)["filterArn"]
    clock.advance(HOUR)
    config = {"itemExplorationConfig": {"explorationWeight": 0.5}}
    run = job(
        job_type,
        versions,
        filter_arn="{{ params.filter }}",
        batch_inference_job_config=config,
        batch_inference_job_mode="BATCH_INFERENCE",
        tags=[{"tagKey": "team", "tagValue": "shop"}],
    )
    run.params = {"filter": arn}
    made = describe(personalize, job_type, run())
    assert made["filterArn"] == arn
    assert made["batchInferenceJobConfig"] == {"itemExplorationConfig": {"explorationWeight": "0.5"}}
