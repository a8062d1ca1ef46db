"""A dry run: what each operator says that it would do is what it then does, and it does nothing."""

from __future__ import annotations

import json
import re

import pytest
from botocore import xform_name
from every_task import ENDS, STEPS, task_of
from shop import SOLUTION
from task_runs import Run, TaskInstance

from airflow_provider_personalize import operators
from airflow_provider_personalize.emulator import calls
from airflow_provider_personalize.exceptions import ResourceDiffersError
from airflow_provider_personalize.operators import (
    CreateSolutionOperator,
    DeleteCampaignOperator,
    DeleteDatasetGroupOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.operators.base import CHANGING

READS = ("Describe", "List", "Get")
NAMES = [name for name in operators.__all__ if issubclass(getattr(operators, name), CHANGING)]
# what the price page charges for, by the first word of the unit
CHARGED = {
    "CreateDatasetImportJob": "by the GB",
    "CreateSolutionVersion": "by the hour",
    "CreateCampaign": "by the hour",
    "CreateRecommender": "by the hour",
    "StartRecommender": "by the hour",
    "CreateBatchInferenceJob": "by what it answers",
    "CreateBatchSegmentJob": "by what it answers",
}


def test_every_operator_that_changes_something_can_run_dry():
    """What only reads says so by its operation, or has none."""
    for name in set(operators.__all__) - set(NAMES):
        assert getattr(getattr(operators, name), "operation", "Get").startswith(READS), name
    for name in NAMES:
        method = getattr(operators, name).dry_run
        assert callable(method), "Airflow 2's `airflow tasks test --dry-run` calls this"


def test_what_a_dry_run_says_is_what_the_task_then_sends(life, written):
    """Every operator, in the order of a shop's life: the first call that changes something is the one predicted."""
    run_dry = set()
    for name, given in [*STEPS, *ENDS]:
        if f"{name}Operator" not in NAMES:
            life.do(name, given)
            continue
        dry = life.run(name, given, dry_run=True, deferrable=True) if hasattr(task_of(name), "next_step") else None
        dry = dry or life.run(name, given, dry_run=True)
        planned = json.loads(json.dumps(dry()))
        assert (written, dry.deferrals) == ([], [])
        run_dry.add(f"{name}Operator")
        life.do(name, given)
        sent, first = len(written), written[0] if written else None
        written.clear()
        if isinstance(planned, list):  # a cascade, which goes on after its first step
            assert [each["action"] for each in planned][-1] == "delete"
            assert sum(each["action"] != "wait for" for each in planned) == sent
            continue
        if "action" not in planned:  # what changes of a schema
            assert bool(planned["changes"]) == bool(sent)
            continue
        if planned["action"] == "none":
            assert first is None, (name, planned)
            continue
        assert first is not None, (name, planned)
        assert xform_name(planned["operation"]) == first[0]
        if not name.startswith("Put"):
            assert planned["request"] == json.loads(json.dumps(first[1], default=lambda time: time.isoformat()))
        assert planned["action"] == re.match("[A-Z][a-z]+", planned["operation"])[0].lower()
        if unit := CHARGED.get(planned["operation"]):
            assert unit in planned["charged"]
    assert run_dry == set(NAMES)


def test_a_dry_run_tells_what_an_update_changes_and_what_it_charges(personalize, capsys):
    run = Run(lambda: UpdateSolutionOperator(task_id="task", solution_arn=SOLUTION, perform_auto_training="True",
                                             dry_run="{{ params.dry }}"), params={"dry": True})  # fmt: skip
    planned = run()
    assert (planned["action"], planned["kind"], planned["arn"]) == ("update", "solution", SOLUTION)
    assert planned["changes"] == ["perform_auto_training: wanted True, found False"]
    assert planned["charged"].startswith("each automatic training, by the hour")
    assert f"to be charged: {planned['charged']}): solution {SOLUTION}" in capsys.readouterr().out
    same = Run(lambda: UpdateSolutionOperator(task_id="task", solution_arn=SOLUTION, perform_auto_training=False,
                                              dry_run=True))()  # fmt: skip
    assert (same["action"], same["operation"]) == ("none", None)
    assert "Nothing is sent" in same["reason"]
    gone = SOLUTION.replace("solution/", "campaign/")
    nothing = Run(lambda: DeleteCampaignOperator(task_id="task", campaign_arn=gone, dry_run=True))()
    assert (nothing["action"], nothing["reason"]) == ("none", "There is no campaign shop: nothing is deleted")


def test_a_dry_run_fails_as_the_task_would(personalize):
    group = SOLUTION.replace("solution/", "dataset-group/")
    other = {"recipe_arn": "arn:aws:personalize:::recipe/aws-sims", "perform_auto_training": False}
    run = Run(
        lambda: CreateSolutionOperator(task_id="task", name="shop", dataset_group_arn=group, dry_run=True, **other)
    )
    calls.clear()
    with pytest.raises(ResourceDiffersError):
        run()
    assert all(call.operation.startswith(READS) for call in calls)


def test_a_dry_run_that_is_asked_for_while_a_task_is_deferred_ends_it(personalize):
    """Whoever deploys it then wants nothing to be changed any more."""
    group = SOLUTION.replace("solution/", "dataset-group/")
    switches = iter([False, True, True])
    run = Run(lambda: DeleteDatasetGroupOperator(task_id="task", dataset_group_arn=group, cascade=True,
                                                 deferrable=True, dry_run=next(switches)), TaskInstance())  # fmt: skip
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    calls.clear()
    assert {each["action"] for each in run()} >= {"delete"}
    assert all(call.operation.startswith((*READS, "UpdateSolution")) for call in calls)
