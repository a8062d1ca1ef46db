"""Train a new version of a solution, on the real operator, trigger and hook, against the local Personalize."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, ROLE, SOLUTION
from task_runs import VERSION_FORMS, Run, Store, TaskInstance, killed_after

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    PersonalizeError,
    ResourceDiffersError,
    ResourceExistsError,
    ResourceFailedError,
    ResourceStoppedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.operators import CreateSolutionVersionOperator

deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
names = pytest.mark.parametrize("names", ["refused", "accepted"], ids=["a name is taken", "a name may be used again"])


# one form in the default tests, the others in the slow ones
FORMS = [
    pytest.param(form, id=name, marks=[] if name == "plain" else pytest.mark.slow)
    for name, form in VERSION_FORMS.items()
]


@pytest.fixture(autouse=True, params=FORMS)
def _form(personalize: Any, request: pytest.FixtureRequest) -> None:
    """Whatever the service makes of names."""
    assumptions.version_name, assumptions.version_arn = request.param


@pytest.fixture(autouse=True)
def _data(personalize: Any) -> None:
    """A training needs data."""
    personalize.create_dataset_import_job(
        jobName="data", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(3600)


class BrokenStore:
    def get(self, key: str) -> Any:
        raise RuntimeError("the backend is down")

    def set(self, key: str, value: Any) -> None:
        raise RuntimeError("the backend is down")


def train(ti: TaskInstance | None = None, store: Any = None, **parameters: Any) -> Run:
    """A task instance of a run that begins now."""
    given = {"solution_arn": SOLUTION, **parameters}
    run = Run(lambda: CreateSolutionVersionOperator(task_id="train", **given), ti or TaskInstance(), store=store)
    run.began = now()
    return run


def now() -> datetime:
    return datetime.fromtimestamp(clock.now(), timezone.utc)


def retry(run: Run) -> Run:
    """The same task instance, tried again in the same run."""
    run.ti.try_number += 1
    return run


def clear(run: Run) -> Run:
    """The same task instance, in the same run that begins anew."""
    clock.advance(60)
    run.began = now()
    return retry(run)


def versions(personalize: Any) -> list[dict[str, Any]]:
    return personalize.list_solution_versions(solutionArn=SOLUTION)["solutionVersions"]


def statuses(personalize: Any) -> list[str]:
    return [version["status"] for version in versions(personalize)]


def status(personalize: Any, arn: str) -> str:
    return personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"]


@deferrable_or_not
def test_the_version_is_trained_when_the_task_ends(personalize, deferrable):
    run = train(deferrable=deferrable, training_mode="FULL", tags=[{"tagKey": "team", "tagValue": "shop"}])
    arn = run()
    assert status(personalize, arn) == "ACTIVE"
    assert personalize.list_tags_for_resource(resourceArn=arn)["tags"] == [{"tagKey": "team", "tagValue": "shop"}]
    assert len(run.deferrals) == deferrable
    assert run.ti.xcoms["personalize_solution_link"].endswith("solution$shop")


def test_without_waiting_the_task_ends_once_the_training_is_shown(personalize):
    faults.stale_next("CreateSolutionVersion", hides=30)
    assert status(personalize, train(wait_for_completion=False)()) != "ACTIVE"


@deferrable_or_not
def test_a_failed_training_says_why_and_a_retry_trains_again(personalize, deferrable):
    faults.fail_next("CreateSolutionVersion", "too few users")
    run = train(deferrable=deferrable)
    with pytest.raises(ResourceFailedError, match="too few users"):
        run()
    assert status(personalize, retry(run)()) == "ACTIVE"
    assert statuses(personalize) == ["CREATE FAILED", "ACTIVE"]


@names
@deferrable_or_not
@pytest.mark.parametrize("store", [lambda: None, Store, BrokenStore], ids=["no store", "a store", "a broken store"])
def test_a_retry_after_a_lost_answer_trains_nothing_again(personalize, deferrable, store, names):
    """The worker crashed between the call and its record."""
    assumptions.same_version_name = names
    run = train(deferrable=deferrable, store=store())
    with killed_after("CreateSolutionVersion"):
        run()
    retry(run)()
    assert statuses(personalize) == ["ACTIVE"]


@names
def test_a_retry_finds_a_write_that_is_not_visible_yet(personalize, names):
    assumptions.same_version_name = names
    faults.stale_next("CreateSolutionVersion", hides=30)
    run = train()
    with killed_after("CreateSolutionVersion"):
        run()
    retry(run)()
    assert statuses(personalize) == ["ACTIVE"]


def test_a_cleared_run_reuses_the_training_of_an_attempt_that_died_in_its_call(personalize):
    run = train(store=Store())
    with killed_after("CreateSolutionVersion"):
        run()
    clock.advance(7200)  # the training ends, with no attempt to see it
    run.ti.try_number, run.began = 2, datetime.fromtimestamp(clock.now(), timezone.utc)
    run()
    assert statuses(personalize) == ["ACTIVE"]


def test_the_same_attempt_executed_twice_trains_once(personalize):
    """Airflow 3 may execute a task again whose trigger fired at once."""
    run = train(wait_for_completion=False)
    assert run() == run()
    clock.advance(3600)
    assert run() == versions(personalize)[0]["solutionVersionArn"]
    assert len(versions(personalize)) == 1


def test_a_clock_ahead_of_the_services_starts_no_second_training(personalize):
    run = train()
    run.began = datetime.fromtimestamp(clock.now() + 10, timezone.utc)
    assert run() == retry(run)()


def test_a_retry_finds_what_is_trained_meanwhile(personalize):
    run = train(timeout=60, waiter_delay=30)
    with pytest.raises(WaitTimeoutError):
        run()
    clock.advance(3600)
    retry(run)()
    assert statuses(personalize) == ["ACTIVE"]


def test_the_task_state_store_is_read_first_and_spares_the_list_call(personalize):
    store = Store()
    arn = train(store=store, wait_for_completion=False)()
    assert arn in store.values()
    before = len(calls.of("ListSolutionVersions"))
    assert retry(train(store=store, wait_for_completion=False))() == arn
    assert len(calls.of("ListSolutionVersions")) == before


@pytest.mark.parametrize("kept", [5, "arn:x", SOLUTION])
def test_a_store_that_keeps_something_else_is_not_a_reason_to_fail(personalize, kept):
    run = train()
    name = run()
    version = personalize.describe_solution_version(solutionVersionArn=name)["solutionVersion"]
    run.store = Store({version["name"].removeprefix("shop/"): kept})
    assert retry(run)() == name


def test_the_store_knows_the_version_before_the_service_shows_it(personalize):
    faults.stale_next("CreateSolutionVersion", hides=300)
    store = Store()
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        train(store=store)()
    clock.advance(300)
    assert list(store.values()) == [versions(personalize)[0]["solutionVersionArn"]]


def test_a_name_in_the_arn_spares_a_retry_the_list(personalize):
    assumptions.version_arn = "name"
    run = train(wait_for_completion=False)
    arn = run()
    before = len(calls.of("ListSolutionVersions"))
    assert retry(run)() == arn
    assert len(calls.of("ListSolutionVersions")) == before


def test_a_version_that_the_store_knows_and_that_is_gone_is_trained_again(personalize):
    store = Store()
    first = train(store=store)()
    store |= dict.fromkeys(store, f"{SOLUTION}/00000000")
    second = clear(train(store=store))()
    assert first != second
    assert second in store.values()


def test_mapped_instances_and_other_runs_train_versions_of_their_own(personalize):
    arns = {
        train(TaskInstance(run_id=run_id, map_index=index), wait_for_completion=False)()
        for run_id in ("scheduled__2026-01-01", "scheduled__2026-01-02")
        for index in (-1, 0, 1)
    }
    assert len(arns) == len(versions(personalize)) == 6


@names
@pytest.mark.parametrize("store", [lambda: None, Store], ids=["no store", "a store"])
def test_a_run_that_is_cleared_after_its_end_trains_again(personalize, store, names):
    assumptions.same_version_name = names
    run = train(store=store())
    arns = [run(), clear(run)(), clear(run)()]
    assert len(set(arns)) == 3
    assert statuses(personalize) == ["ACTIVE", "ACTIVE", "ACTIVE"]


@deferrable_or_not
@pytest.mark.parametrize("store", [Store, lambda: None, BrokenStore], ids=["a store", "no store", "a broken store"])
def test_a_cleared_run_reuses_a_version_that_ended_between_attempts_if_the_store_has_it(personalize, deferrable, store):
    run = train(store=store(), deferrable=deferrable, timeout=60)
    with pytest.raises(WaitTimeoutError):
        run()
    (first,) = versions(personalize)
    clock.advance(36000)
    run.make = train(deferrable=deferrable).make
    is_first = [clear(run)() == first["solutionVersionArn"] for _ in range(2)]
    assert is_first == [isinstance(run.store, Store), False]
    assert len(versions(personalize)) == 3 - sum(is_first)


def test_a_cleared_run_does_not_reuse_a_version_with_other_parameters(personalize):
    run = train(store=Store(), timeout=60)
    with pytest.raises(WaitTimeoutError):
        run()
    clock.advance(36000)
    run.make = train(training_mode="UPDATE").make
    with pytest.raises(ClientError, match="trainingMode is UPDATE"):  # so it was asked for another
        clear(run)()


def test_a_cleared_run_does_not_reuse_a_version_whose_end_the_store_does_not_have(personalize, monkeypatch):
    run = train(store=Store())
    first = run()
    kept = dict(run.store)
    monkeypatch.setattr(Store, "get", lambda _, key: BrokenStore().get(key) if key == first else kept.get(key))
    assert clear(run)() != first


def test_a_cleared_run_waits_for_a_training_in_progress(personalize):
    run = train(wait_for_completion=False)
    first = run()
    assert clear(run)() == first
    assert len(versions(personalize)) == 1


@deferrable_or_not
@pytest.mark.parametrize("store", [lambda: None, Store], ids=["no store", "a store"])
def test_a_stopped_training_is_started_again_only_by_a_cleared_run(personalize, deferrable, store):
    run = train(deferrable=deferrable, store=store(), wait_for_completion=False)
    arn = run()
    personalize.stop_solution_version_creation(solutionVersionArn=arn)
    for _ in range(2):
        with pytest.raises(ResourceStoppedError, match="CREATE STOPPED"):
            retry(run)()
        clock.advance(600)
    clear(run)()
    assert len(versions(personalize)) == 2


def test_a_stopped_training_is_not_an_error_that_airflow_retries():
    from airflow_provider_personalize._compat import AirflowFailException

    assert issubclass(ResourceStoppedError, AirflowFailException)


@deferrable_or_not
def test_a_training_stopped_with_its_task_is_started_again_by_the_next_attempt(personalize, deferrable):
    run = train(deferrable=deferrable, stop_on_kill=True, wait_for_completion=False)
    arn = run()
    clock.advance(20 * 60)
    personalize.stop_solution_version_creation(solutionVersionArn=arn)
    assert status(personalize, arn) == "CREATE STOPPING"
    assert status(personalize, retry(run)()) != "CREATE STOPPED"
    assert status(personalize, arn) == "CREATE STOPPED"
    assert len(versions(personalize)) == 2


def test_another_tasks_version_is_not_reused(personalize):
    personalize.create_solution_version(solutionArn=SOLUTION, name="theirs")
    train(wait_for_completion=False)()
    assert len(versions(personalize)) == 2


def test_a_user_given_name_is_used_and_found_again_in_the_run(personalize):
    run = train(name="mine", wait_for_completion=False)
    arn = run()
    run.ti.try_number += 1
    assert run() == arn
    version = personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    assert version["name"] in {"mine", "shop/mine"}


def test_a_user_given_name_that_an_earlier_run_used_is_refused(personalize):
    train(name="nightly")()
    clock.advance(60)
    with pytest.raises(ResourceExistsError, match="Nothing was done"):
        train(name="nightly")()


def test_a_name_that_another_training_has_is_refused_with_each_difference(personalize):
    run = train(name="mine", wait_for_completion=False)
    run()
    other = train(name="mine", training_mode="UPDATE")
    with pytest.raises(ResourceDiffersError, match="training_mode: wanted 'UPDATE', found 'FULL'"):
        other()


def test_a_wait_that_times_out_reports_the_last_status_and_leaves_the_training_alone(personalize):
    with pytest.raises(WaitTimeoutError, match="CREATE (PENDING|IN_PROGRESS)"):
        train(stop_on_kill=True, timeout=60, waiter_delay=10)()
    assert calls.of("StopSolutionVersionCreation") == []


def test_invalid_parameters_are_refused_before_the_call():
    with pytest.raises(InvalidRequestError) as refusal:
        train(solution_arn="shop", name="a b", training_mode="HALF")()
    assert len(refusal.value.faults) == 3
    assert calls.of("CreateSolutionVersion") == []


@pytest.mark.parametrize("stop_on_kill", [True, False])
def test_killed_on_the_worker_the_training_is_stopped_where_that_is_asked_for(
    personalize, passing_time, monkeypatch, stop_on_kill
):
    task = train(stop_on_kill=stop_on_kill, waiter_delay=60).make()

    def killed(seconds: float) -> None:
        task.on_kill()
        raise KeyboardInterrupt

    monkeypatch.setattr("airflow_provider_personalize.clock.sleep", killed)
    with pytest.raises(KeyboardInterrupt):
        task.execute({"ti": TaskInstance(), "task": task})
    clock.advance(600)
    assert (statuses(personalize) == ["CREATE STOPPED"]) is stop_on_kill


def test_killed_before_the_version_is_shown_the_training_is_stopped_too(personalize, monkeypatch):
    task = train(stop_on_kill=True).make()

    def killed(seconds: float) -> None:
        clock.advance(60)
        task.on_kill()
        raise KeyboardInterrupt

    monkeypatch.setattr("airflow_provider_personalize.clock.sleep", killed)
    faults.stale_next("CreateSolutionVersion", hides=30)
    with pytest.raises(KeyboardInterrupt):
        task.execute({"ti": TaskInstance(), "task": task})
    clock.advance(600)
    assert statuses(personalize) == ["CREATE STOPPED"]


@pytest.mark.parametrize("earlier", [[], ["ACTIVE"]], ids=["", "after another run in the same process"])
def test_killed_before_the_answer_came_the_training_is_stopped_too(personalize, earlier):
    task = train(stop_on_kill=True).make()
    for _ in earlier:
        task.execute({"ti": TaskInstance(run_id="earlier"), "task": task})
    call = task.call

    def killed(operation: str, request: Any) -> None:
        call(operation, request)
        task.on_kill()
        raise KeyboardInterrupt

    task.call = killed
    with pytest.raises(KeyboardInterrupt):
        task.execute({"ti": TaskInstance(), "task": task})
    clock.advance(600)
    assert sorted(statuses(personalize)) == [*earlier, "CREATE STOPPED"]


@pytest.mark.parametrize("lost", [faults.hang_next, faults.reset_next, faults.unavailable_next])
def test_killed_while_a_lost_answer_is_waited_for_the_training_is_stopped_too(personalize, monkeypatch, lost):
    task = train(stop_on_kill=True).make()

    def killed(seconds: float) -> None:
        task.on_kill()
        raise KeyboardInterrupt

    monkeypatch.setattr("airflow_provider_personalize.clock.sleep", killed)
    lost("CreateSolutionVersion", done=True)
    with pytest.raises(KeyboardInterrupt):
        task.execute({"ti": TaskInstance(), "task": task})
    clock.advance(600)
    assert statuses(personalize) == ["CREATE STOPPED"]


def test_killed_while_it_searches_for_an_earlier_attempts_training_that_is_stopped(personalize):
    run = train(stop_on_kill=True)
    with killed_after("CreateSolutionVersion"):
        run()
    task = run.make()

    def killed(*_: Any) -> None:
        task.on_kill()
        raise KeyboardInterrupt

    task.finder = killed
    with pytest.raises(KeyboardInterrupt):
        task.execute({"ti": retry(run).ti, "task": task})
    clock.advance(600)
    assert statuses(personalize) == ["CREATE STOPPED"]


def test_killed_while_a_retry_searches_for_a_given_name_another_training_is_not_stopped(personalize):
    personalize.create_solution_version(solutionArn=SOLUTION, name="theirs")
    run = train(stop_on_kill=True, name="theirs")
    task = run.make()

    def killed(*_: Any) -> None:
        task.on_kill()
        raise KeyboardInterrupt

    task.finder = killed
    with pytest.raises(KeyboardInterrupt):
        task.execute({"ti": retry(run).ti, "task": task})
    assert calls.of("StopSolutionVersionCreation") == []


def test_killed_while_boto3_would_repeat_it_no_training_begins(personalize, monkeypatch):
    """Airflow 3 calls ``on_kill`` from a signal's handler, after which the task goes on for up to five seconds."""
    extra = {"region_name": "us-east-1", "config_kwargs": {"retries": {"mode": "standard"}}}
    monkeypatch.setenv("AIRFLOW_CONN_REPEATING", json.dumps({"conn_type": "aws", "extra": extra}))
    task = train(stop_on_kill=True, aws_conn_id="repeating").make()
    faults.error_next("CreateSolutionVersion", "ThrottlingException")
    with monkeypatch.context() as pausing:
        pausing.setattr(botocore.endpoint, "time", type("time", (), {"sleep": lambda _: task.on_kill()}))
        with pytest.raises(PersonalizeError, match="begins no training any more"):
            task.execute({"ti": TaskInstance(), "task": task})
    assert len(calls.of("CreateSolutionVersion")) == 1
    assert statuses(personalize) == []
    task.execute({"ti": TaskInstance(), "task": task})  # as `dag.test` may, in the same process
    assert statuses(personalize) == ["ACTIVE"]


