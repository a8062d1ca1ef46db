"""Check answers against botocore's model, on the wire and member by member."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import boto3
from shop import KEYS

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


@cache
def watched_api(service: str = "personalize") -> Any:
    """A client for all tests, as in ``shop.api``, that is watched."""
    return watched(boto3.client(service, **KEYS))


def watched(client: Any) -> Any:
    def check(operation_model: Any, response_dict: Any, **_: Any) -> None:
        body = response_dict["body"]
        if response_dict["status_code"] >= 300:
            assert set(json.loads(body)) == {"__type", "message"}
        elif operation_model.output_shape is None:
            assert body == b""
        else:
            hold_to(operation_model.output_shape, json.loads(body), operation_model.name)

    client.meta.events.register(f"before-parse.{client.meta.service_model.service_id.hyphenize()}", check)
    return client
