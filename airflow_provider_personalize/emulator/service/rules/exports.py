"""
The service's rules for jobs that write a dataset to S3, and for those that delete users' data.

https://docs.aws.amazon.com/personalize/latest/dg/export-data.html and
https://docs.aws.amazon.com/personalize/latest/dg/delete-records.html. The name of an exported file is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine import batch as lines
from airflow_provider_personalize.emulator.engine.errors import Unfit
from airflow_provider_personalize.emulator.service import s3
from airflow_provider_personalize.emulator.service.rules import rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_OUTPUT: Final = "Invalid S3 output path"
_INPUT: Final = "Invalid Data location."


def complete_export(backend: Backend, request: Mapping[str, Any]) -> Members:  # noqa: ARG001
    """Add the service's default, which is not what most expect: only what came in real time is exported."""
    return {"ingestionMode": "PUT", **request}


def check_output(backend: Backend, job: Record) -> str | None:
    """Return why a job cannot write to its output, or None."""
    try:
        s3.check(backend, _folder(job))
    except s3.Unreachable:
        return _OUTPUT
    return None


def _folder(job: Record) -> str:
    return str(job.members["jobOutput"]["s3DataDestination"]["path"])


def export(backend: Backend, job: Record) -> None:
    """Write what a dataset holds when the job ends."""
    if job.usable:
        dataset = backend.records[job.members["datasetArn"]]
        rows.settle(backend, dataset)
        written = lines.export_rows(dataset.holds.data, job.members["ingestionMode"])
        s3.write(backend, _folder(job), f"{job.members['jobName']}.csv", written)


def read_users(backend: Backend, job: Record) -> str | None:
    """Read whose data a job deletes; return why that failed, or None."""
    try:
        files = s3.read(backend, job.members["dataSource"].get("dataLocation", ""), deep=True)
        taken = [text for name, text in files if name.endswith(".csv")]
        for excess in state.quotas.excess("deletion_bytes", sum(map(len, taken))):
            return excess
        texts = [text.decode("utf-8-sig") for text in taken]
        job.holds = [user for text in texts for user in lines.read_deletions(text.splitlines())]
    except s3.Unreachable:
        return _INPUT
    except Unfit as reason:
        return str(reason)
    except UnicodeDecodeError:
        return "Input csv is not UTF-8."
    return None if texts else _INPUT


def delete_users(backend: Backend, job: Record) -> None:
    """Delete users' rows from all datasets of a group, and count them."""
    if job.usable:
        datasets = backend.belonging("dataset", "datasetGroupArn", job.members["datasetGroupArn"])
        deleted = sum(dataset.holds.data.delete_users(job.holds) for dataset in datasets)
        job.records = deleted if state.assumptions.deleted_counted == "rows" else len(set(job.holds))


def deleted(backend: Backend, job: Record) -> Members:  # noqa: ARG001 - called like the others
    """Return how much was deleted, once it is."""
    return {"numDeleted": job.records} if job.usable else {}
