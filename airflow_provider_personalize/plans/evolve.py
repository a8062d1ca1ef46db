"""
Give a dataset a schema with more fields: create that schema, or find it, then update the dataset.

The plans of both are asked in turn. Which schema is needed depends on the one that the dataset has, and so is found
out anew until the update is sent: another writer may have changed the dataset meanwhile. The name of the schema
derives from its content, so that a retry finds what an earlier attempt created.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from airflow_provider_personalize.comparison import configuration, exact_differences
from airflow_provider_personalize.data import evolution
from airflow_provider_personalize.data.schemas import Schema, parse_schema
from airflow_provider_personalize.exceptions import SchemaIncompatibleError
from airflow_provider_personalize.goals import READY, SETTLED
from airflow_provider_personalize.plans import create, update
from airflow_provider_personalize.plans.steps import (
    Call,
    Done,
    Fail,
    Memory,
    Note,
    Observed,
    Poll,
    Step,
    Wanted,
    wait_out,
)
from airflow_provider_personalize.resources import DATASET, SCHEMA
from airflow_provider_personalize.status import SUCCEEDED

_ARN: Final = SCHEMA.arn_member
_LONGEST_GROUP: Final = 40


@dataclass(frozen=True, kw_only=True)
class Evolution(Wanted):
    """
    What is to become of a dataset.

    :param schema: The schema that it is to have; not needed once the update is sent.
    :param is_dry_run: Whether to end with what would change.
    :param delay: Seconds between two polls; None means what suits the resource type.
    """

    schema: Schema | None = None
    is_dry_run: bool = False
    delay: float | None = None

    def update_to(self, schema_arn: str) -> update.Update:
        """Return the update of the dataset to a schema."""
        return update.Update(
            resource_type=self.resource_type,
            operation=self.operation,
            request={**self.request, _ARN: schema_arn},
            parameters=self.parameters,
            waits=self.waits,
            delay=self.delay,
        )


@dataclass(frozen=True)
class ObservedDataset(Observed):
    """
    The dataset, and its schemas.

    :param schema: The schema that it has, or will have after the update in progress.
    :param evolved: The schema of the name that :func:`evolved` derives; None if it does not exist.
    """

    schema: Mapping[str, Any] | None = None
    evolved: Mapping[str, Any] | None = None


def is_sent(memory: Memory) -> bool:
    """Return whether the update may have been sent, so that nothing but its outcome matters."""
    return bool(memory.stage and memory.call)


def schema_to_read(found: Mapping[str, Any]) -> str:
    """Return the ARN of the schema that a dataset has, or will have after the update in progress."""
    return str(configuration(DATASET, found, ahead=True)[_ARN])


def evolved(wanted: Evolution, has: Mapping[str, Any]) -> create.Creation:
    """
    Return the schema to create: what is wanted, with the fields that stay as the dataset's schema writes them.

    :param has: The description of the dataset's schema.
    """
    old, new = parse_schema(has["schema"]), wanted.schema or parse_schema(has["schema"])
    kept = old.by_name
    fields = [
        kept[each.name].avro
        if each.name in kept and evolution.meaning(each) == evolution.meaning(kept[each.name])
        else each.avro
        for each in new.fields
    ]
    avro = {**new.avro, "fields": fields}
    domain = {"domain": has["domain"]} if has.get("domain") else {}
    content = json.dumps([wanted.arn, avro, domain], sort_keys=True)
    digest = hashlib.sha256(content.encode(errors="backslashreplace")).hexdigest()[:12]
    group, dataset_type = wanted.arn.split("/")[1:]
    name = f"{group[:_LONGEST_GROUP]}-{dataset_type.lower()}-{digest}"
    request = {"name": name, "schema": json.dumps(avro, ensure_ascii=False), **domain}
    return create.Creation(resource_type=SCHEMA, operation="CreateSchema", request=request)


def arn_of(wanted: Evolution, name: str) -> str:
    """Return the ARN of a schema of the dataset's account and region."""
    return f"{wanted.arn.partition(f':{DATASET.arn_type}/')[0]}:{SCHEMA.arn_type}/{name}"


