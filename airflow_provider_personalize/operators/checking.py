"""Check data in S3 against a dataset's schema and the service's rules, before an import of it is paid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.resources import DATASET
from airflow_provider_personalize.task import PersonalizeTask, switch

if TYPE_CHECKING:
    from os import PathLike

    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.data.checking import Check
    from airflow_provider_personalize.data.schemas import Schema
    from airflow_provider_personalize.hooks.s3 import S3File
    from airflow_provider_personalize.options import TaskOptions

#: The key of the summary in XCom.
XCOM_KEY: Final = "data_check"
# Facts for the events of assets
_COUNTS: Final = ("records", "files", "bytes", "errors", "warnings", "is_sample")
# A sample fetches less at once, of each file.
_SAMPLE_RANGE: Final = 2**20


def dataset_schema(task: PersonalizeTask, dataset_arn: str) -> Schema:
    """Return the schema that a dataset has now, with the type of the dataset."""
    from dataclasses import replace

    from airflow_provider_personalize.comparison import configuration
    from airflow_provider_personalize.operators.driver import call_with_retry
    from airflow_provider_personalize.operators.schema_files import described_schema
    from airflow_provider_personalize.resources import SCHEMA

    dataset = call_with_retry(task, lambda: task.hook.describe(DATASET, dataset_arn))
    schema_arn = configuration(DATASET, dataset).get("schemaArn") or dataset["schemaArn"]
    schema = call_with_retry(task, lambda: described_schema(task.hook.describe(SCHEMA, schema_arn)))
    return replace(schema, dataset_type=dataset["datasetType"].upper())


def check_data(
    task: PersonalizeTask,
    context: Context,
    schema: Schema,
    location: str,
    *,
    is_incremental: bool = False,
    sample_rows: int | None = None,
    ignore_rules: Collection[str] = (),
    fail_on_warnings: bool = False,
    takes_parquet: bool = False,
) -> dict[str, Any]:
    """
    Check the data of an import, push the summary to XCom and log it as a table; return it.

    :param takes_parquet: Whether Parquet is read. The service does not import it.
    :raises DataCheckError: The data does not fit, with all problems.
    :raises DataNotReadableError: The data cannot be read with Airflow's AWS connection.
    """
    from airflow_provider_personalize import clock
    from airflow_provider_personalize.data.checking import Check
    from airflow_provider_personalize.exceptions import DataCheckError

    check = Check(
        location,
        schema.fields,
        schema.dataset_type,
        is_incremental=is_incremental,
        sample_rows=sample_rows,
        ignore=ignore_rules,
        now=clock.now(),
    )
    _check_files(task, check, location, takes_parquet=takes_parquet, is_sample=sample_rows is not None)
    report = check.finish()
    summary = task.data_check = report.summary()
    if task.do_xcom_push:
        context["ti"].xcom_push(key=XCOM_KEY, value=summary)
    is_unfit = bool(report.errors or (fail_on_warnings and report.warnings))
    (task.log.error if is_unfit else task.log.info)("%s", report.table())
    if is_unfit:
        raise DataCheckError(report.message(with_warnings=fail_on_warnings), summary)
    return summary


def _check_files(task: PersonalizeTask, check: Check, location: str, *, takes_parquet: bool, is_sample: bool) -> None:
    from functools import partial
    from itertools import chain

    from airflow_provider_personalize.data import reading
    from airflow_provider_personalize.data.rules import found
    from airflow_provider_personalize.hooks.s3 import list_files, read_range
    from airflow_provider_personalize.operators.driver import call_with_retry

    client = task.s3_hook.get_conn()
    listing = call_with_retry(task, lambda: list_files(client, location))
    if not listing.files:
        check.add(found("location", f"Invalid Data location: there is no file at {location}."))
        return
    check.add_size(sum(file.size for file in listing.files))
    for folder in listing.folders:
        check.add(found("subfolder", "The service reads no folder inside the folder."), folder)

    def fetch(file: S3File, start: int, end: int) -> bytes:
        return call_with_retry(task, partial(read_range, client, file, start, end))

    for file in listing.files:
        task.log.info("Checking s3://%s/%s (%d bytes)", file.bucket, file.key, file.size)
        fetch_range = partial(fetch, file)
        blocks = reading.blocks(fetch_range, file.size, _SAMPLE_RANGE if is_sample else reading.RANGE)
        first = next(blocks, b"")
        if takes_parquet and first.startswith(reading.PARQUET):
            _check_parquet(check, file, fetch_range)
        else:
            check.check_csv(file.key, chain([first], blocks))


def _check_parquet(check: Check, file: S3File, fetch: Any) -> None:
    from airflow_provider_personalize.data import reading
    from airflow_provider_personalize.data.rules import found
    from airflow_provider_personalize.exceptions import PersonalizeError

    text = "The file is Parquet: the service imports CSV only. Convert it before the import."
    check.add(found("file_format", text, is_error=False), file.key)
    try:
        opened = reading.open_parquet(fetch, file.size)
        for column, its_type in reading.nested_columns(opened).items():
            said = f"{column} is {its_type}: a CSV has texts, with several categories joined by |."
            check.add(found("type", said, column), file.key)
        check.check_columns(file.key, opened.schema_arrow.names, reading.batches(opened))
    except reading.ParquetMissingError as error:
        raise PersonalizeError(
            f"s3://{file.bucket}/{file.key} is Parquet, and pyarrow is not installed ({error}): install "
            "airflow-provider-personalize[parquet]"
        ) from error
    except ValueError as error:  # as pyarrow's own errors are
        check.add(found("file_format", f"The file cannot be read as Parquet: {error}"), file.key)


def counts(summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the summary of a check counts, without values of the data."""
    return {name: (summary or {}).get(name) for name in _COUNTS}


