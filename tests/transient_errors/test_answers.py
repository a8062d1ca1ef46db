"""Errors that are not transient fail at once and say what they concern and what to do."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from botocore.exceptions import ClientError, SSLError
from fault_cases import every_other_throttled
from shop import DATASET, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults, quotas
from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateMetricAttributionOperator,
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
    DeleteSolutionOperator,
    PutEventsOperator,
    PutItemsOperator,
    TagResourceOperator,
    UpdateSolutionOperator,
)

pytestmark = pytest.mark.usefixtures("personalize")
GROUP = f"{PREFIX}dataset-group/shop"
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


@pytest.fixture(autouse=True)
def _quotas():
    yield
    quotas.reset()


def task(operator: type, **parameters: object) -> Run:
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    return Run(lambda: operator(task_id="task", **parameters), began=began)


def importing(number: int = 0, **parameters: object) -> Run:
    return task(
        CreateDatasetImportJobOperator,
        job_name=f"job-{number}",
        dataset_arn=DATASET,
        data_source={"dataLocation": LOCATION},
        role_arn=ROLE,
        **parameters,
    )


METRICS = [{"eventType": "click", "metricName": "clicks", "expression": "SAMPLECOUNT()"}]
DENIED = [
    (
        importing,
        "CreateDatasetImportJob",
        rf"{DATASET}.*personalize:CreateDatasetImportJob, and iam:PassRole for {ROLE}",
    ),
    (
        lambda: task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True),
        "UpdateSolution",
        rf"{SOLUTION}.*personalize:UpdateSolution$",
    ),
    (
        lambda: task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True),
        "DescribeSolution",
        rf"{SOLUTION}.*personalize:DescribeSolution$",
    ),
    (
        lambda: task(
            CreateMetricAttributionOperator,
            name="m",
            dataset_group_arn=GROUP,
            metrics=METRICS,
            metrics_output_config={"roleArn": ROLE},
        ),
        "CreateMetricAttribution",
        rf"iam:PassRole for {ROLE}$",
    ),
    (
        lambda: task(TagResourceOperator, resource_arn=SOLUTION, tags=[{"tagKey": "a", "tagValue": "b"}]),
        "TagResource",
        "personalize:TagResource$",
    ),
    (
        lambda: task(PutItemsOperator, dataset_arn=DATASET, items=[{"itemId": "i"}]),
        "PutItems",
        "personalize:PutItems$",
    ),
]


@pytest.mark.parametrize(("make", "operation", "advice"), DENIED, ids=[operation for _, operation, _ in DENIED])
def test_access_denied_fails_at_once_and_names_the_missing_permission(make, operation, advice, passing_time):
    faults.error_next(operation, "AccessDeniedException", times=None)
    with pytest.raises(ClientError, match=rf"AccessDenied.*{operation}.*{advice}"):
        make()()
    assert passing_time.slept == []
    assert len(calls.of(operation)) == 1


def test_the_advice_is_given_once():
    hook = PersonalizeHook()
    faults.error_next("CreateDatasetGroup", "AccessDeniedException")
    with pytest.raises(ClientError) as refusal:
        hook.conn.create_dataset_group(name="more")
    assert str(refusal.value).count("It takes the permission") == 1


@pytest.mark.parametrize("code", ["InvalidInputException", "ValidationException", "TooManyTagsException"])
@pytest.mark.parametrize("operation", ["UpdateSolution", "DescribeSolution"])
def test_a_refusal_fails_at_once_with_the_operation_and_the_arn(code, operation, passing_time):
    faults.error_next(operation, code, times=None)
    with pytest.raises(ClientError, match=rf"\({code}\).* {operation} operation.*It was about {SOLUTION}"):
        task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True)()
    assert passing_time.slept == []


def test_a_resource_deleted_during_a_wait_is_an_error(personalize):
    version = task(CreateSolutionVersionOperator, solution_arn=SOLUTION, deferrable=True)
    importing()()
    version.between = lambda: faults.error_next("DescribeSolutionVersion", "ResourceNotFoundException", times=None)
    with pytest.raises(ClientError, match=rf"It was about {SOLUTION}/\w+. Is it of the region and the account"):
        version()


def test_an_arn_that_the_service_names_is_not_named_twice():
    with pytest.raises(ClientError) as refusal:
        PersonalizeHook().describe("solution", f"{SOLUTION}-of-nobody")
    assert str(refusal.value).count("-of-nobody") == 1


def test_a_missing_resource_that_the_service_names_is_not_taken_for_another_of_the_request():
    with pytest.raises(ClientError, match="recipe/aws-news") as refusal:
        PersonalizeHook().conn.create_solution(
            name="news", datasetGroupArn=GROUP, recipeArn="arn:aws:personalize:::recipe/aws-news"
        )
    assert GROUP not in str(refusal.value)


# --- what may be done -----------------------------------------------------------------------------------------------


WRITES = {
    "UpdateSolution": lambda: task(
        UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True, if_unchanged="update"
    ),
    "CreateSolutionVersion": lambda: task(CreateSolutionVersionOperator, solution_arn=SOLUTION),
    "CreateDatasetImportJob": importing,
    "DeleteSolution": lambda: task(DeleteSolutionOperator, solution_arn=SOLUTION),
}


@pytest.mark.parametrize("operation", WRITES)
def test_an_ambiguous_write_is_not_repeated_while_reads_may_be_stale(operation):
    assumptions.same_version_name = "accepted"
    if operation == "CreateSolutionVersion":
        importing(1)()
    faults.stale_next(operation, hides=45)
    faults.reset_next(operation, done=True)
    WRITES[operation]()()
    assert [call.error for call in calls.of(operation)][-1] == "(reset)"


@deferrable_or_not
def test_an_ambiguous_write_is_not_repeated_at_the_deadline(deferrable):
    assumptions.same_version_name = "accepted"
    importing(1)()
    faults.stale_next("CreateSolutionVersion", hides=45)
    faults.reset_next("CreateSolutionVersion", done=True)
    with pytest.raises(WaitTimeoutError, match="CreateSolutionVersion timed out; last error: ConnectionClosed"):
        task(CreateSolutionVersionOperator, solution_arn=SOLUTION, timeout=40, deferrable=deferrable)()
    assert len(calls.of("CreateSolutionVersion")) == 1


def test_the_backoff_is_reset_after_a_success(personalize, passing_time):
    tracker = personalize.create_event_tracker(name="t", datasetGroupArn=GROUP)["trackingId"]
    clock.advance(3600)
    every_other_throttled("PutEvents")
    events = [{"eventType": "click", "itemId": str(number), "sentAt": clock.now()} for number in range(80)]
    assert task(PutEventsOperator, tracking_id=tracker, session_id="s", user_id="u", event_list=events)() == 80
    assert len(calls.of("PutEvents")) == 16
    assert sum(passing_time.slept) < 12


EVENT = {"eventType": "click", "itemId": "i", "sentAt": 0}
PROMISE_NOTHING = {
    "PutEvents": (PutEventsOperator, {"session_id": "s", "user_id": "u", "event_list": [EVENT]}),
    "TagResource": (TagResourceOperator, {"resource_arn": SOLUTION, "tags": [{"tagKey": "a", "tagValue": "b"}]}),
}


@pytest.mark.parametrize("body", ["<html>a proxy's page</html>", '{"status": <', "[]"])
@pytest.mark.parametrize("operation", PROMISE_NOTHING)
def test_an_operation_without_output_does_not_accept_any_body(personalize, operation, body):
    """For example by a proxy's page: the records would be lost and the task would succeed."""
    operator, given = PROMISE_NOTHING[operation]
    if operation == "PutEvents":
        tracker = personalize.create_event_tracker(name="t", datasetGroupArn=GROUP)["trackingId"]
        given = {**given, "tracking_id": tracker}
        clock.advance(3600)
    lose_answer(operation, "(page)", body=body)
    task(operator, **given)()
    assert [call.error for call in calls.of(operation)] == ["(page)", None]


