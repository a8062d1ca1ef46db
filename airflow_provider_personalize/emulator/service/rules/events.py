"""
Events, items, users and actions that come in real time.

https://docs.aws.amazon.com/personalize/latest/dg/recording-events.html and
https://docs.aws.amazon.com/personalize/latest/dg/importing-individual-records.html. Properties are
written in camel case and belong to the column of that name: two columns cannot differ in underscores only, so these are
ignored. That case is ignored, too, and that a value which is not of its column's type is refused, is assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.utils import parse_timestamp

from airflow_provider_personalize.data import values
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service.refusals import in_use, not_found
from airflow_provider_personalize.emulator.service.rules import rows
from airflow_provider_personalize.emulator.service.rules.training_data import fields_in, types_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

# The members of what comes, by their columns
_EVENT: Final = {
    "ITEM_ID": "itemId",
    "EVENT_TYPE": "eventType",
    "EVENT_VALUE": "eventValue",
    "TIMESTAMP": "sentAt",
    "RECOMMENDATION_ID": "recommendationId",
}
_ACTION_EVENT: Final = {
    "ACTION_ID": "actionId",
    "USER_ID": "userId",
    "EVENT_TYPE": "eventType",
    "TIMESTAMP": "timestamp",
    "RECOMMENDATION_ID": "recommendationId",
}
# The list in a request to put rows, and their id, by the type of the dataset
_ROWS: Final = {"ITEMS": ("items", "itemId"), "USERS": ("users", "userId"), "ACTIONS": ("actions", "actionId")}


def put_events(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Add interactions with items. Those of a visitor without a user are kept, but not used in training."""
    for place, event in enumerate(request["eventList"]):
        for excess in state.quotas.excess("event_bytes", len(json.dumps(event)), f"eventList[{place}]"):
            raise ServiceError("InvalidInputException", excess)
    dataset = _tracked(backend, request["trackingId"], "INTERACTIONS")
    user, events = {"USER_ID": request.get("userId")}, request["eventList"]
    _take_events(dataset, events, [{**_row(backend, dataset, event, _EVENT), **user} for event in events])
    return {}


def put_action_interactions(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Add interactions with actions."""
    dataset = _tracked(backend, request["trackingId"], "ACTION_INTERACTIONS")
    events = request["actionInteractions"]
    _take_events(dataset, events, [_row(backend, dataset, event, _ACTION_EVENT) for event in events])
    return {}


def put_rows(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Add items, users or actions."""
    dataset = backend.existing(request["datasetArn"])
    if dataset is None:
        raise not_found("dataset", request["datasetArn"])
    _check_usable(dataset)
    member, key = _ROWS.get(dataset.members["datasetType"], ("", ""))
    if member not in request:
        raise ServiceError("InvalidInputException", f"datasetArn is a dataset of {dataset.members['datasetType']}")
    columns = {key.replace("Id", "_ID").upper(): key}
    _take(dataset, request[member], [_row(backend, dataset, each, columns) for each in request[member]])
    return {}


def _take_events(dataset: Record, sent: list[Any], made: list[dict[str, Any]]) -> None:
    rows.put_events(dataset, sent, made)
    state.bill.put(dataset, len(json.dumps(sent)))


def _take(dataset: Record, sent: list[Any], made: list[dict[str, Any]]) -> None:
    rows.put(dataset, made)
    state.bill.put(dataset, len(json.dumps(sent)))


def _tracked(backend: Backend, tracking_id: str, dataset_type: str) -> Record:
    trackers = backend.all_of("event_tracker")
    tracker = next((each for each in trackers if each.members["trackingId"] == tracking_id), None)
    if tracker is None:
        raise not_found("event tracker", tracking_id)
    if state.assumptions.events_before_active == "refused" or tracker.status not in tracker.resource_type.in_progress:
        _check_usable(tracker)
    dataset = rows.dataset_of(backend, tracker.members["datasetGroupArn"], dataset_type)
    if dataset is None:
        raise not_found(f"dataset of {dataset_type}", tracker.members["datasetGroupArn"])
    _check_usable(dataset)
    return dataset


def _check_usable(record: Record) -> None:
    if not record.usable:
        raise in_use(
            f"The {record.resource_type.title} {record.arn} is {record.status}, not {record.resource_type.success}"
        )


def _row(backend: Backend, dataset: Record, event: Mapping[str, Any], members: Mapping[str, str]) -> dict[str, Any]:
    row = _properties(event, fields_in(backend, dataset), members)
    row |= {column: event[member] for column, member in members.items() if member in event}
    if "TIMESTAMP" in row:
        row["TIMESTAMP"] = _seconds(row["TIMESTAMP"])
    if source := event.get("metricAttribution", {}).get("eventAttributionSource"):
        row["EVENT_ATTRIBUTION_SOURCE"] = source
    return {**row, "IMPRESSION": "|".join(event["impression"])} if event.get("impression") else row


def _properties(event: Mapping[str, Any], fields: list[dict[str, Any]], members: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the properties by their columns.

    A property may repeat a member, as in ``{"itemId": "movie1"}``
    (https://docs.aws.amazon.com/cli/latest/reference/personalize-events/put-events.html); the member counts.
    """
    types = {column: ["string"] for column in members} | {field["name"]: types_of(field) for field in fields}
    columns = {_same_for_all(name): name for name in types}
    names: dict[str, str] = {}
    row = {}
    for name, value in _parsed(event).items():
        column = name if name in types else columns.get(_same_for_all(name))
        if column is None:
            _refuse_unknown(name, [field["name"] for field in fields])
        elif column in names:
            raise _wrong(f"{names[column]} and {name} are both {column}")
        else:
            names[column] = name
            row[column] = _value(name, value, types[column])
    return row


def _same_for_all(name: str) -> str:
    """Return what all ways to write a column's name have in common: schemas have no two that differ in this only."""
    return name.replace("_", "").upper()


def _refuse_unknown(name: str, columns: list[str]) -> None:
    if state.assumptions.unknown_properties == "refused":
        raise _wrong(f"the schema has no field for {name!r}; it has {', '.join(columns)}")


def _value(name: str, value: Any, types: list[str]) -> Any:
    """Read a value: the guide writes numbers as texts, too, as in ``{"numberOfVideosWatched": "45"}``."""
    if value is None:
        return None
    text = value if isinstance(value, str) else _written(value)
    try:
        return values.reader(types)(text)
    except ValueError:
        raise _wrong(f"{name} is {value!r}: the schema has {' or '.join(types)}") from None


def _written(value: Any) -> str:
    """Write a value as CSVs have it; several are joined by ``|``."""
    if isinstance(value, list):
        return "|".join(each if isinstance(each, str) else _written(each) for each in value)
    return json.dumps(value)


def _wrong(reason: str) -> ServiceError:
    return ServiceError("InvalidInputException", f"properties: {reason}")


def _parsed(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        properties = json.loads(event.get("properties") or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        properties = None
    if not isinstance(properties, dict):
        raise ServiceError("InvalidInputException", "Error parsing properties json")
    return properties


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _seconds(moment: object) -> int:
    return int(moment.timestamp() if isinstance(moment, datetime) else parse_timestamp(moment).timestamp())
