"""Coercion: read rendered templates, which may be texts, as the types that a request needs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botocore.model import Shape

_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
# The shapes whose booleans the guide writes as "true" and "false"
# (https://docs.aws.amazon.com/personalize/latest/dg/customizing-solution-config-hpo.html).
_HYPERPARAMETERS: Final = frozenset({"ParameterValue", "CategoricalValue"})
# A text in double quotes; one value of a filter; several of them, separated by commas
_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_VALUE: Final = rf"\s*(?:{_TEXT}|[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*"
_FILTER_VALUES: Final = f"{_VALUE}(?:,{_VALUE})*"


def coerce(shape: Shape | None, value: Any) -> Any:
    """
    Return a rendered template as the type that the request needs.

    A value that cannot be read as that type is returned unchanged, and validation reports it. Members of None are left
    out.

    :param shape: The type, in botocore's model; None where the model does not know the member.
    :param value: What the user gave, after rendering.
    """
    if shape is None:
        return value
    if shape.name == "FilterAttributeValue":
        return _filter_values(value)
    if shape.name in _HYPERPARAMETERS and isinstance(value, bool):
        return str(value).lower()
    if shape.name == "AvroSchema":
        return schema_as_json(value)
    value = parse(shape.type_name, value)
    if shape.name == "DatasetType" and isinstance(value, str):
        return value.upper()  # as descriptions show it
    if shape.type_name == "structure" and isinstance(value, Mapping):
        coerced = {name: coerce(shape.members.get(name), item) for name, item in value.items()}
        return {name: item for name, item in coerced.items() if item is not None}
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {name: coerce(shape.value, item) for name, item in value.items()}
    if shape.type_name == "list" and isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [coerce(shape.member, item) for item in value]  # what a mapped task returned is a lazy sequence
    return value


def schema_as_json(value: Any) -> Any:
    """Write a schema that is given as a structure as JSON, which is what the API takes."""
    schema = parse("structure", value)
    if not isinstance(schema, Mapping):
        return parse("string", value)
    try:
        return json.dumps(with_version_as_text(schema), ensure_ascii=False)
    except (TypeError, ValueError):
        return value


def with_version_as_text(schema: Any) -> Any:
    """Return a schema whose version is a text, as the guide has it: native rendering makes a number of ``"1.0"``."""
    if not isinstance(schema, Mapping) or not isinstance(schema.get("version"), (int, float)):
        return schema
    return {**schema, "version": str(schema["version"])}


def _filter_values(value: Any) -> Any:
    """
    Write the values of a filter's placeholder as the guide does: texts in quotes, separated by commas.

    With ``render_template_as_native_obj`` they come without quotes, or as a tuple
    (https://docs.aws.amazon.com/personalize/latest/dg/filter-real-time.html). None from a template is returned
    unchanged, and validation reports it.
    """
    if isinstance(value, str):
        if re.fullmatch(_FILTER_VALUES, value):
            return value
        if not value or parse("string", value) is None:
            return parse("string", value)
        listed = _literal(value) if value.lstrip().startswith(("[", "(")) else value
        return _quoted(value) if isinstance(listed, str) else _filter_values(listed)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        items = list(value)
        if items and all(parse("string", item) is not None for item in items):
            return ",".join(map(str, map(_quoted, items)))
    return _quoted(value)


def _quoted(value: Any) -> Any:
    if isinstance(value, (bool, str)):
        text = str(value)
        return text if re.fullmatch(_TEXT, text) else json.dumps(text, ensure_ascii=False)
    return parse("string", value)


def parse(type_name: str, value: Any) -> Any:
    """
    Return one value as a type of the API.

    Without ``render_template_as_native_obj`` every template renders to a text: ``"True"`` for a boolean, ``"0.5"``
    for a number, ``"{'a': 1}"`` for a structure, ``"None"`` for None. With it, a text that looks like a number or a
    boolean renders to that; where the API takes a text, it becomes a text again.

    :param type_name: The type, as botocore names it: ``string``, ``boolean``, ``structure``, ``list`` and so on.
    :param value: The value. One that cannot be read as the type is returned unchanged.
    """
    if type_name == "string" and isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        return value
    if value.strip() == "None":
        return None
    if type_name == "boolean":
        return _BOOLEANS.get(value.strip().lower(), value)
    return value if type_name == "string" else _literal(value)


def _literal(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # the last two: thousands of brackets
            continue
    return text
