"""
Propose a schema from a CSV: from its header and a sample of its records.

How each column is read is in docs/guides/schemas.md. The rules of thumb, such as when a text is a category, are this
package's own, not the service's; what the service requires is in ``schemas.py`` and ``limits.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.data import rules, values
from airflow_provider_personalize.data.limits import LIMITS
from airflow_provider_personalize.data.schemas import (
    CATEGORICAL,
    DATASET_TYPES,
    DOMAINS,
    NEED_METADATA,
    REQUIRED,
    TEXTUAL,
    SchemaField,
    known_fields,
    parse_schema,
    required_fields,
    schema_errors,
)

#: Records that are read where nothing else is asked for.
SAMPLE_ROWS: Final = 10_000
_NO_VALUES: Final = frozenset({"nan", "none", "null", "na", "n/a"})
_LONGEST_CATEGORY: Final = LIMITS["categorical_characters"].number
# A text with at least so many words on average is a description
_WORDS_OF_A_DESCRIPTION: Final = 8
_NAMESPACE: Final = "com.amazonaws.personalize.schema"


class Proposal(NamedTuple):
    """
    A schema for a CSV.

    :param schema: The Avro record.
    :param notes: What to know of it, a sentence each: columns that are left out, and what was guessed.
    """

    schema: dict[str, Any]
    notes: list[str]


def infer_schema(
    csv: Iterable[str], dataset_type: str, domain: str | None = None, *, sample_rows: int = SAMPLE_ROWS
) -> dict[str, Any]:
    """
    Propose an Avro schema for a CSV, as :func:`propose_schema` does, without the notes.

    :param csv: Its lines, such as a file that is open as text.
    :return: The Avro record, for ``CreateSchemaOperator(schema=…)``.
    :raises ValueError: No schema fits; the message says what to change in the CSV.
    """
    return propose_schema(csv, dataset_type, domain, sample_rows=sample_rows).schema


def propose_schema(
    csv: Iterable[str], dataset_type: str, domain: str | None = None, *, sample_rows: int = SAMPLE_ROWS
) -> Proposal:
    """
    Propose an Avro schema for a CSV.

    :param csv: Its lines, such as a file that is open as text.
    :param dataset_type: ``"INTERACTIONS"``, ``"ITEMS"``, ``"USERS"``, ``"ACTIONS"`` or ``"ACTION_INTERACTIONS"``.
    :param domain: ``"ECOMMERCE"`` or ``"VIDEO_ON_DEMAND"``; None is for a custom dataset group.
    :param sample_rows: How many records to read at most.
    :raises ValueError: No schema fits; the message says what to change in the CSV.
    """
    _check("dataset_type", dataset_type := dataset_type.upper(), DATASET_TYPES)
    if domain is not None:
        _check("domain", domain, DOMAINS)
    if sample_rows < 1:
        raise ValueError(f"sample_rows is {sample_rows!r}: allowed is 1 or more")
    lines = (line.rstrip("\r\n") for line in csv)
    header = next(lines, "").removeprefix("\ufeff")
    records = (line for line in lines if line)
    sample = list(islice(records, sample_rows))
    columns = _Columns(dataset_type, domain, header, sample, is_whole=next(records, None) is None)
    name = dataset_type.title()
    avro = {"type": "record", "name": name, "namespace": _NAMESPACE, "fields": columns.fields(), "version": "1.0"}
    if wrong := schema_errors(parse_schema(avro), domain):
        raise ValueError("; ".join(wrong))
    return Proposal(avro, columns.notes)


def _check(parameter: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{parameter} is {value!r}: allowed are {', '.join(allowed)}")


class _Columns:
    """
    The columns of a CSV, as fields of a schema.

    :param header: Its first line.
    :param sample: Its first records.
    :param is_whole: Whether there are no others.
    """

    def __init__(
        self, dataset_type: str, domain: str | None, header: str, sample: list[str], *, is_whole: bool
    ) -> None:
        self.notes: list[str] = []
        self._type, self._is_whole = dataset_type, is_whole
        self._known = known_fields(dataset_type, domain)
        names = self._names(header)
        records = list(self._records(sample, len(names)))
        columns = zip(*records, strict=True) if records else ((),) * len(names)
        self._values = dict(zip(names, columns, strict=True))
        for name in self._unusable(names):
            self._values.pop(name, None)
        if missing := [name for name in required_fields(dataset_type, domain) if name not in self._values]:
            needing = f"{dataset_type} in {domain}" if domain else dataset_type
            found = ", ".join(filter(None, names)) or "no names"
            raise ValueError(f"the header lacks {', '.join(missing)}, for {needing}; it has {found}")

    def _names(self, header: str) -> list[str]:
        """Return the names of the columns; those that the service knows are written as it does."""
        separator = next((each for each in ";\t|" if each in header and "," not in header), None)
        if separator:
            raise ValueError(f"the columns are separated by {separator!r}; the service takes commas")
        if '"' in header:
            self.notes.append("The header has quotation marks, which the service does not take: write it without them.")
        written = {name.lower(): name for name in self._known}
        try:
            as_written = rules.split_record(header)
        except rules.Refused as refused:
            raise ValueError(f"the header{refused.finding.text.rstrip('.')}") from None
        names = [written.get(name.lower(), name) for name in as_written]
        changed = [name for name in as_written if name not in names]
        if changed:
            self.notes.append(f"{', '.join(changed)}: the service writes these names in capitals; write the header so.")
        return names

    def _records(self, sample: list[str], width: int) -> Iterator[list[str]]:
        for number, line in enumerate(sample, start=1):
            try:
                record = rules.split_record(line)
            except rules.Refused as refused:
                self.notes.append(f"Record {number}{refused.finding.text} It is left out.")
                continue
            if len(record) == width:
                yield record
            else:
                self.notes.append(f"Record {number} has {len(record)} values, the header {width}: it is left out.")

    def _unusable(self, names: list[str]) -> Iterator[str]:
        """Yield the names that cannot be those of fields."""
        seen: dict[str, str] = {}
        for name, count in Counter(names).items():
            plain = name.replace("_", "")
            if count > 1:
                reason = f"there are {count} such columns"
            elif not re.fullmatch("[A-Za-z0-9_]+", name):
                reason = "names have letters, digits and underscores only"
            elif plain in seen:
                reason = f"it differs from {seen[plain]} in underscores only"
            else:
                seen[plain] = name
                continue
            self._leave_out(name, reason)
            yield name

    def _leave_out(self, name: str, reason: str) -> None:
        self.notes.append(f"{name or 'A column without a name'} is left out: {reason}.")

    def fields(self) -> list[dict[str, Any]]:
        """Return the fields, in the order of the columns."""
        fields = {name: self._field(name, column) for name, column in self._values.items()}
        if self._type == "ITEMS":
            self._mark_description(fields)
        self._ensure_metadata(fields)
        for name in self._surplus(fields):
            del fields[name]
        return list(fields.values())

    def _field(self, name: str, column: Sequence[str]) -> dict[str, Any]:
        """Return a field; it may be null where the sample has, or the rest of the file may have, an empty value."""
        filled = [value for value in column if value]
        its_type = self._known.get(name)
        marks = {its_type: True} if its_type in {CATEGORICAL, TEXTUAL} else {}
        if its_type is None:
            its_type, marks = self._guess(name, filled)
        avro_type = "string" if marks else str(its_type)
        self._check_values(name, avro_type, filled)
        if name not in REQUIRED[self._type] and not (self._is_whole and len(filled) == len(column)):
            return {"name": name, "type": ["null", avro_type], **marks}
        return {"name": name, "type": avro_type, **marks}

    def _check_values(self, name: str, its_type: str, filled: list[str]) -> None:
        odd = next((value for value in filled if not _is(its_type, value)), None)
        if odd is not None:
            self.notes.append(f"{name} is {odd!r} in a record; the service requires the type {its_type}.")
        elif name.endswith("TIMESTAMP") and any(
            int(value) >= rules.BEYOND_SECONDS for value in filled if _is("long", value)
        ):
            self.notes.append(f"{name} seems to be in milliseconds; the service requires seconds.")

    def _guess(self, name: str, filled: list[str]) -> tuple[str, dict[str, bool]]:
        if not filled:
            self.notes.append(f"{name} has no value in the sample: it is a string that is not trained on.")
            return "string", {}
        if all(value.lower() in {"true", "false"} for value in filled):
            return "boolean", {}
        if not any(re.match("[+-]?0[0-9]", value) for value in filled):  # a code, such as 007
            for its_type in ("long", "float", "double"):
                if all(_is(its_type, value) for value in filled):
                    return its_type, {}
        numbers = [value for value in filled if value.lower() not in _NO_VALUES]
        if len(numbers) < len(filled) and all(_is("double", value) for value in numbers):
            self.notes.append(f"{name} has words such as 'NaN' among numbers, and so is a string; leave these empty.")
        categories = [category for value in filled for category in value.split("|")]
        is_repeated = len(set(categories)) * 2 <= len(categories)
        return "string", {CATEGORICAL: True} if is_repeated and _longest(filled) <= _LONGEST_CATEGORY else {}

    def _mark_description(self, fields: dict[str, dict[str, Any]]) -> None:
        """Mark the column with the most words as a description, if there is no other; leave out texts too long."""
        texts = {name: self._values[name] for name, field in fields.items() if SchemaField.of(field).is_plain_text}
        words = {name: _words(column) for name, column in texts.items() if name not in self._known}
        best = max(words, key=lambda name: words[name], default=None)
        has_one = any(field.get(TEXTUAL) for field in fields.values())
        if best and words[best] >= _WORDS_OF_A_DESCRIPTION and not has_one:
            fields[best][TEXTUAL] = True
        for name in words:
            if TEXTUAL not in fields[name] and _longest(texts[name]) > _LONGEST_CATEGORY:
                self._leave_out(name, f"it is longer than {_LONGEST_CATEGORY} characters and not the description")
                del fields[name]

    def _ensure_metadata(self, fields: dict[str, dict[str, Any]]) -> None:
        """Make a category of a text where the type of the dataset requires metadata that no field has."""
        read = [SchemaField.of(field) for name, field in fields.items() if name not in REQUIRED[self._type]]
        if self._type not in NEED_METADATA or not all(field.is_plain_text for field in read):
            return
        for field in read:
            if field.name not in self._known and _longest(self._values[field.name]) <= _LONGEST_CATEGORY:
                fields[field.name][CATEGORICAL] = True
                self.notes.append(f"{field.name} is categorical since {self._type} need metadata; few values repeat.")
                return

    def _surplus(self, fields: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return the columns beyond the quotas: first texts that are not trained on, the last ones first."""
        others = [name for name in fields if name not in self._known]
        limit = LIMITS.get(f"{self._type.lower()}_metadata")
        number = len(others) - limit.number if limit else 0
        if self._type == rules.INTERACTIONS:
            event_types = len({*self._values.get("EVENT_TYPE", ())} - {""})
            counted = event_types + len(fields.keys() - rules.UNCOUNTED)
            number = max(number, counted - LIMITS["event_types_and_columns"].number)
        others.sort(key=lambda name: SchemaField.of(fields[name]).is_plain_text)
        surplus = others[len(others) - min(max(number, 0), len(others)) :]
        for name in surplus:
            self._leave_out(name, f"there are more columns than {self._type} may have")
        return surplus


def _is(its_type: str, value: str) -> bool:
    try:
        values.reader([its_type])(value)
    except ValueError:
        return False
    return True


def _longest(column: Iterable[str]) -> int:
    return max(map(len, column), default=0)


def _words(column: Iterable[str]) -> float:
    filled = [len(value.split()) for value in column if value]
    return sum(filled) / len(filled) if filled else 0
