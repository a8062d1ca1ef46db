"""
The service's rules for the data of an import: its header, records, values and totals.

Each rule has its source in :data:`RULES`. What is only assumed of the service is an option, and so are its quotas: the
emulator passes those in force there. A finding is an error where the import or a training on the data would fail, and
a warning where the service would drop, cut or replace something. The texts are those of
https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html as far as it has them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.data import values
from airflow_provider_personalize.data.limits import LIMITS
from airflow_provider_personalize.data.schemas import SchemaField

_GUIDE: Final = "https://docs.aws.amazon.com/personalize/latest/dg"
_FORMAT: Final = f"{_GUIDE}/data-prep-formatting.html"
_LIMITS: Final = f"{_GUIDE}/limits.html"
_TROUBLESHOOTING: Final = f"{_GUIDE}/troubleshooting.html"
_SAME: Final = f"{_GUIDE}/incremental-data-updates.html"
_SAMPLES: Final = "https://github.com/aws-samples/amazon-personalize-samples"
_ASSUMED: Final = "assumed"


class Rule(NamedTuple):
    """
    A rule.

    :param is_error: Whether to break it is an error; a warning otherwise.
    :param says: What it requires.
    :param source: Where the service documents it, or that it is assumed.
    """

    is_error: bool
    says: str
    source: str


RULES: Final[Mapping[str, Rule]] = {
    "location": Rule(True, "The location is a file, or a folder with files.", f"{_GUIDE}/API_DataSource.html"),
    "subfolder": Rule(False, "The service reads no folders inside the folder.", f"{_GUIDE}/API_DataSource.html"),
    "import_size": Rule(True, "A FULL import has at most 100 GB, an INCREMENTAL one 1 GB.", _LIMITS),
    "file_format": Rule(True, "A file is plain CSV: not Parquet, not compressed.", _FORMAT),
    "encoding": Rule(True, "A file is UTF-8.", _FORMAT),
    "byte_order_mark": Rule(False, "A file begins without a byte order mark.", _ASSUMED),
    "empty_file": Rule(True, "Each file has a header.", _FORMAT),
    "quoted_header": Rule(True, "The header has no quotation marks.", _FORMAT),
    "missing_column": Rule(True, "The header has all required columns.", _TROUBLESHOOTING),
    "omitted_column": Rule(False, "The header has the nullable columns, too.", _ASSUMED),
    "unknown_column": Rule(False, "The schema has all columns of the header; others are ignored.", _SAMPLES),
    "repeated_column": Rule(True, "The header has each column once.", _ASSUMED),
    "column_order": Rule(False, "The columns are in the order of the schema.", _FORMAT),
    "column_case": Rule(False, "A column is written as in the schema, capitals included.", _ASSUMED),
    "different_header": Rule(True, "All files of a folder have the same header.", _FORMAT),
    "nul_character": Rule(True, "A record has no NUL character.", _ASSUMED),
    "quotation": Rule(True, "A record is on one line, and its quotation marks are in pairs.", _FORMAT),
    "long_line": Rule(True, "A line has at most 16 MB.", _ASSUMED),
    "value_count": Rule(True, "A record has as many values as the header.", _FORMAT),
    "empty_value": Rule(True, "IDs and TIMESTAMP are never empty.", f"{_GUIDE}/interactions-dataset-requirements.html"),
    "null_value": Rule(
        False, "Other columns are empty only if the schema has null.", f"{_GUIDE}/how-it-works-dataset-schema.html"
    ),
    "type": Rule(True, "A value is of the type that the schema has.", f"{_GUIDE}/how-it-works-dataset-schema.html"),
    "length": Rule(True, "IDs have at most 256 characters, categories and texts of items 1,000.", _LIMITS),
    "text_length": Rule(False, "A textual field has at most 20,000 characters, 7,000 in Chinese or Japanese.", _LIMITS),
    "time_unit": Rule(True, "A time is in seconds since 1970, not in milliseconds.", _FORMAT),
    "time_range": Rule(False, "A time is not before 1970, and TIMESTAMP not in the future.", _ASSUMED),
    "duplicate": Rule(False, "A record, or the ID of an item, user or action, is there once.", _SAME),
    "row_minimum": Rule(True, "An import of interactions, FULL or INCREMENTAL, has at least 1,000 records.", _LIMITS),
    "event_types": Rule(True, "There are at most 10 event types and optional columns together.", _LIMITS),
    "unique_interactions": Rule(True, "A training needs 1,000 interactions that differ. FULL only.", _LIMITS),
    "training_users": Rule(
        True, "A training needs 25 users, and 1 % of all, with two interactions or more. FULL only.", _LIMITS
    ),
}


INTERACTIONS: Final = "INTERACTIONS"
#: The column that identifies a record; one of another type is identified by all its values.
KEYS: Final[Mapping[str, str]] = {"ITEMS": "ITEM_ID", "USERS": "USER_ID", "ACTIONS": "ACTION_ID"}
IDS: Final = ("USER_ID", "ITEM_ID", "ACTION_ID")
_NEVER_EMPTY: Final = (*IDS, "TIMESTAMP")
_TIMES: Final = ("TIMESTAMP", "CREATION_TIMESTAMP", "EXPIRATION_TIMESTAMP")
#: Columns of interactions that do not count with the event types.
UNCOUNTED: Final = {*IDS, "TIMESTAMP", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"}
_TEXTUAL: Final = "textual_characters"
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
#: Seconds: the year 5138. A time of today is larger than that in milliseconds.
BEYOND_SECONDS: Final = 10**11
_DAY: Final = 86_400
_TRAINING_USERS: Final = 25
_TRAINING_INTERACTIONS: Final = 1000
# Values that were read before, and are not read again
_MOST_KNOWN: Final = 50_000


@dataclass(frozen=True)
class Options:
    """
    What is assumed of the service, and its quotas.

    :param limits: The number of each of ``limits.LIMITS`` that is in force; None for no limit.
    :param minimum_interactions: The least number of records in an import of interactions.
    :param quoted_headers: Whether the header may have quotation marks.
    :param header_case: Whether a column must be written like the schema's field, capitals included.
    :param unknown_columns: Whether a column that the schema lacks is ignored.
    :param missing_optional_columns: Whether a nullable column may be left out.
    :param empty_required_values: Whether a required value may be empty, other than IDs and TIMESTAMP.
    :param truncated_text: Whether text beyond the limit is cut.
    """

    limits: Mapping[str, int | None] = field(
        default_factory=lambda: {name: limit.number for name, limit in LIMITS.items()}
    )
    minimum_interactions: float = 1000
    quoted_headers: bool = False
    header_case: bool = False
    unknown_columns: bool = True
    missing_optional_columns: bool = True
    empty_required_values: bool = True
    truncated_text: bool = True

    def excess(self, name: str, amount: int, what: str = "") -> str | None:
        """Return what is wrong if something is larger than it may be."""
        limit = self.limits.get(name)
        if limit is None or amount <= limit:
            return None
        return LIMITS[name].text.format(limit=limit, amount=amount, what=what)


class Finding(NamedTuple):
    """
    What is wrong, or odd.

    :param rule: Its name in :data:`RULES`.
    :param text: What is wrong. That of a record follows the record's name: ``Record 7`` ``: ITEM_ID is empty.``
    :param column: The column, or several.
    :param value: The value.
    :param is_error: Whether it is an error.
    """

    rule: str
    text: str
    column: str | None = None
    value: str | None = None
    is_error: bool = True


class Refused(Exception):  # noqa: N818 - it carries a finding, and is no error of its own
    """The service does not take the data."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def found(
    rule: str, text: str, column: str | None = None, value: str | None = None, *, is_error: bool | None = None
) -> Finding:
    """Return a finding, which is an error if the rule says so."""
    return Finding(rule, text, column, value, RULES[rule].is_error if is_error is None else is_error)


