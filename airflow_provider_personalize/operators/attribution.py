"""Create, update and delete metric attributions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator, compare
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import METRIC_ATTRIBUTION, ResourceType

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import CreateOptions, WaitingOptions
    from airflow_provider_personalize.plans.steps import Memory, Step


def metrics_of(hook: PersonalizeHook, arn: str) -> list[dict[str, Any]]:
    """List the metrics of a metric attribution, which its description does not show."""
    pages = hook.pages("list_metric_attribution_metrics", **{METRIC_ATTRIBUTION.arn_member: arn})
    return [metric for page in pages for metric in page.get("metrics", [])]


def _compare_with_metrics(
    hook: PersonalizeHook,
    resource_type: ResourceType,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    called_at: datetime | None,
) -> list[str]:
    metrics = metrics_of(hook, found[resource_type.arn_member]) if "metrics" in wanted else []
    return compare(hook, resource_type, wanted, {**found, "metrics": metrics}, called_at)


class CreateMetricAttributionOperator(CreateOperator):
    """
    Create a metric attribution, or reuse the one that exists: the metrics of recommendations to report.

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
    """

    operation = "CreateMetricAttribution"
    comparer = staticmethod(_compare_with_metrics)
    resource_type = METRIC_ATTRIBUTION

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


class UpdateMetricAttributionOperator(WaitingOperator):
    """
    Update a metric attribution: add and remove metrics, or change where the reports go.

    Calls ``UpdateMetricAttribution``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateMetricAttribution.html). The service shows no update of
    a metric attribution, only its status and, in a list, its metrics. So the task ends when the metrics and the output
    are as requested and nothing is in progress. Only what differs is sent, and a retry waits a minute before it sends,
    so that reads are consistent.

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    :param add_metrics: ``[{"eventType": …, "metricName": …, "expression": …}]``, as of
        :class:`CreateMetricAttributionOperator`. One of a name that is there must be in ``remove_metrics``, too.
        (templated)
    :param remove_metrics: Names of metrics. (templated)
    :param metrics_output_config: ``{"roleArn": …, "s3DataDestination": {"path": …}}``, which replaces the one before as
        a whole: without a destination, reports no longer go to S3. None leaves it as it is. (templated)
    :return: The ARN. Also in XCom, as ``metric_attribution_update``: what had to change, and whether this task ``sent``
        it.
    :raises ResourceFailedError: It ended in CREATE FAILED, with the service's reason, or the update ended without
        taking effect.
    """

    operation = "UpdateMetricAttribution"
    resource_type = METRIC_ATTRIBUTION

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

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the metric attribution and its metrics, and return the next step of the update."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import metrics
        from airflow_provider_personalize.plans.steps import Wanted

        wanted = self.wanted(Wanted)
        found = self.hook.describe(METRIC_ATTRIBUTION, wanted.arn)
        self.show_link(context, found)
        observed = metrics.ObservedMetrics(found, metrics=metrics_of(self.hook, wanted.arn))
        return metrics.next_step(wanted, observed, memory, clock.now())


class DeleteMetricAttributionOperator(DeleteOperator):
    """
    Delete a metric attribution, and wait until it is gone. Its reports end; those in S3 stay.

    Calls ``DeleteMetricAttribution``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteMetricAttribution.html).

    :param metric_attribution_arn: The ARN of the metric attribution. (templated)
    """

    operation = "DeleteMetricAttribution"
    resource_type = METRIC_ATTRIBUTION

    def __init__(self, *, metric_attribution_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.metric_attribution_arn = metric_attribution_arn
