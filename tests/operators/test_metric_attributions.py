"""Updates of metric attributions: the service shows no update, so the operator compares the metrics."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.moto_api import state_manager
from shop import HOUR, MARKET, PREFIX, ROLE, open_market
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.emulator.service import paging
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceFailedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.operators import CreateMetricAttributionOperator, UpdateMetricAttributionOperator
from airflow_provider_personalize.plans.metrics import remaining

ARN = f"{PREFIX}metric-attribution/worth"
REPORTS = {"roleArn": ROLE, "s3DataDestination": {"path": "s3://shop/reports/"}}
CLOUDWATCH = {"roleArn": ROLE}


def metric(name: str, event: str = "View") -> dict[str, str]:
    return {"eventType": event, "metricName": name, "expression": "SAMPLECOUNT()"}


VIEWS, BUYS = metric("views"), metric("buys", "Purchase")

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


@pytest.fixture
def shop(personalize):
    """A client of a service with a metric attribution."""
    open_market(personalize)
    personalize.create_metric_attribution(
        name="worth", datasetGroupArn=MARKET, metrics=[VIEWS], metricsOutputConfig=CLOUDWATCH
    )
    clock.advance(HOUR)
    return personalize


def update(**given: Any) -> Run:
    given = {"metric_attribution_arn": ARN, **given}
    return Run(lambda: UpdateMetricAttributionOperator(task_id="task", **given), TaskInstance())


def metrics(client: Any) -> list[dict[str, str]]:
    return client.list_metric_attribution_metrics(metricAttributionArn=ARN)["metrics"]


def status(client: Any) -> str:
    return client.describe_metric_attribution(metricAttributionArn=ARN)["metricAttribution"]["status"]


def sent() -> int:
    return len([call for call in calls.of("UpdateMetricAttribution") if call.error is None])


@deferrable_or_not
def test_the_metrics_are_as_wanted_when_the_task_ends(shop, deferrable):
    run = update(add_metrics=[BUYS], remove_metrics=["views"], metrics_output_config=REPORTS, deferrable=deferrable)
    assert run() == ARN
    assert (metrics(shop), status(shop)) == ([BUYS], "ACTIVE")
    shown = shop.describe_metric_attribution(metricAttributionArn=ARN)["metricAttribution"]
    assert shown["metricsOutputConfig"] == REPORTS
    assert run.ti.xcoms["metric_attribution_update"]["sent"] is True
    assert bool(run.deferrals) == deferrable


@pytest.mark.parametrize(
    "given",
    [
        {"add_metrics": [VIEWS]},
        {"remove_metrics": ["nothing"]},
        {"metrics_output_config": CLOUDWATCH},
        {"add_metrics": [VIEWS], "remove_metrics": ["views"]},
    ],
)
def test_an_unchanged_resource_is_not_updated(shop, given, capsys):
    run = update(**given)
    assert run() == ARN
    assert calls.of("UpdateMetricAttribution") == []
    assert "As wanted already; nothing is sent" in capsys.readouterr().out
    assert run.ti.xcoms["metric_attribution_update"] == {"sent": False}


def test_a_change_with_a_lost_answer_counts_as_sent(shop):
    faults.reset_next("UpdateMetricAttribution", done=True)
    run = update(add_metrics=[BUYS])
    run()
    assert len(calls.of("UpdateMetricAttribution")) == 1
    assert run.ti.xcoms["metric_attribution_update"]["sent"] is True


@deferrable_or_not
def test_a_sent_change_is_not_repeated_if_the_metrics_cannot_be_read(shop, monkeypatch, deferrable):
    """Nor is it shown yet."""
    call = UpdateMetricAttributionOperator.call

    def call_and_be_throttled(*args: Any) -> dict[str, Any]:
        answer = call(*args)
        faults.error_next("ListMetricAttributionMetrics", "ThrottlingException", seconds=10)
        return answer

    monkeypatch.setattr(UpdateMetricAttributionOperator, "call", call_and_be_throttled)
    faults.stale_next("UpdateMetricAttribution", hides=45)
    run = update(add_metrics=[BUYS], deferrable=deferrable)
    assert run() == ARN
    assert len(calls.of("UpdateMetricAttribution")) == 1
    assert run.ti.xcoms["metric_attribution_update"]["sent"] is True


def test_only_changes_are_sent(shop):
    run = update(add_metrics=[VIEWS, BUYS], remove_metrics=["nothing"])
    run()
    assert metrics(shop) == [VIEWS, BUYS]
    assert run.ti.xcoms["metric_attribution_update"] == {"addMetrics": [BUYS], "sent": True}


def test_a_metric_that_is_removed_and_added_is_replaced_once(shop):
    other = metric("views", "Purchase")
    for _ in range(2):
        update(add_metrics=[other], remove_metrics=["views"])()
        assert metrics(shop) == [other]
    assert sent() == 1


@deferrable_or_not
def test_a_retry_after_a_crash_sends_nothing_twice(shop, deferrable):
    update(add_metrics=[BUYS], wait_for_completion=False)()
    assert status(shop) != "ACTIVE"
    run = update(add_metrics=[BUYS], deferrable=deferrable)
    run.ti.try_number = 2
    assert run() == ARN
    assert metrics(shop) == [VIEWS, BUYS]
    assert len(calls.of("UpdateMetricAttribution")) == 1


@deferrable_or_not
def test_a_retry_waits_until_what_an_earlier_attempt_sent_is_visible(shop, deferrable):
    run = update(add_metrics=[metric("views", "Purchase")], remove_metrics=["views"], deferrable=deferrable)
    faults.stale_next("UpdateMetricAttribution", hides=50)
    with killed_after("UpdateMetricAttribution"):
        run()
    run.ti.try_number = 2
    assert run() == ARN
    assert len(calls.of("UpdateMetricAttribution")) == 1


def test_an_update_whose_answer_is_lost_is_found(shop):
    run = update(add_metrics=[BUYS])
    make = run.make

    def make_repeating() -> Any:
        task = make()
        call = task.call
        task.call = lambda *request: (call(*request), call(*request))
        return task

    run.make = make_repeating
    assert run() == ARN
    assert metrics(shop) == [VIEWS, BUYS]
    assert sent() == 1


@deferrable_or_not
def test_another_writers_update_is_waited_for_first(shop, deferrable):
    shop.update_metric_attribution(metricAttributionArn=ARN, addMetrics=[BUYS])
    update(add_metrics=[metric("others")], deferrable=deferrable)()
    assert [each["metricName"] for each in metrics(shop)] == ["views", "buys", "others"]
    assert [call.error for call in calls.of("UpdateMetricAttribution")] == [None, None]


@pytest.mark.parametrize("hides", [20, 90])
@deferrable_or_not
def test_a_stale_status_right_after_the_call_ends_nothing(shop, hides, deferrable):
    faults.stale_next("UpdateMetricAttribution", hides=hides)
    update(add_metrics=[BUYS], deferrable=deferrable)()
    assert (metrics(shop), status(shop)) == ([VIEWS, BUYS], "ACTIVE")
    assert sent() == 1


@deferrable_or_not
def test_an_update_that_never_shows_in_the_status_is_seen_by_what_it_changed(shop, deferrable, passing_time):
    state_manager.set_transition("personalize::metric_attribution_update", {"progression": "immediate"})
    before = sum(passing_time.slept)
    update(add_metrics=[BUYS], deferrable=deferrable)()
    state_manager.unset_transition("personalize::metric_attribution_update")
    assert metrics(shop) == [VIEWS, BUYS]
    assert sum(passing_time.slept) == before


@deferrable_or_not
def test_an_update_that_changed_nothing_is_not_a_success(shop, deferrable):
    faults.fail_next("UpdateMetricAttribution", "bad luck")
    run = update(add_metrics=[BUYS], deferrable=deferrable)
    with pytest.raises(ResourceFailedError, match=f"update of metric attribution worth. {ARN}$"):
        run()
    assert run() == ARN
    assert metrics(shop) == [VIEWS, BUYS]
    assert sent() == 2


@deferrable_or_not
def test_a_failed_metric_attribution_is_not_updated_and_its_reason_reported(personalize, deferrable):
    open_market(personalize)
    faults.fail_next("CreateMetricAttribution", "bad luck")
    personalize.create_metric_attribution(
        name="worth", datasetGroupArn=MARKET, metrics=[VIEWS], metricsOutputConfig=CLOUDWATCH
    )
    clock.advance(HOUR)
    with pytest.raises(ResourceFailedError, match="bad luck"):
        update(add_metrics=[BUYS], deferrable=deferrable)()
    assert calls.of("UpdateMetricAttribution") == []


@deferrable_or_not
def test_checking_for_the_update_does_not_outlast_the_deadline(shop, deferrable, passing_time):
    faults.stale_next("UpdateMetricAttribution", hides=50)
    before = sum(passing_time.slept)
    with pytest.raises(WaitTimeoutError, match="ACTIVE"):
        update(add_metrics=[BUYS], deferrable=deferrable, timeout=15)()
    assert sum(passing_time.slept) - before < 20


@deferrable_or_not
def test_a_wait_that_times_out_reports_the_last_status(shop, deferrable):
    with pytest.raises(WaitTimeoutError, match="CREATE (PENDING|IN_PROGRESS)"):
        update(add_metrics=[BUYS], deferrable=deferrable, timeout=15, waiter_delay=2)()


def test_all_pages_of_metrics_are_read(shop, monkeypatch):
    update(add_metrics=[metric(f"m{number}") for number in range(6)])()
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)
    before = sent()
    update(add_metrics=[metric("m5"), metric("m0")])()
    assert sent() == before
    wanted = [VIEWS, *(metric(f"m{number}") for number in range(5))]
    given = {"name": "worth", "dataset_group_arn": MARKET, "metrics": wanted, "metrics_output_config": CLOUDWATCH}
    with pytest.raises(ResourceDiffersError, match="'m5'"):
        Run(lambda: CreateMetricAttributionOperator(task_id="task", **given))()


@pytest.mark.parametrize(
    ("given", "named"),
    [({}, "nothing to change"), ({"metric_attribution_arn": None, "remove_metrics": ["a"]}, "missing")],
)
def test_invalid_parameters_are_refused_before_the_call(shop, given, named):
    with pytest.raises(InvalidRequestError, match=named):
        update(**given)()


def test_the_parameters_may_be_texts_of_templates(shop):
    run = update(add_metrics="{{ params.add }}", remove_metrics="{{ params.remove }}")
    run.params = {"add": [BUYS], "remove": ["views"]}
    run()
    assert metrics(shop) == [BUYS]


@pytest.mark.parametrize(
    ("content", "there", "left"),
    [
        ({"addMetrics": [BUYS]}, [VIEWS], {"addMetrics": [BUYS]}),
        ({"addMetrics": [VIEWS]}, [VIEWS], {}),
        ({"removeMetrics": ["views", "gone"]}, [VIEWS], {"removeMetrics": ["views"]}),
        (
            {"addMetrics": [metric("views", "x")], "removeMetrics": ["views"]},
            [VIEWS],
            {"addMetrics": [metric("views", "x")], "removeMetrics": ["views"]},
        ),
        ({"addMetrics": [VIEWS], "removeMetrics": ["views"]}, [VIEWS], {}),
        ({"metricsOutputConfig": REPORTS}, [], {"metricsOutputConfig": REPORTS}),
        ({"metricsOutputConfig": CLOUDWATCH}, [], {}),
    ],
)
def test_the_remaining_changes_of_an_update(content, there, left):
    assert remaining(content, {"metricsOutputConfig": CLOUDWATCH}, there) == left


def test_an_update_that_is_denied_is_not_in_xcom_as_sent(shop):
    faults.error_next("UpdateMetricAttribution", "AccessDeniedException")
    run = update(add_metrics=[BUYS])
    with pytest.raises(ClientError, match="AccessDenied"):
        run()
    assert "metric_attribution_update" not in run.ti.xcoms
