"""
The service's rules for schemas and datasets.

https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html; which fields there must be:
https://docs.aws.amazon.com/personalize/latest/dg/custom-datasets-and-schemas.html,
https://docs.aws.amazon.com/personalize/latest/dg/ECOMMERCE-datasets-and-schemas.html and
https://docs.aws.amazon.com/personalize/latest/dg/VIDEO-ON-DEMAND-datasets-and-schemas.html. That all but the first
columns may be null, and that too many columns are refused when the schema is created, are assumed. Texts that are
neither categorical nor textual are imported and may be filtered by, and are not trained on
(https://docs.aws.amazon.com/personalize/latest/dg/items-datasets.html): notebooks of AWS's samples have such fields in
schemas of interactions and of items.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.service.rules.rows import Rows, dataset_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

Fields = Mapping[str, str]
_WORDS: Final = {"categorical": "string", "textual": "string"}
_CATEGORICAL: Final = "categorical"
_TEXTUAL: Final = "textual"

# The fields that a schema must have, and their types, by the type of its dataset
REQUIRED: Final[Mapping[str, Fields]] = {
    "INTERACTIONS": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
    "ITEMS": {"ITEM_ID": "string"},
    "USERS": {"USER_ID": "string"},
    "ACTIONS": {"ACTION_ID": "string"},
    "ACTION_INTERACTIONS": {"USER_ID": "string", "ACTION_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
}
_REQUIRED_IN: Final[Mapping[str, Mapping[str, Fields]]] = {
    "ECOMMERCE": {
        "INTERACTIONS": {"EVENT_TYPE": "string"},
        "ITEMS": {"PRICE": "float", "CATEGORY_L1": _CATEGORICAL},
    },
    "VIDEO_ON_DEMAND": {
        "INTERACTIONS": {"EVENT_TYPE": "string"},
        "ITEMS": {"CREATION_TIMESTAMP": "long", "GENRES": _CATEGORICAL},
    },
}
# The fields that have a meaning, and so a type, of their own; texts that are neither categorical nor textual
_RESERVED: Final[Mapping[str, Fields]] = {
    "INTERACTIONS": {
        "EVENT_TYPE": "string",
        "EVENT_VALUE": "float",
        **dict.fromkeys(("IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"), "string"),
    },
    "ITEMS": {"CREATION_TIMESTAMP": "long"},
    "ACTIONS": {
        "TYPE": "string",
        **dict.fromkeys(("CREATION_TIMESTAMP", "VALUE", "EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY"), "long"),
    },
    "ACTION_INTERACTIONS": {"IMPRESSION": "string", "RECOMMENDATION_ID": "string"},
}
_RESERVED_IN: Final[Mapping[str, Mapping[str, Fields]]] = {
    "ECOMMERCE": {
        "ITEMS": {
            "PRODUCT_DESCRIPTION": _TEXTUAL,
            **dict.fromkeys(("CATEGORY_L2", "CATEGORY_L3", "AGE_GROUP", "ADULT", "GENDER"), _CATEGORICAL),
        },
    },
    "VIDEO_ON_DEMAND": {
        "USERS": {"SUBSCRIPTION_MODEL": _CATEGORICAL},
        "ITEMS": {
            "PRODUCT_DESCRIPTION": _TEXTUAL,
            **dict.fromkeys(("PRICE", "DURATION", "AVERAGE_RATING"), "float"),
            **dict.fromkeys(("GENRE_L2", "GENRE_L3", "CONTENT_OWNER", "CONTENT_CLASSIFICATION"), _CATEGORICAL),
        },
    },
}
_OF_ACTIONS: Final = ("ACTIONS", "ACTION_INTERACTIONS")
_NEEDS_METADATA: Final = {"ITEMS", "USERS", "ACTIONS"}
_TYPES: Final = {"float", "double", "int", "long", "string", "boolean", "null"}
_UPDATABLE: Final = ("ITEMS", "USERS")
_MARKS: Final = (_CATEGORICAL, _TEXTUAL, "itemName")


def types_of(field: Mapping[str, Any]) -> list[Any]:
    """Return the types that a field may have: more than one if it is a union."""
    return field["type"] if isinstance(field["type"], list) else [field["type"]]


def fields_of(schema: str) -> list[dict[str, Any]]:
    """Return the fields of a schema that was accepted."""
    fields: list[dict[str, Any]] = json.loads(schema)["fields"]
    return fields


def fields_in(backend: Backend, dataset: Record) -> list[dict[str, Any]]:
    """Return the fields that a dataset has now."""
    return fields_of(backend.records[dataset.current()["schemaArn"]].members["schema"])


def columns_of(backend: Backend, group_arn: str, dataset_type: str) -> dict[str, dict[str, Any]]:
    """Return the fields of a group's dataset of a type by their names; none if there is no such dataset."""
    dataset = dataset_of(backend, group_arn, dataset_type)
    return {field["name"]: field for field in fields_in(backend, dataset)} if dataset else {}


def schema_errors(backend: Backend, request: Mapping[str, Any]) -> list[str]:  # noqa: ARG001 - like the rules
    """List what is wrong with an Avro record."""
    avro = json.loads(request["schema"])
    fields = avro.get("fields")
    if not isinstance(fields, list) or not all(
        isinstance(field, dict) and {"name", "type"} <= set(field) for field in fields
    ):
        return ["schema.fields must be a list of fields with a name and a type"]
    own = _Rules(_type_of(avro), request.get("domain", ""))
    return [f"schema.{fault}" for fault in (*_wrong_name(avro), *_wrong_names(fields), *own.wrong_fields(fields))]


