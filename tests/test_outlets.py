"""What tasks attach to the events of the assets in their outlets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from every_task import ENDS, STEPS, task_of
from shop import DATASET, HOUR, LOCATION, PREFIX, ROLE, SOLUTION
from task_runs import Run, TaskInstance

from airflow_provider_personalize._compat import IS_AIRFLOW_2, AirflowSkipException, Asset, AssetAlias
from airflow_provider_personalize.assets import personalize_asset
from airflow_provider_personalize.emulator import assumptions, calls, clock, faults
from airflow_provider_personalize.operators import (
    CheckDatasetOperator,
    CreateDatasetImportJobOperator,
    CreateSolutionVersionOperator,
    DeleteFilterOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.outcome import LARGEST, bounded
from airflow_provider_personalize.resources import RESOURCE_TYPES
from airflow_provider_personalize.sensors import SolutionUpdateSensor

try:
    from airflow.sdk.execution_time.context import OutletEventAccessors
except ImportError:  # Airflow 2
    from airflow.utils.context import OutletEventAccessors

OUTLET = personalize_asset(SOLUTION)
GROUP = f"{PREFIX}dataset-group/shop"
FILE = Asset("s3://shop/model")


class Events(OutletEventAccessors):
    """The events of the Airflow that is installed, and what a task attached."""

    def facts(self, outlet: Asset = OUTLET) -> dict[str, Any]:
        extra: dict[str, Any] = json.loads(json.dumps(self[outlet].extra, allow_nan=False))
        assert extra.keys() - {"best", "best_by", "markdown"} == {"personalize"}  # those of a comparison
        return extra["personalize"]


def run_of(task: Callable[..., Any], *outlets: Any, ti: TaskInstance | None = None, **given: Any) -> Run:
    """Make a run whose task has outlets."""
    outlets = outlets or (OUTLET,)
    made = lambda: task(task_id="task", outlets=list(outlets), **given)  # noqa: E731
    return Run(made, ti or TaskInstance(), outlet_events=Events())


@pytest.fixture
def imported(personalize):
    """A shop whose interactions are imported."""
    personalize.create_dataset_import_job(
        jobName="shop", datasetArn=DATASET, dataSource={"dataLocation": LOCATION}, roleArn=ROLE
    )
    clock.advance(3600)
    return personalize


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_event_of_each_asset_says_what_a_training_made(imported, deferrable):
    run = run_of(CreateSolutionVersionOperator, OUTLET, FILE, object(), solution_arn=SOLUTION, deferrable=deferrable)
    arn = run()
    version = imported.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    facts = run.outlet_events.facts()
    assert {name: facts[name] for name in ("arn", "resource_type", "status", "operation", "changed")} == {
        "arn": arn,
        "resource_type": "solution_version",
        "status": "ACTIVE",
        "operation": "CreateSolutionVersion",
        "changed": True,
    }
    assert facts["training_hours"] == version["trainingHours"] > 0
    assert facts["metrics"] == imported.get_solution_metrics(solutionVersionArn=arn)["metrics"] != {}
    assert facts["solution_arn"] == SOLUTION
    assert facts["created_at"] == version["creationDateTime"].isoformat()
    assert run.outlet_events.facts(FILE) == facts
    assert len(run.outlet_events) == 2


def test_an_event_tells_what_an_update_set_and_that_a_second_one_changed_nothing(personalize):
    update = {"solution_arn": SOLUTION, "perform_auto_training": True}
    first, second = (run_of(UpdateSolutionOperator, **update, deferrable=each) for each in (True, False))
    first(), second()
    sent, unsent = first.outlet_events.facts(), second.outlet_events.facts()
    shown = personalize.describe_solution(solutionArn=SOLUTION)["solution"]["latestSolutionUpdate"]
    assert (sent["changed"], sent["update"]) == (True, {"performAutoTraining": True})
    assert sent["update_created_at"] == shown["creationDateTime"].isoformat()
    assert unsent["changed"] is False
    assert "update" not in unsent
    assumptions.unchanged_update = "ignored"
    ignored = run_of(UpdateSolutionOperator, **update, if_unchanged="update")
    ignored()
    assert len(calls.of("UpdateSolution")) == 2
    assert ignored.outlet_events.facts()["changed"] is False
    assert "update" not in ignored.outlet_events.facts()
    waited = run_of(SolutionUpdateSensor, solution_arn=SOLUTION)
    waited()
    assert waited.outlet_events.facts()["update"] == sent["update"]
    assert "changed" not in waited.outlet_events.facts()


def test_a_retry_tells_of_what_an_earlier_attempt_made(imported):
    given = {"solution_arn": SOLUTION, "wait_for_completion": False}
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    run_of(CreateSolutionVersionOperator, **given)()
    clock.advance(3600)
    retry = run_of(CreateSolutionVersionOperator, ti=TaskInstance(try_number=2), **given)
    retry.began = began
    retry()
    assert retry.outlet_events.facts()["changed"] is True
    assert len(calls.of("CreateSolutionVersion")) == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_import_tells_how_many_records_its_check_counted(personalize, deferrable):
    run = run_of(
        CreateDatasetImportJobOperator,
        dataset_arn=DATASET,
        data_source={"dataLocation": LOCATION},
        role_arn=ROLE,
        check_data=True,
        deferrable=deferrable,
        do_xcom_push=deferrable,
    )
    check = run_of(CheckDatasetOperator, dataset_arn=DATASET, data_location=LOCATION)
    for each in (run, check):
        each()
        facts = each.outlet_events.facts()
        counted = (facts["records"], facts.get("dataset_arn", facts["arn"]), facts["input_location"])
        assert counted == (1000, DATASET, LOCATION)


def test_an_alias_stands_for_what_the_task_made(imported):
    alias, given = AssetAlias("versions"), {"solution_arn": SOLUTION}
    run = run_of(CreateSolutionVersionOperator, alias, **given)
    arn = run()
    if IS_AIRFLOW_2:
        (event,) = run.outlet_events[alias].dataset_alias_events
        assert event["dest_dataset_uri"] == personalize_asset(arn).uri
    else:
        (event,) = run.outlet_events[alias].asset_alias_events
        assert event.dest_asset_key.uri == personalize_asset(arn).uri
        assert event.extra["personalize"]["arn"] == arn
    mine = run_of(CreateSolutionVersionOperator, alias, **given)
    mine.outlet_events[alias].add(OUTLET)
    mine()
    (event,) = getattr(mine.outlet_events[alias], "dataset_alias_events" if IS_AIRFLOW_2 else "asset_alias_events")
    job = run_of(
        CreateDatasetImportJobOperator,
        alias,
        dataset_arn=DATASET,
        data_source={"dataLocation": LOCATION},
        role_arn=ROLE,
    )
    job()
    assert personalize_asset(DATASET).uri in str(job.outlet_events[alias])


def test_what_the_user_put_into_an_event_stays(personalize):
    run = run_of(UpdateSolutionOperator, OUTLET, FILE, solution_arn=SOLUTION, perform_auto_training=True)
    run.outlet_events[OUTLET].extra = mine = {"rows": 7}
    run.outlet_events[FILE].extra["personalize"] = "mine"
    run()
    assert run.outlet_events[OUTLET].extra.keys() == {"rows", "personalize"}
    assert mine == {"rows": 7}
    assert run.outlet_events[FILE].extra == {"personalize": "mine"}


@pytest.mark.parametrize(
    ("failing", "code", "known"),
    [
        ("DescribeSolutionVersion", "AccessDeniedException", {"arn", "operation"}),
        ("GetSolutionMetrics", "ThrottlingException", {"arn", "operation", "changed", "training_hours"}),
    ],
)
def test_what_cannot_be_read_is_left_out_and_fails_no_task(imported, capsys, failing, code, known):
    alias = AssetAlias("versions")
    task, context = run_of(CreateSolutionVersionOperator, OUTLET, alias, solution_arn=SOLUTION).ready()
    arn = task.execute(context)
    calls.clear()
    faults.error_next(failing, code, times=None)
    task.post_execute(context, arn)
    facts = context["outlet_events"].facts()
    assert facts["arn"] == arn
    assert known <= facts.keys()
    assert "metrics" not in facts
    assert ("status" in facts) is (failing == "GetSolutionMetrics")  # null would say that it is gone
    assert personalize_asset(arn).uri in str(context["outlet_events"][alias])  # which starts a DAG
    assert len(calls.of(failing)) == 1
    assert f"What happened is not fully known: ClientError: An error occurred ({code})" in capsys.readouterr().out


def test_an_alias_of_a_job_that_cannot_be_read_stands_for_the_dataset_that_was_given(personalize):
    given = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE}
    alias = AssetAlias("imports")
    task, context = run_of(CreateDatasetImportJobOperator, alias, **given).ready()
    arn = task.execute(context)
    faults.error_next("DescribeDatasetImportJob", "ThrottlingException", times=None)
    task.post_execute(context, arn)
    assert personalize_asset(DATASET).uri in str(context["outlet_events"][alias])


@pytest.mark.parametrize("deleted_by", ["task", "other", "nobody"])
def test_a_deletion_tells_of_nothing_that_another_did(personalize, deleted_by):
    create = lambda: personalize.create_filter(  # noqa: E731
        name="old", datasetGroupArn=GROUP, filterExpression='INCLUDE ItemID WHERE Items.A IN ("a")'
    )
    arn = f"{PREFIX}filter/old"
    if deleted_by != "nobody":
        create()
        clock.advance(HOUR)
    if deleted_by == "other":
        faults.call_next("DeleteFilter", lambda: personalize.delete_filter(filterArn=arn))
    alias = AssetAlias("filters")
    task, context = run_of(DeleteFilterOperator, OUTLET, alias, filter_arn=arn).ready()
    task.execute(context)
    create()
    task.post_execute(context, arn)
    facts = context["outlet_events"].facts()
    assert facts == {
        "arn": arn,
        "resource_type": "filter",
        "status": None,
        "operation": "DeleteFilter",
        "changed": deleted_by == "task",
    }
    assert arn.rpartition(":")[2] not in str(context["outlet_events"][alias])


class Unreachable(Events):
    """As where Airflow cannot resolve a reference to an asset."""

    def __getitem__(self, key: Any) -> Any:
        if key is FILE:
            raise RuntimeError("no such asset")
        return super().__getitem__(key)


def test_one_outlet_without_an_event_takes_none_from_the_others(personalize, capsys):
    run = run_of(UpdateSolutionOperator, FILE, OUTLET, solution_arn=SOLUTION, perform_auto_training=True)
    run.outlet_events = Unreachable()
    run()
    assert run.outlet_events.facts()["changed"] is True
    assert "lacks what happened: RuntimeError: no such asset" in capsys.readouterr().out


def test_without_assets_in_the_outlets_nothing_is_read_in_addition(personalize):
    counts = []
    for outlets in ([] if IS_AIRFLOW_2 else [object()], [OUTLET]):
        calls.clear()
        Run(
            lambda outlets=outlets: UpdateSolutionOperator(
                task_id="task", solution_arn=SOLUTION, perform_auto_training=True, outlets=outlets
            ),
            outlet_events=Events(),
        )()
        counts.append(len(calls.of("DescribeSolution")))
        personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=False)
        clock.advance(3600)
    assert counts[1] == counts[0] + 1


def test_a_dry_run_has_no_event_and_a_skipped_task_attaches_nothing(imported):
    dry = run_of(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True, dry_run=True)
    made = []
    make, dry.make = dry.make, lambda: made.append(make()) or made[-1]
    dry()
    assert made[-1].outlets == []  # of which Airflow would make events
    assert len(dry.outlet_events) == 0
    run_of(CreateSolutionVersionOperator, solution_arn=SOLUTION)()
    young = {"solution_arn": SOLUTION, "skip_if_younger_than": 9**9}
    skipped = run_of(CreateSolutionVersionOperator, **young, ti=TaskInstance(run_id="2"))
    with pytest.raises(AirflowSkipException):
        skipped()
    assert len(skipped.outlet_events) == 0
    succeeding = run_of(CreateSolutionVersionOperator, **young, if_skipped="succeed", ti=TaskInstance(run_id="2"))
    succeeding()
    assert succeeding.outlet_events.facts()["changed"] is False


def test_facts_are_few_and_any_database_keeps_them():
    huge = {str(number): {"name": "x" * 3000, "value": float("nan")} for number in range(500)}
    kept = bounded({"arn": SOLUTION, "name": "a\x00b\ud800", "metrics": {"coverage": float("inf")}, "update": huge})
    text = json.dumps(kept, allow_nan=False)
    assert len(text) <= LARGEST
    assert "\\u0000" not in text
    text.encode()
    assert kept["omitted"] == ["update"]
    assert (kept["arn"], kept["metrics"]) == (SOLUTION, {"coverage": None})


@pytest.mark.slow
@pytest.mark.parametrize("deferrable", [False, True])
def test_every_task_says_what_happened(life, personalize, deferrable):
    for number, (name, given) in enumerate(STEPS + ENDS):
        waiting = {"deferrable": deferrable} if hasattr(task_of(name), "goal") else {}
        run = life.run(name, given, outlets=[OUTLET], **waiting)
        run.outlet_events = Events()
        life.note(name, run, run())
        facts = run.outlet_events.facts()
        assert len(json.dumps(facts)) < LARGEST
        if not name.endswith("Sensor"):
            assert facts["operation"]
        if "arn" not in facts:
            assert name in {"PutEvents", "PutActionInteractions"}
            continue
        resource_type = RESOURCE_TYPES[facts["resource_type"]]
        assert resource_type.is_arn(facts["arn"])
        if name.startswith("Delete"):
            assert facts["status"] is None
            continue
        describe = getattr(personalize, f"describe_{resource_type.name}")
        found = describe(**{resource_type.arn_member: facts["arn"]})[resource_type.member]
        assert facts["status"] == found.get("status"), (number, name)
