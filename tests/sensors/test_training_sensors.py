"""Sensors of solutions and their versions, poked, rescheduled and deferred, against the local Personalize."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
import task_runs
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run, TaskInstance, fire

from airflow_provider_personalize._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_provider_personalize.emulator import clock, faults
from airflow_provider_personalize.sensors import (
    AutomaticSolutionVersionSensor,
    SolutionSensor,
    SolutionVersionSensor,
)
from airflow_provider_personalize.triggers.events import WaitEvent

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:
    from airflow.exceptions import AirflowRescheduleException

GROUP = f"{PREFIX}dataset-group/shop"
HOUR = 3600
WEEK = 7 * 24 * HOUR
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["poked", "deferred"])


@pytest.fixture(autouse=True)
def _data(personalize: Any) -> None:
    """A training needs data."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(HOUR)


@pytest.fixture
def automatic(personalize: Any) -> Any:
    """The shop's solution trains by itself."""
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    clock.advance(600)
    return personalize


def now() -> datetime:
    return datetime.fromtimestamp(clock.now(), timezone.utc)


def sensor(**parameters: Any) -> Run:
    """A sensor in a run that begins now."""
    given = {"solution_arn": SOLUTION, "poke_interval": 300, **parameters}
    run = Run(lambda: AutomaticSolutionVersionSensor(task_id="wait", **given))
    run.began = now()
    return run


def version(personalize: Any, arn: str) -> dict[str, Any]:
    return personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]


def versions(personalize: Any) -> list[dict[str, Any]]:
    return personalize.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]


@deferrable_or_not
def test_a_solution_is_waited_for(personalize, deferrable):
    arn = personalize.create_solution(
        name="new",
        datasetGroupArn=GROUP,
        recipeArn="arn:aws:personalize:::recipe/aws-sims",
        performAutoTraining=False,
    )["solutionArn"]
    run = Run(lambda: SolutionSensor(task_id="wait", solution_arn=arn, deferrable=deferrable))
    run()
    assert personalize.describe_solution(solutionArn=arn)["solution"]["status"] == "ACTIVE"
    assert run.ti.xcoms["personalize_solution_link"].endswith("solution$new")


@deferrable_or_not
def test_a_version_is_waited_for(personalize, deferrable):
    arn = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    run = Run(lambda: SolutionVersionSensor(task_id="wait", solution_version_arn=arn, deferrable=deferrable))
    run()
    assert version(personalize, arn)["status"] == "ACTIVE"


@deferrable_or_not
@pytest.mark.parametrize("stopped", [False, True], ids=["failed", "stopped"])
def test_a_version_that_failed_or_was_stopped_fails_for_good(personalize, deferrable, stopped):
    if not stopped:
        faults.fail_next("CreateSolutionVersion", "too few users")
    arn = personalize.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    if stopped:
        personalize.stop_solution_version_creation(solutionVersionArn=arn)
    run = Run(lambda: SolutionVersionSensor(task_id="wait", solution_version_arn=arn, deferrable=deferrable))
    with pytest.raises(AirflowFailException, match="CREATE STOPPED" if stopped else "too few users"):
        run()


@deferrable_or_not
def test_the_next_version_of_automatic_training_is_waited_for_and_its_arn_returned(automatic, deferrable):
    run = sensor(deferrable=deferrable)
    arn = run()
    found = version(automatic, arn)
    assert (found["trainingType"], found["status"]) == ("AUTOMATIC", "ACTIVE")
    assert [event["found"] for event in run.events] == [arn] * deferrable
    assert run.ti.xcoms["personalize_solution_link"].endswith("solution$shop")


@pytest.fixture
def throttled_when_resumed(automatic, monkeypatch) -> list[int | None]:
    """Let only the worker poll, and throttle it when the task resumes, as often as the list says."""
    check_event, times = AutomaticSolutionVersionSensor.check_event, [1]

    def resume_and_be_throttled(task: AutomaticSolutionVersionSensor, event: WaitEvent) -> None:
        check_event(task, event)
        faults.error_next("ListSolutionVersions", "ThrottlingException", times=times[-1])

    monkeypatch.setattr(task_runs, "fire", lambda trigger: {**fire(trigger), "outcome": "broken", "found": None})
    monkeypatch.setattr(AutomaticSolutionVersionSensor, "check_event", resume_and_be_throttled)
    return times


def test_if_only_the_worker_can_poll_it_waits_through_transient_errors(automatic, throttled_when_resumed):
    assert version(automatic, sensor(deferrable=True)())["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("parameters", "end"), [({}, AirflowSensorTimeout), ({"soft_fail": True}, AirflowSkipException)]
)
def test_if_the_worker_cannot_poll_either_it_times_out(throttled_when_resumed, parameters, end):
    throttled_when_resumed.append(None)
    with pytest.raises(end):
        sensor(deferrable=True, timeout=HOUR, **parameters)()


@deferrable_or_not
def test_one_that_is_there_already_is_returned_at_once(automatic, deferrable):
    run = sensor(deferrable=deferrable)
    clock.advance(2 * HOUR)
    assert run() == versions(automatic)[0]["solutionVersionArn"]
    assert run.deferrals == []


@deferrable_or_not
def test_an_automatic_version_of_before_the_moment_is_not_the_next(automatic, deferrable):
    clock.advance(2 * HOUR)
    (earlier,) = versions(automatic)
    with pytest.raises(AirflowSensorTimeout, match="no automatic training has begun since"):
        sensor(deferrable=deferrable, timeout=HOUR)()
    before = str(earlier["creationDateTime"] - timedelta(seconds=1))
    assert sensor(deferrable=deferrable, after=before)() == earlier["solutionVersionArn"]