def counts_known(task: PersonalizeTask, context: Context) -> dict[str, Any]:
    """Return what the check of an import counted; before a deferral, as XCom has it. None if unknown."""
    ti = context["ti"]
    return counts(task.data_check or ti.xcom_pull(task_ids=ti.task_id, key=XCOM_KEY, map_indexes=ti.map_index))


class CheckDatasetOperator(PersonalizeTask):
    """
    Check data in S3 before it is imported: against a dataset's schema and the service's documented rules.

    It reads the CSV files as an import would, in pieces, and fails with one error that lists all problems, each with
    its file, line, column, value and count; the first 20 in full. Nothing is sent to the service but
    ``DescribeDataset`` and ``DescribeSchema``. See ``docs/guides/data-checks.md`` for the rules, what each rests on,
    and what the check costs. A Parquet file is checked as the CSV that it would be; that takes the extra ``parquet``.

    :param data_location: ``s3://bucket/interactions.csv``, or a folder ``s3://bucket/folder/``, of which the files of
        the first level are read. (templated)
    :param dataset_arn: The ARN of the dataset, whose schema and type count; either this or ``schema``. (templated)
    :param schema: An Avro schema where there is no dataset yet: a structure, JSON, or the path or ``s3://`` URI of a
        file. (templated)
    :param import_mode: ``"INCREMENTAL"`` for data that is added to a dataset: what a training needs is not required of
        it alone then, while an import of interactions has at least 1,000 records in either mode. None is ``"FULL"``.
        (templated)
    :param sample_rows: How many records of each file are checked, from its beginning; None checks all. Totals are not
        checked of a sample.
    :param ignore_rules: The names of rules that do not count, such as ``["training_users"]``.
    :param fail_on_warnings: Whether what the service is known or assumed to accept fails the task, too: columns that
        it ignores, duplicates, text that it cuts.
    :return: The summary, which is in XCom as ``data_check``, too, even if the check fails: ``records``, ``errors``,
        ``warnings``, the kinds of ``problems`` with their counts, and the ``first`` of them in full.
    :raises DataCheckError: The data does not fit; Airflow does not retry the task.
    :raises DataNotReadableError: The data cannot be read with Airflow's AWS connection, or changed meanwhile.
    :raises InvalidRequestError: Parameters are invalid; nothing was read.
    """

    operation = "DescribeDataset"
    resource_type = DATASET
    members = ("data_location", "dataset_arn", "schema", "import_mode")
    template_fields_renderers = {"schema": "json"}  # noqa: RUF012 - Airflow's name

    def __init__(
        self,
        *,
        data_location: str,
        dataset_arn: str | None = None,
        schema: dict[str, Any] | str | PathLike[str] | None = None,
        import_mode: str | None = None,
        sample_rows: int | None = None,
        ignore_rules: Collection[str] = (),
        fail_on_warnings: bool = False,
        **kwargs: Unpack[TaskOptions],
    ) -> None:
        super().__init__(**kwargs)
        if sample_rows is not None and (
            isinstance(sample_rows, bool) or not isinstance(sample_rows, int) or sample_rows < 1
        ):
            raise ValueError(f"sample_rows is {sample_rows!r}: allowed are a whole number, 1 or more, and None")
        if isinstance(ignore_rules, str) or not isinstance(ignore_rules, Collection):
            raise TypeError(f"ignore_rules is {ignore_rules!r}: allowed is a list of names of rules")
        self.data_location = data_location
        self.dataset_arn = dataset_arn
        self.schema = schema
        self.import_mode = import_mode
        self.sample_rows = sample_rows
        self.ignore_rules = ignore_rules
        self.fail_on_warnings = switch("fail_on_warnings", fail_on_warnings)

    def execute(self, context: Context) -> dict[str, Any]:
        """Check the data, and return the summary."""
        from airflow_provider_personalize.coercion import parse, schema_as_json
        from airflow_provider_personalize.data.schemas import parse_schema
        from airflow_provider_personalize.exceptions import InvalidRequestError
        from airflow_provider_personalize.operators.schema_files import place_of, read_schema

        context = self.begin(context)
        if wrong := self.parameter_errors():
            raise InvalidRequestError("CheckDataset", wrong)
        arn, schema = parse("string", self.dataset_arn), parse("structure", self.schema)
        if place_of(schema):
            given = read_schema(self, schema)
            schema = given.content
            if wrong := given.located(given.errors({"schema": schema_as_json(schema)})):
                raise InvalidRequestError("CheckDataset", wrong)
        if arn:
            self.show_link(context, {"datasetArn": arn})
        summary = check_data(
            self,
            context,
            dataset_schema(self, arn) if arn else parse_schema(schema),
            parse("string", self.data_location),
            is_incremental=parse("string", self.import_mode) == "INCREMENTAL",
            sample_rows=self.sample_rows,
            ignore_rules=self.ignore_rules,
            fail_on_warnings=self.fail_on_warnings,
            takes_parquet=True,
        )
        self.succeed(None, input_location=summary["location"], **counts(summary))
        return summary

    def parameter_errors(self) -> list[str]:
        """List what is wrong with the parameters; what is in a file is read when the task runs."""
        from airflow_provider_personalize.coercion import parse

        arn, schema = parse("string", self.dataset_arn), parse("structure", self.schema)
        mode, location = parse("string", self.import_mode) or "FULL", parse("string", self.data_location)
        return list(self._wrong_parameters(location, arn, schema, mode))

    def _wrong_parameters(self, location: Any, arn: str | None, schema: Any, mode: str) -> Iterator[str]:
        from airflow_provider_personalize.arns import wrong_arn
        from airflow_provider_personalize.coercion import schema_as_json
        from airflow_provider_personalize.data.rules import RULES
        from airflow_provider_personalize.operators.schema_files import GivenSchema, place_of

        if not isinstance(location, str) or not location.startswith("s3://"):
            yield f"data_location is {location!r}: it must be a location in S3, such as s3://bucket/folder/"
        if (arn is None) == (schema is None):
            yield "give either dataset_arn or schema"
        if arn is not None and (wrong := wrong_arn("dataset_arn", arn)):
            yield wrong
        if mode not in ("FULL", "INCREMENTAL"):
            yield f"import_mode is {mode!r}: allowed are FULL and INCREMENTAL"
        if schema is not None and not place_of(schema):
            yield from GivenSchema(schema).errors({"schema": schema_as_json(schema)})
        if unknown := sorted(set(self.ignore_rules) - RULES.keys()):
            yield f"ignore_rules has {unknown}: allowed are names of {', '.join(RULES)}"
