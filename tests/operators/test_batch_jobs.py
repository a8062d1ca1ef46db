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
every_kind = pytest.mark.parametrize("kind", LINES)


def bucket() -> Any:
    return boto3.client("s3", region_name="us-east-1")


def input_of(kind: str) -> dict[str, Any]:
    bucket().put_object(Bucket="shop", Key=f"in/{kind}.json", Body=f"{json.dumps(LINES[kind])}\n".encode())
    return {"s3DataSource": {"path": f"s3://shop/in/{kind}.json"}}


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


def job(kind: str, versions: dict[str, str], **more: Any) -> Run:
    operator = getattr(operators, f"Create{kind}Operator")
    given = {
        "solution_version_arn": versions[kind],
        "job_input": input_of(kind),
        "job_output": OUTPUT,
        "role_arn": ROLE,
    }
    return Run(lambda: operator(task_id="job", **{**given, **more}), TaskInstance())


def retry(run: Run) -> Run:
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(days=1)
    return run


def describe(client: Any, kind: str, arn: str) -> dict[str, Any]:
    name = {"BatchInferenceJob": "batch_inference_job", "BatchSegmentJob": "batch_segment_job"}[kind]
    member = kind[0].lower() + kind[1:]
    return getattr(client, f"describe_{name}")(**{f"{member}Arn": arn})[member]


def made(kind: str) -> int:
    return len(calls.of(f"Create{kind}"))


@every_kind
@deferrable_or_not
def test_the_output_is_written_when_the_task_ends(personalize, versions, kind, deferrable):
    run = job(kind, versions, deferrable=deferrable, num_results="3")
    arn = run()
    assert describe(personalize, kind, arn)["status"] == "ACTIVE"
    (written,) = bucket().list_objects_v2(Bucket="shop", Prefix="out/")["Contents"]
    (line,) = bucket().get_object(Bucket="shop", Key=written["Key"])["Body"].read().decode().splitlines()
    answer = json.loads(line)
    assert answer["input"] == LINES[kind]
    assert next(len(value) for value in answer["output"].values() if isinstance(value, list)) == 3
    assert len(run.deferrals) == deferrable
    assert run.ti.xcoms["personalize_dataset_group_link"].endswith("dataset-group$market/setup")


@every_kind
@deferrable_or_not
def test_a_retry_adopts_the_job_of_the_earlier_try_whether_it_is_over_or_not(versions, kind, deferrable):
    run = job(kind, versions, wait_for_completion=False, deferrable=deferrable)
    first = run()
    again = retry(job(kind, versions, deferrable=deferrable))
    assert again() == first
    assert retry(again)() == first
    assert made(kind) == 1


@every_kind
def test_after_a_lost_answer_a_retry_finds_the_job(versions, kind):
    run = job(kind, versions)
    with killed_after(f"Create{kind}"):
        run()
    assert retry(run)().startswith("arn:")
    assert made(kind) == 1


@every_kind
@deferrable_or_not
def test_after_a_failed_job_a_retry_makes_another(versions, kind, deferrable):
    faults.fail_next(f"Create{kind}", "bad luck")
    run = job(kind, versions, deferrable=deferrable)
    with pytest.raises(ResourceFailedError, match="bad luck"):
        run()
    assert retry(run)().endswith("-2")
    assert made(kind) == 2


@every_kind
def test_another_run_and_another_version_make_jobs_of_their_own(personalize, versions, kind):
    arns = {job(kind, versions)()}
    second = train(personalize, versions[kind].rpartition("/")[0])
    arns.add(job(kind, {kind: second})())
    run = job(kind, versions)
    run.ti.run_id = "another"
    arns.add(run())
    assert len(arns) == made(kind) == 3


@every_kind
def test_a_name_that_is_used_up_is_refused(versions, kind):
    job(kind, versions, job_name="mine")()
    with pytest.raises(ResourceDiffersError, match="num_results: wanted 7, found 25"):
        job(kind, versions, job_name="mine", num_results=7)()
    tomorrow = job(kind, versions, job_name="mine")
    tomorrow.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    with pytest.raises(ResourceExistsError, match="Nothing was done"):
        tomorrow()
    assert made(kind) == 1


@every_kind
def test_faults_are_found_before_the_call(versions, kind):
    latest = f"{PREFIX}solution/market/$LATEST"
    with pytest.raises(InvalidRequestError) as refusal:
        job(kind, {kind: latest}, job_name="a b", job_output={"s3DataDestination": {}}, num_results="many")()
    assert len(refusal.value.faults) == 4
    assert made(kind) == 0


def test_every_member_of_the_request_reaches_the_service(personalize, versions):
    kind = "BatchInferenceJob"
    expression = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")'
    arn = personalize.create_filter(name="f", datasetGroupArn=MARKET, filterExpression=expression)["filterArn"]
    clock.advance(HOUR)
    config = {"itemExplorationConfig": {"explorationWeight": 0.5}}
    run = job(
        kind,
        versions,
        filter_arn="{{ params.filter }}",
        batch_inference_job_config=config,
        batch_inference_job_mode="BATCH_INFERENCE",
        tags=[{"tagKey": "team", "tagValue": "shop"}],
    )
    run.params = {"filter": arn}
    made = describe(personalize, kind, run())
    assert made["filterArn"] == arn
    assert made["batchInferenceJobConfig"] == {"itemExplorationConfig": {"explorationWeight": "0.5"}}
