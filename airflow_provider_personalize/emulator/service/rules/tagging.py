"""
Tags of resources.

https://docs.aws.amazon.com/personalize/latest/dg/tagging-resources.html; that a change counts the tags as they will be
is assumed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service.refusals import not_found

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_MOST: Final = 50


def tags_of(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that a request carries."""
    tags = {tag["tagKey"]: tag["tagValue"] for tag in request.get("tags", ())}
    _check(tags)
    return tags


def _check(keys: Collection[str]) -> None:
    if len(keys) > _MOST:
        raise ServiceError("TooManyTagsException", f"tags has {len(keys)} entries: at most {_MOST}")


def _find(backend: Backend, request: Mapping[str, Any]) -> Record:
    arn = request["resourceArn"]
    record = backend.existing(arn)
    if record is None:
        raise not_found("resource", arn)
    if not record.resource_type.taggable:
        raise ServiceError("InvalidInputException", f"resourceArn: a {record.resource_type.title} cannot have tags")
    return record


def list_tags(backend: Backend, request: Mapping[str, Any]) -> Members:
    """List a resource's tags."""
    tags = _find(backend, request).tags
    return {"tags": [{"tagKey": key, "tagValue": value} for key, value in tags.items()]}


def tag(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Add tags to a resource, or change the values of those it has."""
    record = _find(backend, request)
    tags = {**record.tags, **tags_of(request)}
    _check(tags)
    record.tags = tags
    return {}


def untag(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Remove tags from a resource; those it does not have are ignored."""
    record = _find(backend, request)
    if len(request["tagKeys"]) > _MOST:
        raise ServiceError("TooManyTagKeysException", f"tagKeys has {len(request['tagKeys'])} entries: at most {_MOST}")
    record.tags = {key: value for key, value in record.tags.items() if key not in request["tagKeys"]}
    return {}
