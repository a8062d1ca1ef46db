"""Quotas on the number and the size of resources."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asking import ask, refusal
from everything import HOUR, OUTPUT, RECIPE, Everything, Maker, schema
from shop import DATASET, LOCATION, PREFIX, ROLE, SCHEMA, bring_interactions, open_shop

from airflow_provider_personalize.emulator import assumptions, clock, faults, quotas
from airflow_provider_personalize.emulator.control.quotas import SIZES, TABLE
from airflow_provider_personalize.emulator.server import Server
from airflow_provider_personalize.resources import RESOURCE_TYPES

# The guide's page of quotas, read apart from the code: https://docs.aws.amazon.com/personalize/latest/dg/limits.html
COUNTED = {
    "schema": 500,
    "dataset_group": 5,
    "dataset_import_job": 5,
    "batch_inference_job": 5,
    "batch_segment_job": 5,
    "solution_version": 20,
    "solution": 10,
    "campaign": 5,
    "recommender": 5,
    "filter": 30,
    "data_deletion_job": 5,
}
GUIDE = {
    **COUNTED,
    "full_import_bytes": 100_000_000_000,
    "incremental_import_bytes": 1_000_000_000,
    "interactions_metadata": 5,
    "items_metadata": 100,
    "users_metadata": 25,
    "actions_metadata": 10,
    "items_textual": 1,
    "event_types_and_columns": 10,
    "id_characters": 256,
    "categorical_characters": 1000,
    "textual_characters": 20_000,
    "textual_characters_cjk": 7000,
    "fields_of_a_filter": 10,
    "fields_of_all_filters": 20,
    "event_bytes": 10_240,
    "batch_input_bytes": 1_000_000_000,
    "batch_input_files": 1000,
    "batch_lines": 50_000_000,
    "batch_lines_with_themes": 100,
    "segment_lines_by_item": 500,
    "segment_lines_by_attributes": 10,
    "deletion_bytes": 100_000_000,
}
PLACES = {"roleArn": ROLE, "jobOutput": OUTPUT}
TEXT = {"name": "DESCRIPTION", "type": ["null", "string"], "textual": True}


def test_the_quotas_are_the_guides_and_each_is_tried_below():
    assert quotas.in_force() == GUIDE
    assert set(TRIPS) == set(GUIDE)
    assert {quota.resource_type for quota in TABLE} <= set(RESOURCE_TYPES)


def failure(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Start a job, which must be accepted, and return in which status it ends, and why."""
    answer = call(**request)
    clock.advance(3 * HOUR)
    arn = next(value for name, value in answer.items() if name.endswith("Arn"))
    resource_type = call.__name__.removeprefix("create_")
    member = next(name for name in answer if name.endswith("Arn")).removesuffix("Arn")
    shown = getattr(call.__self__, f"describe_{resource_type}")(**{f"{member}Arn": arn})[member]
    return shown["status"], shown.get("failureReason", "")


def refused_schema(resource_type: str, shop: Everything, **mark: Any) -> tuple[str, str]:
    mark = mark or {"categorical": True}
    more = [{"name": name, "type": "string", **mark} for name in ("A", "B")]
    return refusal(shop.api.create_schema, name="more", schema=schema(resource_type, *more))


def failed_import(resource_type: str, text: str, shop: Everything, mode: str = "FULL") -> tuple[str, str]:
    given = {"datasetArn": shop.dataset(resource_type), "dataSource": {"dataLocation": shop.put("x.csv", text)}}
    return failure(shop.api.create_dataset_import_job, jobName="x", importMode=mode, roleArn=ROLE, **given)


def failed_text(value: str, shop: Everything) -> tuple[str, str]:
    assumptions.long_text = "refused"
    arn = shop.api.create_schema(name="texts", schema=schema("Items", TEXT))["schemaArn"]
    shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
    clock.advance(HOUR)
    row = f"i1,comedy,film,1.5,{value}"
    return failed_import("Items", f"ITEM_ID,GENRE,CATEGORY_L1,PRICE,DESCRIPTION\n{row}\n", shop)


def batch(shop: Everything, recipe: str, lines: str, *, themes: bool = False, folder: bool = False) -> tuple[str, str]:
    if themes:
        arn = shop.api.create_schema(name="texts", schema=schema("Items", TEXT))["schemaArn"]
        shop.api.update_dataset(datasetArn=shop.dataset("Items"), schemaArn=arn)
        clock.advance(HOUR)
    shop.put("in2/b.json", lines)
    path = shop.put("in2/a.json", lines)
    request = {
        "jobName": "x",
        "solutionVersionArn": shop.solve("x", recipe),
        "jobInput": {"s3DataSource": {"path": path.removesuffix("a.json") if folder else path}},
        **PLACES,
    }
    if themes:
        request["batchInferenceJobMode"] = "THEME_GENERATION"
        request["themeGenerationConfig"] = {"fieldsForThemeGeneration": {"itemName": "DESCRIPTION"}}
    of_users = "affinity" in recipe
    return failure(getattr(shop.api, f"create_batch_{'segment' if of_users else 'inference'}_job"), **request)


