"""The files of an import in S3: which there are, and ranges of their bytes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from airflow_provider_personalize.aws_errors import error_code
from airflow_provider_personalize.exceptions import DataNotReadableError

_MISSING: Final = frozenset({"NoSuchBucket", "NoSuchKey", "404"})
_DENIED: Final = frozenset({"AccessDenied", "AllAccessDisabled", "InvalidObjectState", "403"})
_CHANGED: Final = frozenset({"PreconditionFailed", "412"})


@dataclass(frozen=True)
class S3File:
    """
    A file.

    :param size: Its bytes.
    :param etag: What tells this content from another.
    :param modified: When it was written.
    """

    bucket: str
    key: str
    size: int
    etag: str
    modified: datetime


@dataclass
class Listing:
    """
    What a location has.

    :param files: The file, or the files of a folder's first level.
    :param folders: The folders inside the folder, which no import reads.
    """

    files: list[S3File] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def list_files(client: Any, location: str, most: float = math.inf) -> Listing:
    """
    List the files that an import of a location reads, as the service does.

    A path without a slash at its end may be a file's, or else a folder's; that the service takes such a folder is
    assumed.

    :param location: ``s3://bucket/key`` or ``s3://bucket/folder/``.
    :param most: Of a folder with more files, some of those beyond are not listed.
    :return: No files where the bucket or the path does not exist.
    :raises DataNotReadableError: The caller may not list the bucket.
    """
    bucket, _, key = location.removeprefix("s3://").partition("/")
    listing = Listing()
    if not location.startswith("s3://") or not bucket:
        return listing
    with _readable(location, "s3:ListBucket"):
        if key and not key.endswith("/"):
            # the key itself comes before all that begin with it
            first = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
            if first and first[0]["Key"] == key:
                listing.files.append(_file(bucket, first[0]))
                return listing
            key += "/"
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key, Delimiter="/"):
            listing.files += [_file(bucket, each) for each in page.get("Contents", []) if not each["Key"].endswith("/")]
            listing.folders += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
            if len(listing.files) > most:
                break
    return listing


def _file(bucket: str, listed: dict[str, Any]) -> S3File:
    return S3File(bucket, listed["Key"], listed["Size"], listed["ETag"], listed["LastModified"])


def read_range(client: Any, file: S3File, start: int, end: int) -> bytes:
    """
    Return the bytes of a file from one place up to another.

    :raises DataNotReadableError: The caller may not read the file, or it was replaced or deleted since it was listed.
    """
    if end <= start:
        return b""
    with _readable(f"s3://{file.bucket}/{file.key}", "s3:GetObject"):
        answer = client.get_object(
            Bucket=file.bucket, Key=file.key, Range=f"bytes={start}-{end - 1}", IfMatch=file.etag
        )
        content: bytes = answer["Body"].read()
    return content


@contextmanager
def _readable(place: str, action: str) -> Iterator[None]:
    """Explain an error that says that something cannot be read."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        code = error_code(error)
        if code in _DENIED:
            raise DataNotReadableError(
                f"Airflow's AWS connection may not read {place}: {error}. It needs {action}, and kms:Decrypt where the "
                "bucket has a key of its own, as the role of the service does: whether that role can read it was not "
                "checked"
            ) from error
        if code in _CHANGED or (code in _MISSING and action == "s3:GetObject"):
            raise DataNotReadableError(f"{place} was replaced or deleted while it was read: {error}") from error
        if code not in _MISSING:
            raise