def test_killed_before_it_asks_for_one_no_training_begins(personalize):
    task = train(stop_on_kill=True).make()
    find = task.finder
    task.finder = lambda *given: task.on_kill() or find(*given)
    with pytest.raises(PersonalizeError, match="begins no training any more"):
        task.execute({"ti": TaskInstance(), "task": task})
    assert statuses(personalize) == []


def test_killed_while_a_retry_finds_an_earlier_attempts_training_that_is_stopped(personalize):
    run = train(stop_on_kill=True, name="ours")
    with killed_after("CreateSolutionVersion"):
        run()
    task = run.make()
    find = task.finder
    task.finder = lambda *given: task.on_kill() or find(*given)
    with pytest.raises(ResourceStoppedError):
        task.execute({"ti": retry(run).ti, "task": task})
    assert statuses(personalize) == ["CREATE STOPPED"]


def test_killed_just_before_the_answer_comes_the_training_is_stopped_when_it_has_come(personalize):
    task = train(stop_on_kill=True).make()
    send = task.call

    def killed(*request: Any) -> object:
        answer = send(*request)
        task.on_kill()
        return answer

    task.call = killed
    faults.stale_next("CreateSolutionVersion", hides=30)
    with pytest.raises(ResourceStoppedError):
        task.execute({"ti": TaskInstance(), "task": task})
    assert statuses(personalize) == ["CREATE STOPPED"]


