"""
What a task read and wrote, for OpenLineage. Nothing of OpenLineage is imported here.

``FAMILIES`` lists, by the operation that a task calls, the datasets that go in and come out. Names follow
OpenLineage's naming (https://openlineage.io/docs/spec/naming): an object in S3 has the namespace ``s3://bucket`` and
its key as the name; a resource of Personalize has the part of its ARN up to the account as the namespace and the rest
as the name, as OpenLineage names tables of AWS Glue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_personalize import clock
from airflow_provider_personalize.arns import LATEST
from airflow_provider_personalize.assets import arn_of
from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.outcome import facts_of
from airflow_provider_personalize.plans.steps import Done
from airflow_provider_personalize.resources import (
    CAMPAIGN,
    DATASET,
    DATASET_GROUP,
    FILTER,
    RECOMMENDER,
    SCHEMA,
    SOLUTION_VERSION,
    ResourceType,
)

if TYPE_CHECKING:
    from airflow_provider_personalize._compat import Asset
    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.task import PersonalizeTask

Members = Mapping[str, Any]

# Airflow gives a listener ten seconds by default; the last read begins within these, and each takes four at most.
_READING_TIME: Final = 5
_PAGE: Final = 100
_NOTHING: Final[Members] = {}


class Dataset(NamedTuple):
    """
    A dataset in OpenLineage's sense.

    :param namespace: ``s3://bucket``, or ``arn:aws:personalize:us-east-1:123456789012``.
    :param name: The key, or the rest of the ARN: ``solution/shop/0a1b2c3d``.
    :param facts: What is known of it: ``schema``, a :class:`~airflow_provider_personalize.data.schemas.Schema`;
        ``version``; ``training``, the facts of :mod:`~airflow_provider_personalize.outcome`; ``check``, the summary of
        a check of its data; ``rows``, how many were put; ``is_deleted``.
    """

    namespace: str
    name: str
    facts: Members = _NOTHING


class Lineage(NamedTuple):
    """What a task read and wrote."""

    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()


def of_arn(arn: str, **facts: Any) -> Dataset:
    """Return the dataset of a resource."""
    namespace, _, name = arn.rpartition(":")
    return Dataset(namespace, name, facts)


def of_s3(uri: str, **facts: Any) -> Dataset:
    """Return the dataset of an object or a folder in S3: a folder has its name without the slash at its end."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return Dataset(f"s3://{bucket}", key.strip("/") or "/", facts)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:  # noqa: ARG001 - Airflow's signature
    """Return the dataset in OpenLineage's class that an asset of this package's scheme stands for."""
    from openlineage.client.event_v2 import Dataset as OpenLineageDataset

    namespace, name, _ = of_arn(arn_of(asset.uri))
    return OpenLineageDataset(namespace, name)


class TaskReads:
    """
    What is known of a task that has ended, and reads of the service, few and short, none of which raises.

    :param task: The task, as it ran.
    :param result: What it returned.
    :param may_read: Whether the service may be asked.
    """

    def __init__(self, task: PersonalizeTask, result: Any = None, *, may_read: bool = True) -> None:
        self.task = task
        self.result = result
        self._until = clock.monotonic() + _READING_TIME if may_read else float("-inf")
        self._hook: PersonalizeHook | None = None
        self._answers: dict[tuple[Any, ...], Members] = {}

    def parameter(self, name: str, *members: str) -> str | None:
        """Return the text in a parameter, or in a member of its structure."""
        value = parse("structure", getattr(self.task, name, None))
        for member in members:
            value = value.get(member) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else None

    def call(self, method: str, **request: Any) -> Members:
        """Return the answer of a read; without any member where it cannot be had in time."""
        key = (method, *request.values())
        if key not in self._answers and clock.monotonic() < self._until:
            self._answers[key] = self._call(method, request)
        return self._answers.get(key, {})

    def _call(self, method: str, request: Members) -> Members:
        try:
            self._hook = self._hook or self.task.hook.for_short_reads()
            answer: Members = self._hook.call(method, **request)
        except Exception as error:  # noqa: BLE001 - a task that has ended must not fail for it
            self.task.log.info("The lineage is incomplete without %s: %s", method, error)
            return {}
        return answer

    def describe(self, resource_type: ResourceType, arn: str) -> Members:
        """Return a description; without any member where it cannot be had."""
        answer = self.call(f"describe_{resource_type.name}", **{resource_type.arn_member: arn})
        return answer.get(resource_type.member) or {}

    def facts(self, resource_type: ResourceType, arn: str) -> Members:
        """Return the facts of a resource: those that the task has read, or else by reads; none if nothing is known."""
        known = self.task.facts or {}
        if known.get("arn") == arn and known.get("status"):
            return known
        if not (found := self.describe(resource_type, arn)):
            return {}
        is_measured = resource_type is SOLUTION_VERSION and found.get("status") in resource_type.ready
        metrics = self.call("get_solution_metrics", solutionVersionArn=arn).get("metrics") if is_measured else None
        return facts_of(resource_type, arn, found, metrics=metrics)

    def datasets_of(self, group: str | None) -> Iterator[Dataset]:
        """Yield the datasets of a dataset group."""
        if group:
            for dataset in self.call("list_datasets", datasetGroupArn=group, maxResults=_PAGE).get("datasets", ()):
                yield of_arn(dataset[DATASET.arn_member])