def read_header(line: str, fields: Collection[SchemaField], options: Options) -> list[str]:
    """
    Return the names of a header's columns, written as the schema has them.

    :raises Refused: The line is not a header.
    """
    if '"' in line and not options.quoted_headers:
        raise Refused(found("quoted_header", "Input csv has column headers in quotation marks."))
    try:
        header = split_record(line) if line else []
    except Refused as refused:
        finding = refused.finding
        raise Refused(finding._replace(text=f"The header{finding.text}")) from None
    if options.header_case:
        return header
    names = {each.name.lower(): each.name for each in fields}
    return [names.get(name.lower(), name) for name in header]


def missing_columns(fields: Collection[SchemaField], header: Collection[str], options: Options) -> Iterator[Finding]:
    """Find required columns that a header lacks: one finding, or none."""
    optional = options.missing_optional_columns
    needed = [each.name for each in fields if not (each.nullable and optional)]
    if missing := ", ".join(name for name in needed if name not in header):
        yield found("missing_column", f"Input csv is missing the following columns: [{missing}]", missing)


def header_findings(fields: Collection[SchemaField], header: Sequence[str], options: Options) -> Iterator[Finding]:
    """Find what is wrong with a header."""
    yield from missing_columns(fields, header, options)
    known = [each.name for each in fields]
    if unknown := [name for name in header if name not in known]:
        text = f"Input csv has columns that the schema does not have: {unknown}"
        yield found("unknown_column", text, ", ".join(unknown), is_error=not options.unknown_columns)
    if twice := [name for name, count in Counter(header).items() if count > 1 and name in known]:
        yield found("repeated_column", f"Input csv has columns more than once: {twice}", ", ".join(twice))
    omitted = [each.name for each in fields if each.nullable and each.name not in header]
    if omitted and options.missing_optional_columns:
        names = ", ".join(omitted)
        yield found("omitted_column", f"Input csv has no column for nullable fields: [{names}]", names)
    common = [name for name in dict.fromkeys(header) if name in known]
    if common != [name for name in known if name in common]:
        names = ", ".join(common)
        yield found("column_order", f"The columns are not in the order of the schema: [{names}]", names)