def test_killed_when_it_comes_back_from_that_wait_the_training_is_stopped_too(personalize):
    faults.hang_next("CreateSolutionVersion", done=True)
    run = train(stop_on_kill=True, deferrable=True)
    make = run.make

    def made() -> CreateSolutionVersionOperator:
        task = make()

        def killed(*_: Any) -> None:
            task.on_kill()
            raise KeyboardInterrupt

        if run.deferrals:
            task.finder = killed
        return task

    run.make = made
    with pytest.raises(KeyboardInterrupt):
        run()
    clock.advance(600)
    assert statuses(personalize) == ["CREATE STOPPED"]


def test_killed_before_the_answer_came_a_training_of_somebody_elses_goes_on(personalize):
    personalize.create_solution_version(solutionArn=SOLUTION, name="theirs")
    faults.error_next("CreateSolutionVersion", "ThrottlingException", times=None)
    task = train(stop_on_kill=True, timeout=60).make()
    with pytest.raises(WaitTimeoutError):
        task.execute({"ti": TaskInstance(), "task": task})
    task.on_kill()
    assert calls.of("StopSolutionVersionCreation") == []


@pytest.mark.parametrize("value", ["False", None, 1])
def test_whether_a_kill_stops_it_is_said_with_true_or_false(value):
    with pytest.raises(TypeError, match=f"stop_on_kill is {value!r}: allowed are True and False"):
        train(stop_on_kill=value).make()


def test_killed_before_its_first_step_the_training_of_an_earlier_run_goes_on(personalize):
    task = train(stop_on_kill=True, wait_for_completion=False).make()
    task.execute({"ti": TaskInstance(run_id="earlier"), "task": task})
    step = task.next_step
    task.next_step = lambda *given: task.on_kill() or step(*given)
    with pytest.raises(PersonalizeError, match="killed"):
        task.execute({"ti": TaskInstance(), "task": task})
    assert calls.of("StopSolutionVersionCreation") == []


def test_killed_before_anything_was_started_nothing_is_stopped():
    train(stop_on_kill=True).make().on_kill()
    assert calls.of("StopSolutionVersionCreation") == []


def test_killed_after_the_training_ended_is_not_an_error(personalize):
    task = train(stop_on_kill=True).make()
    task.execute({"ti": TaskInstance(), "task": task})
    task.on_kill()
    assert statuses(personalize) == ["ACTIVE"]
