"""Files in moto's S3: what jobs read and write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from moto.backends import get_backend

from airflow_provider_personalize.emulator.control.state import state

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend


class Unreachable(Exception):  # noqa: N818 - what it means for a job, the job says
    """There is no such file, folder or bucket."""


class Denied(Unreachable):
    """The bucket is another account's."""


def read_for_import(backend: Backend, job: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Read the file, or the files of the folder's first level, that an import reads, by their keys."""
    location = job["dataSource"].get("dataLocation", "")
    try:
        return read(backend, location)
    except Unreachable:
        if location.endswith("/") or state.assumptions.import_without_slash == "refused":
            raise
    return read(backend, f"{location}/")


def read(backend: Backend, location: str, *, deep: bool = False, prefixed: bool = False) -> list[tuple[str, bytes]]:
    """
    Read a file, or the files of a folder, by their keys.

    :param location: ``s3://bucket/key``; a folder ends in a slash.
    :param deep: Descend into a folder's folders.
    :param prefixed: Take a key that no file has for the beginning of keys, in whatever folder.
    """
    bucket, _, key = location.removeprefix("s3://").partition("/")
    s3 = _s3(backend, location, bucket)
    if key.endswith("/") or not key:
        found = _folder(s3, bucket, key, None if deep else "/")
    elif (file := s3.get_object(bucket, key)) or not prefixed:
        found = [file]
    else:
        found = _folder(s3, bucket, key, None)
    if not any(found):
        raise Unreachable(location)
    return [(each.name, each.value) for each in found]


def _s3(backend: Backend, location: str, bucket: str) -> Any:
    s3 = get_backend("s3")[backend.account_id][backend.partition]
    if bucket not in s3.buckets and bucket in get_backend("s3").bucket_accounts:
        raise Denied(location)
    if not location.startswith("s3://") or bucket not in s3.buckets:
        raise Unreachable(location)
    return s3


def _folder(s3: Any, bucket: str, prefix: str, delimiter: str | None) -> list[Any]:
    keys, *_ = s3.list_objects(s3.get_bucket(bucket), prefix, delimiter, marker=None, max_keys=None)
    return [key for key in keys if not key.name.endswith("/")]


def check(backend: Backend, location: str) -> None:
    """Check that one could write there."""
    _s3(backend, location, location.removeprefix("s3://").partition("/")[0])


def write(backend: Backend, folder: str, name: str, lines: Iterable[str]) -> None:
    """Write a file into a folder, dated by the service's clock: clients look for files newer than their job."""
    bucket, _, prefix = folder.removeprefix("s3://").partition("/")
    key = f"{prefix.rstrip('/')}/{name}".lstrip("/")
    file = _s3(backend, folder, bucket).put_object(bucket, key, "".join(lines).encode())
    # moto keeps UTC without a zone
    file.last_modified = datetime.fromtimestamp(state.clock.now(), timezone.utc).replace(tzinfo=None)
