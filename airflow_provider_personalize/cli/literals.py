"""
What is wrong with the parameters of a task, as far as they are known before it runs.

The task's own checks are asked. What is not known yet, a template or what another task returns, is left out or stands
as a value that no check understands; only what is wrong in each of these readings is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from os import PathLike
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.coercion import parse

if TYPE_CHECKING:
    from airflow_provider_personalize.task import PersonalizeTask

_TEMPLATE: Final = ("{{", "{%", "{#")
#: The types of what is known as it stands, besides texts and structures.
LITERAL: Final = (bool, int, float, bytes, date, timedelta, PathLike, type(None))
#: How a value reads in a message that is not known yet.
MARK: Final = "<known once the task runs>"


class _Unknown:
    """A value that is not known yet."""

    def __repr__(self) -> str:
        return MARK


UNKNOWN: Final = _Unknown()


def marked(value: Any) -> Any:
    """Return a parameter with ``UNKNOWN`` for all in it that is no literal."""
    if isinstance(value, str):
        return UNKNOWN if is_template(value) else value
    if isinstance(value, Mapping):
        return {name: marked(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [marked(item) for item in value]
    return value if isinstance(value, LITERAL) else UNKNOWN


def literal_errors(task: PersonalizeTask) -> list[str]:
    """List what is wrong with the parameters of a task whatever the rest will be, one sentence each."""
    fields = {field: marked(getattr(task, field)) for field in task.template_fields}
    first, *others = (list(dict.fromkeys(_errors(task, values))) for values in _readings(fields))
    return [error for error in first if MARK not in error and all(error in other for other in others)]


def _readings(fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Iterate over what the fields may come to: as they are marked first."""
    open_fields = [field for field, value in fields.items() if is_open(value)]
    kept, left_out = dict.fromkeys(open_fields, UNKNOWN), dict.fromkeys(open_fields)
    choices: list[dict[str, Any]] = [kept]
    if open_fields:
        choices.append(left_out)
    for field in open_fields:
        choices += [{**left_out, field: UNKNOWN}, {**kept, field: True}, {**kept, field: False}]
    for choice in choices:
        yield {field: _read(value, choice.get(field)) for field, value in fields.items()}


def is_template(value: Any) -> bool:
    """Return whether a value is a text that Airflow renders."""
    return isinstance(value, str) and any(each in value for each in _TEMPLATE)


def is_open(value: Any) -> bool:
    """Return whether something in a marked value is not known."""
    if isinstance(value, Mapping):
        return any(map(is_open, value.values()))
    return any(map(is_open, value)) if isinstance(value, list) else value is UNKNOWN


def _read(value: Any, choice: Any) -> Any:
    """Return a marked value with a choice in the place of what is not known."""
    inside = UNKNOWN if choice is None else choice
    if isinstance(value, Mapping):
        return {name: _read(item, inside) for name, item in value.items()}
    if isinstance(value, list):
        return [_read(item, inside) for item in value]
    return choice if value is UNKNOWN else value


def _errors(task: PersonalizeTask, values: Mapping[str, Any]) -> Iterator[str]:
    copy = task.prepare_for_execution()
    for field, value in values.items():
        setattr(copy, field, value)
    region = parse("string", copy.region_name)
    copy.hook = copy.service_hook = _offline(copy.service, region if isinstance(region, str) else None)
    try:
        yield from copy.parameter_errors()
        copy.hook_parameters.check_config()
    except Exception as error:  # noqa: BLE001 - whatever it is, the task would fail with it
        yield str(error)


@cache
def _offline(service: str, region: str | None) -> Any:
    """Return as much of a hook as checks need: botocore's model of the API, and the region."""
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    # not by a session: that reads the user's AWS settings
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    return SimpleNamespace(conn=SimpleNamespace(meta=SimpleNamespace(service_model=model, region_name=region)))
