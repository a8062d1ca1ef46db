"""Sensors of what serves, measures and runs in bulk, poked and deferred, each on its own words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import HOUR, MARKET, PREFIX, RECOMMENDED, ROLE, open_market, train
from task_runs import Run, TaskInstance

from airflow_provider_personalize import sensors
from airflow_provider_personalize._compat import AirflowFailException, AirflowSensorTimeout
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
every_resource_type = pytest.mark.parametrize("resource_type", MADE)
every_updated = pytest.mark.parametrize("resource_type", UPDATES)


@pytest.fixture
def make(personalize):
    """Make one of a kind; return its ARN."""
    import boto3

    version = open_market(personalize)
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key="in.json", Body=b'{"userId": "u1"}\n')

    def made(resource_type: str) -> str:
        of = version
        if resource_type == "batch_segment_job":
            boto3.client("s3", region_name="us-east-1").put_object(
                Bucket="shop", Key="in.json", Body=b'{"itemId": "i1"}\n'
            )
            recipe = "arn:aws:personalize:::recipe/aws-item-affinity"
            personalize.create_solution(
                name="segments", datasetGroupArn=MARKET, recipeArn=recipe, performAutoTraining=False
            )
            clock.advance(HOUR)
            of = train(personalize, f"{PREFIX}solution/segments")
        row = RESOURCE_TYPES[resource_type]
        return str(getattr(personalize, f"create_{resource_type}")(**MADE[resource_type](of))[row.arn_member])

    return made


def describe(client: Any, resource_type: str, arn: str) -> dict[str, Any]:
    row = RESOURCE_TYPES[resource_type]
    return getattr(client, f"describe_{resource_type}")(**{row.arn_member: arn})[row.member]


def update(client: Any, resource_type: str, arn: str) -> None:
    getattr(client, f"update_{resource_type}")(
        **{RESOURCE_TYPES[resource_type].arn_member: arn, **UPDATES[resource_type]}
    )


def sensor(resource_type: str, arn: str, what: str = "", **more: Any) -> Run:
    made = getattr(sensors, f"{RESOURCE_TYPES[resource_type].pascal}{what}Sensor")
    return Run(lambda: made(task_id="wait", **{f"{resource_type}_arn": arn, **more}), TaskInstance())


@every_resource_type
@deferrable_or_not
def test_it_waits_until_it_is_active(personalize, make, resource_type, deferrable):
    arn = make(resource_type)
    run = sensor(resource_type, arn, deferrable=deferrable)
    run()
    assert describe(personalize, resource_type, arn)["status"] == "ACTIVE"
    assert len(run.deferrals) == deferrable
    assert [value for value in run.ti.xcoms.values() if "dataset-group$market/" in value]


@every_resource_type
@deferrable_or_not
def test_a_failure_fails_at_once_and_for_good(make, resource_type, deferrable):
    faults.fail_next(f"Create{RESOURCE_TYPES[resource_type].pascal}", "bad luck")
    arn = make(resource_type)
    reason = "CREATE FAILED" if resource_type == "event_tracker" else "CREATE FAILED: bad luck"
    with pytest.raises(AirflowFailException, match=reason):
        sensor(resource_type, arn, deferrable=deferrable)()


@every_resource_type
def test_a_timeout_reports_the_last_status(make, resource_type):
    with pytest.raises(AirflowSensorTimeout, match="CREATE (PENDING|IN_PROGRESS)"):
        sensor(resource_type, make(resource_type), timeout=10, poke_interval=2)()


@every_resource_type
def test_a_missing_resource_is_an_error_of_the_service(personalize, resource_type):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sensor(resource_type, f"{PREFIX}{RESOURCE_TYPES[resource_type].arn_type}/nowhere")()


@every_updated
@deferrable_or_not
def test_an_update_is_waited_for_though_the_resource_itself_stays_active(personalize, make, resource_type, deferrable):
    arn = make(resource_type)
    clock.advance(HOUR)
    update(personalize, resource_type, arn)
    assert describe(personalize, resource_type, arn)["status"] == "ACTIVE"
    sensor(resource_type, arn, "Update", deferrable=deferrable)()
    assert describe(personalize, resource_type, arn)[RESOURCE_TYPES[resource_type].update_member]["status"] == "ACTIVE"
    run = sensor(resource_type, arn)
    run()
    assert len(run.deferrals) == 0


@every_updated
@deferrable_or_not
def test_a_failed_update_fails_though_the_resource_itself_stays_active(personalize, make, resource_type, deferrable):
    arn = make(resource_type)
    clock.advance(HOUR)
    faults.fail_next(f"Update{RESOURCE_TYPES[resource_type].pascal}", "no room")
    update(personalize, resource_type, arn)
    with pytest.raises(AirflowFailException, match="no room"):
        sensor(resource_type, arn, "Update", deferrable=deferrable)()


@every_updated
@deferrable_or_not
def test_no_update_at_all_may_pass_or_not(make, resource_type, deferrable):
    arn = make(resource_type)
    clock.advance(HOUR)
    sensor(resource_type, arn, "Update", require_update=False, deferrable=deferrable)()
    with pytest.raises(AirflowSensorTimeout, match="no update has been made"):
        sensor(resource_type, arn, "Update", timeout=120, deferrable=deferrable)()


@every_updated
def test_no_update_does_not_pass_where_the_creation_failed(make, resource_type):
    faults.fail_next(f"Create{RESOURCE_TYPES[resource_type].pascal}", "bad luck")
    arn = make(resource_type)
    clock.advance(HOUR)
    with pytest.raises(AirflowFailException, match="bad luck"):
        sensor(resource_type, arn, "Update", require_update=False)()


@every_updated
@pytest.mark.parametrize("shown", ["status", "update"])
@pytest.mark.parametrize("what", ["", "Update"])
def test_what_is_being_deleted_is_not_mistaken_for_ready(personalize, make, resource_type, shown, what):
    assumptions.deletion_shown = shown
    arn = make(resource_type)
    clock.advance(HOUR)
    update(personalize, resource_type, arn)
    clock.advance(HOUR)
    getattr(personalize, f"delete_{resource_type}")(**{RESOURCE_TYPES[resource_type].arn_member: arn})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sensor(resource_type, arn, what)()


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
