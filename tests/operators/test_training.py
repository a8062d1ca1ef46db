"""Solutions and their versions: create, delete, stop, read; on the real operators, against the local Personalize."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run, TaskInstance, killed_after

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceDiffersError,
    ResourceExistsError,
    ResourceFailedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.operators import (
    CreateSolutionOperator,
    DeleteSolutionOperator,
    GetSolutionMetricsOperator,
    StopSolutionVersionCreationOperator,
)

GROUP = f"{PREFIX}dataset-group/shop"
OTHER = f"{PREFIX}solution/other"
RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
DAILY = {"autoTrainingConfig": {"schedulingExpression": "rate(1 day)"}}

pytestmark = pytest.mark.usefixtures("personalize")
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


def create(ti: TaskInstance | None = None, **parameters: Any) -> Run:
    given = {"name": "other", "dataset_group_arn": GROUP, "perform_auto_training": False, "recipe_arn": RECIPE}
    given |= parameters
    return Run(lambda: CreateSolutionOperator(task_id="create", **given), ti or TaskInstance())


def delete(arn: str = SOLUTION, **parameters: Any) -> Run:
    return Run(lambda: DeleteSolutionOperator(task_id="delete", solution_arn=arn, **parameters))


def stop(arn: str, **parameters: Any) -> Run:
    return Run(lambda: StopSolutionVersionCreationOperator(task_id="stop", solution_version_arn=arn, **parameters))


def sent(operation: str) -> int:
    return len([call for call in calls.of(operation) if call.error is None])


def status(personalize: Any, arn: str = SOLUTION) -> str:
    return personalize.describe_solution(solutionArn=arn)["solution"]["status"]


def exists(personalize: Any, arn: str = SOLUTION) -> bool:
    return arn in [each["solutionArn"] for each in personalize.list_solutions()["solutions"]]


@pytest.fixture
def version(personalize: Any) -> str:
    """A training in progress."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(3600)
    return personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]


def version_status(personalize: Any, arn: str) -> str:
    return personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"]


@deferrable_or_not
def test_a_solution_is_active_when_the_task_ends(personalize, deferrable):
    assumptions.seconds["solution"] = 1
    run = create(deferrable=deferrable, perform_auto_training="True", solution_config=str(DAILY), perform_hpo="false")
    assert run() == OTHER
    solution = personalize.describe_solution(solutionArn=OTHER)["solution"]
    assert (solution["status"], solution["performAutoTraining"]) == ("ACTIVE", True)
    assert solution["solutionConfig"] == DAILY
    assert len(run.deferrals) == deferrable
    assert run.ti.xcoms["personalize_solution_link"].endswith("solution$other")


@pytest.mark.parametrize("said", [None, "None"])
def test_who_trains_must_be_said(said):
    with pytest.raises(
        InvalidRequestError,
        match="perform_auto_training is missing or None: it must be True or False.*each week, charged",
    ):
        create(perform_auto_training=said)()
    assert sent("CreateSolution") == 1  # the shop's


@deferrable_or_not
def test_an_existing_solution_is_reused_without_a_call(deferrable, capsys):
    wanted = {"perform_auto_training": True, "solution_config": DAILY, "tags": [{"tagKey": "a", "tagValue": "b"}]}
    create(**wanted)()
    assert create(deferrable=deferrable, **wanted)() == OTHER
    assert sent("CreateSolution") == 2  # the shop's, and one
    assert "no other is made" in capsys.readouterr().out


def test_an_existing_solution_with_other_content_fails_with_each_difference():
    create()()
    with pytest.raises(ResourceDiffersError) as refusal:
        create(perform_auto_training=True, solution_config=DAILY, event_type="click")()
    assert [difference.split(":")[0] for difference in refusal.value.differences] == [
        "perform_auto_training",
        "event_type",
        "solution_config.autoTrainingConfig.schedulingExpression",
    ]
    advice = 'To use it as it is, set ignore_changes=["perform_auto_training", "event_type", "solution_config"].'
    assert advice in str(refusal.value)


def test_changes_by_another_task_may_be_ignored(personalize):
    create()()
    personalize.update_solution(solutionArn=OTHER, performAutoTraining=True)
    clock.advance(600)
    with pytest.raises(ResourceDiffersError) as refusal:
        create()()
    assert str(refusal.value) == (
        "The solution other exists already, with 1 difference:\n  - perform_auto_training: wanted False, found True\n"
        f'To use it as it is, set ignore_changes=["perform_auto_training"].\n{OTHER}'
    )
    assert create(ignore_changes=["perform_auto_training"])() == OTHER


