"""The table, held to botocore's model of the service."""

from __future__ import annotations

import re

import botocore.session
import pytest

from airflow_provider_personalize.resources import RESOURCE_TYPES, ResourceType

MODEL = botocore.session.get_session().get_service_model("personalize")
OPERATIONS = set(MODEL.operation_names)

rows = pytest.mark.parametrize("resource_type", RESOURCE_TYPES.values(), ids=list(RESOURCE_TYPES))


def output(operation: str):
    return MODEL.operation_model(operation).output_shape.members


def test_every_resource_type_that_the_service_can_create_is_in_the_table():
    created = {operation.removeprefix("Create") for operation in OPERATIONS if operation.startswith("Create")}
    assert created == {resource_type.pascal for resource_type in RESOURCE_TYPES.values()}


@rows
def test_the_table_describes_each_resource_type(resource_type: ResourceType):
    described = output(f"Describe{resource_type.pascal}")
    assert list(described) == [resource_type.member]
    assert list(MODEL.operation_model(f"Describe{resource_type.pascal}").input_shape.members) == [
        resource_type.arn_member
    ]
    assert resource_type.arn_member in described[resource_type.member].members
    assert ("status" in described[resource_type.member].members) == resource_type.has_status
    assert (resource_type.update_member in described[resource_type.member].members) == resource_type.updates


@rows
def test_the_table_lists_each_resource_type(resource_type: ResourceType):
    listing = MODEL.operation_model(f"List{resource_type.pascal}s")
    assert set(listing.output_shape.members) == {resource_type.list_member, "nextToken"}
    filters = set(listing.input_shape.members) - {"nextToken", "maxResults"}
    assert filters == ({resource_type.list_filter} if resource_type.list_filter else set())


@rows
def test_each_success_status_in_the_table_is_documented(resource_type: ResourceType):
    if not resource_type.has_status:
        return
    text = output(f"Describe{resource_type.pascal}")[resource_type.member].members["status"].documentation
    words = set(re.findall(r"[A-Z]+(?:[ _][A-Z]+)*", re.sub(r"<[^>]+>", " ", text)))
    if not words & {"ACTIVE", "COMPLETED"}:
        pytest.skip("botocore's model does not document this kind's statuses")
    assert resource_type.ready <= words
    spoken = {word.replace("_", " ") for word in words}
    assert {word.replace("_", " ") for word in resource_type.failed} <= spoken


@rows
def test_an_arn_of_a_resource_type_is_recognised_and_another_is_not(resource_type: ResourceType):
    arns = {
        "dataset": "dataset/shop/INTERACTIONS",
        "solution_version": "solution/shop/0a1b2c3d",
        "event_tracker": "event-tracker/0a1b2c3d",
    }
    prefix = "arn:aws:personalize:eu-west-1:123456789012:"
    own = prefix + arns.get(resource_type.name, f"{resource_type.name.replace('_', '-')}/shop")
    others = [
        prefix + arns.get(other.name, f"{other.name.replace('_', '-')}/shop")
        for other in RESOURCE_TYPES.values()
        if other is not resource_type
    ]
    assert resource_type.is_arn(own)
    assert not any(resource_type.is_arn(other) for other in others)


def test_a_fact_that_no_resource_type_has_is_refused():
    with pytest.raises(TypeError, match="has no redy"):
        ResourceType("solution", redy=frozenset())
