"""Schemas: the columns of datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.operators.base import WantedT
from airflow_provider_personalize.operators.creating import CreateOperator, compare, find_by_name
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import SCHEMA, ResourceType
from airflow_provider_personalize.task import switch

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.operators.schema_files import GivenSchema
    from airflow_provider_personalize.options import CreateOptions, WaitingOptions


def _compare_schema(
    hook: PersonalizeHook,
    resource_type: ResourceType,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    called_at: datetime | None,
) -> list[str]:
    """List in what a schema differs: its JSON, however that is written."""
    from airflow_provider_personalize.coercion import parse, with_version_as_text
    from airflow_provider_personalize.comparison import exact_differences

    rest = dict(wanted)
    given = rest.pop("schema", found["schema"])
    ours, theirs = (with_version_as_text(parse("structure", schema)) for schema in (given, found["schema"]))
    changed = exact_differences(ours, theirs, "schema")
    return compare(hook, resource_type, rest, found, called_at) + changed


class CreateSchemaOperator(CreateOperator):
    """
    Create a schema, or reuse the one that exists: the columns of a dataset.

    Calls ``CreateSchema`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSchema.html). A schema cannot be
    changed. An existing schema matches if it is the same JSON, however it is formatted. The order of the fields counts,
    since it is that of a CSV's columns; the order of an object's members, and of the types in a union, does not.

    The schema is read when the task runs, by the worker, and with the task's connection where it is in S3. A file is no
    template: what is in it is sent as it is. See docs/schemas.md for what is checked before the call.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param schema: An Avro record, as a structure or as JSON in a text, at most 20,000 characters; or the path of a file
        of the worker, or ``s3://BUCKET/KEY``, with such JSON. Its ``name`` is the type of the dataset, see
        https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html. (templated)
    :param domain: ``"ECOMMERCE"`` or ``"VIDEO_ON_DEMAND"``, for a dataset group of that domain; None is for a custom
        one. (templated)
    :param check_schema: Whether to check the service's rules for schemas before the call: each field's name and type,
        the fields that the type of the dataset and the domain ask for, and their number. Without it, only that it is an
        Avro record.
    :return: The ARN of the schema.
    :raises SchemaUnreadableError: The file with the schema cannot be read; nothing was sent.
    """

    operation = "CreateSchema"
    finder = staticmethod(find_by_name)
    comparer = staticmethod(_compare_schema)
    resource_type = SCHEMA
    unless_given: ClassVar[Mapping[str, Any]] = {"domain": None}

    not_in_request = frozenset({"check_schema"})

    def __init__(
        self,
        *,
        name: str,
        schema: dict[str, Any] | PathLike[str] | str,
        domain: str | None = None,
        check_schema: bool = True,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.schema = schema
        self.domain = domain
        self.check_schema = switch("check_schema", check_schema)

    def wanted(self, made_of: Callable[..., WantedT], **more: Any) -> WantedT:
        """Return what the plan is asked for, with the schema itself in place of its file."""
        return super().wanted(made_of, request=self._request, **more)

    @cached_property
    def _request(self) -> dict[str, Any]:
        from airflow_provider_personalize.exceptions import InvalidRequestError
        from airflow_provider_personalize.operators.schema_files import read_schema

        given = read_schema(self, self.schema)
        if wrong := self._errors_of(given):
            raise InvalidRequestError(self.operation, wrong)
        return self.api.unchecked_request(schema=given.content)

    def parameter_errors(self) -> list[str]:
        """List what is wrong with the parameters; what is in a file is read when the task runs."""
        from airflow_provider_personalize.operators.schema_files import UNREAD, GivenSchema, place_of

        return self._errors_of(UNREAD if place_of(self.schema) else GivenSchema(self.schema))

    def _errors_of(self, given: GivenSchema) -> list[str]:
        wrong = self.api.request_errors(schema=given.content)
        if self.check_schema and not any(each.startswith("schema") for each in wrong):
            wrong += given.errors(self.api.unchecked_request(schema=given.content))
        return given.located(wrong)


class DeleteSchemaOperator(DeleteOperator):
    """
    Delete a schema.

    Calls ``DeleteSchema`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteSchema.html). It is gone at
    once; a dataset that uses it, deleted or not yet gone, makes the service refuse.

    :param schema_arn: The ARN of the schema. (templated)
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, where a dataset uses it.
    """

    operation = "DeleteSchema"
    resource_type = SCHEMA

    def __init__(self, *, schema_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.schema_arn = schema_arn
