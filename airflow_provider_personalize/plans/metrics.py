"""
Update a metric attribution: add and remove metrics, or change where the reports go.

The service shows no update of a metric attribution, only its status and, in a list, its metrics. So the update is over
when these are as wanted and nothing is in progress.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_personalize.comparison import REPLACED_AS_A_WHOLE, differences
from airflow_provider_personalize.error_codes import IN_USE
from airflow_provider_personalize.exceptions import ResourceFailedError
from airflow_provider_personalize.goals import READY, SETTLED
from airflow_provider_personalize.plans.steps import (
    READ_CONSISTENCY,
    Call,
    Done,
    Fail,
    Memory,
    Note,
    Observed,
    Step,
    Wanted,
    wait_for_consistency,
    wait_out,
    wait_until_visible,
)
from airflow_provider_personalize.resources import METRIC_ATTRIBUTION
from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED


@dataclass(frozen=True)
class ObservedMetrics(Observed):
    """
    A metric attribution.

    :param metrics: Its metrics, which its description does not show.
    """

    metrics: Sequence[Mapping[str, Any]] = ()


def next_step(wanted: Wanted, observed: ObservedMetrics, memory: Memory, now: float) -> Step:
    """Return the next step: from whatever is observed to metrics and an output that are as wanted."""
    found, short = observed.found or {}, METRIC_ATTRIBUTION.short(wanted.arn)
    itself, settled = wanted.condition(READY), wanted.condition(SETTLED)
    status = itself.evaluate(found)
    if status.failed:
        return Fail(error=itself.error(status), memory=memory)
    left = remaining(wanted.request, found, observed.metrics) if status.outcome == SUCCEEDED else {}
    is_so = status.outcome == SUCCEEDED and not left
    if memory.is_answered:
        return _until_so(wanted, memory, found, left, now, is_so=is_so)
    if is_so:
        note = Note(f"As wanted already; nothing is sent ({itself.title})")
        return Done(result=wanted.arn, notes=[note], xcom=_xcom({}, sent=memory.is_ambiguous), memory=memory)
    if status.outcome == SUCCEEDED and not memory.refusal:
        if memory.is_retry and not memory.waited_for_consistency:
            return wait_for_consistency(wanted.operation, settled, memory)
        return Call(
            operation=wanted.operation,
            request={METRIC_ATTRIBUTION.arn_member: wanted.arn, **left},
            refusals=[IN_USE],
            xcom=_xcom(left, sent=True),
            done_note=f"Sent {left} (update of {short})",
            memory=memory,
        )
    last_seen = memory.refusal.message if memory.refusal else str(status)
    return wait_out(settled, last_seen, memory)


def _until_so(
    wanted: Wanted,
    memory: Memory,
    found: Mapping[str, Any],
    left: Mapping[str, Any],
    now: float,
    *,
    is_so: bool,
) -> Step:
    """
    Wait until all is as wanted.

    That an update which was seen in progress, is over and has changed nothing has failed is assumed.
    """
    settled = wanted.condition(SETTLED)
    status = settled.evaluate(found)
    last_seen = str(status)
    if is_so:
        return Done(result=wanted.arn, memory=memory)
    if status.outcome == IN_PROGRESS:
        memory = replace(memory, in_progress_seen=True, searching_since=None)
        if not wanted.waits:
            return Done(result=wanted.arn, memory=memory)
        return wait_out(settled, last_seen, memory)
    since = memory.searching_since or now
    memory = replace(memory, searching_since=since)
    if now < since + READ_CONSISTENCY:
        return wait_until_visible(settled, last_seen, memory)
    if not wanted.waits:
        return Done(result=wanted.arn, memory=memory)
    if memory.in_progress_seen:
        reason = found.get("failureReason") or f"this is not so: {dict(left)}"
        title = f"update of {METRIC_ATTRIBUTION.short(wanted.arn)}"
        return Fail(error=ResourceFailedError(title, wanted.arn, found.get("status"), reason), memory=memory)
    return wait_out(settled, last_seen, memory)


def remaining(
    content: Mapping[str, Any], found: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """
    Return what of an update is not so yet.

    A metric that is removed and added in one update is replaced; it is not removed once the new one is there.

    :param content: The update: ``addMetrics``, ``removeMetrics``, ``metricsOutputConfig``.
    :param found: The description of the metric attribution.
    :param metrics: Its metrics.
    """
    there = {metric["metricName"]: metric for metric in metrics}
    added = {metric["metricName"]: metric for metric in content.get("addMetrics", ())}
    config = content.get("metricsOutputConfig", {})
    wanted = {"metricsOutputConfig": config}
    left = {
        "addMetrics": [metric for name, metric in added.items() if metric != there.get(name)],
        "removeMetrics": [
            name for name in content.get("removeMetrics", ()) if name in there and there[name] != added.get(name)
        ],
        "metricsOutputConfig": config if config and differences(wanted, found, REPLACED_AS_A_WHOLE) else {},
    }
    return {member: value for member, value in left.items() if value}


def _xcom(left: Mapping[str, Any], *, sent: bool) -> dict[str, Any]:
    return {f"{METRIC_ATTRIBUTION.name}_update": {**left, "sent": sent}}
