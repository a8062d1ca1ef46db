"""Change how a solution trains, on the real operator, trigger and hook, against the local Personalize."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from airflow.sdk import DAG
from botocore.exceptions import ClientError
from shop import DATASET, SOLUTION
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize._compat import AirflowException, AirflowFailException
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    ConnectionMissingError,
    InvalidRequestError,
    PersonalizeError,
    ResourceFailedError,
    UpdateReplacedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import UpdateSolutionOperator
from airflow_provider_personalize.status import WaitCondition, WaitStatus

EVENTS = {"eventParametersList": [{"eventType": "click", "eventValueThreshold": 0.5, "weight": 0.8}]}

pytestmark = pytest.mark.usefixtures("personalize")
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def every(days: int) -> dict[str, Any]:
    return {"autoTrainingConfig": {"schedulingExpression": f"rate({days} days)"}}


def update(**parameters: Any) -> Run:
    """One task instance that updates the shop's solution."""
    given = {"solution_arn": SOLUTION, "perform_auto_training": True, **parameters}
    native = given.pop("native", False)

    def make() -> UpdateSolutionOperator:
        with DAG("shop", render_template_as_native_obj=native, schedule=None):
            return UpdateSolutionOperator(task_id="task", **given)

    return Run(make, TaskInstance())


def sent() -> int:
    return len([call for call in calls.of("UpdateSolution") if call.error is None])


def latest(personalize: Any) -> dict[str, Any]:
    return personalize.describe_solution(solutionArn=SOLUTION)["solution"]["latestSolutionUpdate"]


@deferrable_or_not
def test_an_update_is_sent_and_waited_for_until_it_is_active(personalize, deferrable):
    config = {**every(3), "eventsConfig": EVENTS}
    run = update(solution_update_config=config, deferrable=deferrable)
    assert run() == SOLUTION
    assert latest(personalize)["status"] == "ACTIVE"
    assert latest(personalize)["solutionUpdateConfig"] == config
    assert len(run.deferrals) == deferrable
    shown = run.ti.xcoms["solution_update"]
    assert shown == {
        "creationDateTime": latest(personalize)["creationDateTime"].astimezone(timezone.utc).isoformat(),
        "performAutoTraining": True,
        "solutionUpdateConfig": config,
        "sent": True,
    }


@deferrable_or_not
def test_an_unchanged_update_is_not_sent_again(deferrable, capsys):
    for _ in range(3):
        run = update(solution_update_config=every(3), deferrable=deferrable)
        assert run() == SOLUTION
    assert sent() == 1
    assert "Nothing is sent" in capsys.readouterr().out
    assert run.ti.xcoms["solution_update"]["sent"] is False


def test_an_unchanged_update_is_sent_again_on_request(personalize):
    update(solution_update_config=every(3))()
    first = latest(personalize)["creationDateTime"]
    update(solution_update_config=every(3), if_unchanged="update")()
    assert sent() == 2
    assert latest(personalize)["creationDateTime"] > first


def test_a_change_of_one_setting_is_sent_although_the_others_are_unchanged():
    update(solution_update_config=every(3))()
    update(solution_update_config=every(4))()
    assert sent() == 2


def test_an_unchanged_update_that_the_service_ignores_does_not_hold_the_task_forever():
    assumptions.unchanged_update = "ignored"
    update(solution_update_config=every(3))()
    update(solution_update_config=every(3), if_unchanged="update")()
    assert sent() == 2


@deferrable_or_not
def test_another_writers_update_is_waited_for_before_this_one_is_sent(personalize, deferrable):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    theirs = latest(personalize)["creationDateTime"]
    assert update(solution_update_config=every(3), deferrable=deferrable)() == SOLUTION
    assert latest(personalize)["solutionUpdateConfig"] == every(3)
    assert latest(personalize)["creationDateTime"] > theirs
    assert [call.error for call in calls.of("UpdateSolution")] == [None, None]


@deferrable_or_not
def test_another_writers_failed_update_does_not_block_this_one(personalize, deferrable):
    faults.fail_next("UpdateSolution", "theirs")
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    update(solution_update_config=every(3), deferrable=deferrable)()
    assert latest(personalize)["status"] == "ACTIVE"