def test_an_error_that_is_too_long_to_read_is_cut():
    faults.error_next("UpdateSolution", "X" * 100_000, message="y" * 100_000)
    with pytest.raises(ClientError, match="XXX.*UpdateSolution.*yyy") as refusal:
        task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True)()
    assert len(str(refusal.value)) < 5_000


def lose_answer(operation: str, code: str, **how: object) -> None:
    def lose() -> None:
        raise transport_faults.InjectedFault(code, **how)

    faults.call_next(operation, lose, done=True)


LOST = {
    "broken TLS": {"error": lambda: SSLError(endpoint_url="https://personalize", error="BAD_RECORD_MAC")},
    "408": {"status": 408, "body": '{"__type": "RequestTimeoutException", "message": "Timed out."}'},
    "a code that other services throttle with": {"status": 400, "body": '{"__type": "PriorRequestNotComplete"}'},
}


@pytest.mark.parametrize("how", LOST.values(), ids=LOST)
@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_boto3_repeats_no_create_unless_it_certainly_did_nothing(how, mode):
    lose_answer("CreateDatasetGroup", "(lost)", **how)
    hook = PersonalizeHook(config={"retries": {"mode": mode, "total_max_attempts": 3}})
    with pytest.raises((ClientError, SSLError)):
        hook.conn.create_dataset_group(name="more")
    assert len(calls.of("CreateDatasetGroup")) == 2  # the shop's own is the first


