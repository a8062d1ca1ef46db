"""
Metric attributions: https://docs.aws.amazon.com/personalize/latest/dg/API_CreateMetricAttribution.html.

No metrics are reported: they are kept, and that is all. The error for a metric of a name that is taken is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service import paging
from airflow_provider_personalize.emulator.service.refusals import not_found

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend
    from airflow_provider_personalize.emulator.service.emulated_types import Members
    from airflow_provider_personalize.emulator.service.records import Record

_EXPRESSION: Final = re.compile(r"SUM\((Interactions|Items)\.\w+\)|SAMPLECOUNT\(\)", re.IGNORECASE)
_MOST: Final = 10


def validation_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:  # noqa: ARG001 - like the rules
    """List what is wrong with the metrics."""
    return _wrong(request["metrics"], "metrics")


def _wrong(metrics: list[Mapping[str, Any]], name: str) -> Iterator[str]:
    for place, metric in enumerate(metrics):
        if not _EXPRESSION.fullmatch(metric["expression"]):
            yield (
                f"{name}[{place}].expression is {metric['expression']!r}: "
                "allowed are SUM(Interactions.X), SUM(Items.X) and SAMPLECOUNT()"
            )
    names = [metric["metricName"] for metric in metrics]
    if len(set(names)) < len(names):
        yield f"{name}: each must have a metricName of its own"


def update_errors(
    backend: Backend,  # noqa: ARG001 - called like the rules
    attribution: Record,
    request: Mapping[str, Any],
) -> Iterator[str]:
    """List what is wrong with an update, given the metrics as they are."""
    there = {metric["metricName"] for metric in attribution.current()["metrics"]}
    added, removed = request.get("addMetrics", []), set(request.get("removeMetrics", []))
    yield from _wrong(added, "addMetrics")
    if unknown := removed - there:
        yield f"removeMetrics: there is no {', '.join(sorted(unknown))}"
    if taken := {metric["metricName"] for metric in added} & (there - removed):
        raise ServiceError("ResourceAlreadyExistsException", f"addMetrics: {', '.join(sorted(taken))} already exists")
    if len(there - removed) + len(added) > _MOST:
        yield f"addMetrics: there would be more than {_MOST} metrics"


def apply(members: Mapping[str, Any], update: Mapping[str, Any]) -> Members:
    """Return what the attribution has after an update."""
    kept = [metric for metric in members["metrics"] if metric["metricName"] not in update.get("removeMetrics", ())]
    config = update.get("metricsOutputConfig", members["metricsOutputConfig"])
    return {**members, "metrics": [*kept, *update.get("addMetrics", ())], "metricsOutputConfig": config}


def list_metrics(backend: Backend, request: Mapping[str, Any]) -> Members:
    """List the metrics of an attribution."""
    arn = request.get("metricAttributionArn", "")
    attribution = backend.existing(arn)
    if attribution is None:
        raise not_found("metric attribution", arn)
    metrics = list(enumerate(attribution.current()["metrics"]))
    page, more = paging.page(metrics, request, f"ListMetricAttributionMetrics {arn}")
    return {"metrics": page, **more}
