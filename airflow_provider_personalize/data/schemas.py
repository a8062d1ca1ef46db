"""
Avro schemas as Amazon Personalize takes them, and the service's rules for them.

https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html; which fields there must be:
https://docs.aws.amazon.com/personalize/latest/dg/custom-datasets-and-schemas.html,
https://docs.aws.amazon.com/personalize/latest/dg/ECOMMERCE-datasets-and-schemas.html and
https://docs.aws.amazon.com/personalize/latest/dg/VIDEO-ON-DEMAND-datasets-and-schemas.html. That all but the first
columns may be null, that too many columns are refused when the schema is created, and that a mark such as
``categorical`` is a boolean, are assumed. Texts that are
neither categorical nor textual are imported and may be filtered by, and are not trained on
(https://docs.aws.amazon.com/personalize/latest/dg/items-datasets.html): notebooks of AWS's samples have such fields in
schemas of interactions and of items.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_provider_personalize.data import limits

Fields = Mapping[str, str]
#: Lists what is wrong if there is more of something, by its name in :data:`limits.LIMITS`, than there may be.
Excess = Callable[[str, int], Iterable[str]]

CATEGORICAL: Final = "categorical"
TEXTUAL: Final = "textual"
_TEXTS: Final = (CATEGORICAL, TEXTUAL)
#: The attributes of a field that are true or, if they are left out, false.
MARKS: Final = (*_TEXTS, "itemName")
_TYPES: Final = {"float", "double", "int", "long", "string", "boolean", "null"}

#: The fields that a schema must have, and their types, by the type of its dataset; they cannot be null.
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
        "ITEMS": {"PRICE": "float", "CATEGORY_L1": CATEGORICAL},
    },
    "VIDEO_ON_DEMAND": {
        "INTERACTIONS": {"EVENT_TYPE": "string"},
        "ITEMS": {"CREATION_TIMESTAMP": "long", "GENRES": CATEGORICAL},
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
            "PRODUCT_DESCRIPTION": TEXTUAL,
            **dict.fromkeys(("CATEGORY_L2", "CATEGORY_L3", "AGE_GROUP", "ADULT", "GENDER"), CATEGORICAL),
        },
    },
    "VIDEO_ON_DEMAND": {
        "USERS": {"SUBSCRIPTION_MODEL": CATEGORICAL},
        "ITEMS": {
            "PRODUCT_DESCRIPTION": TEXTUAL,
            **dict.fromkeys(("PRICE", "DURATION", "AVERAGE_RATING"), "float"),
            **dict.fromkeys(("GENRE_L2", "GENRE_L3", "CONTENT_OWNER", "CONTENT_CLASSIFICATION"), CATEGORICAL),
        },
    },
}
DOMAINS: Final = tuple(_REQUIRED_IN)
DATASET_TYPES: Final = tuple(REQUIRED)
#: The types of datasets that need a field of metadata.
NEED_METADATA: Final = {"ITEMS", "USERS", "ACTIONS"}


@dataclass(frozen=True)
class SchemaField:
    """
    A field of a schema: a column of the data.

    :param name: Its name.
    :param types: Its types, such as ``("null", "string")``; what is no name of a type is there as its ``repr``.
    :param categorical: Whether it is a text of one or more categories.
    :param textual: Whether it is a text in natural language.
    :param item_name: Whether it is the name of an item.
    :param avro: The field as the schema has it.
    """

    name: str
    types: tuple[str, ...]
    categorical: bool = False
    textual: bool = False
    item_name: bool = False
    avro: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, avro: Mapping[str, Any]) -> SchemaField:
        """Read a field that has a name and a type."""
        types = avro["type"] if isinstance(avro["type"], list) else [avro["type"]]
        categorical, textual, item_name = (avro.get(mark) is True for mark in MARKS)
        return cls(str(avro["name"]), tuple(map(_type_name, types)), categorical, textual, item_name, avro)

    @property
    def nullable(self) -> bool:
        """Whether the field may be empty."""
        return "null" in self.types

    @property
    def is_plain_text(self) -> bool:
        """Whether it is a text that is imported and is not trained on."""
        return "string" in self.types and not (self.categorical or self.textual or self.item_name)


def _type_name(its_type: Any) -> str:
    return its_type if isinstance(its_type, str) else repr(its_type)


@dataclass(frozen=True)
class Schema:
    """
    A schema of a dataset.

    :param dataset_type: The type of the datasets that it is for, in upper case, such as ``INTERACTIONS``.
    :param fields: Its fields, in their order.
    :param avro: The Avro record.
    """

    dataset_type: str
    fields: tuple[SchemaField, ...]
    avro: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def by_name(self) -> dict[str, SchemaField]:
        """The fields by their names."""
        return {each.name: each for each in self.fields}


def parse_avro(text: str) -> dict[str, Any]:
    """
    Return the Avro record in a text.

    :raises ValueError: The text is not JSON, or the JSON no Avro record.
    """
    try:
        avro = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"schema is not JSON: {error}") from None
    if not isinstance(avro, dict) or avro.get("type") != "record":
        raise ValueError("schema must be an Avro record")
    return avro


def parse_schema(avro: str | Mapping[str, Any]) -> Schema:
    """
    Return a schema, be it valid or not: :func:`schema_errors` tells that.

    :param avro: The Avro record, or the JSON of one.
    :raises ValueError: It is no Avro record with fields.
    """
    record = parse_avro(avro) if isinstance(avro, str) else avro
    fields = record.get("fields")
    if not isinstance(fields, list) or not all(
        isinstance(each, Mapping) and {"name", "type"} <= set(each) for each in fields
    ):
        raise ValueError("schema.fields must be a list of fields with a name and a type")
    return Schema(_dataset_type(record), tuple(map(SchemaField.of, fields)), record)


def _dataset_type(avro: Mapping[str, Any]) -> str:
    """Return the type of the datasets that a schema is for; the guide's own example writes ActionInteractions."""
    name = str(avro.get("name")).upper()
    return next((each for each in REQUIRED if each.replace("_", "") == name.replace("_", "")), name)