def test_a_member_that_the_service_renames_is_not_a_difference(personalize):
    """The names that it describes are those of https://github.com/boto/boto3/issues/3514."""
    first = {"min_user_history_length_percentile": "0.05", "max_user_history_length_percentile": "0.95"}
    described = {"min_hist_length_percentile": "0.05", "max_hist_length_percentile": "0.95"}
    given = {"recipe_arn": "arn:aws:personalize:::recipe/aws-user-personalization"}
    create(solution_config={"featureTransformationParameters": first}, **given)()
    shown = personalize.describe_solution(solutionArn=OTHER)["solution"]
    assert shown["solutionConfig"]["featureTransformationParameters"] == described
    for same in (first, described):
        assert create(solution_config={"featureTransformationParameters": same}, **given)() == OTHER
    other = {**first, "min_user_history_length_percentile": "0.1"}
    with pytest.raises(
        ResourceDiffersError, match="Parameters.min_user_history_length_percentile: wanted '0.1', found"
    ):
        create(solution_config={"featureTransformationParameters": other}, **given)()


def test_the_configuration_after_an_update_counts(personalize):
    create()()
    personalize.update_solution(solutionArn=OTHER, performAutoTraining=True, solutionUpdateConfig=DAILY)
    clock.advance(600)
    create(perform_auto_training=True, solution_config=DAILY)()
    assert sent("CreateSolution") == 2


def test_an_existing_resource_may_be_an_error_but_not_in_a_retry():
    run = create(if_exists="fail")
    with killed_after("CreateSolution"):
        run()
    run.ti.try_number += 1
    run.began = datetime.now(timezone.utc) - timedelta(minutes=1)
    assert run() == OTHER
    with pytest.raises(ResourceExistsError, match="if_exists is 'fail'"):
        create(if_exists="fail")()
    assert len(calls.of("CreateSolution")) == 2


@deferrable_or_not
def test_a_resource_being_deleted_is_waited_for_and_recreated(personalize, deferrable):
    personalize.delete_solution(solutionArn=SOLUTION)
    assert create(name="shop", deferrable=deferrable)() == SOLUTION
    assert status(personalize) == "ACTIVE"
    assert sent("CreateSolution") == 2


def test_a_solution_that_is_not_visible_at_once_is_waited_for(personalize):
    faults.stale_next("CreateSolution", hides=30)
    assert create()() == OTHER
    assert status(personalize, OTHER) == "ACTIVE"


def test_a_retry_that_does_not_see_the_first_attempts_solution_yet_creates_no_other(personalize):
    faults.stale_next("CreateSolution", hides=30)
    run = create()
    with killed_after("CreateSolution"):
        run()
    assert run() == OTHER
    assert len(personalize.list_solutions()["solutions"]) == 2


@deferrable_or_not
def test_a_solution_that_fails_fails_the_task(deferrable):
    faults.fail_next("CreateSolution", "bad luck")
    with pytest.raises(ResourceFailedError, match="CREATE FAILED"):
        create(deferrable=deferrable)()


@deferrable_or_not
def test_a_deleted_solution_is_gone_when_the_task_ends(personalize, deferrable):
    run = delete(deferrable=deferrable)
    assert run() == SOLUTION
    assert not exists(personalize)
    assert len(run.deferrals) == deferrable


def test_without_waiting_the_deletion_has_begun(personalize):
    delete(wait_for_completion=False)()
    assert status(personalize) == "DELETE PENDING"


@pytest.mark.parametrize("done", [True, False])
def test_after_a_lost_answer_the_rest_is_deleted(personalize, done):
    faults.reset_next("DeleteSolution", done=done)
    assert delete()() == SOLUTION
    assert not exists(personalize)
    assert len(calls.of("DeleteSolution")) == (1 if done else 2)


@deferrable_or_not
def test_an_update_in_progress_is_waited_for_before_the_deletion(personalize, deferrable):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    delete(deferrable=deferrable)()
    assert not exists(personalize)


def test_a_missing_solution_is_not_an_error_and_the_log_says_so(capsys):
    assert delete(OTHER)() == OTHER
    assert "nothing is deleted" in capsys.readouterr().out
    assert calls.of("DeleteSolution") == []


def test_the_log_says_that_something_else_deleted_it(personalize, capsys):
    run, make = delete(), delete().make

    def make_late() -> Any:
        task = make()
        call = task.call

        def late(*request: Any) -> Any:
            personalize.delete_solution(solutionArn=SOLUTION)
            clock.advance(HOUR)
            return call(*request)

        task.call = late
        return task

    run.make = make_late
    assert run() == SOLUTION
    assert "Something else deleted the solution shop meanwhile" in capsys.readouterr().out


