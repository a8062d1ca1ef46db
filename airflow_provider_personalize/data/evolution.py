"""
What changes between two schemas of a dataset, and whether the service makes that change in place.

https://docs.aws.amazon.com/personalize/latest/dg/updating-dataset-schema.html: only datasets of items and users get
another schema; it must keep all fields with their types and attributes, and what it adds must accept null. That the
order of the types in a union is no difference, that every other member of a field is an attribute, ``doc`` too, and
that fields may change their places, are assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from airflow_provider_personalize.data.schemas import MARKS, Schema, SchemaField

#: The types of the datasets that may get another schema.
UPDATABLE: Final = ("ITEMS", "USERS")


@dataclass(frozen=True)
class FieldChange:
    """
    What becomes of a field.

    :param name: Its name.
    :param change: Whether it is ``added``, ``removed`` or ``changed``.
    :param before: The field as the dataset's schema has it; None where it has none.
    :param after: The field as the new schema has it; None where it has none.
    """

    name: str
    change: Literal["added", "removed", "changed"]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def obstacle(self) -> str | None:
        """Why the service does not make the change; None where it does."""
        if self.after is None:
            return f"the field {self.name} must stay as it is in the dataset's schema, and is missing"
        if self.before is not None:
            return (
                f"the field {self.name} must stay as it is in the dataset's schema, {dict(self.before)!r}, and is "
                f"{dict(self.after)!r}"
            )
        if SchemaField.of(self.after).nullable:
            return None
        return f"the new field {self.name} must accept null, and is of type {self.after['type']!r}"


def field_changes(old: Schema, new: Schema) -> list[FieldChange]:
    """List the fields that differ between two schemas: first those of the old one, then what the new one adds."""
    return list(_changes(old.by_name, new.by_name))


def _changes(old: Mapping[str, SchemaField], new: Mapping[str, SchemaField]) -> Iterator[FieldChange]:
    for name, before in old.items():
        if name not in new:
            yield FieldChange(name, "removed", before.avro, None)
        elif meaning(before) != meaning(new[name]):
            yield FieldChange(name, "changed", before.avro, new[name].avro)
    for name, after in new.items():
        if name not in old:
            yield FieldChange(name, "added", None, after.avro)


def meaning(its_field: SchemaField) -> dict[str, Any]:
    """Return what makes a field what it is: its members, with its types in any order, and no mark that is false."""
    members = {name: value for name, value in its_field.avro.items() if not (name in MARKS and value is False)}
    return {**members, "type": frozenset(its_field.types)}


def is_reordered(old: Schema, new: Schema) -> bool:
    """Return whether the fields that both have stand in another order."""
    before, after = old.by_name, new.by_name
    return [name for name in before if name in after] != [name for name in after if name in before]


def type_obstacle(dataset_type: str) -> str | None:
    """Return why the service replaces no schema of datasets of a type, such as ``ITEMS``; None where it does."""
    if dataset_type in UPDATABLE:
        return None
    return f"a dataset of {dataset_type}: only {' and '.join(UPDATABLE)} can be updated"


def obstacles(old: Schema, new: Schema) -> list[str]:
    """List the fields for which the service does not replace a schema, one sentence each."""
    return [change.obstacle for change in field_changes(old, new) if change.obstacle]