def required_fields(dataset_type: str, domain: str | None = None) -> Fields:
    """Return the fields that a schema must have, with their types, ``categorical`` or ``textual``."""
    return {**_REQUIRED_IN.get(domain or "", {}).get(dataset_type, {}), **REQUIRED.get(dataset_type, {})}


def known_fields(dataset_type: str, domain: str | None = None) -> Fields:
    """Return the fields that have a meaning of their own, required or not, with their types as above."""
    reserved = {**_RESERVED.get(dataset_type, {}), **_RESERVED_IN.get(domain or "", {}).get(dataset_type, {})}
    return {**reserved, **required_fields(dataset_type, domain)}


def schema_errors(schema: Schema, domain: str | None = None, excess: Excess = limits.excess) -> list[str]:
    """
    List what the service finds wrong with a schema, one sentence each.

    :param domain: ``ECOMMERCE`` or ``VIDEO_ON_DEMAND``; None is for a custom dataset group.
    :param excess: Lists what is wrong with too many fields of a sort; the service's own limits where not given.
    """
    found = (*_wrong_name(schema), *_wrong_names(schema.fields), *_wrong_fields(schema, domain, excess))
    return [f"schema.{each}" for each in found]


def _wrong_name(schema: Schema) -> Iterator[str]:
    if schema.dataset_type not in REQUIRED:
        yield (
            f"name is {schema.avro.get('name')!r}: allowed are Interactions, Items, Users, Actions, Action_Interactions"
        )


def _wrong_names(fields: Iterable[SchemaField]) -> Iterator[str]:
    names = [each.name for each in fields]
    for each in fields:
        if not re.fullmatch(r"[A-Za-z0-9_]+", each.name) or not isinstance(each.avro["name"], str):
            yield f"fields.{each.name}: a name has letters, digits and underscores only"
    for name, count in Counter(name.replace("_", "") for name in names).items():
        if count > 1:
            yield f"fields.{name}: names must differ in more than underscores"


def _wrong_fields(schema: Schema, domain: str | None, excess: Excess) -> Iterator[str]:
    """List what is wrong with what is required, with each field, and with their number."""
    known, keys = known_fields(schema.dataset_type, domain), REQUIRED.get(schema.dataset_type, {})
    yield from _missing(schema, required_fields(schema.dataset_type, domain))
    is_metadata = (each.name not in keys and not each.is_plain_text for each in schema.fields)
    if schema.dataset_type in NEED_METADATA and not any(is_metadata):
        yield "fields must have at least one field of metadata: a number, or categorical or textual text"
    for each in schema.fields:
        yield from _wrong_field(each, known.get(each.name))
    yield from excess(f"{schema.dataset_type.lower()}_metadata", sum(each.name not in known for each in schema.fields))
    yield from excess(f"{schema.dataset_type.lower()}_textual", sum(each.textual for each in schema.fields))


def _missing(schema: Schema, required: Fields) -> Iterator[str]:
    fields, keys = schema.by_name, REQUIRED.get(schema.dataset_type, {})
    for name, its_type in required.items():
        where = "" if name in keys else " in this domain"
        if name not in fields:
            yield f"fields.{name} of type {its_type} is required{where}"
        elif name in keys and fields[name].nullable:
            yield f"fields.{name} of type {its_type} is required, and is of type {fields[name].avro['type']!r}"


def _wrong_field(its_field: SchemaField, meant: str | None) -> Iterator[str]:
    types = set(its_field.types)
    if not types - {"null"} or not types <= _TYPES or len(types) < len(its_field.types):
        allowed = ", ".join(sorted(_TYPES))
        yield f"fields.{its_field.name}.type is {its_field.avro['type']!r}: allowed are {allowed}, and unions of them"
    elif meant:
        yield from _wrong_meaning(its_field, meant)
    for mark in (mark for mark in MARKS if not isinstance(its_field.avro.get(mark, False), bool)):
        yield f"fields.{its_field.name}.{mark} is {its_field.avro[mark]!r}: allowed are true and false"


def _wrong_meaning(its_field: SchemaField, meant: str) -> Iterator[str]:
    name, wanted = its_field.name, "string" if meant in _TEXTS else meant
    if set(its_field.types) - {"null"} != {wanted}:
        yield f"fields.{name} must be of type {wanted}, and is of type {its_field.avro['type']!r}"
    elif meant in _TEXTS and its_field.avro.get(meant) is not True:
        yield f'fields.{name} must have "{meant}": true'
    elif meant == "string" and its_field.categorical:
        yield f"fields.{name} cannot be categorical"