def split_record(line: str) -> list[str]:
    """
    Return the values of a record.

    :raises Refused: The line is not a record.
    """
    if "\0" in line:
        raise Refused(found("nul_character", " has a NUL character.", value=line))
    try:
        return values.split(line)
    except ValueError:
        text = (
            " has a quotation mark without its partner on the line, or text beside one. Each record must be on a "
            "single line."
        )
        raise Refused(found("quotation", text, value=line)) from None


class Column:
    """
    The rules for the values of a column.

    :param place: Its place in the records.
    :param of_field: The field of the schema.
    :param dataset_type: The type of the dataset, in capitals.
    :param now: The time, in seconds since 1970; later ones are in the future.
    """

    def __init__(
        self, place: int, of_field: SchemaField, dataset_type: str, options: Options, now: float = math.inf
    ) -> None:
        self.place, self.name, self.types = place, of_field.name, of_field.types
        self._options = options
        self._is_required = not of_field.nullable
        accepted = options.empty_required_values and self.name not in _NEVER_EMPTY
        self._may_be_empty = accepted or not self._is_required
        self._is_text = "string" in self.types
        self._read: Callable[[str], Any] = values.reader(self.types)
        self._size = next((size for size, has in _text_limits(of_field, dataset_type) if has), None)
        self._cjk_size = f"{_TEXTUAL}_cjk" if self._size == _TEXTUAL else self._size
        limits = (options.limits.get(size) for size in (self._size, self._cjk_size) if size)
        # what is no longer than this is not measured more closely
        self._fine = min((limit for limit in limits if limit is not None), default=math.inf)
        self._is_time = self.name in _TIMES
        self._latest = now + _DAY if self.name == "TIMESTAMP" else math.inf
        self._known: set[str] = set()

    def read(self, text: str) -> Any:
        """
        Return a value in its type, None for an empty one.

        :raises Refused: It breaks a rule.
        """
        if not text:
            if self._may_be_empty:
                return None
            raise Refused(found("empty_value", f": {self.name} is empty.", self.name, ""))
        if self._is_text:
            return text if len(text) <= self._fine else self._within_limit(text)
        try:
            return self._read(text)
        except ValueError:
            wanted = " or ".join(self.types)
            unit = ", the seconds since 1970" if self._is_time else ""
            said = f": {self.name} is {text!r}: the schema has {wanted}{unit}."
            raise Refused(found("type", said, self.name, text)) from None

    def _within_limit(self, text: str) -> str:
        size = str(self._cjk_size if _CJK.search(text) else self._size)
        said = self._options.excess(size, len(text), self.name)
        if not said:
            return text
        if self._size == _TEXTUAL and self._options.truncated_text:
            return text[: self._options.limits[size]]
        raise Refused(found("length", said, self.name, text))

    def findings(self, text: str) -> Iterator[Finding]:
        """Find what is wrong with a value, and what is odd."""
        try:
            value = self.read(text)
        except Refused as refused:
            yield refused.finding
            return
        if value is None and self._is_required:
            yield found("null_value", f": {self.name} is empty, and the schema has no null.", self.name, "")
        if self._is_text and value is not None and len(value) < len(text):
            yield found("text_length", f": {self.name} is cut to {len(value):,} characters.", self.name, text)
        if self._is_time and isinstance(value, int):
            yield from self._time_findings(value, text)

    def _time_findings(self, seconds: int, text: str) -> Iterator[Finding]:
        if seconds >= BEYOND_SECONDS:
            said = f": {self.name} is {text}: a time must be in seconds since 1970, not in milliseconds."
            yield found("time_unit", said, self.name, text)
        elif not 0 <= seconds <= self._latest:
            when = "before 1970" if seconds < 0 else "in the future"
            yield found("time_range", f": {self.name} is {text}, {when}.", self.name, text)

    def bad_values(self, column: Sequence[str]) -> dict[str, tuple[Finding, ...]]:
        """Return those of many values that have findings. Each value that there is is read once, or not at all."""
        if self._are_fine(column):
            return {}
        new = set(column) - self._known
        bad = {text: found for text in new if (found := tuple(self.findings(text)))}
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known |= new - bad.keys()
        return bad

    def _are_fine(self, column: Sequence[str]) -> bool:
        """Return whether values surely have no findings, by calls that look at all of them at once."""
        if self._is_required and "" in column:
            return False
        if self._is_text:
            return self._fine == math.inf or max(map(len, column)) <= self._fine
        if not {"int", "long"} & set(self.types) or {"float", "double"} & set(self.types):
            return False
        digits = "".join(column)
        if not (digits.isascii() and digits.isdigit()):
            return False
        longest = max(map(len, column))
        if self._is_time:
            # texts of ten digits compare as numbers do; shorter ones may seem later, and are read one by one then
            return longest <= 10 and (self._latest == math.inf or max(column) <= str(int(self._latest)))
        return longest <= (18 if "long" in self.types else 9)


