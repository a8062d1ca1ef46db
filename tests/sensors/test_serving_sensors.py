"""Sensors of what serves, measures and runs in bulk, poked and deferred, each on its own words."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import HOUR, MARKET, PREFIX, RECOMMENDED, ROLE, open_market, train
from task_runs import Run, TaskInstance

from airflow_provider_personalize import sensors
from airflow_provider_personalize._compat import AirflowFailException, AirflowSensorTimeout, BaseSensorOperator
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.resources import RESOURCE_TYPES

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])
SOLUTION = f"{PREFIX}solution/market"
METRIC = {"eventType": "View", "metricName": "views", "expression": "SAMPLECOUNT()"}
FILES = {
    "jobInput": {"s3DataSource": {"path": "s3://shop/in.json"}},
    "jobOutput": {"s3DataDestination": {"path": "s3://shop/out/"}},
    "roleArn": ROLE,
}
EXPRESSION = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase")'
MADE: dict[str, Any] = {
    "campaign": lambda version: {"name": "a", "solutionVersionArn": version},
    "recommender": lambda version: {"name": "a", "datasetGroupArn": MARKET, "recipeArn": RECOMMENDED},
    "filter": lambda version: {"name": "a", "datasetGroupArn": MARKET, "filterExpression": EXPRESSION},
    "event_tracker": lambda version: {"name": "a", "datasetGroupArn": MARKET},
    "metric_attribution": lambda version: {
        "name": "a",
        "datasetGroupArn": MARKET,
        "metrics": [METRIC],
        "metricsOutputConfig": {"roleArn": ROLE},
    },
    "batch_inference_job": lambda version: {"jobName": "a", "solutionVersionArn": version, **FILES},
    "batch_segment_job": lambda version: {"jobName": "a", "solutionVersionArn": version, **FILES},
}
UPDATES = {
    "campaign": {"minProvisionedTPS": 2},
    "recommender": {"recommenderConfig": {"minRecommendationRequestsPerSecond": 2}},
}
every_kind = pytest.mark.parametrize("kind", MADE)
every_updated = pytest.mark.parametrize("kind", UPDATES)


@pytest.fixture(autouse=True)
def _no_real_sleep(passing_time, monkeypatch):
    """Airflow's own poke loop sleeps too, and keeps its own time."""
    fake = type("time", (), {"sleep": passing_time.sleep, "monotonic": passing_time.time})
    monkeypatch.setattr(sys.modules[BaseSensorOperator.__module__], "time", fake)


@pytest.fixture
def make(personalize):
    """Make one of a kind; return its ARN."""
    import boto3

    version = open_market(personalize)
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key="in.json", Body=b'{"userId": "u1"}\n')

    def made(kind: str) -> str:
        of = version
        if kind == "batch_segment_job":
            boto3.client("s3", region_name="us-east-1").put_object(
                Bucket="shop", Key="in.json", Body=b'{"itemId": "i1"}\n'
            )
            recipe = "arn:aws:personalize:::recipe/aws-item-affinity"
            personalize.create_solution(
                name="segments", datasetGroupArn=MARKET, recipeArn=recipe, performAutoTraining=False
            )
            clock.advance(HOUR)
            of = train(personalize, f"{PREFIX}solution/segments")
        row = RESOURCE_TYPES[kind]
        return str(getattr(personalize, f"create_{kind}")(**MADE[kind](of))[row.arn_member])

    return made


def describe(client: Any, kind: str, arn: str) -> dict[str, Any]:
    row = RESOURCE_TYPES[kind]
    return getattr(client, f"describe_{kind}")(**{row.arn_member: arn})[row.member]


def update(client: Any, kind: str, arn: str) -> None:
    getattr(client, f"update_{kind}")(**{RESOURCE_TYPES[kind].arn_member: arn, **UPDATES[kind]})


def sensor(kind: str, arn: str, what: str = "", **more: Any) -> Run:
    made = getattr(sensors, f"{RESOURCE_TYPES[kind].pascal}{what}Sensor")
    return Run(lambda: made(task_id="wait", **{f"{kind}_arn": arn, **more}), TaskInstance())


