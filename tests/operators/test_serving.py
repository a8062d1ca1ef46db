"""Long-lived resources that serve or measure recommendations, with the real operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import HOUR, MARKET, PREFIX, RECOMMENDED, ROLE, open_market
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize import operators
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceExistsError,
    ResourceFailedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.resources import RESOURCE_TYPES

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])

CLICKS = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
BUYS = {"eventType": "Purchase", "metricName": "buys", "expression": "SAMPLECOUNT()"}
REPORTS = {"roleArn": ROLE, "s3DataDestination": {"path": "s3://shop/reports/"}}


@dataclass
class Case:
    """
    A kind.

    :param given: The parameters of the operator that creates one, by the version that it may need.
    :param other: Parameters with which it would be another; none where nothing else can be said of it.
    :param differs: How an error names that.
    :param wrong: Parameters that are wrong.
    """

    resource_type: str
    given: Callable[[str], dict[str, Any]]
    other: dict[str, Any]
    differs: str
    wrong: dict[str, Any]

    @property
    def pascal(self) -> str:
        return RESOURCE_TYPES[self.resource_type].pascal

    def create(self, version: str, **more: Any) -> Run:
        operator = getattr(operators, f"Create{self.pascal}Operator")
        given = {"name": "a", **self.given(version), **more}
        return Run(lambda: operator(task_id="task", **given), TaskInstance())

    def delete(self, arn: str, **more: Any) -> Run:
        operator = getattr(operators, f"Delete{self.pascal}Operator")
        return Run(lambda: operator(task_id="task", **{f"{self.resource_type}_arn": arn, **more}), TaskInstance())

    def made(self) -> int:
        return len([call for call in calls.of(f"Create{self.pascal}") if call.error is None])

    def describe(self, client: Any, arn: str) -> dict[str, Any]:
        row = RESOURCE_TYPES[self.resource_type]
        return getattr(client, f"describe_{self.resource_type}")(**{row.arn_member: arn})[row.member]


CASES = {
    case.resource_type: case
    for case in (
        Case(
            "campaign",
            lambda version: {"solution_version_arn": version},
            {"min_provisioned_tps": 2},
            "min_provisioned_tps: wanted 2, found 1",
            {"min_provisioned_tps": 0},
        ),
        Case(
            "recommender",
            lambda version: {"dataset_group_arn": MARKET, "recipe_arn": RECOMMENDED},
            {"recommender_config": {"minRecommendationRequestsPerSecond": 3}},
            "recommender_config.minRecommendationRequestsPerSecond: wanted 3, found 1",
            {"recipe_arn": MARKET},
        ),
        Case(
            "filter",
            lambda version: {
                "dataset_group_arn": MARKET,
                "filter_expression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")',
            },
            {"filter_expression": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("View")'},
            "filter_expression: wanted",
            {"filter_expression": ""},
        ),
        Case(
            "event_tracker", lambda version: {"dataset_group_arn": MARKET}, {}, "", {"dataset_group_arn": RECOMMENDED}
        ),
        Case(
            "metric_attribution",
            lambda version: {"dataset_group_arn": MARKET, "metrics": [CLICKS], "metrics_output_config": REPORTS},
            {"metrics": [CLICKS, BUYS]},
            "metrics: wanted",
            {"metrics": [CLICKS] * 11},
        ),
    )
}
every_resource_type = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


@pytest.fixture
def version(personalize):
    return open_market(personalize)


def retry(run: Run) -> Run:
    """The same task instance, tried again in the same run."""
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now(), timezone.utc) - timedelta(days=1)
    return run


@every_resource_type
@deferrable_or_not
def test_the_resource_exists_when_the_task_ends_and_is_created_once(personalize, version, case, deferrable):
    run = case.create(version, deferrable=deferrable)
    arn = run()
    assert case.describe(personalize, arn)["status"] == "ACTIVE"
    assert len(run.deferrals) == deferrable
    assert case.create(version, deferrable=deferrable)() == arn
    assert case.made() == 1


@every_resource_type
def test_tags_reach_the_service_and_are_not_compared(personalize, version, case):
    if case.resource_type == "metric_attribution":
        pytest.skip("has no tags")
    arn = case.create(version, tags=[{"tagKey": "team", "tagValue": "shop"}])()
    assert personalize.list_tags_for_resource(resourceArn=arn)["tags"] == [{"tagKey": "team", "tagValue": "shop"}]
    assert case.create(version, tags=[{"tagKey": "team", "tagValue": "other"}])() == arn


@every_resource_type
def test_a_resource_with_other_content_fails_with_the_difference(version, case):
    if not case.other:
        pytest.skip("nothing else can be said of it")
    case.create(version)()
    with pytest.raises(ResourceDiffersError) as refusal:
        case.create(version, **case.other)()
    (difference,) = refusal.value.differences
    assert difference.startswith(case.differs)
    case.create(version, **case.other, ignore_changes=list(case.other))()
    assert case.made() == 1


@every_resource_type
def test_an_existing_resource_may_be_an_error(version, case):
    case.create(version, if_exists="fail")()
    run = case.create(version, if_exists="fail")
    with pytest.raises(ResourceExistsError, match="exists already"):
        run()
    assert retry(run)().startswith("arn:")
    assert case.made() == 1


@every_resource_type
def test_a_resource_created_between_poll_and_call_may_be_an_error_too(version, case):
    run = case.create(version, if_exists="fail")
    make = run.make

    def make_later() -> Any:
        task = make()
        call = task.call
        task.call = lambda *request: (case.create(version)(), call(*request))[1]
        return task

    run.make = make_later
    with pytest.raises(ResourceExistsError, match="exists already"):
        run()


@every_resource_type
@deferrable_or_not
def test_a_resource_being_deleted_is_waited_for_and_recreated(personalize, version, case, deferrable):
    arn = case.create(version)()
    case.delete(arn, wait_for_completion=False)()
    again = case.create(version, deferrable=deferrable)()
    assert case.describe(personalize, again)["status"] == "ACTIVE"
    assert case.made() == 2


@every_resource_type
def test_of_two_tasks_waiting_for_a_deletion_the_second_reuses_the_resource_of_the_first(personalize, version, case):
    arn = case.create(version)()
    case.delete(arn, wait_for_completion=False)()
    run = case.create(version, deferrable=True)

    def another() -> None:
        run.between = lambda: None
        clock.advance(HOUR)
        case.create(version, wait_for_completion=False)()

    run.between = another
    assert case.describe(personalize, run())["status"] == "ACTIVE"
    assert case.made() == 2


@every_resource_type
def test_a_resource_that_is_not_visible_at_once_is_polled(personalize, version, case):
    faults.stale_next(f"Create{case.pascal}", hides=20)
    arn = case.create(version)()
    assert case.describe(personalize, arn)["status"] == "ACTIVE"


@every_resource_type
def test_after_a_lost_answer_a_retry_finds_the_resource(version, case):
    run = case.create(version, if_exists="fail")
    with killed_after(f"Create{case.pascal}"):
        run()
    assert retry(run)().startswith("arn:")
    assert len(calls.of(f"Create{case.pascal}")) == 1


@every_resource_type
@pytest.mark.parametrize("second", ["LimitExceededException", "ResourceAlreadyExistsException"])
def test_a_resource_whose_create_answer_is_lost_is_found(version, case, second, monkeypatch):
    assumptions.second_in_group = second
    run = case.create(version)
    make = run.make

    def make_twice() -> Any:
        task = make()
        call = task.call
        task.call = lambda *request: (call(*request), call(*request))[1]
        return task

    run.make = make_twice
    assert run().startswith("arn:")
    assert case.made() == 1


@every_resource_type
@deferrable_or_not
def test_a_failed_creation_fails_the_task_with_the_reason_of_the_service(version, case, deferrable):
    faults.fail_next(f"Create{case.pascal}", "bad luck")
    with pytest.raises(ResourceFailedError, match="CREATE FAILED") as failure:
        case.create(version, deferrable=deferrable)()
    if case.resource_type != "event_tracker":  # its description has no failureReason
        assert "bad luck" in str(failure.value)


@every_resource_type
def test_invalid_parameters_are_refused_before_the_call(version, case):
    with pytest.raises(InvalidRequestError) as refusal:
        case.create(version, name="a b", **case.wrong)()
    assert len(refusal.value.faults) == 2
    assert calls.of(f"Create{case.pascal}") == []


@every_resource_type
def test_a_wait_that_times_out_reports_the_last_status(version, case):
    with pytest.raises(WaitTimeoutError, match="CREATE (PENDING|IN_PROGRESS)"):
        case.create(version, timeout=5, waiter_delay=1)()


@every_resource_type
def test_the_console_page_is_kept(version, case):
    run = case.create(version, wait_for_completion=False)
    run()
    (link,) = (value for key, value in run.ti.xcoms.items() if key.endswith("_link"))
    assert link.startswith("https://us-east-1.console.aws.amazon.com/personalize/home?region=us-east-1#")
    assert "dataset-group$market/" in link


def test_the_tracking_id_is_handed_on_whether_the_tracker_is_new_or_not(personalize, version):
    case = CASES["event_tracker"]
    for _ in range(2):
        run = case.create(version, deferrable=True)
        arn = run()
        assert run.ti.xcoms["tracking_id"] == case.describe(personalize, arn)["trackingId"]


def test_a_group_with_a_tracker_of_another_name_is_a_difference_at_once(version, passing_time):
    case = CASES["event_tracker"]
    arn = case.create(version)()
    passing_time.slept.clear()
    with pytest.raises(ResourceDiffersError, match="name: wanted 'other', found 'a'"):
        case.create(version, name="other")()
    assert case.create(version, name="other", ignore_changes=["name"])() == arn
    assert passing_time.slept == []
    assert case.made() == 1


def test_a_tracker_of_another_name_that_is_being_deleted_is_waited_for(version):
    case = CASES["event_tracker"]
    case.delete(case.create(version)(), wait_for_completion=False)()
    case.create(version, name="other")()
    assert case.made() == 2


@every_resource_type
def test_a_resource_of_another_region_does_not_count_as_deleted(personalize, version, case):
    arn = case.create(version)()
    with pytest.raises(InvalidRequestError, match=r"arn is 'arn:.*': it is of another region than eu-west-1"):
        case.delete(arn, region_name="eu-west-1")()
    assert case.delete(arn)() == arn


@every_resource_type
@deferrable_or_not
def test_the_resource_is_deleted_when_the_task_ends(personalize, version, case, deferrable):
    arn = case.create(version)()
    run = case.delete(arn, deferrable=deferrable)
    assert run() == arn
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        case.describe(personalize, arn)
    assert len(run.deferrals) == deferrable


@every_resource_type
def test_a_missing_resource_counts_as_deleted(version, case, capsys):
    arn = f"{PREFIX}{RESOURCE_TYPES[case.resource_type].arn_type}/nowhere"
    assert case.delete(arn)() == arn
    assert "nothing is deleted" in capsys.readouterr().out
    assert calls.of(f"Delete{case.pascal}") == []


@every_resource_type
@deferrable_or_not
def test_a_resource_being_created_is_waited_for_and_deleted(personalize, version, case, deferrable):
    arn = case.create(version, wait_for_completion=False)()
    case.delete(arn, deferrable=deferrable)()
    assert [call.error for call in calls.of(f"Delete{case.pascal}")] == [None]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        case.describe(personalize, arn)


@every_resource_type
@deferrable_or_not
def test_a_deletion_that_does_not_end_in_time_reports_the_last_status(version, case, deferrable):
    arn = case.create(version)()
    with pytest.raises(WaitTimeoutError, match="last seen: DELETE (PENDING|IN_PROGRESS)"):
        case.delete(arn, deferrable=deferrable, timeout=12, waiter_delay=1)()


@every_resource_type
def test_a_deletion_that_is_refused_fails_at_once(personalize, version, case):
    arn = case.create(version)()
    faults.error_next(f"Delete{case.pascal}", "ResourceInUseException", message="something depends on it")
    with pytest.raises(ClientError, match="something depends on it"):
        case.delete(arn)()
    assert case.describe(personalize, arn)["status"] == "ACTIVE"


@every_resource_type
def test_a_retry_of_a_deletion_waits_for_it(version, case):
    arn = case.create(version)()
    case.delete(arn, wait_for_completion=False)()
    case.delete(arn)()
    assert len(calls.of(f"Delete{case.pascal}")) == 1


@every_resource_type
def test_a_recreated_resource_does_not_delay_the_deletion(personalize, version, case):
    run = case.delete(case.create(version)(), deferrable=True, timeout=2 * HOUR)
    made = []

    def another() -> None:
        clock.advance(HOUR)
        made.append(case.create(version, wait_for_completion=False)())

    run.between = another
    run()
    assert case.describe(personalize, made[0])
    assert len(calls.of(f"Delete{case.pascal}")) == 1


@every_resource_type
@deferrable_or_not
def test_a_retry_finds_a_deletion_that_is_not_visible_yet(version, case, deferrable):
    """The worker crashed between the call and its record, and reads lag."""
    run = case.delete(case.create(version)(), deferrable=deferrable)
    faults.stale_next(f"Delete{case.pascal}", hides=50)
    with killed_after(f"Delete{case.pascal}"):
        run()
    run.ti.try_number = 2
    run()
    assert [call.error for call in calls.of(f"Delete{case.pascal}")] == [None, "ResourceInUseException"]


@every_resource_type
def test_a_recreated_resource_is_not_deleted(personalize, version, case):
    """The answer to the deletion was lost."""
    run = case.delete(case.create(version)(), deferrable=True, timeout=2 * HOUR)
    faults.reset_next(f"Delete{case.pascal}", done=True)
    made = []

    def another() -> None:
        clock.advance(HOUR)
        made.append(case.create(version)())

    run.between = another
    run()
    assert case.describe(personalize, made[0])["status"] == "ACTIVE"
    assert len(calls.of(f"Delete{case.pascal}")) == 1


UPDATES = {
    "campaign": {"minProvisionedTPS": 2},
    "recommender": {"recommenderConfig": {"minRecommendationRequestsPerSecond": 2}},
}


@pytest.mark.parametrize("shown", ["status", "update"])
@pytest.mark.parametrize("resource_type", UPDATES)
@deferrable_or_not
def test_a_deletion_after_an_update_is_seen_in_either_status(personalize, version, resource_type, shown, deferrable):
    assumptions.deletion_shown = shown
    case = CASES[resource_type]
    arn = case.create(version)()
    getattr(personalize, f"update_{resource_type}")(
        **{RESOURCE_TYPES[resource_type].arn_member: arn, **UPDATES[resource_type]}
    )
    clock.advance(HOUR)
    case.delete(arn, wait_for_completion=False)()
    case.delete(arn, deferrable=deferrable)()
    assert len(calls.of(f"Delete{case.pascal}")) == 1
    assert case.describe(personalize, case.create(version)())["status"] == "ACTIVE"