def one_more(resource_type: str, shop: Everything) -> tuple[str, str]:
    """Make one of a kind where none is allowed."""
    allowed = quotas.in_force()[resource_type]
    quotas.set(resource_type, None)
    maker = Maker(shop, resource_type)
    quotas.set(resource_type, allowed)
    return refusal(maker.call, **maker.request())


LIMIT, INVALID, FAILED = "LimitExceededException", "InvalidInputException", "CREATE FAILED"
HEAD = "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n"
ITEM = "ITEM_ID,GENRE,CATEGORY_L1,PRICE\n"
ROWS = HEAD + "u1,i1,1,view\n" * 1000
LINES = '{"itemId": "i1"}\n{"itemId": "i2"}\n'


def filtered(shop: Everything) -> tuple[str, str]:
    expression = 'EXCLUDE ItemID WHERE Items.GENRE IN ("a") OR Items.PRICE > 3'
    return refusal(shop.api.create_filter, name="x", datasetGroupArn=shop.group, filterExpression=expression)


def filtered_twice(shop: Everything) -> tuple[str, str]:
    for name in "ab":  # two filters of one field are of one field
        expression = 'EXCLUDE ItemID WHERE Items.GENRE IN ("a")'
        shop.api.create_filter(name=name, datasetGroupArn=shop.group, filterExpression=expression)
    more = {"filterExpression": "EXCLUDE ItemID WHERE Items.PRICE > 3"}
    return refusal(shop.api.create_filter, name="c", datasetGroupArn=shop.group, **more)


def large_event(shop: Everything) -> tuple[str, str]:
    shop.track()
    event = {"eventType": "view", "itemId": "i1", "sentAt": 1}
    given = {"trackingId": shop.tracking_id, "userId": "u", "sessionId": "s", "eventList": [event]}
    shop.events.put_events(**given)
    return refusal(
        shop.events.put_events, **{**given, "eventList": [event, {**event, "properties": '{"a": "bbbbbb"}'}]}
    )


def deletion(shop: Everything) -> tuple[str, str]:
    source = {"dataLocation": shop.put("gone.csv", "USER_ID\nu1\n")}
    given = {"jobName": "x", "datasetGroupArn": shop.group, "dataSource": source, "roleArn": ROLE}
    return failure(shop.api.create_data_deletion_job, **given)


# How each quota is reached when it is set to a number: the number, what reaches it, and what then happens
TRIPS: dict[str, tuple[int, Callable[[Everything], tuple[str, str]], str]] = {
    **{resource_type: (0, partial(one_more, resource_type), LIMIT) for resource_type in COUNTED},
    "full_import_bytes": (100, partial(failed_import, "Interactions", ROWS), FAILED),
    "incremental_import_bytes": (100, partial(failed_import, "Interactions", ROWS, mode="INCREMENTAL"), FAILED),
    **{
        f"{resource_type.lower()}_metadata": (1, partial(refused_schema, resource_type), INVALID)
        for resource_type in ("Interactions", "Actions")
    },
    "items_metadata": (3, partial(refused_schema, "Items"), INVALID),
    "users_metadata": (2, partial(refused_schema, "Users"), INVALID),
    "items_textual": (1, partial(refused_schema, "Items", textual=True), INVALID),
    "event_types_and_columns": (1, partial(failed_import, "Interactions", ROWS), FAILED),
    "id_characters": (4, partial(failed_import, "Items", f"{ITEM}item1,a,b,1\n"), FAILED),
    "categorical_characters": (4, partial(failed_import, "Items", f"{ITEM}i1,a,films,1\n"), FAILED),
    "textual_characters": (4, partial(failed_text, "words"), FAILED),
    "textual_characters_cjk": (4, partial(failed_text, "\u65e5\u672c\u8a9e\u65e5\u672c"), FAILED),
    "fields_of_a_filter": (1, filtered, LIMIT),
    "fields_of_all_filters": (1, filtered_twice, LIMIT),
    "event_bytes": (80, large_event, INVALID),
    "batch_input_bytes": (20, partial(batch, recipe="sims", lines=LINES), FAILED),
    "batch_input_files": (1, partial(batch, recipe="sims", lines=LINES, folder=True), FAILED),
    "batch_lines": (1, partial(batch, recipe="sims", lines=LINES), FAILED),
    "batch_lines_with_themes": (1, partial(batch, recipe="similar-items", lines=LINES, themes=True), FAILED),
    "segment_lines_by_item": (1, partial(batch, recipe="item-affinity", lines=LINES), FAILED),
    "segment_lines_by_attributes": (1, partial(batch, recipe="item-attribute-affinity", lines=LINES), FAILED),
    "deletion_bytes": (5, deletion, "FAILED"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIPS)
def test_each_quota_is_held_and_says_its_number(shop, name):
    number, reach, outcome = TRIPS[name]
    quotas.set(name, number)
    happened, said = reach(shop)
    assert happened == outcome, said
    assert str(number) in said


@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.name)
def test_values_at_the_limit_are_accepted(size):
    assert quotas.excess(size.name, size.number) == []
    assert len(quotas.excess(size.name, size.number + 1)) == 1
    quotas.set(size.name, None)
    assert quotas.excess(size.name, size.number + 1) == []


