"""
Events, items, users and actions that come in real time.

https://docs.aws.amazon.com/personalize/latest/dg/recording-events.html and
https://docs.aws.amazon.com/personalize/latest/dg/importing-individual-records.html. Properties are
written in camel case and belong to the column of that name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.utils import parse_timestamp
from moto.core.utils import camelcase_to_underscores

from airflow_provider_personalize.emulator import bill
from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.errors import Refused, in_use, not_found
from airflow_provider_personalize.emulator.quotas import quotas
from airflow_provider_personalize.emulator.rules import rows
from airflow_provider_personalize.emulator.rules.training_data import fields_in

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.backend import Backend
    from airflow_provider_personalize.emulator.records import Members, Record

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
    """Take interactions with items. Those of a visitor without a user are kept, and not trained on."""
    for place, event in enumerate(request["eventList"]):
        for excess in quotas.excess("event_bytes", len(json.dumps(event)), f"eventList[{place}]"):
            raise Refused("InvalidInputException", excess)
    dataset = _tracked(backend, request["trackingId"], "INTERACTIONS")
    user, events = {"USER_ID": request.get("userId")}, request["eventList"]
    _take_events(dataset, events, [{**user, **_row(backend, dataset, event, _EVENT)} for event in events])
    return {}


def put_action_interactions(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Take interactions with actions."""
    dataset = _tracked(backend, request["trackingId"], "ACTION_INTERACTIONS")
    events = request["actionInteractions"]
    _take_events(dataset, events, [_row(backend, dataset, event, _ACTION_EVENT) for event in events])
    return {}


def put_rows(backend: Backend, request: Mapping[str, Any]) -> Members:
    """Take items, users or actions."""
    dataset = backend.existing(request["datasetArn"])
    if dataset is None:
        raise not_found("dataset", request["datasetArn"])
    _check_usable(dataset)
    member, key = _ROWS.get(dataset.members["datasetType"], ("", ""))
    if member not in request:
        raise Refused("InvalidInputException", f"datasetArn is a dataset of {dataset.members['datasetType']}")
    columns = {key.replace("Id", "_ID").upper(): key}
    _take(dataset, request[member], [_row(backend, dataset, each, columns) for each in request[member]])
    return {}


def _take_events(dataset: Record, sent: list[Any], made: list[dict[str, Any]]) -> None:
    rows.put_events(dataset, sent, made)
    bill.put(dataset, len(json.dumps(sent)))


def _take(dataset: Record, sent: list[Any], made: list[dict[str, Any]]) -> None:
    rows.put(dataset, made)
    bill.put(dataset, len(json.dumps(sent)))


def _tracked(backend: Backend, tracking_id: str, dataset_type: str) -> Record:
    trackers = backend.all_of("event_tracker")
    tracker = next((each for each in trackers if each.members["trackingId"] == tracking_id), None)
    if tracker is None:
        raise not_found("event tracker", tracking_id)
    if assumptions.events_before_active == "refused" or tracker.status not in tracker.kind.on_the_way:
        _check_usable(tracker)
    dataset = rows.dataset_of(backend, tracker.members["datasetGroupArn"], dataset_type)
    if dataset is None:
        raise not_found(f"dataset of {dataset_type}", tracker.members["datasetGroupArn"])
    _check_usable(dataset)
    return dataset


def _check_usable(record: Record) -> None:
    if not record.usable:
        raise in_use(f"The {record.kind.resource.title} {record.arn} is {record.status}, not {record.kind.success}")


def _row(backend: Backend, dataset: Record, given: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    row = {column: given[member] for column, member in columns.items() if member in given}
    if "TIMESTAMP" in row:
        row["TIMESTAMP"] = _seconds(row["TIMESTAMP"])
    known = {field["name"] for field in fields_in(backend, dataset)}
    properties = {camelcase_to_underscores(name).upper(): value for name, value in _properties(given).items()}
    unknown = sorted(set(properties) - known)
    if unknown and assumptions.unknown_properties == "refused":
        raise Refused("InvalidInputException", f"properties: the schema has no {', '.join(unknown)}")
    row |= {name: _value(value) for name, value in properties.items() if name in known}
    if source := given.get("metricAttribution", {}).get("eventAttributionSource"):
        row["EVENT_ATTRIBUTION_SOURCE"] = source
    return {**row, "IMPRESSION": "|".join(given["impression"])} if given.get("impression") else row


def _value(value: Any) -> Any:
    return "|".join(map(str, value)) if isinstance(value, list) else value


def _properties(given: Mapping[str, Any]) -> dict[str, Any]:
    try:
        properties = json.loads(given.get("properties") or "{}")
    except ValueError:
        properties = None
    if not isinstance(properties, dict):
        raise Refused("InvalidInputException", "Error parsing properties json")
    return properties


def _seconds(moment: object) -> int:
    return int(moment.timestamp() if isinstance(moment, datetime) else parse_timestamp(moment).timestamp())