@deferrable_or_not
def test_a_manual_version_does_not_count(automatic, deferrable):
    clock.advance(HOUR)
    made = automatic.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    run = sensor(deferrable=deferrable, timeout=HOUR)
    with pytest.raises(AirflowSensorTimeout):
        run()
    assert version(automatic, made)["status"] == "ACTIVE"


@deferrable_or_not
def test_a_failed_automatic_training_fails_the_task_with_the_reason(automatic, deferrable):
    faults.fail_next("CreateSolutionVersion", "too few users")
    with pytest.raises(AirflowFailException, match="too few users") as failure:
        sensor(deferrable=deferrable)()
    assert versions(automatic)[0]["solutionVersionArn"] in str(failure.value)


@deferrable_or_not
def test_an_automatic_training_that_somebody_stopped_fails_the_task(automatic, deferrable):
    run = sensor(deferrable=deferrable, after=now() - timedelta(hours=1))
    clock.advance(HOUR)
    (found,) = versions(automatic)
    automatic.stop_solution_version_creation(solutionVersionArn=found["solutionVersionArn"])
    with pytest.raises(AirflowFailException, match="CREATE STOPPED"):
        run()


@deferrable_or_not
def test_where_automatic_training_is_off_it_fails_at_once(personalize, passing_time, deferrable):
    with pytest.raises(AirflowFailException, match="automatic training is off"):
        sensor(deferrable=deferrable)()
    assert passing_time.slept == []


@deferrable_or_not
def test_where_automatic_training_is_turned_off_while_it_waits_it_fails(automatic, deferrable):
    run = sensor(deferrable=deferrable)
    automatic.update_solution(solutionArn=SOLUTION, performAutoTraining=False)
    with pytest.raises(AirflowFailException, match="automatic training is off"):
        run()


@deferrable_or_not
def test_an_update_in_progress_that_turns_it_on_is_waited_for(personalize, deferrable):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    assert version(personalize, sensor(deferrable=deferrable)())["status"] == "ACTIVE"


@deferrable_or_not
def test_soft_fail_and_never_fail_skip_if_no_version_will_come(personalize, deferrable):
    with pytest.raises(AirflowSkipException):
        sensor(deferrable=deferrable, soft_fail=True)()


@pytest.mark.parametrize("native", [False, True], ids=["as text", "as a datetime"])
@pytest.mark.parametrize("write", [str, lambda moment: f"{moment.replace(tzinfo=None).isoformat()}Z", lambda m: m])
def test_the_moment_may_come_out_of_a_template(automatic, write, native):
    run = sensor(after=write(now()) if native else "{{ params.moment }}")
    run.params = {"moment": write(now())}
    clock.advance(2 * HOUR)
    assert run() == versions(automatic)[0]["solutionVersionArn"]


def test_a_moment_without_a_time_zone_is_in_utc(automatic):
    run = sensor(after=now().replace(tzinfo=None))
    clock.advance(2 * HOUR)
    assert run() == versions(automatic)[0]["solutionVersionArn"]


@deferrable_or_not
@pytest.mark.parametrize("after", ["yesterday", "", date(2026, 1, 1), True, []], ids=repr)
def test_an_invalid_date_is_refused(automatic, deferrable, after):
    with pytest.raises(AirflowFailException, match="after is .*: allowed are"):
        sensor(after=after, deferrable=deferrable)()


def test_a_template_that_yields_none_means_the_start_of_the_run(automatic):
    run = sensor(after="{{ params.moment }}")
    run.params = {"moment": None}
    clock.advance(2 * HOUR)
    assert run() == versions(automatic)[0]["solutionVersionArn"]


class _Rescheduled(TaskInstance):
    start_date: datetime | None = None

    def get_first_reschedule_date(self, context: Any) -> None:
        return None


@pytest.mark.parametrize("known", ["run", "task"])
def test_reschedule_mode_keeps_the_moment_from_poll_to_poll(automatic, known):
    """Each poll runs in another process: the training that began between two polls is the next."""
    ti = _Rescheduled()
    ti.start_date = now()
    began = now() if known == "run" else None

    def poll_once() -> str:
        context = {"ti": ti, "dag_run": SimpleNamespace(start_date=began)}
        return sensor(mode="reschedule").make().execute(context)

    for _ in range(3):
        with pytest.raises(AirflowRescheduleException):
            poll_once()
        clock.advance(1500)
    clock.advance(HOUR)
    assert poll_once() == versions(automatic)[0]["solutionVersionArn"]


def test_where_no_start_is_known_the_moment_is_now(automatic):
    run = sensor(deferrable=True)
    run.began = None
    run()
    moment = datetime.fromisoformat(run.deferrals[0].trigger.condition.created)
    assert abs(datetime.now(timezone.utc) - moment) < timedelta(minutes=1)


def test_if_only_the_worker_can_poll_it_returns_the_arn_too(automatic):
    def between() -> None:
        clock.advance(3 * HOUR)
        faults.error_next("ListSolutionVersions", "AccessDeniedException", message="not you", times=1)

    run = sensor(deferrable=True)
    run.between = between
    assert run() == versions(automatic)[0]["solutionVersionArn"]


@deferrable_or_not
def test_a_solution_that_does_not_exist_is_an_error_of_the_service(deferrable):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sensor(solution_arn=f"{PREFIX}solution/nowhere", deferrable=deferrable)()