def test_automatic_trainings_wait_for_the_quota_of_trainings_unless_assumed_otherwise(shop):
    quotas.set("solution_version", 0)
    given = {"datasetGroupArn": shop.group, "recipeArn": f"{RECIPE}user-personalization-v2"}
    arn = shop.api.create_solution(name="auto", **given)["solutionArn"]
    clock.advance(10 * HOUR)
    assert shop.api.list_solution_versions(solutionArn=arn)["solutionVersions"] == []
    quotas.reset()
    clock.advance(HOUR)
    (version,) = shop.api.list_solution_versions(solutionArn=arn)["solutionVersions"]
    assert version["trainingType"] == "AUTOMATIC"
    quotas.set("solution_version", 0)
    assumptions.automatic_training_over_quota = "trains"
    arn = shop.api.create_solution(name="more", **given)["solutionArn"]
    clock.advance(HOUR)
    assert len(shop.api.list_solution_versions(solutionArn=arn)["solutionVersions"]) == 1


def test_one_dataset_group_too_many_is_refused_and_one_less_makes_room(client):
    for number in range(5):
        client.create_dataset_group(name=f"g{number}")
    assert refusal(client.create_dataset_group, name="g5") == (
        "LimitExceededException",
        "Cannot create a dataset group. More than 5 resources in ACTIVE state. Please delete some and try again.",
    )
    clock.advance(60)
    refusal(client.create_dataset_group, name="g5")
    client.delete_dataset_group(datasetGroupArn=f"{PREFIX}dataset-group/g0")
    client.create_dataset_group(name="g5")


def test_failed_resources_do_not_count_as_active(client):
    faults.fail_next("CreateDatasetGroup", reason="x", times=5)
    for number in range(5):
        client.create_dataset_group(name=f"g{number}")
    clock.advance(60)
    client.create_dataset_group(name="g5")


def test_solutions_are_counted_by_dataset_group(client, group):
    client.create_dataset_group(name="other")
    clock.advance(60)
    recipe = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
    for number in range(10):
        client.create_solution(name=f"s{number}", datasetGroupArn=group, recipeArn=recipe)
    code, message = refusal(client.create_solution, name="s10", datasetGroupArn=group, recipeArn=recipe)
    assert (code, "More than 10 resources" in message) == ("LimitExceededException", True)
    client.create_solution(name="s10", datasetGroupArn=f"{PREFIX}dataset-group/other", recipeArn=recipe)


def test_a_sixth_import_waits_for_one_of_five_to_end(client):
    bring_interactions()
    open_shop()

    def start(name):
        client.create_dataset_import_job(jobName=name, datasetArn=DATASET, dataSource={"dataLocation": LOCATION})

    for number in range(5):
        start(f"job{number}")
    with pytest.raises(client.exceptions.LimitExceededException, match="More than 5 resources with PENDING or IN_PROG"):
        start("job5")
    clock.advance(600)
    start("job5")


def test_a_name_that_is_taken_is_said_before_a_quota_that_is_full(client):
    quotas.set("dataset_group", 1)
    client.create_dataset_group(name="a")
    assert refusal(client.create_dataset_group, name="a")[0] == "ResourceAlreadyExistsException"


def test_a_quota_can_be_set_taken_away_and_brought_back(client):
    quotas.set("schema", 0)
    assert refusal(client.create_schema, name="a", schema=json.dumps(SCHEMA))[0] == "LimitExceededException"
    quotas.set("schema", None)
    client.create_schema(name="a", schema=json.dumps(SCHEMA))
    quotas.reset()
    assert quotas.in_force() == GUIDE


@pytest.mark.parametrize(
    ("resource_type", "number"), [("group", 1), ("schema", -1), ("schema", "many"), ("schema", True)]
)
def test_an_invalid_quota_is_refused(resource_type, number):
    with pytest.raises(ValueError, match=resource_type):
        quotas.set(resource_type, number)
    assert quotas.in_force() == GUIDE


def test_quotas_are_set_over_http():
    with Server() as server:
        assert ask(server, "POST", "quotas", {"dataset_group": 100, "schema": None})[0] == 200
        assert ask(server, "GET", "quotas") == (200, {**GUIDE, "dataset_group": 100, "schema": None})
        status, answer = ask(server, "POST", "quotas", {"schema": 7, "nonsense": 1})
        assert (status, "nonsense" in answer["error"]) == (400, True)
        assert quotas.in_force()["schema"] is None
