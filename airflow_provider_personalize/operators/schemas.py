"""Schemas: the columns of datasets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.goals import UPDATED
from airflow_provider_personalize.operators.base import WaitingOperator, WantedT
from airflow_provider_personalize.operators.creating import CreateOperator, compare, find_by_name
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import DATASET, SCHEMA, ResourceType
from airflow_provider_personalize.task import switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.data.schemas import Schema
    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.operators.schema_files import GivenSchema
    from airflow_provider_personalize.options import CreateOptions, WaitingOptions
    from airflow_provider_personalize.plans.steps import Memory, Step


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
    template: what is in it is sent as it is. See docs/guides/schemas.md for what is checked before the call.

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

    def request_errors(self) -> list[str]:
        """List what is wrong with the request; what is in a file is read when the task runs."""
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


class EvolveDatasetSchemaOperator(WaitingOperator):
    """
    Give a dataset of items or users a schema with more fields, and wait until the update is ACTIVE.

    The schema that is wanted is compared with the dataset's, field by field. If nothing differs, nothing is sent. If
    fields are added that accept null, the schema is created under a name that derives from its content, or found, and
    the dataset is updated to it: ``CreateSchema``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSchema.html), then ``UpdateDataset``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateDataset.html). Anything else is an error: the service
    keeps all fields of a dataset as they are
    (https://docs.aws.amazon.com/personalize/latest/dg/updating-dataset-schema.html). No existing solution trains on the
    new fields until it is told to.

    A retry finds the schema and the update of an earlier attempt, and makes no second one. An update by someone else is
    waited for, and the schemas are compared again. See docs/guides/schemas.md.

    :param dataset_arn: The ARN of the dataset. (templated)
    :param schema: All fields that the dataset is to have, in one of the forms of :class:`CreateSchemaOperator`. Its
        other members, such as ``namespace``, make no difference. (templated)
    :return: The dataset's ARN. Also in XCom, as ``dataset_update``: the update's ``creationDateTime`` (None where
        nothing had to change), its content, and whether this task ``sent`` it. With ``dry_run``, ``{"schemaArn": …,
        "changes": [{"field": …, "change": "added", "before": None, "after": …}, …], "reordered": False, "obstacles":
        […]}``; a change may also be ``"removed"`` or ``"changed"``.
    :raises SchemaIncompatibleError: The service does not make the change in place; nothing was sent.
    :raises SchemaUnreadableError: The file with the schema cannot be read; nothing was sent.
    :raises ResourceFailedError: The update, or the dataset itself, failed; with the service's reason.
    :raises UpdateReplacedError: A later update by someone else replaced this one before its outcome was seen.
    """

    operation = "UpdateDataset"
    resource_type = DATASET
    goal = UPDATED

    def __init__(
        self,
        *,
        dataset_arn: str,
        schema: dict[str, Any] | PathLike[str] | str,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.schema = schema

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the dataset and its schemas, and return the next step."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.operators.schema_files import described_schema
        from airflow_provider_personalize.plans import evolve

        wanted = self._wanted(evolve.Evolution)
        found = self.hook.describe(DATASET, wanted.arn)
        self.show_link(context, found)
        known = self.known(context, memory, wanted.arn)
        if evolve.is_sent(memory):
            return evolve.next_step(wanted, evolve.ObservedDataset(found, **known), memory, clock.now())
        has = self.hook.describe(SCHEMA, evolve.schema_to_read(found))
        described_schema(has)
        wanted = replace(wanted, schema=self._checked_schema(has.get("domain"), found["datasetType"]))
        name = evolve.arn_of(wanted, evolve.evolved(wanted, has).name)
        observed = evolve.ObservedDataset(found, **known, schema=has, evolved=self.hook.find(SCHEMA, name))
        return evolve.next_step(wanted, observed, memory, clock.now())

    def planned(self, context: Context) -> Any:
        """Return what would change of the schema in a dry run; else the first step, from reads alone."""
        from airflow_provider_personalize.plans.steps import Done, Memory

        step = self.next_step(context, Memory()) if self.is_on("dry_run") else None
        return step.result if isinstance(step, Done) else super().planned(context)

    def _wanted(self, made_of: Callable[..., WantedT]) -> WantedT:
        from airflow_provider_personalize.exceptions import InvalidRequestError

        if wrong := self.parameter_errors():
            raise InvalidRequestError(self.operation, wrong)
        more = {"is_dry_run": self.is_on("dry_run"), "delay": self.waiter_delay}
        return self.wanted(made_of, request={DATASET.arn_member: self.dataset_arn}, **more)

    @cached_property
    def _given(self) -> GivenSchema:
        from airflow_provider_personalize.operators.schema_files import read_schema

        return read_schema(self, self.schema)

    def _checked_schema(self, domain: str | None, dataset_type: str) -> Schema:
        from airflow_provider_personalize.coercion import schema_as_json
        from airflow_provider_personalize.data.schemas import parse_schema
        from airflow_provider_personalize.exceptions import InvalidRequestError
        from airflow_provider_personalize.operation import Operation

        text = schema_as_json(self._given.content)
        creation = Operation(self.hook, "CreateSchema", {})
        wrong = creation.validation_errors({"name": "evolved", "schema": text})
        wrong = wrong or self._given.errors({"schema": text, "domain": domain})
        schema = None if wrong else parse_schema(text)
        if schema and schema.dataset_type != dataset_type:
            wrong = [f"schema.name is {schema.avro.get('name')!r}: the dataset is one of {dataset_type}"]
        if schema is None or wrong:
            raise InvalidRequestError(self.operation, self._given.located(wrong))
        return schema

    def request_errors(self) -> list[str]:
        """List what is wrong with the request; what is in a file is read when the task runs."""
        from airflow_provider_personalize.arns import wrong_arn, wrong_region_arns
        from airflow_provider_personalize.coercion import parse, schema_as_json
        from airflow_provider_personalize.operators.schema_files import UNREAD, GivenSchema, place_of

        arns = {DATASET.arn_parameter: self.dataset_arn}
        wrong_one = wrong_arn(DATASET.arn_parameter, self.dataset_arn)
        wrong = [wrong_one] if wrong_one else wrong_region_arns(arns, self.hook.conn.meta.region_name)
        if parse("string", self.schema) is None:
            return [*wrong, f"schema is {self.schema!r}: it must be an Avro schema, a path or an S3 URI"]
        given = UNREAD if place_of(self.schema) else GivenSchema(self.schema)
        return wrong + given.errors({"schema": schema_as_json(given.content)})
