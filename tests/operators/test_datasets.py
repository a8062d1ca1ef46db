"""Schemas, dataset groups, datasets, and jobs on them: made once, whatever happens on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, PREFIX, ROLE, SCHEMA
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceExistsError,
    ResourceFailedError,
    UpdateReplacedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.operators import (
    CreateDataDeletionJobOperator,
    CreateDatasetExportJobOperator,
    CreateDatasetGroupOperator,
    CreateDatasetImportJobOperator,
    CreateDatasetOperator,
    CreateSchemaOperator,
    DeleteDatasetOperator,
    DeleteSchemaOperator,
    UpdateDatasetOperator,
)
from airflow_provider_personalize.resources import ResourceType

GROUP = f"{PREFIX}dataset-group/shop"
ITEMS = f"{PREFIX}dataset/shop/ITEMS"
PRICE = {"name": "PRICE", "type": "float"}
CATEGORY = {"name": "CATEGORY_L1", "type": "string", "categorical": True}
LOST = "(reset)"  # how the emulator notes a call that was done and whose answer was lost
TAGS = [{"tagKey": "team", "tagValue": "shop"}]
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def items(*more: Mapping[str, Any], **members: Any) -> dict[str, Any]:
    """A schema of items."""
    fields = [{"name": "ITEM_ID", "type": "string"}, PRICE, *more]
    return {**SCHEMA, "name": "Items", "fields": fields, **members}


def maybe(name: str) -> dict[str, Any]:
    return {"name": name, "type": ["null", "int"]}


@dataclass(frozen=True)
class Making:
    """
    An operator that makes something, what it is given, and what it is given to make something else of that name.

    :param changes: The differences that are named then.
    """

    operator: type
    given: Mapping[str, Any]
    arn: str
    other: Mapping[str, Any]
    changes: list[str]
    everything: Mapping[str, Any] = field(default_factory=dict)

    @property
    def resource(self) -> ResourceType:
        return self.operator.resource_type

    def run(self, **parameters: Any) -> Run:
        return Run(lambda: self.operator(task_id="make", **{**self.given, **parameters}), TaskInstance())

    def sent(self) -> list[str | None]:
        return [call.error for call in calls.of(self.operator.operation)]

    def described(self, client: Any) -> dict[str, Any]:
        describe = getattr(client, f"describe_{self.resource.name}")
        return describe(**{self.resource.arn_member: self.arn})[self.resource.member]


STAYING = [
    Making(
        CreateSchemaOperator,
        {"name": "new", "schema": items()},
        f"{PREFIX}schema/new",
        {"schema": items(CATEGORY, maybe("SIZE"), version="2.0"), "domain": "ECOMMERCE"},
        [
            "domain: wanted 'ECOMMERCE', found None",
            "schema.version: wanted '2.0', found '1.0'",
            f"schema.fields.CATEGORY_L1: wanted {CATEGORY!r}, found None",
            "schema.fields.SIZE: wanted {'name': 'SIZE', 'type': ['null', 'int']}, found None",
        ],
        {"domain": "ECOMMERCE", "schema": json.dumps(items(CATEGORY))},
    ),
    Making(
        CreateDatasetGroupOperator,
        {"name": "new"},
        f"{PREFIX}dataset-group/new",
        {"domain": "ECOMMERCE", "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/1", "role_arn": ROLE},
        [
            "domain: wanted 'ECOMMERCE', found None",
            "kms_key_arn: wanted 'arn:aws:kms:us-east-1:123456789012:key/1', found None",
            f"role_arn: wanted '{ROLE}', found None",
        ],
        {
            "domain": "VIDEO_ON_DEMAND",
            "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/1",
            "role_arn": ROLE,
            "tags": TAGS,
        },
    ),
    Making(
        CreateDatasetOperator,
        {
            "name": "items",
            "schema_arn": f"{PREFIX}schema/items",
            "dataset_group_arn": GROUP,
            "dataset_type": "Items",
        },
        ITEMS,
        {"name": "things", "schema_arn": f"{PREFIX}schema/wide", "dataset_type": "ITEMS"},
        [
            "name: wanted 'things', found 'items'",
            f"schema_arn: wanted '{PREFIX}schema/wide', found '{PREFIX}schema/items'",
        ],
        {"tags": TAGS},
    ),
]
JOBS = [
    Making(
        CreateDatasetExportJobOperator,
        {
            "job_name": "out",
            "dataset_arn": DATASET,
            "job_output": {"s3DataDestination": {"path": "s3://shop/out/"}},
            "role_arn": ROLE,
        },
        f"{PREFIX}dataset-export-job/out",
        {"ingestion_mode": "ALL", "job_output": {"s3DataDestination": {"path": "s3://shop/elsewhere/"}}},
        [
            "job_output.s3DataDestination.path: wanted 's3://shop/elsewhere/', found 's3://shop/out/'",
            "ingestion_mode: wanted 'ALL', found 'PUT'",
        ],
        {"ingestion_mode": "BULK", "tags": TAGS},
    ),
    Making(
        CreateDataDeletionJobOperator,
        {
            "job_name": "erase",
            "dataset_group_arn": GROUP,
            "data_source": {"dataLocation": "s3://shop/users.csv"},
            "role_arn": ROLE,
        },
        f"{PREFIX}data-deletion-job/erase",
        {"data_source": {"dataLocation": "s3://shop/others.csv"}},
        ["data_source.dataLocation: wanted 's3://shop/others.csv', found 's3://shop/users.csv'"],
        {"tags": TAGS},
    ),
]

every_making = pytest.mark.parametrize("making", STAYING + JOBS, ids=lambda making: making.resource.name)
everything_that_stays = pytest.mark.parametrize("making", STAYING, ids=lambda making: making.resource.name)
# a schema is there, and gone, at once, and never fails
everything_that_takes_time = pytest.mark.parametrize("making", STAYING[1:], ids=lambda making: making.resource.name)
every_job = pytest.mark.parametrize("making", JOBS, ids=lambda making: making.resource.name)


@pytest.fixture(autouse=True)
def shop(personalize: Any) -> Any:
    """The shop with what a dataset of items and the jobs need."""
    wide = items(maybe("SIZE"))
    for name, schema in (("items", items()), ("wide", wide), ("wider", items(maybe("SIZE"), maybe("AGE")))):
        personalize.create_schema(name=name, schema=json.dumps(schema))
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.put_object(Bucket="shop", Key="users.csv", Body=b"USER_ID\nu1\nu2\n")
    calls.clear()
    return personalize


def retry(run: Run) -> Run:
    """The same task instance, tried again in the same run, which began a day ago."""
    run.ti.try_number += 1
    run.began = datetime.fromtimestamp(clock.now() - 24 * 3600, timezone.utc)
    return run


@pytest.fixture
def dataset_of_items(shop: Any) -> Making:
    """An existing resource."""
    making = STAYING[2]
    making.run()()
    return making


@deferrable_or_not
def test_a_dataset_that_is_being_updated_to_what_is_wanted_is_waited_for(shop, dataset_of_items, deferrable):
    """A run whose creation was changed to the new schema comes while an update to it is in progress."""
    shop.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/wide")
    run = dataset_of_items.run(schema_arn=f"{PREFIX}schema/wide", deferrable=deferrable)
    assert run() == ITEMS
    assert dataset_of_items.described(shop)["schemaArn"] == f"{PREFIX}schema/wide"
    assert len(run.deferrals) == deferrable


def test_a_dataset_that_differs_after_its_update_too_is_an_error(shop, dataset_of_items):
    shop.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/wide")
    with pytest.raises(ResourceDiffersError, match=f"found '{PREFIX}schema/wide'"):
        dataset_of_items.run(schema_arn=f"{PREFIX}schema/wider")()


def test_an_update_in_progress_of_what_may_differ_is_not_waited_for(shop, dataset_of_items):
    shop.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/wide")
    dataset_of_items.run(schema_arn=f"{PREFIX}schema/wider", ignore_changes=["schema_arn"], wait_for_completion=False)()
    assert dataset_of_items.described(shop)["status"] != "ACTIVE"


@pytest.mark.parametrize("ignored", [None, "schema_arn", ["schemaArn"], 5], ids=str)
def test_an_invalid_ignore_changes_is_refused_when_the_dag_is_parsed(ignored):
    with pytest.raises(ValueError, match="ignore_changes is .*: allowed are names of name, schema_arn"):
        STAYING[2].run(ignore_changes=ignored).make()


@deferrable_or_not
@every_making
def test_the_created_resource_is_ready_when_the_task_ends(shop, making, deferrable):
    run = making.run(deferrable=deferrable)
    assert run() == making.arn
    assert making.described(shop).get("status") in (making.resource.ready if making.resource.has_status else {None})
    assert len(run.deferrals) == (deferrable and making.resource.has_status)


@every_making
def test_every_member_of_the_request_reaches_the_service(shop, making):
    making.run(**making.everything)()
    shown = making.described(shop)
    for parameter, value in making.everything.items():
        if parameter == "tags":
            assert shop.list_tags_for_resource(resourceArn=making.arn)["tags"] == value
        else:
            first, *others = parameter.split("_")
            assert shown[first + "".join(word.title() for word in others)] == value


@every_making
def test_an_existing_resource_with_the_same_content_is_reused_without_a_call(making, capsys):
    making.run()()
    again = making.run()
    again.ti.try_number += 1
    assert again() == making.arn
    assert making.sent() == [None]
    assert "no other is made" in capsys.readouterr().out


@every_making
def test_an_existing_resource_with_other_content_fails_with_each_difference(making):
    making.run()()
    with pytest.raises(ResourceDiffersError) as refusal:
        making.run(**making.other)()
    assert refusal.value.differences == making.changes
    assert making.sent() == [None]


@everything_that_stays
def test_ignored_parameters_are_not_differences(making):
    making.run()()
    assert making.run(**making.other, ignore_changes=tuple(making.other))() == making.arn


@everything_that_stays
def test_an_existing_resource_is_an_error_on_request(making):
    making.run()()
    with pytest.raises(ResourceExistsError, match=f"exists already, since .* {making.arn}$"):
        making.run(if_exists="fail")()
    assert making.sent() == [None]


def test_a_refusal_is_named_even_after_a_deferral():
    """The name is taken, says the service, and for a minute does not say by what."""
    run_of_group = Run(lambda: CreateDatasetGroupOperator(task_id="group", name="new", deferrable=True), TaskInstance())
    make = run_of_group.make

    def made() -> CreateDatasetGroupOperator:
        task = make()
        call = task.call

        def refused(*request: Any) -> Any:
            faults.error_next("ListDatasetGroups", "ThrottlingException", times=7)
            return call(*request)

        task.call = refused
        return task

    run_of_group.make = made
    faults.error_next("CreateDatasetGroup", "ResourceAlreadyExistsException", message="it is taken", times=None)
    with pytest.raises(Exception, match="it is taken"):
        run_of_group()
    assert run_of_group.deferrals


@everything_that_stays
def test_a_retry_reuses_the_resource_of_an_earlier_attempt_even_with_if_exists_fail(making):
    run = making.run(if_exists="fail")
    run()
    assert retry(run)() == making.arn
    assert making.sent() == [None]


@everything_that_stays
def test_a_retry_does_not_reuse_a_resource_from_before_the_run(making):
    making.run()()
    run = retry(making.run(if_exists="fail"))
    run.began = datetime.fromtimestamp(clock.now() + 120, timezone.utc)
    with pytest.raises(ResourceExistsError):
        run()


@every_making
def test_a_resource_that_is_not_visible_yet_is_polled_again(making, passing_time):
    faults.stale_next(making.operator.operation, hides=30)
    assert making.run(wait_for_completion=False)() == making.arn
    assert sum(passing_time.slept) >= 30
    assert making.sent() == [None]


@every_making
@pytest.mark.parametrize("stale", [False, True], ids=["shown", "not shown yet"])
def test_after_a_lost_answer_a_retry_creates_nothing_twice(making, stale):
    if stale:
        faults.stale_next(making.operator.operation, hides=30)
    run = making.run()
    with killed_after(making.operator.operation):
        run()
    assert retry(run)() == making.arn
    assert making.sent() == [None, *["ResourceAlreadyExistsException"] * stale]


@every_making
def test_after_a_lost_answer_nothing_is_sent_again_not_even_by_boto3(making):
    faults.reset_next(making.operator.operation, done=True)
    parameters = {"if_exists": "fail"} if making in STAYING else {}
    run = making.run(botocore_config={"retries": {"total_max_attempts": 2}}, **parameters)
    assert run() == making.arn
    assert making.sent() == [LOST]


@deferrable_or_not
@pytest.mark.parametrize("making", STAYING[1:] + JOBS, ids=lambda making: making.resource.name)
def test_a_failure_carries_the_reason(making, deferrable):
    faults.fail_next(making.operator.operation, "bad luck")
    reason = "the service gives no reason" if making.resource.name == "dataset" else "bad luck"
    with pytest.raises(ResourceFailedError, match=reason):
        making.run(deferrable=deferrable)()


@everything_that_takes_time
def test_a_failed_resource_is_not_a_success_even_without_waiting(making):
    faults.fail_next(making.operator.operation, "bad luck")
    with pytest.raises(ResourceFailedError):
        making.run()()
    with pytest.raises(ResourceFailedError, match="CREATE FAILED"):
        making.run(wait_for_completion=False)()


@deferrable_or_not
@everything_that_takes_time
def test_a_resource_being_deleted_is_waited_for_and_recreated(shop, making, deferrable):
    making.run()()
    first = making.described(shop)["creationDateTime"]
    getattr(shop, f"delete_{making.resource.name}")(**{making.resource.arn_member: making.arn})
    assert making.run(**making.other, deferrable=deferrable)() == making.arn
    assert making.described(shop)["creationDateTime"] > first
    assert making.sent() == [None, None]


@pytest.mark.parametrize(
    ("operator", "given", "named"),
    [
        (CreateSchemaOperator, {"name": "a b", "schema": "{", "domain": "SHOES"}, ["name", "JSON", "SHOES"]),
        (
            CreateDatasetGroupOperator,
            {"name": "a b", "role_arn": "me", "domain": "X"},
            ["name", "role_arn", "kms_key_arn", "X"],
        ),
        (
            CreateDatasetOperator,
            {"name": "a b", "schema_arn": GROUP, "dataset_group_arn": ITEMS, "dataset_type": "SALES"},
            ["name", "schema_arn", "dataset_group_arn", "dataset_type"],
        ),
        (UpdateDatasetOperator, {"dataset_arn": GROUP, "schema_arn": ITEMS}, ["dataset_arn", "schema_arn"]),
        (DeleteDatasetOperator, {"dataset_arn": GROUP}, ["dataset_arn"]),
        (DeleteSchemaOperator, {"schema_arn": GROUP}, ["schema_arn"]),
        (
            CreateDatasetExportJobOperator,
            {"dataset_arn": GROUP, "job_output": {"s3DataDestination": {}}, "role_arn": "me", "ingestion_mode": "X"},
            ["path", "dataset_arn", "ingestion_mode", "role_arn"],
        ),
        (
            CreateDataDeletionJobOperator,
            {"dataset_group_arn": ITEMS, "data_source": {}, "role_arn": "me"},
            ["dataset_group_arn", "dataLocation", "role_arn"],
        ),
    ],
    ids=lambda value: getattr(value, "operation", None),
)
def test_all_invalid_parameters_are_reported_before_anything_is_sent(operator, given, named):
    with pytest.raises(InvalidRequestError) as refusal:
        Run(lambda: operator(task_id="make", **given))()
    for name in named:
        assert name in str(refusal.value)
    assert len(refusal.value.faults) == len(named)
    assert calls.of(operator.operation) == []


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(items(), indent=4),
        json.dumps(dict(reversed(items().items()))),
        str(items()),
        dict(reversed(items().items())),
    ],
    ids=["JSON", "JSON in another order", "a template's text", "a structure"],
)
def test_a_schema_is_the_same_however_it_is_written(shop, written):
    making = STAYING[0]
    making.run(schema=written)()
    assert json.loads(making.described(shop)["schema"]) == items()
    assert making.run()() == making.arn
    assert making.run(schema=written)() == making.arn
    assert making.sent() == [None]


def test_a_schema_may_come_out_of_a_template(shop):
    run = STAYING[0].run(schema="{{ params.schema }}", domain="{{ params.domain }}")
    run.params = {"schema": items({"name": "ÄRT", "type": "string", "categorical": True}), "domain": None}
    with pytest.raises(InvalidRequestError, match="ÄRT"):
        run()
    run.params = {"schema": items({"name": "ART", "type": "string", "categorical": True}), "domain": None}
    run()
    assert json.loads(STAYING[0].described(shop)["schema"])["fields"][2]["categorical"] is True


@pytest.mark.parametrize(
    ("schema", "difference"),
    [
        (
            items(fields=[*reversed(items()["fields"])]),
            "in the order PRICE, ITEM_ID, found in the order ITEM_ID, PRICE",
        ),
        (items(fields=[items()["fields"][0], {**PRICE, "type": "int"}]), "PRICE.type: wanted 'int', found 'float'"),
        (
            items(fields=[*items()["fields"], {"name": "STOCK", "type": "int"}]),
            "STOCK: wanted {'name': 'STOCK', 'type': 'int'}, found None",
        ),
    ],
)
def test_a_schema_with_other_columns_is_another(schema, difference):
    STAYING[0].run()()
    with pytest.raises(ResourceDiffersError) as refusal:
        STAYING[0].run(schema=schema)()
    (found,) = refusal.value.differences
    assert found.endswith(difference)


def test_a_group_of_a_domain_is_no_custom_one():
    STAYING[1].run(domain="ECOMMERCE")()
    with pytest.raises(ResourceDiffersError, match="domain: wanted None, found 'ECOMMERCE'"):
        STAYING[1].run()()


def test_a_group_is_found_on_whatever_page_of_the_list(shop, monkeypatch):
    from airflow_provider_personalize.hooks import PersonalizeHook

    STAYING[1].run()()
    whole = PersonalizeHook.list_all
    monkeypatch.setattr(PersonalizeHook, "list_all", lambda self, row, **given: whole(self, row, maxResults=1, **given))
    assert STAYING[1].run()() == STAYING[1].arn
    assert len(calls.of("ListDatasetGroups")) >= 3


@every_job
def test_a_job_without_a_name_is_started_once_per_run(making):
    run = making.run(job_name=None)
    first = run()
    assert retry(run)() == first
    tomorrow = making.run(job_name=None)
    tomorrow.ti.run_id = "tomorrow"
    assert tomorrow() != first
    assert making.sent() == [None, None]


@every_job
def test_after_a_failed_job_a_retry_starts_another(making):
    faults.fail_next(making.operator.operation, "bad luck")
    run = making.run(job_name=None)
    with pytest.raises(ResourceFailedError):
        run()
    assert retry(run)().endswith("-2")


@every_job
def test_a_name_that_an_earlier_run_used_is_refused(making):
    making.run()()
    tomorrow = making.run()
    tomorrow.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    with pytest.raises(ResourceExistsError, match="Nothing was done"):
        tomorrow()


def test_users_that_were_deleted_are_in_no_export_any_more(shop):
    def exported(name: str) -> set[str]:
        JOBS[0].run(job_name=name, ingestion_mode="ALL")()
        s3 = boto3.client("s3", region_name="us-east-1")
        (written,) = s3.list_objects_v2(Bucket="shop", Prefix=f"out/{name}")["Contents"]
        lines = s3.get_object(Bucket="shop", Key=written["Key"])["Body"].read().decode().splitlines()
        return {line.partition(",")[0] for line in lines[1:]}

    source = {"dataLocation": LOCATION}
    Run(
        lambda: CreateDatasetImportJobOperator(task_id="import", dataset_arn=DATASET, data_source=source, role_arn=ROLE)
    )()
    before = exported("before")
    JOBS[1].run()()
    assert before - exported("after") == {"u1", "u2"}


@pytest.fixture
def dataset(shop: Any) -> Any:
    """A dataset of items."""
    STAYING[2].run()()
    calls.clear()
    return shop


def update(schema: str = "wide", **parameters: Any) -> Run:
    given = {"dataset_arn": ITEMS, "schema_arn": f"{PREFIX}schema/{schema}", **parameters}
    return Run(lambda: UpdateDatasetOperator(task_id="update", **given), TaskInstance())


def updates() -> list[str | None]:
    return [call.error for call in calls.of("UpdateDataset")]


def described(client: Any) -> dict[str, Any]:
    return client.describe_dataset(datasetArn=ITEMS)["dataset"]


@deferrable_or_not
def test_an_update_is_over_when_both_levels_say_so(dataset, deferrable):
    run = update(deferrable=deferrable)
    assert run() == ITEMS
    shown = described(dataset)
    assert (shown["status"], shown["latestDatasetUpdate"]["status"]) == ("ACTIVE", "ACTIVE")
    assert shown["schemaArn"] == shown["latestDatasetUpdate"]["schemaArn"] == f"{PREFIX}schema/wide"
    assert run.ti.xcoms["dataset_update"]["sent"] is True
    assert len(run.deferrals) == deferrable


def test_without_waiting_the_task_ends_when_its_update_is_shown(dataset, passing_time):
    faults.stale_next("UpdateDataset", hides=20)
    update(wait_for_completion=False)()
    assert described(dataset)["latestDatasetUpdate"]["schemaArn"] == f"{PREFIX}schema/wide"
    assert sum(passing_time.slept) >= 20


@deferrable_or_not
def test_a_schema_that_the_dataset_has_is_not_sent_again(dataset, deferrable, capsys):
    for schema in ("items", "wide", "wide"):
        assert update(schema, deferrable=deferrable)() == ITEMS
    assert updates() == [None]
    assert "has this schema already" in capsys.readouterr().out


@deferrable_or_not
def test_an_earlier_update_that_is_active_is_not_mistaken_for_the_one_just_sent(dataset, deferrable):
    update()()
    earlier = described(dataset)["latestDatasetUpdate"]["creationDateTime"]
    faults.stale_next("UpdateDataset", hides=30)
    run = update("wider", deferrable=deferrable)
    run()
    latest = described(dataset)["latestDatasetUpdate"]
    assert (latest["status"], latest["schemaArn"]) == ("ACTIVE", f"{PREFIX}schema/wider")
    assert run.ti.xcoms["dataset_update"]["creationDateTime"] > earlier.isoformat()


@deferrable_or_not
def test_another_writers_update_is_waited_for_before_this_one_is_sent(dataset, deferrable):
    dataset.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/wide")
    update("wider", deferrable=deferrable)()
    assert described(dataset)["schemaArn"] == f"{PREFIX}schema/wider"
    assert updates() == [None, None]


def test_a_superseded_update_is_not_a_success(dataset):
    def replace() -> None:
        clock.advance(600)
        dataset.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/wider")
        clock.advance(600)

    run = update(deferrable=True)
    run.between = replace
    with pytest.raises(UpdateReplacedError):
        run()


@deferrable_or_not
def test_after_a_lost_answer_an_update_is_not_sent_twice(dataset, deferrable):
    run = update(deferrable=deferrable)
    with killed_after("UpdateDataset"):
        run()
    assert retry(run)() == ITEMS
    assert updates() == [None]
    assert described(dataset)["schemaArn"] == f"{PREFIX}schema/wide"


@deferrable_or_not
@pytest.mark.parametrize("word", ["CREATE FAILED", "UPDATE FAILED"])
def test_an_update_that_failed_says_why_at_once_and_the_next_is_sent(dataset, deferrable, word, passing_time):
    assumptions.failed_dataset_update = word
    faults.fail_next("UpdateDataset", "no such column")
    with pytest.raises(ResourceFailedError, match=f"{word}: no such column"):
        update(deferrable=deferrable)()
    assert sum(passing_time.slept) < 600
    update(deferrable=deferrable)()
    assert described(dataset)["schemaArn"] == f"{PREFIX}schema/wide"


def test_a_refusal_keeps_the_services_message(dataset):
    with pytest.raises(ClientError, match="only ITEMS and USERS can be updated"):
        update(dataset_arn=DATASET)()


@deferrable_or_not
def test_an_unknown_status_is_polled_until_the_deadline(dataset, deferrable, unknown_status):
    unknown_status(ITEMS)
    with pytest.raises(WaitTimeoutError, match="A STATUS OF NEXT YEAR"):
        STAYING[2].run(deferrable=deferrable, timeout=300)()


def delete_dataset(**parameters: Any) -> Run:
    return Run(lambda: DeleteDatasetOperator(task_id="delete", **{"dataset_arn": ITEMS, **parameters}), TaskInstance())


def delete_schema(name: str = "items", **parameters: Any) -> Run:
    arn = f"{PREFIX}schema/{name}"
    return Run(lambda: DeleteSchemaOperator(task_id="delete", schema_arn=arn, **parameters), TaskInstance())


@deferrable_or_not
def test_a_dataset_is_deleted_when_the_service_does_not_know_it_any_more(dataset, deferrable):
    run = delete_dataset(deferrable=deferrable)
    assert run() == ITEMS
    with pytest.raises(dataset.exceptions.ResourceNotFoundException):
        described(dataset)
    assert len(run.deferrals) == deferrable
    assert run.ti.xcoms["personalize_dataset_group_link"].endswith("dataset-group$shop/setup")


@deferrable_or_not
def test_a_deletion_that_does_not_end_in_time_reports_the_last_status(dataset, deferrable):
    with pytest.raises(WaitTimeoutError, match="last seen: DELETE (PENDING|IN_PROGRESS)"):
        delete_dataset(deferrable=deferrable, timeout=12, waiter_delay=1)()


@deferrable_or_not
def test_a_deletion_waits_for_an_update_that_is_in_progress(dataset, deferrable):
    dataset.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/wide")
    delete_dataset(deferrable=deferrable)()
    assert [call.error for call in calls.of("DeleteDataset")] == [None]


def test_what_a_dataset_is_needed_for_keeps_it(dataset):
    dataset.create_filter(name="f", datasetGroupArn=GROUP, filterExpression='INCLUDE ItemID WHERE Items.PRICE > "1"')
    with pytest.raises(ClientError, match=r"ResourceInUse.*filter/f"):
        delete_dataset()()


@deferrable_or_not
def test_a_schema_is_gone_at_once(shop, deferrable):
    run = delete_schema(deferrable=deferrable)
    run()
    with pytest.raises(shop.exceptions.ResourceNotFoundException):
        shop.describe_schema(schemaArn=f"{PREFIX}schema/items")
    assert run.deferrals == []


@deferrable_or_not
def test_a_schema_that_is_shown_still_is_waited_for(shop, deferrable, passing_time):
    faults.stale_next("DeleteSchema", hides=30)
    run = delete_schema(deferrable=deferrable)
    run()
    assert sum(passing_time.slept) >= 30


@deferrable_or_not
def test_a_schema_that_a_dataset_uses_is_kept(dataset, deferrable):
    with pytest.raises(ClientError, match="ResourceInUseException"):
        delete_schema(deferrable=deferrable)()


@pytest.mark.parametrize("make", [delete_dataset, delete_schema])
def test_after_a_lost_answer_a_retry_finds_it_gone(dataset, make):
    run = make() if make is delete_dataset else make("wider")
    operation = run.make().operation
    with killed_after(operation):
        run()
    retry(run)()
    assert [call.error for call in calls.of(operation)] == [None]


@pytest.mark.parametrize("make", [delete_dataset, lambda: delete_schema("nowhere")])
def test_a_missing_resource_counts_as_deleted_and_the_log_says_so(shop, make, capsys):
    make()()
    assert "nothing is deleted" in capsys.readouterr().out
    assert calls.of("DeleteDataset") == calls.of("DeleteSchema") == []