def _text_limits(of_field: SchemaField, dataset_type: str) -> Iterator[tuple[str, bool]]:
    yield "id_characters", of_field.name in IDS
    yield _TEXTUAL, of_field.textual
    is_category = of_field.categorical or of_field.name == "IMPRESSION"
    yield "categorical_characters", is_category or dataset_type == "ITEMS"


class Records:
    """
    The rules for the records below a header.

    :param fields: The fields of the schema.
    :param header: The names of the columns.
    :param dataset_type: The type of the dataset, in capitals.
    :param now: The time, in seconds since 1970.
    """

    def __init__(
        self,
        fields: Collection[SchemaField],
        header: Sequence[str],
        dataset_type: str,
        options: Options,
        now: float = math.inf,
    ) -> None:
        by_name = {each.name: each for each in fields}
        self.width = len(header)
        self.columns = [
            Column(place, by_name[name], dataset_type, options, now)
            for place, name in enumerate(header)
            if name in by_name
        ]

    def read(self, record: Sequence[str]) -> dict[str, Any]:
        """
        Return the values of a record that are not empty.

        :raises Refused: It breaks a rule.
        """
        if len(record) != self.width:
            raise Refused(self.wrong_width(record))
        taken = {}
        for column in self.columns:
            if (value := column.read(record[column.place])) is not None:
                taken[column.name] = value
        return taken

    def wrong_width(self, record: Sequence[str]) -> Finding:
        """Return what is wrong with a record that has another number of values than the header."""
        return found("value_count", f" has {len(record)} values: the header has {self.width}.", value=",".join(record))


def total_findings(
    fields: Collection[SchemaField], dataset_type: str, records: int, event_types: int, options: Options
) -> Iterator[Finding]:
    """Find what is wrong with the data as a whole, for the import itself."""
    if dataset_type != INTERACTIONS:
        return
    if records < options.minimum_interactions:
        yield found("row_minimum", f"Dataset has fewer than {options.minimum_interactions:g} interactions: {records}.")
    columns = {each.name for each in fields} - UNCOUNTED
    if said := options.excess("event_types_and_columns", event_types + len(columns)):
        yield found("event_types", said, "EVENT_TYPE")


def training_findings(dataset_type: str, unique: int | None, users: int, users_with_two: int) -> Iterator[Finding]:
    """
    Find what is wrong with the data as a whole, for a training on it and nothing else.

    :param unique: How many records differ; None where that is unknown.
    """
    if dataset_type != INTERACTIONS:
        return
    if unique is not None and unique < _TRAINING_INTERACTIONS:
        text = f"Dataset has fewer than {_TRAINING_INTERACTIONS} interactions that differ: {unique}."
        yield found("unique_interactions", text)
    if users_with_two < _TRAINING_USERS or users_with_two * 100 < users:
        text = (
            f"Dataset has fewer than {_TRAINING_USERS} users with at least 2 interactions each, or fewer than 1 % of "
            f"its users: {users_with_two} of {users}."
        )
        yield found("training_users", text, "USER_ID")
