"""The table, held to botocore's model of the service."""

from __future__ import annotations

import re

import botocore.session
import pytest

from airflow_provider_personalize.resources import RESOURCES, Resource

MODEL = botocore.session.get_session().get_service_model("personalize")
OPERATIONS = set(MODEL.operation_names)

rows = pytest.mark.parametrize("row", RESOURCES.values(), ids=list(RESOURCES))


def output(operation: str):
    return MODEL.operation_model(operation).output_shape.members


def test_every_kind_that_the_service_can_create_has_a_row():
    created = {operation.removeprefix("Create") for operation in OPERATIONS if operation.startswith("Create")}
    assert created == {row.pascal for row in RESOURCES.values()}


@rows
def test_a_row_describes_its_kind(row: Resource):
    described = output(f"Describe{row.pascal}")
    assert list(described) == [row.member]
    assert list(MODEL.operation_model(f"Describe{row.pascal}").input_shape.members) == [row.arn_member]
    assert row.arn_member in described[row.member].members
    assert ("status" in described[row.member].members) == row.has_status
    assert (row.update_member in described[row.member].members) == row.updates


@rows
def test_a_row_lists_its_kind(row: Resource):
    listing = MODEL.operation_model(f"List{row.pascal}s")
    assert set(listing.output_shape.members) == {row.list_member, "nextToken"}
    filters = set(listing.input_shape.members) - {"nextToken", "maxResults"}
    assert filters == ({row.list_filter} if row.list_filter else set())


@rows
def test_the_success_of_a_row_is_a_word_of_the_documentation(row: Resource):
    if not row.has_status:
        return
    text = output(f"Describe{row.pascal}")[row.member].members["status"].documentation
    words = set(re.findall(r"[A-Z]+(?:[ _][A-Z]+)*", re.sub(r"<[^>]+>", " ", text)))
    if not words & {"ACTIVE", "COMPLETED"}:
        pytest.skip("botocore's model does not document this kind's statuses")
    assert row.ready <= words
    spoken = {word.replace("_", " ") for word in words}
    assert {word.replace("_", " ") for word in row.failed} <= spoken


@rows
def test_an_arn_of_a_kind_is_known_and_one_of_another_kind_is_not(row: Resource):
    arns = {
        "dataset": "dataset/shop/INTERACTIONS",
        "solution_version": "solution/shop/0a1b2c3d",
        "event_tracker": "event-tracker/0a1b2c3d",
    }
    prefix = "arn:aws:personalize:eu-west-1:123456789012:"
    own = prefix + arns.get(row.name, f"{row.name.replace('_', '-')}/shop")
    others = [
        prefix + arns.get(other.name, f"{other.name.replace('_', '-')}/shop")
        for other in RESOURCES.values()
        if other is not row
    ]
    assert row.is_arn(own)
    assert not any(row.is_arn(other) for other in others)