Extractor = Callable[[TaskReads], Iterable[Dataset]]


class Family(NamedTuple):
    """What goes into an operation, and what comes out."""

    inputs: tuple[Extractor, ...] = ()
    outputs: tuple[Extractor, ...] = ()


def _in_s3(parameter: str, *members: str) -> Extractor:
    """Return what a parameter names in S3; with what was found where its data was checked."""

    def extract(reads: TaskReads) -> Iterator[Dataset]:
        uri, summary = reads.parameter(parameter, *members), reads.task.data_check
        if uri and uri.startswith("s3://"):
            yield of_s3(uri, **({"check": summary} if summary else {}))

    return extract


def _named(resource_type: ResourceType) -> Extractor:
    """Return the resource that the parameter for its ARN names."""

    def extract(reads: TaskReads) -> Iterator[Dataset]:
        arn = reads.parameter(resource_type.arn_parameter)
        if resource_type.is_arn(arn):
            yield of_arn(str(arn))

    return extract


def _deleted(resource_type: ResourceType) -> Extractor:
    def extract(reads: TaskReads) -> Iterator[Dataset]:
        for dataset in _named(resource_type)(reads):
            yield dataset._replace(facts={"is_deleted": True})

    return extract


def _dataset(reads: TaskReads) -> Iterator[Dataset]:
    """Yield the dataset that a task names, or made, with its schema."""
    from airflow_provider_personalize.data.schemas import parse_schema

    arn = reads.parameter(DATASET.arn_parameter) or reads.result
    if not DATASET.is_arn(arn):
        return
    schema_arn = configuration(DATASET, reads.describe(DATASET, arn)).get("schemaArn")
    avro = reads.describe(SCHEMA, schema_arn).get("schema") if schema_arn else None
    yield of_arn(arn, **({"schema": parse_schema(avro)} if avro else {}))


def _datasets_of_group(reads: TaskReads) -> Iterator[Dataset]:
    yield from reads.datasets_of(reads.parameter(DATASET_GROUP.arn_parameter))


def _put(reads: TaskReads) -> Iterator[Dataset]:
    """Yield the dataset that records were put into."""
    for dataset in _named(DATASET)(reads):
        yield dataset._replace(facts={"rows": reads.result})


def _trained(resource_type: ResourceType) -> Family:
    """Return the family of what is trained from the datasets of its group."""

    def arn_in(reads: TaskReads) -> str | None:
        arn = reads.result if resource_type.is_arn(reads.result) else reads.parameter(resource_type.arn_parameter)
        return arn if resource_type.is_arn(arn) else None

    def inputs(reads: TaskReads) -> Iterator[Dataset]:
        if arn := arn_in(reads):
            yield from reads.datasets_of(reads.facts(resource_type, arn).get(DATASET_GROUP.arn_parameter))

    def outputs(reads: TaskReads) -> Iterator[Dataset]:
        if arn := arn_in(reads):
            facts = reads.facts(resource_type, arn)
            yield of_arn(arn, **({"training": facts} if facts else {}))

    return Family((inputs,), (outputs,))


def _campaign_arn(reads: TaskReads) -> str | None:
    arn = reads.parameter(CAMPAIGN.arn_parameter) or reads.result
    return arn if CAMPAIGN.is_arn(arn) else None