@deferrable_or_not
def test_a_refusal_as_in_use_is_retried(deferrable):
    faults.error_next("UpdateSolution", "ResourceInUseException", times=2)
    assert update(deferrable=deferrable)() == SOLUTION
    assert sent() == 1


@deferrable_or_not
def test_a_refusal_as_in_use_forever_ends_by_the_deadline(deferrable, passing_time):
    faults.error_next("UpdateSolution", "ResourceInUseException", message="busy for ever", times=None)
    with pytest.raises(WaitTimeoutError, match="busy for ever"):
        update(deferrable=deferrable, timeout=300)()
    # what really passes counts too, so on a busy machine it sleeps less
    assert 250 <= sum(passing_time.slept) < 400


@deferrable_or_not
def test_an_update_in_progress_with_the_same_content_is_adopted(personalize, deferrable):
    """As after a crash between the call and its record."""
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True, solutionUpdateConfig=every(3))
    run = update(solution_update_config=every(3), if_unchanged="update", deferrable=deferrable)
    assert run() == SOLUTION
    assert sent() == 1
    assert latest(personalize)["status"] == "ACTIVE"
    assert run.ti.xcoms["solution_update"]["sent"] is False


def test_without_waiting_the_task_still_ends_only_when_its_own_update_is_shown(personalize, passing_time):
    assumptions.update_visible_after = 7
    run = update(wait_for_completion=False)
    assert run() == SOLUTION
    assert latest(personalize)["status"] in {"CREATE PENDING", "CREATE IN_PROGRESS"}
    assert sum(passing_time.slept) >= 7


def test_without_waiting_an_update_after_another_is_not_mistaken_for_it(personalize):
    update()()
    earlier = latest(personalize)["creationDateTime"]
    assumptions.update_visible_after = 7
    run = update(solution_update_config=every(3), wait_for_completion=False)
    run()
    assert latest(personalize)["creationDateTime"] > earlier
    assert run.ti.xcoms["solution_update"]["creationDateTime"] > earlier.isoformat()


@deferrable_or_not
def test_a_failed_update_fails_the_task_with_the_reason_of_the_service(deferrable):
    faults.fail_next("UpdateSolution", "the event type click does not occur")
    with pytest.raises(ResourceFailedError) as failure:
        update(deferrable=deferrable)()
    assert SOLUTION in str(failure.value)
    assert "the event type click does not occur" in str(failure.value)


def test_after_a_failed_update_a_retry_sends_it_again():
    faults.fail_next("UpdateSolution", "bad luck")
    run = update()
    with pytest.raises(ResourceFailedError):
        run()
    assert run() == SOLUTION
    assert sent() == 2


@deferrable_or_not
def test_a_wait_that_times_out_reports_the_last_status(deferrable):
    with pytest.raises(WaitTimeoutError, match="CREATE (PENDING|IN_PROGRESS)") as timeout:
        update(deferrable=deferrable, timeout=11, waiter_delay=2)()
    assert SOLUTION in str(timeout.value)


@pytest.mark.parametrize("value", [0, 0.0, timedelta(0)], ids=repr)
def test_a_time_limit_of_zero_is_refused(value):
    with pytest.raises(ValueError, match="^timeout is .*: allowed are .* more than 0, and a timedelta"):
        update(timeout=value).make()


def test_execution_timeout_holds_while_deferred(passing_time):
    with pytest.raises(WaitTimeoutError):
        update(deferrable=True, execution_timeout=timedelta(seconds=20), waiter_delay=5)()
    assert sum(passing_time.slept) < 30


def test_a_superseded_update_is_not_a_success(personalize):
    def replace() -> None:
        clock.advance(600)
        personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=False)
        clock.advance(600)

    run = update(deferrable=True)
    run.between = replace
    with pytest.raises(UpdateReplacedError, match="replaced"):
        run()


