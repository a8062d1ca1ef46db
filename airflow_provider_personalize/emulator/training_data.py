"""
The service's rules for schemas and datasets.

https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.rows import Rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.models import PersonalizeBackend
    from airflow_provider_personalize.emulator.records import Members, Record

# The fields that a schema must have, and their types, by the type of its dataset. Those of action interactions are from
# general knowledge.
REQUIRED: Final[Mapping[str, Mapping[str, str]]] = {
    "INTERACTIONS": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    "ITEMS": {"ITEM_ID": "string"},
    "USERS": {"USER_ID": "string"},
    "ACTIONS": {"ACTION_ID": "string"},
    "ACTION_INTERACTIONS": {"USER_ID": "string", "ACTION_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
}
_NEEDS_METADATA: Final = {"ITEMS", "USERS"}
_TYPES: Final = {"float", "double", "int", "long", "string", "boolean", "null"}
_RESERVED: Final = {"EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"}
_UPDATABLE: Final = ("ITEMS", "USERS")
_MARKS: Final = ("categorical", "textual", "itemName")


def types_of(field: Mapping[str, Any]) -> list[Any]:
    """Return the types that a field may have: more than one if it is a union."""
    return field["type"] if isinstance(field["type"], list) else [field["type"]]


def fields_of(schema: str) -> list[dict[str, Any]]:
    """Return the fields of a schema that was accepted."""
    fields: list[dict[str, Any]] = json.loads(schema)["fields"]
    return fields


def schema_faults(backend: PersonalizeBackend, request: Mapping[str, Any]) -> list[str]:  # noqa: ARG001 - like the rules
    """List what is wrong with an Avro record."""
    avro = json.loads(request["schema"])
    fields = avro.get("fields")
    if not isinstance(fields, list) or not all(
        isinstance(field, dict) and {"name", "type"} <= set(field) for field in fields
    ):
        return ["schema.fields must be a list of fields with a name and a type"]
    return [f"schema.{fault}" for fault in (*_wrong_name(avro), *_wrong_names(fields), *_wrong_fields(avro, fields))]


def _type_of(avro: Mapping[str, Any]) -> str:
    """Tell the type that a schema is for: the guide's own example is named ActionInteractions, without underscore."""
    name = str(avro.get("name")).upper().replace("_", "")
    return next((kind for kind in REQUIRED if kind.replace("_", "") == name), name)


def _wrong_name(avro: Mapping[str, Any]) -> Iterator[str]:
    if _type_of(avro) not in REQUIRED:
        yield f"name is {avro.get('name')!r}: allowed are Interactions, Items, Users, Actions, Action_Interactions"


def _wrong_names(fields: list[dict[str, Any]]) -> Iterator[str]:
    for name in (str(field["name"]) for field in fields):
        if not re.fullmatch(r"[A-Za-z0-9_]+", name):
            yield f"fields.{name}: a name has letters, digits and underscores only"
    for name, count in Counter(str(field["name"]).replace("_", "") for field in fields).items():
        if count > 1:
            yield f"fields.{name}: names must differ in more than underscores"


def _wrong_fields(avro: Mapping[str, Any], fields: list[dict[str, Any]]) -> Iterator[str]:
    required = REQUIRED.get(_type_of(avro), {})
    given = {field["name"]: types_of(field) for field in fields if isinstance(field["name"], str)}
    for name, its_type in required.items():
        if given.get(name) != [its_type]:
            yield f"fields.{name} of type {its_type} is required"
    if _type_of(avro) in _NEEDS_METADATA and not set(given) - set(required):
        yield "fields must have at least one field of metadata"
    for field in fields:
        yield from _wrong_field(field, {*required, *_RESERVED})


def _wrong_field(field: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    name, types = field["name"], types_of(field)
    if not types or not all(isinstance(each, str) and each in _TYPES for each in types):
        yield f"fields.{name}.type is {field['type']!r}: allowed are {', '.join(sorted(_TYPES))}, and unions of them"
    elif "string" in types and name not in known and not any(field.get(mark) is True for mark in _MARKS):
        yield f'fields.{name} is text: it must have "categorical": true or, for items, "textual": true'
    elif name == "CREATION_TIMESTAMP" and "long" not in types:
        yield "fields.CREATION_TIMESTAMP must be of type long"


def complete_dataset(backend: PersonalizeBackend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Write the type as the service shows it, in upper case."""
    return {**request, "datasetType": str(request["datasetType"]).upper()}


def dataset_path(backend: PersonalizeBackend, request: Mapping[str, Any]) -> str:  # noqa: ARG001
    """Return the path in a dataset's ARN: its group and its type, so that there is one of each type; not its name."""
    group = str(request.get("datasetGroupArn")).rpartition("/")[2]
    return f"{group}/{str(request.get('datasetType')).upper()}"


def open_dataset(backend: PersonalizeBackend, dataset: Record) -> None:  # noqa: ARG001 - called like the others
    """Make room for a dataset's rows."""
    dataset.holds = Rows(DatasetData(dataset.members["datasetType"]))


def dataset_faults(backend: PersonalizeBackend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between a dataset, its schema and its group."""
    group = backend.records[request["datasetGroupArn"]].members
    yield from _misfits(backend.records[request["schemaArn"]].members, request["datasetType"].upper(), group)


def _misfits(schema: Mapping[str, Any], wanted: str, group: Mapping[str, Any]) -> Iterator[str]:
    has = _type_of(json.loads(schema["schema"]))
    if wanted != has:
        yield f"datasetType is {wanted}: schemaArn is a schema for {has}"
    domains = (schema.get("domain"), group.get("domain"))
    if domains[0] != domains[1] and assumptions.domain_mismatch == "refused":
        yield "schemaArn has the domain {}, datasetGroupArn has {}: they must be the same".format(*domains)


def update_faults(backend: PersonalizeBackend, dataset: Record, request: Mapping[str, Any]) -> Iterator[str]:
    """
    List what keeps a dataset from getting another schema.

    https://docs.aws.amazon.com/personalize/latest/dg/updating-dataset-schema.html
    """
    members = dataset.current()
    new = backend.records[request["schemaArn"]].members
    if members["datasetType"] not in _UPDATABLE:
        yield f"datasetArn is a dataset of {members['datasetType']}: only {' and '.join(_UPDATABLE)} can be updated"
        return
    yield from _misfits(new, members["datasetType"], backend.records[members["datasetGroupArn"]].members)
    yield from _changed(backend.records[members["schemaArn"]].members["schema"], new["schema"])


def _changed(old_schema: str, new_schema: str) -> Iterator[str]:
    old, new = ({field["name"]: field for field in fields_of(schema)} for schema in (old_schema, new_schema))
    for name in old:
        if new.get(name) != old[name]:
            yield f"schemaArn: the field {name} must stay as it is in the dataset's schema"
    for name in set(new) - set(old):
        if "null" not in types_of(new[name]):
            yield f"schemaArn: the new field {name} must accept null"


def apply(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Make what the dataset shows once the update is ACTIVE."""
    return {**members, **update}
