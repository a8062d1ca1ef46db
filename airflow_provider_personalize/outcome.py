"""
What a task did, as facts in JSON: for the events of assets and for lineage. Pure functions.

The facts are kept in Airflow's database. So they are few and short, and hold no secrets.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from airflow_provider_personalize.data.report import shown
from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import ResourceType
from airflow_provider_personalize.status import iso

#: Under this key the facts are in the ``extra`` of an event.
EXTRA_KEY: Final = "personalize"
#: So many characters the facts have at most, as JSON.
LARGEST: Final = 16_000
_LONGEST_TEXT: Final = 1000
_MOST_ENTRIES: Final = 100
# Members of descriptions that are facts as they are, besides the ARNs
_MEMBERS: Final = (
    "domain",
    "datasetType",
    "importMode",
    "ingestionMode",
    "trainingMode",
    "trainingType",
    "trainingHours",
    "minProvisionedTPS",
    "numDeleted",
)
# Who may do what is no outcome
_NOT_TOLD: Final = frozenset({"roleArn", "kmsKeyArn"})
_NAMES: Final[Mapping[str, str]] = {
    "minProvisionedTPS": "min_provisioned_tps",
    "numDeleted": "records_deleted",
}
# Where a job reads and writes
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "input_location": ("dataSource", "dataLocation"),
    "job_input_location": ("jobInput", "s3DataSource", "path"),
    "output_location": ("jobOutput", "s3DataDestination", "path"),
}
_OF_THE_UPDATE_ITSELF: Final = frozenset({"status", "failureReason", "creationDateTime", "lastUpdatedDateTime"})


def facts_of(
    resource_type: ResourceType,
    arn: str,
    description: Mapping[str, Any] | None,
    *,
    metrics: Mapping[str, float] | None = None,
    was_updated: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """
    Return the facts of a resource.

    :param description: What ``Describe…`` answers; None if the resource is gone, empty if that is not known.
    :param metrics: The offline metrics of a solution version.
    :param was_updated: Whether the content of its latest update belongs to the facts.
    :param more: Further facts, by their keys. None is left out.
    :return: ``arn``, ``resource_type``, ``status`` and, as far as they are known, ``name``, the ARNs in the
        description, ``created_at``, ``updated_at`` (ISO 8601), ``training_hours``, ``metrics``, ``update`` and others:
        JSON primitives, of 16,000 characters at most.
    """
    found = description or {}
    facts = {
        "arn": arn,
        "resource_type": resource_type.name,
        "name": found.get("name", found.get("jobName")),
        "status": found.get("status"),
        **more,
    }
    for member, value in found.items():
        is_other_arn = member.endswith("Arn") and member not in _NOT_TOLD and member != resource_type.arn_member
        if value is not None and (is_other_arn or member in _MEMBERS):
            facts[_NAMES.get(member) or _snake(member)] = value
    for key, path in _PLACES.items():
        if (place := _at(found, path)) is not None:
            facts[key.removeprefix("job_")] = place
    for key, member in (("created_at", "creationDateTime"), ("updated_at", "lastUpdatedDateTime")):
        if found.get(member):
            facts[key] = found[member]
    if measured := metrics or found.get("modelMetrics"):
        facts["metrics"] = measured
    update = found.get(resource_type.update_member)
    if update and was_updated:
        facts["update"] = {name: value for name, value in update.items() if name not in _OF_THE_UPDATE_ITSELF}
        facts["update_created_at"] = update.get("creationDateTime")
    is_known = description is None or bool(description)
    return bounded({key: value for key, value in facts.items() if value is not None or (key == "status" and is_known)})


def bounded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return facts as JSON primitives that any database keeps, and not too many.

    Where they are too large together, the largest are left out, and ``omitted`` names them.
    """
    kept: dict[str, Any] = {name: _plain(value) for name, value in facts.items()}
    omitted: list[str] = []
    while len(json.dumps({**kept, "omitted": omitted})) > LARGEST:
        largest = max(kept, key=lambda name: len(json.dumps(kept[name])))
        omitted.append(largest)
        del kept[largest]
    return {**kept, "omitted": omitted} if omitted else kept


def _plain(value: Any) -> Any:
    """Return a value as JSON primitives: without what databases refuse, and without what is long."""
    if isinstance(value, Mapping):
        return {shown(str(name), _LONGEST_TEXT): _plain(item) for name, item in list(value.items())[:_MOST_ENTRIES]}
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, str):
        return shown(redact(value), _LONGEST_TEXT)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_plain(item) for item in value[:_MOST_ENTRIES]]
    return value if value is None or isinstance(value, (bool, int, float)) else shown(str(value), _LONGEST_TEXT)


def _snake(member: str) -> str:
    return re.sub("(?<!^)(?=[A-Z])", "_", member).lower()


def _at(found: Any, path: tuple[str, ...]) -> Any:
    for member in path:
        found = found.get(member) if isinstance(found, Mapping) else None
    return found
