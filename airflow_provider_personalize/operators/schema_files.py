"""Read the schema that a task is given: a structure, JSON, a file of the worker, or an object in S3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_personalize.aws_errors import is_transient
from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.data.schemas import Schema, parse_schema, schema_errors
from airflow_provider_personalize.exceptions import IncompleteAnswerError, SchemaUnreadableError
from airflow_provider_personalize.redaction import redact

if TYPE_CHECKING:
    from airflow_provider_personalize.task import PersonalizeTask

#: No schema of 20,000 characters is longer in a file, however it is indented.
MOST_BYTES: Final = 2**20
_S3: Final = re.compile(r"s3://([^/]+)/(.+)")


class GivenSchema(NamedTuple):
    """
    A schema, and where it is from.

    :param content: The structure or the text; whatever else was given, for validation to report.
    :param place: The path or the URI of its file; empty where it was given itself.
    """

    content: Any
    place: str = ""

    def errors(self, request: Mapping[str, Any]) -> list[str]:
        """
        List what the service would find wrong with it.

        :param request: The request, in which it is a text.
        """
        if self is UNREAD:
            return []
        if not isinstance(request.get("schema"), str):
            return [f"schema is {redact(repr(request.get('schema')))}: it must be an Avro record"]
        try:
            domain = request.get("domain")  # that it is a text, or missing, is checked elsewhere
            return schema_errors(parse_schema(request["schema"]), domain if isinstance(domain, str) else None)
        except ValueError as error:
            return [str(error)]

    def located(self, errors: list[str]) -> list[str]:
        """Return errors with the file in those of the schema."""
        return [f"{each} ({self.place})" if self.place and each.startswith("schema") else each for each in errors]


#: A schema that is in a file and was not read: any Avro record.
UNREAD: Final = GivenSchema('{"type": "record"}', "a file")


def described_schema(described: Mapping[str, Any]) -> Schema:
    """
    Return the schema that ``DescribeSchema`` was answered with.

    :raises IncompleteAnswerError: It cannot be read.
    """
    try:
        return parse_schema(described["schema"])
    except ValueError as error:
        raise IncompleteAnswerError(f"DescribeSchema was answered with what is no schema: {error}") from error


def place_of(value: Any) -> str:
    """
    Return the path or the URI that a parameter has in place of a schema; empty where it has none.

    A text that begins with a bracket is JSON, one that begins with ``s3://`` names an object, and any other a file.
    """
    text = str(value) if isinstance(value, (str, PathLike)) else "None"
    return "" if parse("string", text) is None or _bare(text).startswith(("{", "[")) else text.strip()


def _bare(text: str) -> str:
    return text.strip().removeprefix("\ufeff").lstrip()


def read_schema(task: PersonalizeTask, value: Any) -> GivenSchema:
    """
    Return the schema that a parameter holds or names.

    :param task: The task, for its way to S3.
    :param value: The rendered parameter.
    :raises SchemaUnreadableError: There is no such file or object, it cannot be read, or it is no text.
    """
    if isinstance(value, str) and not value.strip():
        raise SchemaUnreadableError(value, "no file is named")
    if not (place := place_of(value)):
        return GivenSchema(_bare(value) if isinstance(value, str) else value)
    data = _read_s3(task, place) if place.startswith("s3://") else _read_file(place)
    if len(data) > MOST_BYTES:
        raise SchemaUnreadableError(place, f"it has more than {MOST_BYTES} bytes")
    try:
        return GivenSchema(data.decode("utf-8-sig"), place)
    except UnicodeDecodeError as error:
        raise SchemaUnreadableError(place, f"it is not UTF-8: {error}") from None


def _read_file(place: str) -> bytes:
    try:
        with Path(place).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # the latter of characters that no path has
        reason = getattr(error, "strerror", None) or str(error)
        raise SchemaUnreadableError(place, reason) from error


def _read_s3(task: PersonalizeTask, place: str) -> bytes:
    from botocore.exceptions import ClientError

    if not (found := _S3.fullmatch(place)):
        raise SchemaUnreadableError(place, "it names no object in S3")
    try:
        answer = task.s3_hook.get_conn().get_object(Bucket=found[1], Key=found[2])
        data: bytes = answer["Body"].read(MOST_BYTES + 1)
    except ClientError as error:
        if is_transient(error):
            raise
        raise SchemaUnreadableError(place, f"{error}".rstrip(".")) from error
    return data
