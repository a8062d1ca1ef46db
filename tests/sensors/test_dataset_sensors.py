"""Sensors of what data there is, poked and deferred, against the local Personalize."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from shop import DATASET, PREFIX, ROLE, SCHEMA
from task_runs import Run

from airflow_provider_personalize._compat import AirflowFailException, AirflowSensorTimeout
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.sensors import (
    DataDeletionJobSensor,
    DatasetExportJobSensor,
    DatasetGroupSensor,
    DatasetSensor,
    DatasetUpdateSensor,
)

GROUP = f"{PREFIX}dataset-group/shop"
ITEMS = f"{PREFIX}dataset/shop/ITEMS"
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])


def make_group(client: Any) -> str:
    return client.create_dataset_group(name="new")["datasetGroupArn"]


def make_dataset(client: Any) -> str:
    given = {"schemaArn": make_schema(client), "datasetGroupArn": GROUP, "datasetType": "ITEMS"}
    return client.create_dataset(name="items", **given)["datasetArn"]


def make_schema(client: Any, *more: str) -> str:
    fields = [{"name": "ITEM_ID", "type": "string"}, {"name": "PRICE", "type": "float"}]
    fields += [{"name": name, "type": ["null", "int"]} for name in more]
    schema = json.dumps({**SCHEMA, "name": "Items", "fields": fields})
    return client.create_schema(name="-".join(["items", *more]), schema=schema)["schemaArn"]


def make_export(client: Any) -> str:
    output = {"s3DataDestination": {"path": "s3://shop/out/"}}
    given = {"jobName": "out", "datasetArn": DATASET, "jobOutput": output, "roleArn": ROLE}
    return client.create_dataset_export_job(**given)["datasetExportJobArn"]


def make_deletion(client: Any) -> str:
    boto3.client("s3", region_name="us-east-1").put_object(Bucket="shop", Key="users.csv", Body=b"USER_ID\nu1\n")
    source = {"dataLocation": "s3://shop/users.csv"}
    given = {"jobName": "erase", "datasetGroupArn": GROUP, "dataSource": source, "roleArn": ROLE}
    return client.create_data_deletion_job(**given)["dataDeletionJobArn"]


MAKERS = {
    DatasetGroupSensor: make_group,
    DatasetSensor: make_dataset,
    DatasetExportJobSensor: make_export,
    DataDeletionJobSensor: make_deletion,
}
every_sensor = pytest.mark.parametrize("sensor", MAKERS, ids=lambda sensor: sensor.__name__)


def waiting(sensor: type, arn: str, **parameters: Any) -> Run:
    given = {sensor.resource_type.arn_parameter: arn, **parameters}
    return Run(lambda: sensor(task_id="wait", **given))


def described(client: Any, sensor: type, arn: str) -> dict[str, Any]:
    row = sensor.resource_type
    return getattr(client, f"describe_{row.name}")(**{row.arn_member: arn})[row.member]


@deferrable_or_not
@every_sensor
def test_it_ends_when_the_resource_is_ready(personalize, sensor, deferrable):
    arn = MAKERS[sensor](personalize)
    run = waiting(sensor, arn, deferrable=deferrable)
    run()
    wanted = "COMPLETED" if sensor is DataDeletionJobSensor else "ACTIVE"
    assert described(personalize, sensor, arn)["status"] == wanted
    assert len(run.deferrals) == deferrable
    assert "dataset-group$" in run.ti.xcoms["personalize_dataset_group_link"]


@deferrable_or_not
@every_sensor
def test_a_failure_fails_for_good_with_the_words_of_the_service(personalize, sensor, deferrable):
    faults.fail_next(f"Create{sensor.resource_type.pascal}", "bad luck")
    arn = MAKERS[sensor](personalize)
    word = "FAILED: bad luck" if sensor is DataDeletionJobSensor else "CREATE FAILED"
    with pytest.raises(AirflowFailException, match=f"^{word}") as failure:
        waiting(sensor, arn, deferrable=deferrable)()
    # the service has no reason to give for a dataset
    assert ("bad luck" in str(failure.value)) == (sensor is not DatasetSensor)


@deferrable_or_not
@every_sensor
def test_an_unknown_status_is_polled_until_the_deadline(personalize, sensor, deferrable, unknown_status):
    arn = MAKERS[sensor](personalize)
    unknown_status(arn)
    with pytest.raises(AirflowSensorTimeout, match="A STATUS OF NEXT YEAR"):
        waiting(sensor, arn, deferrable=deferrable, timeout=600)()


@deferrable_or_not
def test_a_resource_deleted_meanwhile_is_an_error_not_an_endless_wait(personalize, deferrable):
    arn = make_dataset(personalize)
    clock.advance(600)
    personalize.delete_dataset(datasetArn=arn)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        waiting(DatasetSensor, arn, deferrable=deferrable)()


@pytest.fixture
def updating(personalize):
    """A dataset that had an update, and has another in progress."""
    make_dataset(personalize)
    clock.advance(600)
    personalize.update_dataset(datasetArn=ITEMS, schemaArn=make_schema(personalize, "SIZE"))
    clock.advance(600)
    personalize.update_dataset(datasetArn=ITEMS, schemaArn=make_schema(personalize, "SIZE", "AGE"))
    return personalize


@deferrable_or_not
@pytest.mark.parametrize("sensor", [DatasetUpdateSensor, DatasetSensor], ids=lambda sensor: sensor.__name__)
def test_an_update_is_over_when_the_dataset_has_the_new_schema(updating, sensor, deferrable):
    waiting(sensor, ITEMS, deferrable=deferrable)()
    shown = described(updating, DatasetSensor, ITEMS)
    assert shown["schemaArn"] == shown["latestDatasetUpdate"]["schemaArn"] == f"{PREFIX}schema/items-SIZE-AGE"
    assert shown["status"] == shown["latestDatasetUpdate"]["status"] == "ACTIVE"


@deferrable_or_not
def test_an_earlier_update_does_not_end_the_wait_while_the_dataset_shows_another(updating, deferrable):
    assumptions.update_visible_after = 60
    shown = described(updating, DatasetSensor, ITEMS)
    assert (shown["status"], shown["latestDatasetUpdate"]["status"]) == ("UPDATE PENDING", "ACTIVE")
    waiting(DatasetUpdateSensor, ITEMS, deferrable=deferrable)()
    assert described(updating, DatasetSensor, ITEMS)["schemaArn"] == f"{PREFIX}schema/items-SIZE-AGE"


def test_without_required_update_one_that_only_the_dataset_itself_shows_is_waited_for(personalize):
    make_dataset(personalize)
    clock.advance(600)
    assumptions.update_visible_after = 60
    personalize.update_dataset(datasetArn=ITEMS, schemaArn=make_schema(personalize, "SIZE"))
    assert "latestDatasetUpdate" not in described(personalize, DatasetSensor, ITEMS)
    waiting(DatasetUpdateSensor, ITEMS, require_update=False)()
    assert described(personalize, DatasetSensor, ITEMS)["schemaArn"] == f"{PREFIX}schema/items-SIZE"


def test_no_update_at_all_passes_on_request_only(personalize):
    make_dataset(personalize)
    clock.advance(600)
    waiting(DatasetUpdateSensor, ITEMS, require_update=False)()
    assert len(calls.of("DescribeDataset")) == 1
    with pytest.raises(AirflowSensorTimeout, match="no update has been made"):
        waiting(DatasetUpdateSensor, ITEMS, timeout=120)()


@deferrable_or_not
@pytest.mark.parametrize("word", ["CREATE FAILED", "UPDATE FAILED"])
def test_a_failed_update_fails_for_good_with_the_reason(personalize, deferrable, word):
    assumptions.failed_dataset_update = word
    make_dataset(personalize)
    clock.advance(600)
    faults.fail_next("UpdateDataset", "bad luck")
    personalize.update_dataset(datasetArn=ITEMS, schemaArn=make_schema(personalize, "SIZE"))
    with pytest.raises(AirflowFailException, match=f"{word}: bad luck"):
        waiting(DatasetUpdateSensor, ITEMS, deferrable=deferrable)()
