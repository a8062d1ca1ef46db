"""
The service's rules for imports: what of a CSV in moto's S3 a dataset takes.

https://docs.aws.amazon.com/personalize/latest/dg/data-prep-formatting.html; the texts of the failures are those of
https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html as far as it has them. The data is looked at when
the job is created, and is in the dataset when the job ends. That a file may begin with a byte order mark, must not have
NUL characters, and must not have a column of the schema twice, is assumed.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.data import values
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service import s3
from airflow_provider_personalize.emulator.service.rules import rows
from airflow_provider_personalize.emulator.service.rules.training_data import fields_in, types_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_INVALID_LOCATION: Final = "Invalid Data location."
_NOT_ALLOWED: Final = (
    "Failed to create a data import job for {} dataset. Insufficient privileges for accessing data in Amazon S3."
)
_IDS: Final = ("USER_ID", "ITEM_ID", "ACTION_ID")
_NEVER_EMPTY: Final = (*_IDS, "TIMESTAMP")
# Columns of interactions that do not count with the event types
_UNCOUNTED: Final = {*_IDS, "TIMESTAMP", "IMPRESSION", "RECOMMENDATION_ID", "EVENT_ATTRIBUTION_SOURCE"}
_TEXTUAL: Final = "textual_characters"
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class _Unfit(Exception):  # noqa: N818 - it ends the reading, and is no error of the emulator
    """The data cannot be imported, for this reason."""


def complete(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001 - like the others
    """Add the service's default: all earlier bulk data is replaced."""
    return {"importMode": "FULL", **request}


def call_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what is wrong with the request in the light of the dataset."""
    dataset = backend.records[request["datasetArn"]]
    incremental = request.get("importMode") == "INCREMENTAL" and state.assumptions.first_import_incremental == "refused"
    if incremental and not any(_is_base(job, dataset) for job in _jobs(backend, dataset)):
        yield "importMode is INCREMENTAL: the first import into a dataset must be FULL"
    try:
        _check_access(backend, request)
    except _Unfit as reason:
        yield str(reason)


def _check_access(backend: Backend, request: Mapping[str, Any]) -> None:
    """Check as much of the data as the call is assumed to check."""
    if "call" not in {state.assumptions.import_access_checked, state.assumptions.import_header_checked}:
        return
    try:
        files = _files(backend, request)
    except _Unfit:
        if state.assumptions.import_access_checked == "call":
            raise
        return
    for file in files if state.assumptions.import_header_checked == "call" else ():
        with _named(file):
            fields = _fields(backend, request)
            _missing_columns(fields, _header(fields, file.text))


def _jobs(backend: Backend, dataset: Record) -> list[Record]:
    return backend.belonging("dataset_import_job", "datasetArn", dataset.arn)


def _is_base(job: Record, dataset: Record) -> bool:
    """Return whether a job filled the dataset; an earlier dataset of the same ARN had jobs of its own."""
    return job.created >= dataset.created and job.members["importMode"] == "FULL" and job.usable


def read(backend: Backend, job: Record) -> str | None:
    """Read the data of a job and count it; return why it cannot be imported, or None."""
    try:
        job.holds = list(_read_all(_fields(backend, job.members), _files(backend, job.members)))
        job.records = len(job.holds)
        _check_interactions(backend, job)
    except _Unfit as reason:
        return str(reason)
    return None


def bring(backend: Backend, job: Record) -> None:
    """Put the rows of a job that ended well into its dataset."""
    dataset = backend.existing(job.members["datasetArn"])
    if job.usable and dataset:
        rows.imported(dataset, job.holds, job.members["importMode"], job.progress.reached)
    job.holds = None


def _check_interactions(backend: Backend, job: Record) -> None:
    """Check the number of interactions with items and of their event types."""
    if backend.records[job.members["datasetArn"]].members["datasetType"] != "INTERACTIONS":
        return
    if job.records < state.assumptions.minimum_interactions:
        raise _Unfit(f"Dataset has fewer than {state.assumptions.minimum_interactions:g} interactions: {job.records}.")
    types = {row["EVENT_TYPE"] for row in job.holds if "EVENT_TYPE" in row}
    columns = {field["name"] for field in _fields(backend, job.members)} - _UNCOUNTED
    _fit("event_types_and_columns", len(types) + len(columns))


def _fit(size: str, amount: int, what: str = "") -> None:
    for text in state.quotas.excess(size, amount, what):
        raise _Unfit(text)


def _fields(backend: Backend, members: Mapping[str, Any]) -> list[dict[str, Any]]:
    return fields_in(backend, backend.records[members["datasetArn"]])


@dataclass(frozen=True)
class _File:
    """A CSV, and its key, which is told where it is one of several."""

    text: io.TextIOWrapper
    key: str | None


def _files(backend: Backend, members: Mapping[str, Any]) -> list[_File]:
    """Open the file, or the files of the folder's first level."""
    try:
        found = s3.read_for_import(backend, members)
    except s3.Denied:
        raise _Unfit(_NOT_ALLOWED.format(members["datasetArn"].rpartition("/")[2])) from None
    except s3.Unreachable:
        raise _Unfit(_INVALID_LOCATION) from None
    _fit(f"{members.get('importMode', 'FULL').lower()}_import_bytes", sum(len(text) for _, text in found))
    is_file = members["dataSource"]["dataLocation"].endswith(found[0][0])
    # any of \n, \r\n and \r ends a line
    return [
        _File(io.TextIOWrapper(io.BytesIO(text), encoding="utf-8-sig", newline=None), None if is_file else key)
        for key, text in found
    ]


