"""What a task read and wrote, in OpenLineage's own classes. Only Airflow's OpenLineage provider has this imported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attr
from airflow.providers.openlineage.extractors.base import OperatorLineage
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    dataset_version_dataset,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)

import airflow_provider_personalize
from airflow_provider_personalize.lineage import Dataset, lineage_of

if TYPE_CHECKING:
    from airflow_provider_personalize.data.schemas import Schema
    from airflow_provider_personalize.task import PersonalizeTask

_DOCS: Final = "https://airflow-provider-personalize.readthedocs.io/en"
_PRODUCER: Final = f"{_DOCS}/v{airflow_provider_personalize.__version__}/"
#: Where the schemas of our own facets are. A facet that changes gets a folder of its own there, since what an URL shows
#: must not change.
SCHEMAS: Final = f"{_DOCS}/stable/facets/1-0-0"


@attr.define
class PersonalizeTrainingDatasetFacet(DatasetFacet):
    """How a solution version or a recommender was trained, and its offline metrics, as the service shows them."""

    metrics: dict[str, float]
    recipeArn: str | None = attr.field(default=None)  # noqa: N815 - the API's name, as those below
    trainingMode: str | None = attr.field(default=None)  # noqa: N815
    trainingType: str | None = attr.field(default=None)  # noqa: N815
    trainingHours: float | None = attr.field(default=None)  # noqa: N815

    @staticmethod
    def _get_schema() -> str:
        name = PersonalizeTrainingDatasetFacet.__name__
        return f"{SCHEMAS}/{name}.json#/$defs/{name}"


def operator_lineage(task: PersonalizeTask, *, has_failed: bool = False) -> OperatorLineage:
    """Return what a task read and wrote. This raises nothing: a task is not to fail for its lineage."""
    try:
        lineage = lineage_of(task, has_failed=has_failed)
        return OperatorLineage(inputs=[*map(_input, lineage.inputs)], outputs=[*map(_output, lineage.outputs)])
    except Exception:
        task.log.warning("The lineage of this task cannot be told", exc_info=True)
        return OperatorLineage()


def _input(dataset: Dataset) -> InputDataset:
    facets = {"facets": dict(_facets(dataset)), "inputFacets": dict(_input_facets(dataset))}
    return InputDataset(dataset.namespace, dataset.name, **facets)


def _output(dataset: Dataset) -> OutputDataset:
    facets = {"facets": dict(_facets(dataset)), "outputFacets": dict(_output_facets(dataset))}
    return OutputDataset(dataset.namespace, dataset.name, **facets)


def _facets(dataset: Dataset) -> Iterator[tuple[str, DatasetFacet]]:
    facts = dataset.facts
    if schema := facts.get("schema"):
        yield "schema", schema_dataset.SchemaDatasetFacet(_fields(schema), producer=_PRODUCER)
    if version := facts.get("version"):
        yield "version", dataset_version_dataset.DatasetVersionDatasetFacet(version, producer=_PRODUCER)
    if training := facts.get("training"):
        yield "personalize_training", _training(training)
    if facts.get("is_deleted"):
        dropped = lifecycle_state_change_dataset.LifecycleStateChange.DROP
        facet = lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet
        yield "lifecycleStateChange", facet(dropped, producer=_PRODUCER)


def _training(facts: Mapping[str, Any]) -> PersonalizeTrainingDatasetFacet:
    return PersonalizeTrainingDatasetFacet(
        facts.get("metrics") or {},
        facts.get("recipe_arn"),
        facts.get("training_mode"),
        facts.get("training_type"),
        facts.get("training_hours"),
        producer=_PRODUCER,  # type: ignore[call-arg] # of the base, which is Any here
    )


def _fields(schema: Schema) -> list[Any]:
    """Return a schema's fields: the type without null, and what else the schema says in the description."""
    fields = []
    for each in schema.fields:
        marks = {"categorical": each.categorical, "textual": each.textual, "nullable": each.nullable}
        said = ", ".join(mark for mark, is_on in marks.items() if is_on)
        types = "|".join(its_type for its_type in each.types if its_type != "null")
        fields.append(schema_dataset.SchemaDatasetFacetFields(each.name, types, said or None))
    return fields


def _output_facets(dataset: Dataset) -> Iterator[tuple[str, Any]]:
    if (rows := dataset.facts.get("rows")) is not None:
        facet = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
        yield "outputStatistics", facet(rowCount=rows, producer=_PRODUCER)


def _input_facets(dataset: Dataset) -> Iterator[tuple[str, Any]]:
    """Yield what a check of data found; values of the data are not in it."""
    if not (summary := dataset.facts.get("check")):
        return
    made_of = data_quality_metrics_input_dataset
    columns = {
        column: made_of.ColumnMetrics(distinctCount=count)
        for column, count in summary["distinct"].items()
        if count is not None
    }
    yield (
        "dataQualityMetrics",
        made_of.DataQualityMetricsInputDatasetFacet(
            columns, rowCount=summary["records"], bytes=summary["bytes"], producer=_PRODUCER
        ),
    )
    assertion = data_quality_assertions_dataset.Assertion
    errors = [problem for problem in summary["problems"] if problem["severity"] == "error"]
    broken = [assertion(error["rule"], success=False, column=error["column"]) for error in errors]
    facet = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet
    yield "dataQualityAssertions", facet([assertion("import_rules", success=not broken), *broken], producer=_PRODUCER)