def test_a_resource_in_use_is_not_deleted(personalize, version):
    with pytest.raises(ClientError, match="ResourceInUseException"):
        delete()()
    assert status(personalize) == "ACTIVE"


@deferrable_or_not
def test_a_deletion_that_is_not_over_in_time_is_an_error(personalize, deferrable):
    assumptions.seconds["solution_delete"] = HOUR
    run = delete(deferrable=deferrable, timeout=60)
    with pytest.raises(WaitTimeoutError, match="DELETE"):
        run()
    assert len(run.deferrals) == deferrable


@deferrable_or_not
@pytest.mark.parametrize("after", [0, 1200], ids=["that waits", "in progress"])
def test_a_training_is_stopped_when_the_task_ends(personalize, version, deferrable, after):
    clock.advance(after)
    run = stop(version, deferrable=deferrable)
    assert run() == version
    assert version_status(personalize, version) == "CREATE STOPPED"
    assert run.ti.xcoms["personalize_solution_link"].endswith("solution$shop")


def test_without_waiting_the_stop_has_begun(personalize, version):
    clock.advance(1200)
    stop(version, wait_for_completion=False)()
    assert version_status(personalize, version) == "CREATE STOPPING"


@pytest.mark.parametrize("after", [0, 1200], ids=["that waits", "in progress"])
@pytest.mark.parametrize("done", [True, False])
def test_a_stop_with_a_lost_answer_is_checked_and_completed(personalize, version, after, done):
    clock.advance(after)
    faults.reset_next("StopSolutionVersionCreation", done=done)
    stop(version)()
    assert version_status(personalize, version) == "CREATE STOPPED"
    assert len(calls.of("StopSolutionVersionCreation")) == (1 if done else 2)


@deferrable_or_not
def test_a_retry_finds_a_stop_that_is_not_visible_yet(personalize, version, deferrable):
    """The worker crashed between the call and its record, and reads lag."""
    run = stop(version, deferrable=deferrable)
    faults.stale_next("StopSolutionVersionCreation", hides=50)
    with killed_after("StopSolutionVersionCreation"):
        run()
    run.ti.try_number = 2
    assert run() == version
    assert version_status(personalize, version) == "CREATE STOPPED"


@deferrable_or_not
def test_a_stop_that_does_not_end_in_time_reports_the_last_status(personalize, version, deferrable):
    clock.advance(1200)
    with pytest.raises(WaitTimeoutError, match="last seen: CREATE STOPPING"):
        stop(version, deferrable=deferrable, timeout=12, waiter_delay=1)()


def test_a_stop_of_another_task_is_waited_for(personalize, version):
    clock.advance(1200)
    personalize.stop_solution_version_creation(solutionVersionArn=version)
    assert stop(version)() == version
    assert version_status(personalize, version) == "CREATE STOPPED"


@pytest.mark.parametrize("failed", [False, True])
def test_a_training_that_is_over_is_left_alone(personalize, version, failed, capsys):
    if failed:
        faults.fail_next("CreateSolutionVersion", "bad luck")
        version = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    clock.advance(3600)
    assert stop(version)() == version
    assert calls.of("StopSolutionVersionCreation") == []
    assert f"{'CREATE FAILED' if failed else 'ACTIVE'}: it is over" in capsys.readouterr().out


def test_a_denied_stop_is_an_error(personalize, version):
    faults.error_next("StopSolutionVersionCreation", "AccessDeniedException", message="not you")
    with pytest.raises(ClientError, match="not you"):
        stop(version)()


def test_a_version_that_does_not_exist_is_an_error_of_the_service():
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        stop(f"{SOLUTION}/00000000")()


def metrics(arn: str) -> Any:
    return Run(lambda: GetSolutionMetricsOperator(task_id="metrics", solution_version_arn=arn))()


def test_the_metrics_of_a_trained_version_are_returned(version):
    clock.advance(3600)
    found = metrics(version)
    assert 0 <= found["coverage"] <= 1
    assert all(isinstance(value, float) for value in found.values())


def test_the_metrics_of_an_untrained_version_are_an_error_of_the_service(version):
    with pytest.raises(ClientError, match="GetSolutionMetrics"):
        metrics(version)


def test_the_metrics_of_a_solution_are_refused_before_the_call():
    with pytest.raises(InvalidRequestError, match="solution_version_arn"):
        metrics(SOLUTION)
    assert calls.of("GetSolutionMetrics") == []
