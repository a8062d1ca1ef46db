"""The rows of the datasets of a group: what imports and events bring, and training, filters and exports read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine.data import DatasetData

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.records import Record


@dataclass
class Rows:
    """
    What a dataset holds.

    :param data: Its rows.
    :param changed: When rows came last.
    :param event_ids: The ids of the events that came.
    """

    data: DatasetData
    changed: float | None = None
    event_ids: set[str] = field(default_factory=set)


def dataset_of(backend: Backend, group_arn: str, dataset_type: str) -> Record | None:
    """Return a group's dataset of a type, with everything in it that has been imported by now."""
    datasets = backend.belonging("dataset", "datasetGroupArn", group_arn)
    found = next((each for each in datasets if each.members["datasetType"] == dataset_type), None)
    if found:
        settle(backend, found)
    return found


def settle(backend: Backend, dataset: Record) -> None:
    """Apply to a dataset what jobs that have ended do at their end."""
    for job in backend.belonging("dataset_import_job", "datasetArn", dataset.arn):
        backend.settle(job)
    for job in backend.belonging("data_deletion_job", "datasetGroupArn", dataset.members["datasetGroupArn"]):
        backend.settle(job)


def of(backend: Backend, group_arn: str) -> dict[str, DatasetData]:
    """Return the rows of a group's datasets, by type."""
    datasets = backend.belonging("dataset", "datasetGroupArn", group_arn)
    for dataset in datasets:
        settle(backend, dataset)
    return {dataset.members["datasetType"]: dataset.holds.data for dataset in datasets}


def put(dataset: Record, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows that came in real time."""
    dataset.holds.data.put(rows)
    dataset.holds.changed = state.clock.now()


def put_events(dataset: Record, events: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]]) -> None:
    """
    Take events that came in real time, each with its row: the first of each id.

    Later ones of the same id are not used in training (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_Event.html);
    that they are not kept at all is assumed.
    """
    new = [row for event, row in zip(events, rows, strict=True) if _is_first(dataset.holds, event.get("eventId"))]
    if new:
        put(dataset, new)


def _is_first(holds: Rows, event_id: str | None) -> bool:
    if event_id is None:
        return True
    is_first = event_id not in holds.event_ids
    holds.event_ids.add(event_id)
    return is_first


def imported(dataset: Record, rows: Iterable[Mapping[str, Any]], mode: str, when: float) -> None:
    """Add the rows of an import."""
    take = dataset.holds.data.add_bulk if mode == "INCREMENTAL" else dataset.holds.data.replace_bulk
    take(rows)
    dataset.holds.changed = when


def news_since(backend: Backend, group_arn: str, when: float) -> bool:
    """Return whether interactions came since some time."""
    dataset_types = ("INTERACTIONS", "ACTION_INTERACTIONS")
    datasets = [dataset_of(backend, group_arn, dataset_type) for dataset_type in dataset_types]
    return any(dataset and (dataset.holds.changed or 0) > when for dataset in datasets)