def _type_of(avro: Mapping[str, Any]) -> str:
    """Return the type of the datasets that a schema is for; the guide's own example writes ActionInteractions."""
    name = str(avro.get("name")).upper()
    return next((each for each in REQUIRED if each.replace("_", "") == name.replace("_", "")), name)


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


class _Rules:
    """What is required of the fields of a dataset of some type in some domain."""

    def __init__(self, dataset_type: str, domain: str) -> None:
        self._type = dataset_type
        self._keys = REQUIRED.get(dataset_type, {})
        self._required = _REQUIRED_IN.get(domain, {}).get(dataset_type, {})
        reserved = {**_RESERVED.get(dataset_type, {}), **_RESERVED_IN.get(domain, {}).get(dataset_type, {})}
        self._meant = {**reserved, **self._required, **self._keys}

    def wrong_fields(self, fields: list[dict[str, Any]]) -> Iterator[str]:
        """List what is wrong with the fields."""
        types = {field["name"]: types_of(field) for field in fields if isinstance(field["name"], str)}
        for name, its_type in self._keys.items():
            if types.get(name) != [its_type]:
                yield f"fields.{name} of type {its_type} is required"
        for name, its_type in self._required.items():
            if name not in types:
                yield f"fields.{name} of type {its_type} is required in this domain"
        if self._type in _NEEDS_METADATA and not any(map(self._is_metadata, fields)):
            yield "fields must have at least one field of metadata: a number, or categorical or textual text"
        for field in fields:
            yield from self._wrong_field(field)
        yield from self._too_many(fields)

    def _wrong_field(self, field: dict[str, Any]) -> Iterator[str]:
        name, types = field["name"], types_of(field)
        if not types or not all(isinstance(each, str) and each in _TYPES for each in types):
            allowed = ", ".join(sorted(_TYPES))
            yield f"fields.{name}.type is {field['type']!r}: allowed are {allowed}, and unions of them"
        elif name in self._meant:
            yield from _wrong_meaning(field, self._meant[name])

    def _is_metadata(self, field: dict[str, Any]) -> bool:
        is_plain_text = "string" in types_of(field) and not any(field.get(mark) is True for mark in _MARKS)
        return field["name"] not in self._keys and not is_plain_text

    def _too_many(self, fields: list[dict[str, Any]]) -> Iterator[str]:
        metadata = [field for field in fields if field["name"] not in self._meant]
        textual = [field for field in fields if field.get(_TEXTUAL) is True]
        yield from state.quotas.excess(f"{self._type.lower()}_metadata", len(metadata))
        yield from state.quotas.excess(f"{self._type.lower()}_textual", len(textual))


def _wrong_meaning(field: dict[str, Any], meant: str) -> Iterator[str]:
    name = field["name"]
    if set(types_of(field)) - {"null"} != {_WORDS.get(meant, meant)}:
        yield f"fields.{name} must be of type {_WORDS.get(meant, meant)}"
    elif meant in _WORDS and field.get(meant) is not True:
        yield f'fields.{name} must have "{meant}": true'
    elif meant == "string" and field.get(_CATEGORICAL) is True:
        yield f"fields.{name} cannot be categorical"


def complete_dataset(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Write the type as the service shows it, in upper case."""
    return {**request, "datasetType": str(request["datasetType"]).upper()}


def dataset_path(backend: Backend, request: Mapping[str, Any]) -> str:  # noqa: ARG001
    """Return the path in a dataset's ARN: its group and its type, so that there is one of each type; not its name."""
    group = str(request.get("datasetGroupArn")).rpartition("/")[2]
    return f"{group}/{str(request.get('datasetType')).upper()}"


def open_dataset(backend: Backend, dataset: Record) -> None:  # noqa: ARG001 - called like the others
    """Create an empty dataset."""
    dataset.holds = Rows(DatasetData(dataset.members["datasetType"]))


def dataset_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what does not fit between a dataset, its schema and its group."""
    group = backend.records[request["datasetGroupArn"]].members
    wanted = request["datasetType"].upper()
    yield from _misfits(backend.records[request["schemaArn"]].members, wanted, group)
    if wanted in _OF_ACTIONS and "domain" in group:
        yield f"datasetType is {wanted}: a dataset group with a domain has no datasets of actions"


def _misfits(schema: Mapping[str, Any], wanted: str, group: Mapping[str, Any]) -> Iterator[str]:
    has = _type_of(json.loads(schema["schema"]))
    if wanted != has:
        yield f"datasetType is {wanted}: schemaArn is a schema for {has}"
    domains = (schema.get("domain"), group.get("domain"))
    if domains[0] != domains[1] and state.assumptions.domain_mismatch == "refused":
        yield "schemaArn has the domain {}, datasetGroupArn has {}: they must be the same".format(*domains)


def update_errors(backend: Backend, dataset: Record, request: Mapping[str, Any]) -> Iterator[str]:
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
    """Return what the dataset shows once the update is ACTIVE."""
    return {**members, **update}
