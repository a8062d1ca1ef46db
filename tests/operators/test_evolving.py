"""A dataset gets more fields in place: one schema and one update, whatever happens on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shop import DATASET, PREFIX, SCHEMA
from task_runs import Run, Store, TaskInstance, killed_after

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceFailedError,
    SchemaIncompatibleError,
    UpdateReplacedError,
)
from airflow_provider_personalize.operators import EvolveDatasetSchemaOperator

ITEMS = f"{PREFIX}dataset/shop/ITEMS"
ID = {"name": "ITEM_ID", "type": "string"}
GENRE = {"name": "GENRE", "type": ["null", "string"], "categorical": True}
PRICE = {"name": "PRICE", "type": "float"}
SIZE = {"name": "SIZE", "type": ["int", "null"]}
AGE = {"name": "AGE", "type": ["null", "int"]}
WIDER = [ID, SIZE, GENRE, PRICE]
WRITES = ("CreateSchema", "UpdateDataset")
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def items(*fields: Any, **members: Any) -> dict[str, Any]:
    return {**SCHEMA, "name": "Items", "fields": list(fields), **members}


@pytest.fixture(autouse=True)
def shop(personalize: Any) -> Any:
    for name, fields in (("items", [ID, GENRE, PRICE]), ("other", [ID, GENRE, PRICE, AGE]), ("same", WIDER)):
        personalize.create_schema(name=name, schema=json.dumps(items(*fields)))
    group = f"{PREFIX}dataset-group/shop"
    request = {"name": "items", "schemaArn": f"{PREFIX}schema/items", "datasetGroupArn": group}
    personalize.create_dataset(**request, datasetType="ITEMS")
    clock.advance(60)
    calls.clear()
    return personalize


def evolve(*fields: Any, namespace: str = "another", **parameters: Any) -> Run:
    given = {"dataset_arn": ITEMS, "schema": items(*fields, namespace=namespace), **parameters}
    return Run(lambda: EvolveDatasetSchemaOperator(task_id="evolve", **given), TaskInstance())


def sent() -> list[tuple[str, str | None]]:
    return [(call.operation, call.error) for call in calls if call.operation in WRITES]


def fields(client: Any) -> list[dict[str, Any]]:
    shown = client.describe_dataset(datasetArn=ITEMS)["dataset"]
    assert shown["status"] == "ACTIVE"
    return json.loads(client.describe_schema(schemaArn=shown["schemaArn"])["schema"]["schema"])["fields"]


@deferrable_or_not
def test_fields_are_added_once_and_what_stays_is_sent_as_it_was(shop, deferrable):
    """A union in another order, a mark that is false, and another namespace are no difference."""
    same_genre = {**GENRE, "type": ["string", "null"], "textual": False}
    run = evolve(ID, SIZE, same_genre, PRICE, deferrable=deferrable)
    assert run() == ITEMS
    assert fields(shop) == WIDER
    assert sent() == [("CreateSchema", None), ("UpdateDataset", None)]
    assert run.ti.xcoms["dataset_update"]["sent"] is True
    assert len(run.deferrals) == deferrable
    again = evolve(*WIDER, namespace="a third", deferrable=deferrable)
    assert again() == ITEMS
    assert again.ti.xcoms["dataset_update"]["sent"] is False
    assert evolve(ID, GENRE, PRICE, SIZE)() == ITEMS
    assert fields(shop) == [ID, GENRE, PRICE, SIZE]
    assert sent() == [("CreateSchema", None), ("UpdateDataset", None)] * 2


@pytest.mark.parametrize(
    ("wanted", "obstacles"),
    [
        ([ID, PRICE], ["GENRE must stay .* missing"]),
        ([ID, {**GENRE, "categorical": False}, PRICE, AGE], ["GENRE must stay .*'categorical': True"]),
        ([ID, GENRE, {**PRICE, "type": ["null", "float"]}, AGE], ["PRICE must stay .*'float'"]),
        ([ID, {**GENRE, "doc": "of films"}, PRICE], ["GENRE must stay .*of films"]),
        ([ID, {**GENRE, "default": None}, PRICE], ["GENRE must stay .*default"]),
        ([ID, GENRE, PRICE, {**SIZE, "type": "int"}], ["SIZE must accept null, and is of type 'int'"]),
        ([ID, {**GENRE, "name": "genre"}, SIZE, PRICE], ["GENRE must stay .* missing"]),
        ([ID, {**PRICE, "type": "double"}, {**SIZE, "type": "int"}], ["GENRE", "PRICE", "SIZE"]),
    ],
)
def test_what_needs_a_new_dataset_is_listed_and_nothing_is_sent(wanted, obstacles):
    difference = evolve(*wanted, dry_run="True")()
    with pytest.raises(SchemaIncompatibleError, match="needs a new dataset") as refusal:
        evolve(*wanted)()
    assert refusal.value.obstacles == difference["obstacles"]
    assert len(obstacles) == len(refusal.value.obstacles)
    for expected, said in zip(obstacles, refusal.value.obstacles, strict=True):
        with pytest.raises(AssertionError, match=expected):
            raise AssertionError(said)
    assert sent() == []


def test_a_dry_run_returns_the_difference(shop):
    difference = evolve(PRICE, ID, GENRE, SIZE, dry_run=True)()
    assert difference == {
        "schemaArn": f"{PREFIX}schema/items",
        "changes": [{"field": "SIZE", "change": "added", "before": None, "after": SIZE}],
        "reordered": True,
        "obstacles": [],
    }
    assert sent() == []
    assert evolve(ID, GENRE, PRICE, dry_run=True)()["changes"] == []


def test_interactions_keep_their_fields():
    wanted = {**SCHEMA, "fields": [*SCHEMA["fields"], AGE]}
    with pytest.raises(SchemaIncompatibleError, match="INTERACTIONS: only ITEMS and USERS"):
        evolve(dataset_arn=DATASET, schema=wanted)()
    assert evolve(dataset_arn=DATASET, schema=SCHEMA)() == DATASET
    assert sent() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"schema": SCHEMA}, "'Interactions': the dataset is one of ITEMS"),
        ({"schema": items(ID)}, "metadata"),
        ({"schema": items(ID, PRICE, PRICE)}, "names must differ"),
        ({"schema": items(ID, {**PRICE, "doc": "x" * 20_000})}, "20000"),
        ({"schema": "{"}, "not JSON"),
        ({"schema": 5}, "Avro record"),
        ({"dataset_arn": f"{PREFIX}schema/items"}, "dataset_arn"),
        ({"dry_run": "perhaps"}, "dry_run is 'perhaps'"),
    ],
)
def test_invalid_parameters_are_reported_before_anything_is_sent(given, said):
    with pytest.raises(InvalidRequestError, match=said):
        evolve(*WIDER, **given)()
    assert sent() == []


@deferrable_or_not
@pytest.mark.parametrize("store", [None, Store()], ids=["no store", "a store"])
@pytest.mark.parametrize("stale", [False, True], ids=["shown", "not shown yet"])
@pytest.mark.parametrize("operation", WRITES)
def test_after_a_crash_a_retry_makes_no_second_schema_and_no_second_update(shop, operation, stale, store, deferrable):
    if stale:
        faults.stale_next(operation, hides=30)
    run = evolve(*WIDER, deferrable=deferrable)
    run.store = store
    with killed_after(operation):
        run()
    run.ti.try_number += 1
    assert run() == ITEMS
    assert fields(shop) == WIDER
    accepted = [name for name, error in sent() if error is None]
    assert accepted == list(WRITES)


@pytest.mark.parametrize("operation", WRITES)
def test_a_lost_answer_is_not_followed_by_a_second_call(shop, operation):
    faults.reset_next(operation, done=True)
    assert evolve(*WIDER)() == ITEMS
    assert [name for name, _ in sent()] == list(WRITES)
    assert fields(shop) == WIDER


@deferrable_or_not
def test_another_writers_update_is_waited_for_and_compared_again(shop, deferrable):
    shop.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/other")
    with pytest.raises(SchemaIncompatibleError, match="the field AGE must stay"):
        evolve(*WIDER, deferrable=deferrable)()
    assert evolve(*WIDER, AGE, deferrable=deferrable)() == ITEMS
    assert fields(shop) == [*WIDER, AGE]
    assert sent() == [("UpdateDataset", None), ("CreateSchema", None), ("UpdateDataset", None)]


@deferrable_or_not
def test_another_writers_update_to_the_same_fields_is_taken_for_this_one(shop, deferrable):
    shop.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/same")
    run = evolve(*WIDER, deferrable=deferrable)
    assert run() == ITEMS
    assert fields(shop) == WIDER
    assert sent() == [("UpdateDataset", None)]
    assert run.ti.xcoms["dataset_update"]["sent"] is False


def test_a_dataset_in_use_is_waited_for(shop, passing_time):
    faults.error_next("UpdateDataset", "ResourceInUseException")
    assert evolve(*WIDER)() == ITEMS
    assert fields(shop) == WIDER
    _, refused, accepted = [call.at for call in calls if call.operation in WRITES]
    assert 2 < accepted - refused < 120


def test_a_superseded_update_is_not_a_success(shop):
    def replace() -> None:
        clock.advance(600)
        wider = shop.create_schema(name="widest", schema=json.dumps(items(*WIDER, AGE)))["schemaArn"]
        shop.update_dataset(datasetArn=ITEMS, schemaArn=wider)
        clock.advance(600)

    run = evolve(*WIDER, deferrable=True)
    run.between = replace
    with pytest.raises(UpdateReplacedError):
        run()


def test_fields_that_a_later_update_of_another_writer_adds_are_named(shop):
    """The first one, to the same fields, was taken for this task's."""

    def replace() -> None:
        clock.advance(600)
        wider = shop.create_schema(name="widest", schema=json.dumps(items(*WIDER, AGE)))["schemaArn"]
        shop.update_dataset(datasetArn=ITEMS, schemaArn=wider)
        run.between = lambda: None

    shop.update_dataset(datasetArn=ITEMS, schemaArn=f"{PREFIX}schema/same")
    run = evolve(*WIDER, deferrable=True)
    run.between = replace
    with pytest.raises(SchemaIncompatibleError, match="the field AGE must stay"):
        run()


def test_a_failed_update_says_why_and_the_next_attempt_uses_the_same_schema(shop):
    faults.fail_next("UpdateDataset", "no such column")
    with pytest.raises(ResourceFailedError, match="no such column"):
        evolve(*WIDER)()
    assert evolve(*WIDER)() == ITEMS
    assert [name for name, _ in sent()] == ["CreateSchema", "UpdateDataset", "UpdateDataset"]
    assert fields(shop) == WIDER