def test_an_event_of_version_1_that_says_superseded_is_decided_by_what_is_in_effect(personalize):
    """It has its state under ``resume``: whether the update was sent."""
    created = []
    for value in (True, False, True):
        personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=value)
        clock.advance(600)
        created.append(latest(personalize)["creationDateTime"].isoformat())
    waited_for = {"resource": "solution", "arn": SOLUTION, "goal": "updated", "created": created[0]}
    event = {"outcome": "replaced", "wait": waited_for, "resume": {"sent": True}, "deadline": clock.now() + 3600}
    task = update().make()
    assert task.execute_complete({"ti": TaskInstance(), "task": task}, event) == SOLUTION
    assert sent() == 3


@deferrable_or_not
def test_a_superseding_update_is_not_undone_after_transient_errors(personalize, monkeypatch, deferrable):
    """Transient errors begin when the later update is visible."""
    wait, error = PersonalizeHook.wait, WaitCondition.error

    def supersede() -> None:
        clock.advance(600)
        personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=False)
        clock.advance(600)
        monkeypatch.setattr(PersonalizeHook, "wait", wait)
        run.between = lambda: None

    def supersede_and_wait(*args: Any, **how: Any) -> WaitStatus:
        supersede()
        return wait(*args, **how)

    def seen(wait: WaitCondition, status: WaitStatus) -> PersonalizeError:
        faults.error_next("DescribeSolution", "ThrottlingException", seconds=90)
        return error(wait, status)

    monkeypatch.setattr(WaitCondition, "error", seen)
    run = update(deferrable=deferrable)
    run.between = supersede
    monkeypatch.setattr(PersonalizeHook, "wait", supersede_and_wait)
    with pytest.raises(UpdateReplacedError, match="replaced"):
        run()
    assert latest(personalize)["performAutoTraining"] is False
    assert len(run.deferrals) > 1 if deferrable else not run.deferrals


def retry(run: Run) -> Run:
    """The same task instance, tried again in the same run."""
    run.ti.try_number += 1
    run.began = datetime.now(timezone.utc) - timedelta(minutes=1)
    return run


@deferrable_or_not
def test_a_retry_after_a_crash_sends_nothing_twice_even_where_sending_is_asked_for(deferrable):
    run = update(if_unchanged="update", deferrable=deferrable)
    run()
    assert retry(run)() == SOLUTION
    assert sent() == 1


@deferrable_or_not
@pytest.mark.parametrize("if_unchanged", ["skip", "update"])
def test_a_retry_finds_a_write_that_is_not_visible_yet(deferrable, if_unchanged):
    """The worker crashed between the call and its record, and reads lag."""
    assumptions.seconds["solution_update"] = 10  # while it is in progress, the service refuses another
    faults.stale_next("UpdateSolution", hides=50)
    run = update(if_unchanged=if_unchanged, deferrable=deferrable)
    with killed_after("UpdateSolution"):
        run()
    assert retry(run)() == SOLUTION
    assert sent() == 1


@deferrable_or_not
def test_a_retry_sends_an_update_that_is_not_visible_after_a_minute(passing_time, deferrable):
    run = retry(update(deferrable=deferrable))
    assert run() == SOLUTION
    assert sent() == 1
    assert 60 <= calls.of("UpdateSolution")[0].at - calls.of("DescribeSolution")[0].at < 65


def test_a_retry_with_less_time_than_that_sends_it_at_the_deadline():
    run = retry(update(timeout=20, waiter_delay=20))
    with pytest.raises(WaitTimeoutError):
        run()
    assert sent() == 1
    clock.advance(600)
    assert retry(run)() == SOLUTION
    assert sent() == 1


def test_another_run_sends_again_where_sending_is_asked_for():
    update(if_unchanged="update")()
    run = retry(update(if_unchanged="update"))
    run.began = datetime.fromtimestamp(clock.now() + 60, timezone.utc)
    run()
    assert sent() == 2


@pytest.mark.parametrize("if_unchanged", ["skip", "update"])
def test_an_update_whose_answer_was_lost_is_found_again(personalize, monkeypatch, if_unchanged):
    """As when botocore repeats a call that had reached the service."""
    run = update(if_unchanged=if_unchanged)
    monkeypatch.setattr(UpdateSolutionOperator, "call", lambda _, __, request: _sent_twice(personalize, request))
    run()
    assert sent() == 1
    assert run.ti.xcoms["solution_update"]["creationDateTime"] is not None


