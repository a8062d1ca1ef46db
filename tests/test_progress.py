"""
What a task logs while it waits: the status, since when, how long that usually takes, and the time that is left.

The expected durations are by hand: how long the earlier ones took is set in the emulator.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run
from test_messages import lines

from airflow_provider_personalize import clock as package_clock
from airflow_provider_personalize import progress
from airflow_provider_personalize.emulator import assumptions, calls, faults
from airflow_provider_personalize.emulator import clock as emulated
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.hooks import personalize as hook_module
from airflow_provider_personalize.hooks.event_handlers import ServiceClock
from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.resources import BATCH_INFERENCE_JOB, SOLUTION_VERSION
from airflow_provider_personalize.sensors import SolutionSensor, SolutionVersionSensor
from airflow_provider_personalize.status import WaitCondition

MINUTE = 60
DATA = {"datasetArn": DATASET, "dataSource": {"dataLocation": LOCATION}, "roleArn": ROLE}
deferrable_or_not = pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])


@pytest.fixture(autouse=True)
def _conditions(monkeypatch):
    """A service whose answers have its time, as over HTTP, and one that a busy machine may wait for."""
    tell = lambda clock, **_: setattr(clock, "ahead", emulated.now() - package_clock.now())  # noqa: E731
    monkeypatch.setattr(ServiceClock, "record", tell)
    monkeypatch.setattr(hook_module, "USUAL_DURATION_LIMIT", 60)


def took(client: Any, passing_time: Any, name: str, minutes: float, **request: Any) -> None:
    """Make something that takes so long. The emulator counts when it is asked, by what holds then."""
    assumptions.seconds[name] = minutes * MINUTE
    getattr(client, f"create_{name}")(**request)
    passing_time.sleep(HOUR)
    parent = {"solutionArn": SOLUTION} if name == "solution_version" else {"datasetArn": DATASET}
    getattr(client, f"list_{name}s")(**parent)


@pytest.fixture
def trained(personalize, passing_time) -> Any:
    """Three trainings of 10, 40 and 50 minutes, and one that failed after an hour; the next takes 30."""
    took(personalize, passing_time, "dataset_import_job", 6, jobName="all", **DATA)
    for minutes in (50, 10, 40):
        took(personalize, passing_time, "solution_version", minutes, solutionArn=SOLUTION)
    faults.fail_next("CreateSolutionVersion", "No data.")
    took(personalize, passing_time, "solution_version", 60, solutionArn=SOLUTION)
    assumptions.seconds["solution_version"] = 30 * MINUTE
    calls.clear()
    return personalize


def said(capsys) -> list[str]:
    """The lines of progress, without the names of versions, which are random."""
    found = [line.partition(" (")[0] for line in lines(capsys.readouterr().out)]
    return [line for line in found if line.startswith(("CREATE ", "ACTIVE"))]


@deferrable_or_not
def test_status_elapsed_usual_and_remaining_time_come_in_this_order(trained, capsys, deferrable):
    given = {"solution_arn": SOLUTION, "deferrable": deferrable, "waiter_delay": 600}
    run = Run(lambda: CreateSolutionVersionOperator(task_id="task", **given))
    run()
    expected = [
        "CREATE PENDING, after 0 s, usually 40 min, timeout in 24 h",
        "CREATE PENDING, after 10 min, usually 40 min, timeout in 23 h 50 min",
        "CREATE IN_PROGRESS, after 20 min, usually 40 min, timeout in 23 h 40 min",
        "ACTIVE, after 30 min, usually 40 min",
    ]
    found = said(capsys)
    if deferrable:  # the first poll in the triggerer is after ten seconds, and shows what the worker saw
        assert found[0] == expected[0]
        assert found[1] == "CREATE PENDING, after 10 s, usually 40 min, timeout in 23 h 59 min"
        assert [line.partition(",")[0] for line in found[2:]] == ["CREATE IN_PROGRESS", "ACTIVE", "ACTIVE"]
        assert all("usually 40 min" in line for line in found[:-1])
        assert run.deferrals[0].trigger.state["usual"] == 40 * MINUTE
    else:
        assert found == expected


@deferrable_or_not
def test_a_sensor_counts_from_the_creation_and_lists_once(trained, passing_time, capsys, deferrable):
    arn = trained.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    passing_time.sleep(20 * MINUTE)
    limits = {"timeout": 3 * HOUR, "execution_timeout": timedelta(hours=2)}  # the shorter one counts
    given = {"solution_version_arn": arn, "deferrable": deferrable, "poke_interval": 300, **limits}
    Run(lambda: SolutionVersionSensor(task_id="task", **given))()
    assert said(capsys)[0] == "CREATE IN_PROGRESS, after 20 min, usually 40 min, timeout in 2 h"
    assert len(calls.of("ListSolutionVersions")) == 1
    assert len(calls.of("DescribeSolutionVersion")) > 2


class NoThread(threading.Thread):
    """As where a container has no process id left."""

    def start(self) -> None:
        raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("fault", ["AccessDeniedException", "ThrottlingException", "no answer", "no thread"])
@deferrable_or_not
def test_without_an_answer_the_usual_duration_is_left_out_and_nothing_else(
    trained, capsys, monkeypatch, deferrable, fault
):
    let_answer = threading.Event()
    if fault == "no answer":
        monkeypatch.setattr(hook_module, "USUAL_DURATION_LIMIT", 0.01)
        faults.call_next("ListSolutionVersions", let_answer.wait)
    elif fault == "no thread":
        monkeypatch.setattr(hook_module, "Thread", NoThread)
    else:
        faults.error_next("ListSolutionVersions", fault)
    arn = trained.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    given = {"solution_version_arn": arn, "deferrable": deferrable, "poke_interval": 300}
    Run(lambda: SolutionVersionSensor(task_id="task", **given))()
    out = capsys.readouterr().out
    let_answer.set()
    for thread in threading.enumerate():
        if thread.name == "personalize-usual-duration":
            thread.join()
    assert len(calls.of("ListSolutionVersions")) == (fault != "no thread")
    assert "usual" not in out
    assert fault not in out
    assert "CREATE PENDING, after 0 s, timeout in 168 h (" in out


def test_an_import_is_compared_with_imports_of_the_dataset_in_the_same_mode(personalize, passing_time, capsys):
    for mode, minutes in {"FULL": 20, "INCREMENTAL": 2}.items():
        took(personalize, passing_time, "dataset_import_job", minutes, jobName=mode, importMode=mode, **DATA)
    wanted = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE}
    Run(lambda: CreateDatasetImportJobOperator(task_id="task", **wanted))()
    assert said(capsys)[0] == "CREATE PENDING, after 0 s, usually 20 min, timeout in 6 h"


@deferrable_or_not
def test_an_update_has_no_list_and_counts_from_its_creation(personalize, capsys, deferrable):
    calls.clear()
    given = {"solution_arn": SOLUTION, "perform_auto_training": True, "deferrable": deferrable}
    Run(lambda: UpdateSolutionOperator(task_id="task", **given))()
    assert said(capsys)[0].startswith("CREATE PENDING, after 0 s, timeout in ")
    assert not [call for call in calls if call.operation.startswith("List")]


def test_the_age_of_what_was_made_before_is_no_duration(personalize, passing_time, capsys):
    passing_time.sleep(100 * HOUR)
    Run(lambda: SolutionSensor(task_id="task", solution_arn=SOLUTION))()
    assert said(capsys) == ["ACTIVE"]


def test_a_rescheduled_sensor_lists_nothing_at_any_poke(trained, passing_time, capsys):
    """Each poke is a process of its own, which does not know of the others."""
    arn = trained.create_solution_version(solutionArn=SOLUTION)["solutionVersionArn"]
    passing_time.sleep(20 * MINUTE)
    sensor = SolutionVersionSensor(task_id="task", solution_version_arn=arn, mode="reschedule")
    assert not sensor.poke({})
    assert said(capsys) == ["CREATE IN_PROGRESS, after 20 min"]
    assert calls.of("ListSolutionVersions") == []


def summary(minutes: float, day: int, **more: Any) -> dict[str, Any]:
    created = datetime(2026, 1, day, tzinfo=timezone.utc)
    ended = {"creationDateTime": created, "lastUpdatedDateTime": created + timedelta(minutes=minutes)}
    return {"status": "ACTIVE", "trainingMode": "FULL", "trainingType": "MANUAL", **ended, **more}


@pytest.mark.parametrize(
    ("summaries", "expected"),
    [
        ([], None),
        ([summary(40, 1)], 40),
        ([summary(minutes, day) for day, minutes in enumerate([1, 1, 1, 50, 30, 60, 40, 20], 1)], 40),
        ([summary(minutes, 9 - day) for day, minutes in enumerate([20, 40, 60, 30, 50, 1, 1, 1], 1)], 40),
        ([summary(5, 1, trainingMode="UPDATE"), summary(40, 2)], 40),
        ([summary(40, 1, trainingType="AUTOMATIC")], 40),
        ([summary(5, day, status=status) for day, status in enumerate(["CREATE FAILED", "CREATE STOPPED"], 1)], None),
        # beyond the day after which a wait for a training times out: something else has moved it
        ([summary(3 * 24 * 60, 1), summary(40, 2), summary(0, 3)], 40),
    ],
)
def test_the_usual_duration_is_the_median_of_the_last_five_of_the_same_mode(summaries, expected):
    found = progress.usual_duration(SOLUTION_VERSION, {"trainingMode": "FULL"}, summaries)
    assert found == (expected and expected * MINUTE)


def test_a_batch_job_is_compared_with_those_of_all_versions_of_its_solution(personalize):
    """Each training makes another version, of which there is no job yet."""
    job = {"solutionVersionArn": f"{SOLUTION}/3", "batchInferenceJobMode": "BATCH_INFERENCE"}
    wait = WaitCondition("batch_inference_job", f"{PREFIX}batch-inference-job/a")
    assert progress.siblings(wait, job) == (BATCH_INFERENCE_JOB, {"maxResults": 100})
    others = [
        summary(20, 1, **job, trainingMode=None),
        summary(21, 2, **{**job, "solutionVersionArn": f"{SOLUTION}/2"}),
        summary(2, 3, **{**job, "solutionVersionArn": f"{SOLUTION}-2/1"}),
        summary(3, 4, **{**job, "batchInferenceJobMode": "THEME_GENERATION"}),
    ]
    assert progress.usual_duration(BATCH_INFERENCE_JOB, job, others) == 21 * MINUTE
    assert PersonalizeHook(region_name="us-east-1").usual_duration(wait, job) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (110, "1 min 50 s"),
        (600, "10 min"),
        (2312, "38 min"),
        (3600, "1 h"),
        (86399, "23 h 59 min"),
        (604800, "168 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, text):
    assert progress.duration(seconds) == text
