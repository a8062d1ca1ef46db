"""
Imports: what of a CSV in moto's S3 a dataset takes, by the rules in ``data/rules.py``.

The data is looked at when the job is created, and is in the dataset when the job ends.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.data import rules
from airflow_provider_personalize.data.schemas import SchemaField, parse_schema
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service import s3
from airflow_provider_personalize.emulator.service.rules import rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_INVALID_LOCATION: Final = "Invalid Data location."
_NOT_ALLOWED: Final = (
    "Failed to create a data import job for {} dataset. Insufficient privileges for accessing data in Amazon S3."
)


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
            _refuse(rules.missing_columns(fields, _header(fields, file.text), _options()))


def _jobs(backend: Backend, dataset: Record) -> list[Record]:
    return backend.belonging("dataset_import_job", "datasetArn", dataset.arn)


def _is_base(job: Record, dataset: Record) -> bool:
    """Return whether a job filled the dataset; an earlier dataset of the same ARN had jobs of its own."""
    return job.created >= dataset.created and job.members["importMode"] == "FULL" and job.usable


def read(backend: Backend, job: Record) -> str | None:
    """Read the data of a job and count it; return why it cannot be imported, or None."""
    try:
        dataset_type, fields = _dataset_type(backend, job.members), _fields(backend, job.members)
        job.holds = list(_read_all(fields, dataset_type, _files(backend, job.members)))
        job.records = len(job.holds)
        event_types = {row["EVENT_TYPE"] for row in job.holds if "EVENT_TYPE" in row}
        _refuse(rules.total_findings(fields, dataset_type, job.records, len(event_types), _options()))
    except _Unfit as reason:
        return str(reason)
    return None


def bring(backend: Backend, job: Record) -> None:
    """Put the rows of a job that ended well into its dataset."""
    dataset = backend.existing(job.members["datasetArn"])
    if job.usable and dataset:
        rows.imported(dataset, job.holds, job.members["importMode"], job.progress.reached)
    job.holds = None


def _options() -> rules.Options:
    """Return the quotas and the assumptions that are in force."""
    assumed = state.assumptions
    return rules.Options(
        limits=state.quotas.in_force(),
        minimum_interactions=assumed.minimum_interactions,
        quoted_headers=assumed.quoted_headers == "accepted",
        header_case=assumed.case_of_headers == "kept",
        unknown_columns=assumed.unknown_columns == "ignored",
        missing_optional_columns=assumed.missing_optional_column == "accepted",
        empty_required_values=assumed.empty_required_value == "accepted",
        truncated_text=assumed.long_text == "truncated",
    )


def _refuse(findings: Iterator[rules.Finding]) -> None:
    """Raise the first error among findings."""
    for finding in findings:
        if finding.is_error:
            raise _Unfit(finding.text)


def _dataset_type(backend: Backend, members: Mapping[str, Any]) -> str:
    return str(backend.records[members["datasetArn"]].members["datasetType"])


def _fields(backend: Backend, members: Mapping[str, Any]) -> tuple[SchemaField, ...]:
    dataset = backend.records[members["datasetArn"]].current()
    return parse_schema(backend.records[dataset["schemaArn"]].members["schema"]).fields


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
    size = f"{members.get('importMode', 'FULL').lower()}_import_bytes"
    if too_large := _options().excess(size, sum(len(text) for _, text in found)):
        raise _Unfit(too_large)
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
    except (_Unfit, rules.Refused) as reason:
        raise _Unfit(f"{reason}{where}") from None
    except UnicodeDecodeError:
        raise _Unfit(f"Input csv is not UTF-8.{where}") from None


def _read_all(fields: tuple[SchemaField, ...], dataset_type: str, files: list[_File]) -> Iterator[dict[str, Any]]:
    first: list[str] | None = None
    for file in files:
        with _named(file):
            header = _header(fields, file.text)
            if first is None:
                first = header
                _refuse(rules.header_findings(fields, header, _options()))
            elif header != first:
                raise _Unfit("Input csv files do not have the same header.")
            yield from _read_rows(rules.Records(fields, header, dataset_type, _options()), file.text)


def _header(fields: tuple[SchemaField, ...], text: io.TextIOWrapper) -> list[str]:
    return rules.read_header(next(text, "").rstrip("\n"), fields, _options())


def _read_rows(records: rules.Records, text: io.TextIOWrapper) -> Iterator[dict[str, Any]]:
    """Yield the rows. An empty line is not a record."""
    lines = filter(None, (line.rstrip("\n") for line in text))
    for count, line in enumerate(lines, start=1):
        try:
            yield records.read(rules.split_record(line))
        except rules.Refused as refused:
            # what a quota has to say names no record
            place = "" if refused.finding.rule == "length" else f"Record {count}"
            raise _Unfit(f"{place}{refused.finding.text}") from None