@contextmanager
def _named(file: _File) -> Iterator[None]:
    """Add the file's name to what is wrong in it."""
    where = f" The file is {file.key!r}." if file.key else ""
    try:
        yield
    except _Unfit as reason:
        raise _Unfit(f"{reason}{where}") from None
    except UnicodeDecodeError:
        raise _Unfit(f"Input csv is not UTF-8.{where}") from None


def _read_all(fields: list[dict[str, Any]], files: list[_File]) -> Iterator[dict[str, Any]]:
    first: list[str] | None = None
    for file in files:
        with _named(file):
            header = _header(fields, file.text)
            if first is None:
                first = header
                _missing_columns(fields, header)
                _unfit_columns(fields, header)
            elif header != first:
                raise _Unfit("Input csv files do not have the same header.")
            yield from _read_rows(_checks(fields, header), len(header), _records(file.text))


def _header(fields: list[dict[str, Any]], text: io.TextIOWrapper) -> list[str]:
    """Return the names of columns, written as the schema has them."""
    line = next(text, "").rstrip("\n")
    if '"' in line and state.assumptions.quoted_headers == "refused":
        raise _Unfit("Input csv has column headers in quotation marks.")
    header = _split(line, "The header") if line else []
    if state.assumptions.case_of_headers == "kept":
        return header
    names = {field["name"].lower(): field["name"] for field in fields}
    return [names.get(name.lower(), name) for name in header]


def _records(text: io.TextIOWrapper) -> Iterator[list[str]]:
    """Yield the values of the records. An empty line is not a record."""
    lines = (line.rstrip("\n") for line in text)
    return (_split(line, f"Record {count}") for count, line in enumerate(filter(None, lines), start=1))


def _split(line: str, name: str) -> list[str]:
    if "\0" in line:
        raise _Unfit(f"{name} has a NUL character.")
    try:
        return values.split(line)
    except ValueError:
        raise _Unfit(
            f"{name} has a quotation mark without its partner on the line, or text beside one. "
            "Each record must be on a single line."
        ) from None


def _missing_columns(fields: list[dict[str, Any]], header: list[str]) -> None:
    accepted = state.assumptions.missing_optional_column == "accepted"
    needed = [field["name"] for field in fields if not ("null" in types_of(field) and accepted)]
    missing = [name for name in needed if name not in header]
    if missing:
        raise _Unfit(f"Input csv is missing the following columns: [{', '.join(missing)}]")


def _unfit_columns(fields: list[dict[str, Any]], header: list[str]) -> None:
    known = {field["name"] for field in fields}
    unknown = [name for name in header if name not in known]
    if unknown and state.assumptions.unknown_columns == "refused":
        raise _Unfit(f"Input csv has columns that the schema does not have: {unknown}")
    if twice := [name for name, count in Counter(header).items() if count > 1 and name in known]:
        raise _Unfit(f"Input csv has columns more than once: {twice}")


@dataclass(frozen=True)
class _Check:
    """What is required of a column's values."""

    place: int
    name: str
    types: list[str]
    read: Callable[[str], Any]
    may_be_empty: bool


def _checks(fields: list[dict[str, Any]], header: list[str]) -> list[_Check]:
    by_name = {field["name"]: field for field in fields}
    return [_check(place, by_name[name]) for place, name in enumerate(header) if name in by_name]


def _check(place: int, field: Mapping[str, Any]) -> _Check:
    name, types = field["name"], types_of(field)
    read = _text_reader(field) if "string" in types else values.reader(types)
    accepted = state.assumptions.empty_required_value == "accepted" and name not in _NEVER_EMPTY
    return _Check(place, name, types, read, accepted or "null" in types)


def _text_reader(field: Mapping[str, Any]) -> Callable[[str], str]:
    name = field["name"]
    size = next((size for size, is_so in _text_limits(field) if is_so), None)
    if size is None:
        return str

    cjk = f"{size}_cjk" if size == _TEXTUAL else size
    limits = (state.quotas.in_force()[each] for each in (size, cjk))
    # what is no longer than this is not measured more closely
    fine = min((limit for limit in limits if limit is not None), default=math.inf)

    def read(text: str) -> str:
        if len(text) <= fine:
            return text
        of_text = cjk if _CJK.search(text) else size
        if size == _TEXTUAL and state.assumptions.long_text == "truncated":
            return text[: state.quotas.in_force()[of_text]]
        _fit(of_text, len(text), name)
        return text

    return read


def _text_limits(field: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    yield "id_characters", field["name"] in _IDS
    yield _TEXTUAL, field.get("textual") is True
    yield "categorical_characters", field.get("categorical") is True or field["name"] == "IMPRESSION"


def _read_rows(checks: list[_Check], width: int, records: Iterator[list[str]]) -> Iterator[dict[str, Any]]:
    for count, record in enumerate(records, start=1):
        if len(record) != width:
            raise _Unfit(f"Record {count} has {len(record)} values: the header has {width}.")
        row = {}
        for check in checks:
            if value := record[check.place]:
                try:
                    row[check.name] = check.read(value)
                except ValueError:
                    wanted = " or ".join(check.types)
                    raise _Unfit(f"Record {count}: {check.name} is {value!r}: the schema has {wanted}.") from None
            elif not check.may_be_empty:
                raise _Unfit(f"Record {count}: {check.name} is empty.")
        yield row
