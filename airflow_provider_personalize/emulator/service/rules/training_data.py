"""
The service's rules for schemas and datasets: those for schemas by themselves are in ``data/schemas.py``.

https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.data import evolution, schemas
from airflow_provider_personalize.data.schemas import parse_schema
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.service.rules.rows import Rows, dataset_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_OF_ACTIONS: Final = ("ACTIONS", "ACTION_INTERACTIONS")


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
    try:
        schema = parse_schema(request["schema"])
    except ValueError as error:
        return [str(error)]
    return schemas.schema_errors(schema, request.get("domain"), state.quotas.excess)


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
    has = parse_schema(schema["schema"]).dataset_type
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
    if obstacle := evolution.type_obstacle(members["datasetType"]):
        yield f"datasetArn is {obstacle}"
        return
    old, new = (backend.records[arn].members for arn in (members["schemaArn"], request["schemaArn"]))
    yield from _misfits(new, members["datasetType"], backend.records[members["datasetGroupArn"]].members)
    for obstacle in evolution.obstacles(parse_schema(old["schema"]), parse_schema(new["schema"])):
        yield f"schemaArn: {obstacle}"


def apply(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Return what the dataset shows once the update is ACTIVE."""
    return {**members, **update}
