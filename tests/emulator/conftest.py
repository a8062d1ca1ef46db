"""A client whose every answer is held to botocore's model, on the wire and member by member."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api import state_manager
from shop import PREFIX

from airflow_provider_personalize.emulator import assumptions, clock, faults, quotas

TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "double": (int, float),
    "timestamp": float,
    "list": list,
    "map": dict,
    "structure": dict,
}


def hold_to(shape: Any, value: Any, name: str) -> None:
    """Fail on a member that the shape does not have, and on a value of another type."""
    assert isinstance(value, TYPES[shape.type_name]), f"{name} is {value!r}, not a {shape.type_name}"
    if shape.type_name == "structure":
        assert set(value) <= set(shape.members), f"{name} has {set(value) - set(shape.members)}"
        for member, item in value.items():
            hold_to(shape.members[member], item, f"{name}.{member}")
    elif shape.type_name == "list":
        for item in value:
            hold_to(shape.member, item, f"{name}[]")
    elif shape.type_name == "string" and shape.enum:
        assert value in shape.enum


def watched(client: Any) -> Any:
    def look(operation_model: Any, response_dict: Any, **_: Any) -> None:
        body = response_dict["body"]
        if response_dict["status_code"] >= 300:
            assert set(json.loads(body)) == {"__type", "message"}
        elif operation_model.output_shape is None:
            assert body == b""
        else:
            hold_to(operation_model.output_shape, json.loads(body), operation_model.name)

    client.meta.events.register("before-parse.personalize", look)
    return client


@pytest.fixture(autouse=True)
def _as_found():
    yield
    clock.reset()
    assumptions.reset()
    faults.clear()
    quotas.reset()
    for name in state_manager.get_registered_models():
        state_manager.unset_transition(name)


@pytest.fixture
def client():
    """A client of an empty Personalize, in which time stands still."""
    with mock_aws():
        clock.freeze()
        yield watched(boto3.client("personalize", region_name="us-east-1"))


@pytest.fixture
def group(client: Any) -> str:
    client.create_dataset_group(name="shop")
    clock.advance(60)
    return f"{PREFIX}dataset-group/shop"


@pytest.fixture
def solution(client: Any, group: str) -> str:
    """An ACTIVE solution that trains every week, which is the service's default."""
    client.create_solution(
        name="shop", datasetGroupArn=group, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2"
    )
    clock.advance(60)
    return f"{PREFIX}solution/shop"
