"""``LimitExceededException`` has two meanings: requests per second, which pass, and a quota, which may not."""

from __future__ import annotations

from datetime import datetime, timezone

import botocore.session
import pytest
from botocore.exceptions import ClientError
from fault_cases import PER_SECOND
from shop import DATASET, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run

from airflow_provider_personalize.aws_errors import is_over_quota, is_throttled
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.operators import (
    CreateCampaignOperator,
    CreateDatasetImportJobOperator,
    CreateEventTrackerOperator,
    TagResourceOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.sensors import SolutionUpdateSensor

LIMIT = "LimitExceededException"
GROUP = f"{PREFIX}dataset-group/shop"
MODELS = {
    name: botocore.session.get_session().get_service_model(name)
    for name in ("personalize", "personalize-events", "personalize-runtime")
}
OPERATIONS = [name for model in MODELS.values() for name in model.operation_names]
# https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html
QUOTAS = {
    "CreateDatasetImportJob": "More than 5 resources with PENDING or IN_PROGRESS status.",
    "CreateCampaign": (
        "Cannot create a campaign. More than 5 resources in ACTIVE state. Please delete some and try again."
    ),
}
RATES = [PER_SECOND, "Rate exceeded", "Too many requests. Please try again later."]


def answer(operation: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": LIMIT, "Message": message}}, operation)


def task(operator: type, **parameters: object) -> Run:
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    return Run(lambda: operator(task_id="task", **parameters), began=began)


def updating(**parameters: object) -> Run:
    return task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True, **parameters)


def importing(**parameters: object) -> Run:
    given = {"job_name": "a", "dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE}
    return task(CreateDatasetImportJobOperator, **given, **parameters)


def test_botocores_model_means_requests_per_second():
    shape = MODELS["personalize"].shape_for(LIMIT)
    assert shape.documentation == f"<p>{PER_SECOND}</p>"
    listed = {name for name in OPERATIONS if LIMIT in str(_errors(name))}
    assert {name for name in listed if not name.startswith("Create")} == {"TagResource", "UpdateSolution"}


def _errors(operation: str) -> list[str]:
    model = next(model for model in MODELS.values() if operation in model.operation_names)
    return [shape.name for shape in model.operation_model(operation).error_shapes]


@pytest.mark.parametrize("text", [*QUOTAS.values(), *RATES, "Told to fail.", ""])
def test_only_a_create_can_go_over_a_quota(text):
    for operation in OPERATIONS:
        error = answer(operation, text)
        a_quota = operation.startswith("Create") and text not in RATES
        assert (is_over_quota(error), is_throttled(error)) == (a_quota, not a_quota), operation


@pytest.mark.parametrize("text", [PER_SECOND, "Told to fail."])
@pytest.mark.parametrize("deferrable", [False, True])
def test_an_update_that_comes_too_fast_is_sent_again(personalize, text, deferrable):
    faults.error_next("UpdateSolution", LIMIT, message=text, times=5)
    faults.error_next("DescribeSolution", LIMIT, message=text, times=5)
    assert updating(deferrable=deferrable)() == SOLUTION
    assert [call.error for call in calls.of("UpdateSolution")] == [LIMIT] * 5 + [None]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_throttled_wait_continues(personalize, deferrable):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    faults.error_next("DescribeSolution", LIMIT, times=20)
    task(SolutionUpdateSensor, solution_arn=SOLUTION, deferrable=deferrable, poke_interval=10)()
    assert sum(call.error == LIMIT for call in calls.of("DescribeSolution")) == 20


def test_tags_lists_and_the_stop_of_a_training_are_called_again(personalize):
    for operation in ("TagResource", "ListEventTrackers"):
        faults.error_next(operation, LIMIT, times=3)
    task(TagResourceOperator, resource_arn=SOLUTION, tags=[{"tagKey": "a", "tagValue": "b"}])()
    task(CreateEventTrackerOperator, name="t", dataset_group_arn=GROUP)()
    assert len(calls.of("TagResource")) == 4
    assert len(calls.of("ListEventTrackers")) > 3


@pytest.mark.parametrize("text", RATES)
def test_a_create_that_names_a_rate_is_sent_again_after_seconds(personalize, passing_time, text):
    faults.error_next("CreateDatasetImportJob", LIMIT, message=text, times=2)
    faults.error_next("CreateEventTracker", LIMIT, message=text, times=2)
    task(CreateEventTrackerOperator, name="t", dataset_group_arn=GROUP, wait_for_completion=False)()
    importing()()
    assert max(passing_time.slept[:4]) < 10
    for operation in ("CreateDatasetImportJob", "CreateEventTracker"):
        assert [call.error for call in calls.of(operation)] == [LIMIT, LIMIT, None]


def test_a_rate_limit_is_not_reported_as_a_quota(personalize):
    faults.error_next("CreateDatasetImportJob", LIMIT, message=PER_SECOND, times=None)
    with pytest.raises(WaitTimeoutError, match="requests per second") as late:
        importing(timeout=60)()
    assert "quota" not in str(late.value)


def test_a_create_over_a_quota_that_nothing_frees_fails_at_once_and_names_it(personalize, passing_time):
    importing()()
    version = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(3600)
    passing_time.slept.clear()
    faults.error_next("CreateCampaign", LIMIT, message=QUOTAS["CreateCampaign"])
    with pytest.raises(ClientError, match=r"More than 5 .*The quota: active campaigns in a dataset group \(L-052ECD67"):
        task(CreateCampaignOperator, name="c", solution_version_arn=version)()
    assert passing_time.slept == []