def test_a_timed_out_request_is_transient():
    faults.error_next("UpdateSolution", "RequestTimeoutException", status=408)
    assert task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True)() == SOLUTION


# --- quotas ----------------------------------------------------------------------------------------------------------


@deferrable_or_not
def test_a_quota_on_what_is_in_progress_is_waited_for(personalize, deferrable, passing_time):
    quotas.set("dataset_import_job", 1)
    source = {"dataLocation": LOCATION}
    personalize.create_dataset_import_job(jobName="other", datasetArn=DATASET, dataSource=source, roleArn=ROLE)
    run = importing(deferrable=deferrable)
    assert run() == f"{PREFIX}dataset-import-job/job-0"
    refused = [call for call in calls.of("CreateDatasetImportJob") if call.error]
    assert {call.error for call in refused} == {"LimitExceededException"}
    assert 1 <= len(refused) <= 10
    assert len(run.deferrals) == (1 + len(refused) if deferrable else 0)


def test_a_quota_on_trainings_is_waited_for_and_one_training_starts(personalize):
    importing()()
    quotas.set("solution_version", 1)
    personalize.create_solution_version(solutionArn=SOLUTION)
    task(CreateSolutionVersionOperator, solution_arn=SOLUTION)()
    assert [call.error for call in calls.of("CreateSolutionVersion")].count(None) == 2


@deferrable_or_not
def test_a_quota_that_is_not_freed_in_time_is_in_the_error(deferrable, passing_time):
    quotas.set("dataset_import_job", 0)
    with pytest.raises(WaitTimeoutError, match="LimitExceeded.*import jobs in progress in a region"):
        importing(deferrable=deferrable, timeout=600)()
    assert sum(passing_time.slept) == pytest.approx(600, abs=30)


def test_a_quota_that_does_not_free_itself_fails_at_once_with_its_name(passing_time):
    quotas.set("solution", 1)
    parameters = {"recipe_arn": "arn:aws:personalize:::recipe/aws-sims", "perform_auto_training": False}
    with pytest.raises(ClientError, match=r"1 resources in ACTIVE state.*active solutions in a dataset group \(L-D9DD"):
        task(CreateSolutionOperator, name="more", dataset_group_arn=GROUP, **parameters)()
    assert passing_time.slept == []
    assert len(calls.of("CreateSolution")) == 2


def test_boto3_does_not_retry_a_quota_error():
    quotas.set("dataset_group", 1)
    hook = PersonalizeHook(config={"retries": {"mode": "standard", "total_max_attempts": 3}})
    with pytest.raises(hook.conn.exceptions.LimitExceededException, match="active dataset groups in a region"):
        hook.conn.create_dataset_group(name="more")
    assert len(calls.of("CreateDatasetGroup")) == 2
