"""OpenLineage's specification as its Python client has it: classes that are generated from the JSON schemas."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from enum import EnumMeta
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attr
from openlineage.client import generated
from openlineage.client.event_v2 import RunEvent

_BASES = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


@cache
def _facets() -> dict[str, type]:
    """The classes of facets by the URLs of their schemas."""
    modules = [import_module(f"{generated.__name__}.{each.name}") for each in pkgutil.iter_modules(generated.__path__)]
    classes = [each for module in modules for each in vars(module).values() if isinstance(each, type)]
    return {each._get_schema(): each for each in classes if hasattr(each, "_get_schema")}


def wrong_event(event: Any) -> list[str]:
    """List what is wrong with an event, as JSON has it."""
    return [*_wrong(RunEvent, event, "event"), *_wrong_facets(event, "event")]


def wrong_part(made_of: type, part: Any) -> list[str]:
    """List what is wrong with a part of an event."""
    return [*_wrong(made_of, part, made_of.__name__), *_wrong_facets(part, made_of.__name__)]


def _wrong_facets(value: Any, where: str) -> Iterator[str]:
    """Look into the facets, each by the schema that it names; a facet that is not OpenLineage's own has only a base."""
    if isinstance(value, Mapping):
        url = value.get("_schemaURL")
        if url in _facets() and not url.startswith(_BASES):
            yield from _wrong(_facets()[url], value, where)
        for name, each in value.items():
            yield from _wrong_facets(each, f"{where}.{name}")
    elif isinstance(value, list):
        for each in value:
            yield from _wrong_facets(each, where)


def _wrong(its_type: Any, value: Any, where: str) -> Iterator[str]:
    origin, arguments = get_origin(its_type), get_args(its_type)
    if origin in (Union, UnionType):
        found = [list(_wrong(each, value, where)) for each in arguments]
        yield from min(found, key=len) if all(found) else ()
    elif attr.has(its_type):
        yield from _wrong_structure(its_type, value, where)
    elif origin in (list, dict):
        if not isinstance(value, origin):
            yield f"{where} is no {origin.__name__}"
            return
        for each in value.values() if origin is dict else value:
            yield from _wrong(arguments[-1], each, where)
    elif not _is_one(its_type, value):
        yield f"{where} is {value!r}, and no {its_type.__name__}"


def _is_one(its_type: Any, value: Any) -> bool:
    if isinstance(its_type, EnumMeta):
        return value in [each.value for each in its_type]
    return its_type is Any or isinstance(value, (float, int) if its_type is float else its_type)


def _wrong_structure(its_type: type, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{where} is no object"
        return
    fields, hints = attr.fields_dict(its_type), get_type_hints(its_type)
    is_base = its_type._get_schema().startswith(_BASES) if hasattr(its_type, "_get_schema") else False
    if not (is_base and "_schemaURL" in fields):  # a facet of any kind
        yield from (f"{where}.{name} is unknown" for name in value.keys() - fields.keys())
    for name, field in fields.items():
        if name in value:
            yield from _wrong(hints[name], value[name], f"{where}.{name}")
        elif field.default is attr.NOTHING:
            yield f"{where}.{name} is missing"