@every_kind
@deferrable_or_not
def test_it_waits_until_it_is_active(personalize, make, kind, deferrable):
    arn = make(kind)
    run = sensor(kind, arn, deferrable=deferrable)
    run()
    assert describe(personalize, kind, arn)["status"] == "ACTIVE"
    assert len(run.deferrals) == deferrable
    assert [value for value in run.ti.xcoms.values() if "dataset-group$market/" in value]


@every_kind
@deferrable_or_not
def test_a_failure_fails_at_once_and_for_good(make, kind, deferrable):
    faults.fail_next(f"Create{RESOURCE_TYPES[kind].pascal}", "bad luck")
    arn = make(kind)
    reason = "CREATE FAILED" if kind == "event_tracker" else "CREATE FAILED: bad luck"
    with pytest.raises(AirflowFailException, match=reason):
        sensor(kind, arn, deferrable=deferrable)()


@every_kind
def test_a_timeout_says_what_was_seen_last(make, kind):
    with pytest.raises(AirflowSensorTimeout, match="CREATE (PENDING|IN_PROGRESS)"):
        sensor(kind, make(kind), timeout=10, poke_interval=2)()


@every_kind
def test_one_that_does_not_exist_is_an_error_of_the_service(personalize, kind):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sensor(kind, f"{PREFIX}{RESOURCE_TYPES[kind].arn_kind}/nowhere")()


@every_updated
@deferrable_or_not
def test_an_update_is_waited_for_though_the_resource_itself_stays_active(personalize, make, kind, deferrable):
    arn = make(kind)
    clock.advance(HOUR)
    update(personalize, kind, arn)
    assert describe(personalize, kind, arn)["status"] == "ACTIVE"
    sensor(kind, arn, "Update", deferrable=deferrable)()
    assert describe(personalize, kind, arn)[RESOURCE_TYPES[kind].update_member]["status"] == "ACTIVE"
    run = sensor(kind, arn)
    run()
    assert len(run.deferrals) == 0


@every_updated
@deferrable_or_not
def test_a_failed_update_fails_though_the_resource_itself_stays_active(personalize, make, kind, deferrable):
    arn = make(kind)
    clock.advance(HOUR)
    faults.fail_next(f"Update{RESOURCE_TYPES[kind].pascal}", "no room")
    update(personalize, kind, arn)
    with pytest.raises(AirflowFailException, match="no room"):
        sensor(kind, arn, "Update", deferrable=deferrable)()


@every_updated
@deferrable_or_not
def test_no_update_at_all_may_pass_or_not(make, kind, deferrable):
    arn = make(kind)
    clock.advance(HOUR)
    sensor(kind, arn, "Update", require_update=False, deferrable=deferrable)()
    with pytest.raises(AirflowSensorTimeout, match="no update has been made"):
        sensor(kind, arn, "Update", timeout=120, deferrable=deferrable)()


@every_updated
def test_no_update_does_not_pass_where_the_creation_failed(make, kind):
    faults.fail_next(f"Create{RESOURCE_TYPES[kind].pascal}", "bad luck")
    arn = make(kind)
    clock.advance(HOUR)
    with pytest.raises(AirflowFailException, match="bad luck"):
        sensor(kind, arn, "Update", require_update=False)()


@every_updated
@pytest.mark.parametrize("shown", ["status", "update"])
@pytest.mark.parametrize("what", ["", "Update"])
def test_what_is_being_deleted_is_not_taken_for_ready(personalize, make, kind, shown, what):
    assumptions.deletion_shown = shown
    arn = make(kind)
    clock.advance(HOUR)
    update(personalize, kind, arn)
    clock.advance(HOUR)
    getattr(personalize, f"delete_{kind}")(**{RESOURCE_TYPES[kind].arn_member: arn})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sensor(kind, arn, what)()


@deferrable_or_not
def test_a_stopped_recommender_fails_at_once_and_says_who_starts_it(personalize, make, deferrable):
    arn = make("recommender")
    clock.advance(HOUR)
    personalize.stop_recommender(recommenderArn=arn)
    clock.advance(HOUR)
    calls.clear()
    with pytest.raises(AirflowFailException, match="StartRecommenderOperator"):
        sensor("recommender", arn, deferrable=deferrable)()
    assert len(calls.of("DescribeRecommender")) == 1
