"""Measure what recommendations bring about: metric attributions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.aws_errors import is_transient
from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.comparison import REPLACED_AS_A_WHOLE, differences
from airflow_provider_personalize.exceptions import ResourceFailedError
from airflow_provider_personalize.operators.base import PATIENCE, SHOWN_DELAY, WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import METRIC_ATTRIBUTION
from airflow_provider_personalize.status import IN_PROGRESS, SETTLED, SUCCEEDED, WaitStatus

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import CreateOptions, WaitingOptions


Metrics = dict[str, Mapping[str, Any]]


def metrics_of(hook: PersonalizeHook, arn: str) -> list[dict[str, Any]]:
    """List the metrics of a metric attribution, which its description does not show."""
    pages = hook.pages("list_metric_attribution_metrics", **{METRIC_ATTRIBUTION.arn_member: arn})
    return [metric for page in pages for metric in page.get("metrics", [])]


class CreateMetricAttributionOperator(CreateOperator):
    """
    Say which metrics of recommendations are to be reported, and go on when that is so. Or find it there already.

    Calls ``CreateMetricAttribution``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateMetricAttribution.html). A dataset group has one at
    most. The metrics of one that exists are compared too.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group. (templated)
    :param metrics: ``[{"eventType": "click", "metricName": "clicks", "expression": "SAMPLECOUNT()"}]``, at most 10; an
        expression may also be ``SUM(Interactions.COLUMN)`` or ``SUM(Items.COLUMN)``. (templated)
    :param metrics_output_config: ``{"roleArn": …, "s3DataDestination": {"path": "s3://bucket/reports/"}}``; without a
        destination the reports go to CloudWatch only. (templated)
    :return: The ARN of the metric attribution.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceDiffersError: One of this name exists and is not as wanted.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: It ended in CREATE FAILED, with the service's reason.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateMetricAttribution"
    resource_type = METRIC_ATTRIBUTION
    members = ("name", "dataset_group_arn", "metrics", "metrics_output_config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"metrics": "json", "metrics_output_config": "json"}

    def __init__(
        self,
        *,
        name: str,
        dataset_group_arn: str,
        metrics: list[dict[str, str]] | str,
        metrics_output_config: dict[str, Any] | str,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.dataset_group_arn = dataset_group_arn
        self.metrics = metrics
        self.metrics_output_config = metrics_output_config

    def differences(self, request: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        """List in what one that exists differs from the request, its metrics included."""
        metrics = metrics_of(self.hook, found[self.resource_type.arn_member]) if "metrics" in request else []
        return super().differences(request, {**found, "metrics": metrics})


def remaining(
    content: Mapping[str, Any], found: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """
    Tell what of an update is not so yet. Pure.

    A metric that is removed and added in one update is replaced; it is not removed once the new one is there.

    :param content: The update: ``addMetrics``, ``removeMetrics``, ``metricsOutputConfig``.
    :param found: The description of the metric attribution.
    :param metrics: Its metrics.
    """
    there: Metrics = {metric["metricName"]: metric for metric in metrics}
    added: Metrics = {metric["metricName"]: metric for metric in content.get("addMetrics", ())}
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


class UpdateMetricAttributionOperator(WaitingOperator):
    """
    Add and remove metrics, or change where the reports go, and go on when that is so.

    Calls ``UpdateMetricAttribution``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateMetricAttribution.html). The service shows no update of
    a metric attribution, only its status and, in a list, its metrics. So this ends when the metrics and the output are
    as wanted and nothing is under way. What is so already is not sent: where all is so, nothing is, and a retry sends
    nothing twice.

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    :param add_metrics: ``[{"eventType": …, "metricName": …, "expression": …}]``, as of
        :class:`CreateMetricAttributionOperator`. One of a name that is there must be in ``remove_metrics``, too.
        (templated)
    :param remove_metrics: Names of metrics. (templated)
    :param metrics_output_config: ``{"roleArn": …, "s3DataDestination": {"path": …}}``, which replaces the one before as
        a whole: without a destination, reports no longer go to S3. None leaves it as it is. (templated)
    :return: The ARN. Also in XCom, as ``metric_attribution_update``: what had to change, and whether this task ``sent``
        it.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: It ended in CREATE FAILED, with the service's reason, or the update ended without
        taking effect.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "UpdateMetricAttribution"
    resource_type = METRIC_ATTRIBUTION
    members = ("metric_attribution_arn", "add_metrics", "remove_metrics", "metrics_output_config")
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "add_metrics": "json",
        "remove_metrics": "json",
        "metrics_output_config": "json",
    }

    def __init__(
        self,
        *,
        metric_attribution_arn: str,
        add_metrics: list[dict[str, str]] | str | None = None,
        remove_metrics: list[str] | str | None = None,
        metrics_output_config: dict[str, Any] | str | None = None,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.metric_attribution_arn = metric_attribution_arn
        self.add_metrics = add_metrics
        self.remove_metrics = remove_metrics
        self.metrics_output_config = metrics_output_config

    def go_on(self, context: Context, deadline: float) -> str:
        """Wait for what is under way, send what is not so yet, and wait until it is."""
        self.request()
        refusal = ""
        while True:
            now, left = self._look()
            self.show_link(context, now.description)
            if now.outcome == SUCCEEDED and not left:
                self.log.info("As wanted already; nothing is sent (%s)", self.wait(self.arn).title)
                self._show_update(context, {}, sent=self.is_sent)
                return self.arn
            if now.outcome == SUCCEEDED and not refusal:
                if refusal := self._send(left):
                    continue  # what is in the way may be this very update, of a call whose answer was lost
                self._show_update(context, left, sent=True)
                return self._finish(deadline, seen=_is_shown(self._look_patiently(deadline)[0]))
            self.wait_out(self.wait(self.arn, SETTLED), deadline, refusal or str(now))
            refusal = ""

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """Go on after the wait in the triggerer: see whether the update took effect, or begin anew."""
        resume = self.resumed(event)
        deadline = event["deadline"]
        if resume["then"] == "finish":
            return self.through_weather(lambda: self._finish(deadline, seen=resume["seen"]), deadline)
        self.carry_on(resume)
        return self.pursue(context, deadline)

    def _look(self) -> tuple[WaitStatus, dict[str, Any]]:
        """
        Tell how far it has come, and what of the update is not so yet.

        :raises ResourceFailedError: It failed, with the service's reason.
        """
        itself = self.wait(self.arn)
        now = self.hook.poll(itself)
        if now.failed:
            raise itself.error(now)
        if now.outcome == IN_PROGRESS:
            return now, {}
        try:
            metrics = metrics_of(self.hook, self.arn)
        except Exception as error:
            if not is_transient(error):
                raise
            return WaitStatus(IN_PROGRESS, None, f"{type(error).__name__}: {error}", is_transient=True), {}
        return now, remaining(self.request(), now.description, metrics)

    def _send(self, left: Mapping[str, Any]) -> str:
        """Send the update; answer why the service will not have it now, or an empty text."""
        try:
            self.call({self.resource_type.arn_member: self.arn, **left})
        except self.client.exceptions.ResourceInUseException as refusal:
            return str(refusal)
        self.log.info("Sent %s (update of %s)", left, self.resource_type.short(self.arn))
        return ""

    def _look_patiently(self, deadline: float) -> tuple[WaitStatus, dict[str, Any]]:
        """Look until something is under way or all is so, for as long as reads may be stale."""
        until = min(steady_time() + PATIENCE, deadline)
        while (look := self._look())[1] and steady_time() < until:
            time.sleep(SHOWN_DELAY)
        return look

    def _finish(self, deadline: float, *, seen: bool) -> str:
        """
        Wait until all is as wanted.

        That an update which was seen under way, is over and has changed nothing has failed is assumed.
        """
        while self.wait_for_completion:
            now, left = self._look_patiently(deadline) if seen else self._look()
            if now.outcome == SUCCEEDED and not left:
                break
            if now.outcome == SUCCEEDED and seen:
                reason = now.description.get("failureReason") or f"this is not so: {left}"
                raise ResourceFailedError(
                    f"update of {self.resource_type.short(self.arn)}", self.arn, now.status, reason
                )
            seen = seen or _is_shown(now)
            resume = {"then": "finish", "seen": seen}
            self._wait_further(self.wait(self.arn, SETTLED), deadline, str(now), resume=resume, pause=True)
        return self.arn

    def _show_update(self, context: Context, left: Mapping[str, Any], *, sent: bool) -> None:
        if self.do_xcom_push:
            value = {**left, "sent": sent}
            context["ti"].xcom_push(key=f"{self.resource_type.name}_update", value=value)


def _is_shown(now: WaitStatus) -> bool:
    """Tell whether something was seen under way, and not only the way to the service was bad."""
    return now.outcome == IN_PROGRESS and now.status is not None


class DeleteMetricAttributionOperator(DeleteOperator):
    """
    Delete a metric attribution, and go on when it is gone. Its reports end; those in S3 stay.

    Calls ``DeleteMetricAttribution``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteMetricAttribution.html).

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    :return: The ARN.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteMetricAttribution"
    resource_type = METRIC_ATTRIBUTION

    def __init__(self, *, metric_attribution_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.metric_attribution_arn = metric_attribution_arn
