"""Schemas: the columns of datasets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.operators.creating import CreateOperator, compare, find_by_name
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import SCHEMA, ResourceType

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import CreateOptions, WaitingOptions


def _compare_schema(
    hook: PersonalizeHook,
    resource_type: ResourceType,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    called_at: datetime | None,
) -> list[str]:
    """List in what a schema differs: its JSON, however that is written."""
    from airflow_provider_personalize.coercion import parse
    from airflow_provider_personalize.comparison import exact_differences

    rest = dict(wanted)
    schema = rest.pop("schema", found["schema"])
    changed = exact_differences(parse("structure", schema), parse("structure", found["schema"]), "schema")
    return compare(hook, resource_type, rest, found, called_at) + changed


class CreateSchemaOperator(CreateOperator):
    """
    Create a schema, or reuse the one that exists: the columns of a dataset.

    Calls ``CreateSchema`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSchema.html). A schema cannot be
    changed. An existing schema matches if it is the same JSON, however it is formatted. The order of the fields counts,
    since it is that of a CSV's columns; the order of an object's members does not.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param schema: An Avro record, as a structure or as JSON in a text, at most 20,000 characters. Its ``name`` is the
        type of the dataset, see https://docs.aws.amazon.com/personalize/latest/dg/how-it-works-dataset-schema.html.
        (templated)
    :param domain: ``"ECOMMERCE"`` or ``"VIDEO_ON_DEMAND"``, for a dataset group of that domain; None is for a custom
        one. (templated)
    :return: The ARN of the schema.
    """

    operation = "CreateSchema"
    finder = staticmethod(find_by_name)
    comparer = staticmethod(_compare_schema)
    resource_type = SCHEMA
    unless_given: ClassVar[Mapping[str, Any]] = {"domain": None}

    def __init__(
        self, *, name: str, schema: dict[str, Any] | str, domain: str | None = None, **kwargs: Unpack[CreateOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.schema = schema
        self.domain = domain


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