def next_step(wanted: Evolution, observed: ObservedDataset, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to an update of the dataset that is over."""
    if is_sent(memory):
        return update.next_step(wanted.update_to(memory.stage), observed, memory, now)
    settled = wanted.condition(SETTLED)
    if memory.stage and memory.refusal:
        return wait_out(settled, memory.refusal.message, memory)
    memory = replace(memory, stage="", superseded=None)  # nothing of ours was superseded: nothing was sent
    found, has = observed.found or {}, observed.schema or {}
    difference = diff(wanted, found, has)
    if wanted.is_dry_run:
        return Done(result=difference, memory=memory)
    status = settled.evaluate(found)
    if not (difference["changes"] or difference["reordered"]):
        if status.outcome == SUCCEEDED and wanted.condition(READY).evaluate(found).outcome == SUCCEEDED:
            return _unchanged(wanted, has, memory)
        return _update(wanted, str(has[_ARN]), observed, memory, now)
    if status.outcome != SUCCEEDED:
        return wait_out(settled, str(status), memory)
    if difference["obstacles"]:
        return Fail(error=SchemaIncompatibleError(wanted.arn, difference["obstacles"]), memory=memory)
    creation = evolved(wanted, has)
    step = create.next_step(creation, _existing(creation, observed), memory, now)
    if isinstance(step, (Done, Poll)):
        return _update(wanted, arn_of(wanted, creation.name), observed, memory, now)
    if isinstance(step, Call):
        notes = [Note(f"To change: {each['field']} is {each['change']}") for each in difference["changes"]]
        return replace(step, notes=notes, done_note=f"Created the schema {arn_of(wanted, creation.name)}")
    return step


def _existing(creation: create.Creation, observed: ObservedDataset) -> create.ObservedExisting:
    changes: list[str] = []
    if observed.evolved:
        shown = {**observed.evolved, "schema": json.loads(observed.evolved["schema"])}
        asked = {**creation.request, "schema": json.loads(creation.request["schema"])}
        for member, value in asked.items():
            changes += exact_differences(value, shown.get(member), member)
    return create.ObservedExisting(observed.evolved, run_began=observed.run_began, changes=changes)


def _update(wanted: Evolution, schema_arn: str, observed: Observed, memory: Memory, now: float) -> Step:
    """Go on with the update: what is remembered of the creation is of no use any more."""
    memory = replace(memory, stage=schema_arn, call=None, refusal=None, searching_since=None)
    return update.next_step(wanted.update_to(schema_arn), observed, memory, now)


def _unchanged(wanted: Evolution, has: Mapping[str, Any], memory: Memory) -> Done:
    xcom = {f"{DATASET.name}_update": {"creationDateTime": None, _ARN: has[_ARN], "sent": False}}
    note = Note(f"Nothing is sent: it has these fields already ({wanted.condition(READY).title})")
    return Done(result=wanted.arn, xcom=xcom, notes=[note], memory=memory)


def diff(wanted: Evolution, found: Mapping[str, Any], has: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changes, as JSON primitives: the fields, whether their order does, and what is in the way."""
    old = parse_schema(has["schema"])
    new = wanted.schema or old
    changes, is_reordered = evolution.field_changes(old, new), evolution.is_reordered(old, new)
    obstacle = evolution.type_obstacle(str(found.get("datasetType")))
    obstacles = [f"it is {obstacle}"] if obstacle and (changes or is_reordered) else []
    obstacles += [change.obstacle for change in changes if change.obstacle]
    return {
        "schemaArn": has[_ARN],
        "changes": [
            {"field": each.name, "change": each.change, "before": each.before, "after": each.after} for each in changes
        ],
        "reordered": is_reordered,
        "obstacles": obstacles,
    }