def _sent_twice(client: Any, request: dict[str, Any]) -> None:
    client.update_solution(**request)
    client.update_solution(**request)


def test_a_refused_update_is_not_tried_again_before_its_interval_is_over(passing_time):
    faults.error_next("UpdateSolution", "ResourceInUseException", times=None)
    with pytest.raises(WaitTimeoutError):
        update(deferrable=True, waiter_delay=300, timeout=1500)()
    assert len(calls.of("UpdateSolution")) <= 6


@deferrable_or_not
def test_a_solution_that_failed_is_not_a_success_and_nothing_to_wait_for(personalize, deferrable):
    faults.fail_next("CreateSolution", "bad luck")
    arn = personalize.create_solution(
        name="bad",
        datasetGroupArn=DATASET.replace("dataset/shop/INTERACTIONS", "dataset-group/shop"),
        recipeArn="arn:aws:personalize:::recipe/aws-sims",
        performAutoTraining=True,
    )["solutionArn"]
    clock.advance(60)
    with pytest.raises(ResourceFailedError, match="CREATE FAILED"):
        update(solution_arn=arn, deferrable=deferrable)()
    assert calls.of("UpdateSolution") == []


def test_an_update_that_the_service_takes_for_nothing_to_do_ends(passing_time):
    assumptions.unchanged_update = "ignored"
    run = update(perform_auto_training=False, if_unchanged="update")
    assert run() == SOLUTION
    assert sum(passing_time.slept) < 120


def test_the_connection_may_come_out_of_templates():
    run = update(
        aws_conn_id="{{ params.connection }}",
        region_name="{{ params.nothing }}",
        verify="{{ params.no }}",
        botocore_config="{{ params.config }}",
    )
    run.params = {"connection": "aws_default", "nothing": None, "no": False, "config": {"read_timeout": 5}}
    run()
    hook = run.ready()[0].hook
    assert (hook.region_name, hook.verify, hook.conn.meta.config.read_timeout) == ("us-east-1", False, 5)


@pytest.mark.parametrize("parameter", ["waiter_delay", "timeout"])
@pytest.mark.parametrize("value", [-1, "10", float("inf"), float("nan")])
def test_a_wrong_number_of_seconds_is_refused_when_the_dag_is_parsed(parameter, value):
    with pytest.raises(ValueError, match=f"{parameter} is"):
        update(**{parameter: value})()


def test_seconds_may_be_a_timedelta(passing_time):
    with pytest.raises(WaitTimeoutError):
        update(deferrable=True, waiter_delay=timedelta(seconds=2), timeout=timedelta(seconds=20))()
    assert sum(passing_time.slept) < 30


@deferrable_or_not
def test_the_deferral_has_a_net_of_its_own_beyond_the_deadline(deferrable):
    run = update(deferrable=deferrable, timeout=600)
    run()
    assert [600 < each.timeout.total_seconds() <= 660 for each in run.deferrals] == [True] * deferrable


@deferrable_or_not
def test_throttling_is_retried(deferrable):
    run = update(deferrable=deferrable)
    run.between = lambda: faults.error_next("DescribeSolution", "ThrottlingException", times=8)
    if not deferrable:
        faults.error_next("DescribeSolution", "ThrottlingException", times=8)
    assert run() == SOLUTION


@deferrable_or_not
def test_access_denied_fails_at_once(deferrable):
    faults.error_next("DescribeSolution", "AccessDeniedException", message="not you", times=None)
    with pytest.raises(ClientError, match="not you"):
        update(deferrable=deferrable)()
    assert len(calls.of("DescribeSolution")) == 1


def test_access_denied_in_the_triggerer_keeps_the_services_error():
    run = update(deferrable=True)
    run.between = lambda: faults.error_next("DescribeSolution", "AccessDeniedException", message="not you", times=None)
    with pytest.raises(ClientError, match="not you"):
        run()


def test_a_solution_that_does_not_exist_is_an_error_of_the_service():
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        update(solution_arn=SOLUTION.replace("shop", "nowhere"))()


@pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])
@pytest.mark.parametrize(("given", "understood"), [("True", True), ("false", False), (True, True)])
def test_a_boolean_may_come_out_of_a_template(personalize, native, given, understood):
    if understood is False:
        update()()
    run = update(perform_auto_training="{{ params.automatic }}", native=native)
    run.params = {"automatic": given}
    run()
    assert latest(personalize)["performAutoTraining"] is understood


@pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])
def test_every_parameter_may_come_out_of_a_template(personalize, native):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    run = update(
        solution_arn="{{ params.arn }}",
        perform_auto_training="{{ params.automatic }}",
        perform_incremental_update="{{ params.nothing }}",
        solution_update_config={
            "autoTrainingConfig": {"schedulingExpression": "rate({{ params.days }} days)"},
            "eventsConfig": {"eventParametersList": [{"eventType": "{{ params.event }}", "weight": "{{ params.w }}"}]},
        },
        native=native,
    )
    run.params = {"arn": SOLUTION, "automatic": True, "nothing": None, "days": 5, "event": "buy", "w": 0.25}
    assert run() == SOLUTION
    events = latest(personalize)["solutionUpdateConfig"]["eventsConfig"]["eventParametersList"]
    assert events == [{"eventType": "buy", "weight": 0.25}]


@pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])
def test_a_whole_structure_may_come_out_of_a_template(personalize, native):
    run = update(solution_update_config="{{ params.config }}", native=native)
    run.params = {"config": every(9)}
    run()
    assert latest(personalize)["solutionUpdateConfig"] == every(9)


def test_all_invalid_parameters_are_in_one_error_and_nothing_is_sent():
    run = update(
        solution_arn=SOLUTION.replace("solution", "campaign"),
        perform_auto_training="maybe",
        solution_update_config=every(99),
    )
    with pytest.raises(InvalidRequestError) as refusal:
        run()
    for named in ("campaign", "maybe", "rate(99 days)"):
        assert named in str(refusal.value)
    assert len(refusal.value.faults) == 3
    assert list(calls.of("UpdateSolution")) == list(calls.of("DescribeSolution", SOLUTION)) == []


def test_an_unknown_choice_for_what_is_unchanged_is_refused_when_the_dag_is_parsed():
    with pytest.raises(ValueError, match="if_unchanged is 'never'"):
        update(if_unchanged="never")()


def test_a_connection_that_does_not_exist_is_an_error_and_not_somebody_elses_credentials():
    with pytest.raises(ConnectionMissingError, match="no_such_connection"):
        update(aws_conn_id="no_such_connection")()


def test_a_connection_that_cannot_be_looked_up_for_a_moment_is_looked_up_again_by_a_retry(monkeypatch):
    """Airflow says of a connection that it does not exist, too, while its secrets backend is away."""
    run = update(aws_conn_id="from_the_backend")
    with pytest.raises(AirflowException) as missing:
        run()
    assert not isinstance(missing.value, AirflowFailException)
    monkeypatch.setenv("AIRFLOW_CONN_FROM_THE_BACKEND", '{"conn_type": "aws", "extra": {"region_name": "us-east-1"}}')
    assert retry(run)() == SOLUTION


def test_a_throttled_update_logs_once_what_it_changes_and_why_it_is_retried(capsys):
    faults.error_next("UpdateSolution", "ThrottlingException", times=3)
    update()()
    log = capsys.readouterr().out
    assert log.count("To change: perform_auto_training") == 1
    assert log.count("Told to fail. Retrying in") == 3


def test_no_connection_means_the_default_chain_of_credentials(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert update(aws_conn_id=None)() == SOLUTION


def test_the_console_page_of_the_solution_is_kept():
    run = update(wait_for_completion=False)
    run()
    assert run.ti.xcoms["personalize_solution_link"] == (
        "https://us-east-1.console.aws.amazon.com/personalize/home?region=us-east-1"
        "#arn:aws:personalize:us-east-1:123456789012:dataset-group$shop"
        "/solutionsAndRecipes/solutionDetail/arn:aws:personalize:us-east-1:123456789012:solution$shop"
    )


def test_without_xcom_nothing_is_pushed():
    run = update(do_xcom_push=False)
    run()
    assert run.ti.xcoms == {}