def _live_version(reads: TaskReads) -> str | None:
    """Return the ARN of the version that a campaign has, or is about to have where the task does not wait for that."""
    campaign, asked = _campaign_arn(reads), reads.parameter(SOLUTION_VERSION.arn_parameter)
    shown = reads.facts(CAMPAIGN, campaign).get(SOLUTION_VERSION.arn_parameter) if campaign else None
    waits = getattr(reads.task, "wait_for_completion", True)
    arn = str(shown or asked) if waits else str(asked or shown)
    if not arn.endswith(LATEST):
        return arn if SOLUTION_VERSION.is_arn(arn) else None
    request = {"solutionArn": arn.removesuffix(LATEST), "maxResults": _PAGE}
    versions = reads.call("list_solution_versions", **request).get("solutionVersions", ())
    active = [each for each in versions if each["status"] in SOLUTION_VERSION.ready]
    newest = max(active, key=lambda each: each["creationDateTime"], default=_NOTHING)
    return newest.get(SOLUTION_VERSION.arn_member)


def _deployed(reads: TaskReads) -> Iterator[Dataset]:
    if arn := _live_version(reads):
        yield of_arn(arn)


def _campaign(reads: TaskReads) -> Iterator[Dataset]:
    """Yield the campaign; its version is that of the solution which it has."""
    if arn := _campaign_arn(reads):
        version = _live_version(reads)
        yield of_arn(arn, **({"version": version.rpartition("/")[2]} if version else {}))


_DATA: Final = _in_s3("data_source", "dataLocation")
_IN_S3: Final = _in_s3("job_input", "s3DataSource", "path")
_OUT_S3: Final = _in_s3("job_output", "s3DataDestination", "path")
_BATCH: Final = Family((_IN_S3, _named(SOLUTION_VERSION), _named(FILTER)), (_OUT_S3,))
_DEPLOYMENT: Final = Family((_deployed,), (_campaign,))

#: What each operation reads and writes; one that is not here has no lineage.
FAMILIES: Final[Mapping[str, Family]] = {
    "CreateBatchInferenceJob": _BATCH,
    "CreateBatchSegmentJob": _BATCH,
    "CreateCampaign": _DEPLOYMENT,
    "CreateDataDeletionJob": Family((_DATA,), (_datasets_of_group,)),
    "CreateDataset": Family((), (_dataset,)),
    "CreateDatasetExportJob": Family((_dataset,), (_OUT_S3,)),
    "CreateDatasetImportJob": Family((_DATA,), (_dataset,)),
    "CreateRecommender": _trained(RECOMMENDER),
    "CreateSolutionVersion": _trained(SOLUTION_VERSION),
    "DeleteCampaign": Family((), (_deleted(CAMPAIGN),)),
    "DeleteDataset": Family((), (_deleted(DATASET),)),
    "DeleteRecommender": Family((), (_deleted(RECOMMENDER),)),
    "DescribeDataset": Family((_in_s3("data_location"),), ()),  # that of CheckDatasetOperator
    "PutActions": Family((), (_put,)),
    "PutItems": Family((), (_put,)),
    "PutUsers": Family((), (_put,)),
    "UpdateCampaign": _DEPLOYMENT,
    "UpdateDataset": Family((), (_dataset,)),
    "UpdateRecommender": _trained(RECOMMENDER),
}


def lineage_of(task: PersonalizeTask, *, has_failed: bool = False) -> Lineage:
    """
    Return what a task read and wrote.

    A task that succeeded has both, with what a few reads of the service tell. One that failed has what it was to read,
    without a read, and no output. One that was skipped, ran dry or never began has none, and so has one that ended
    with what an earlier task had made.
    """
    family, driver = FAMILIES.get(getattr(task, "operation", "")), getattr(task, "driver", None)
    if family is None:
        return Lineage()
    if has_failed:
        has_begun = task.data_check or (driver and driver.has_begun)
        return Lineage(_all(family.inputs, TaskReads(task, may_read=False))) if has_begun else Lineage()
    step = driver.step if driver else None
    if task.ended is None or (isinstance(step, Done) and not step.is_own):
        return Lineage()
    reads = TaskReads(task, task.ended.result)
    return Lineage(_all(family.inputs, reads), _all(family.outputs, reads))


def _all(extractors: Iterable[Extractor], reads: TaskReads) -> tuple[Dataset, ...]:
    return tuple(dataset for extract in extractors for dataset in extract(reads))
