"""In which order a dataset group goes, by the planner alone: what there is in, steps out."""

from __future__ import annotations

from typing import Any

import pytest
from shop import PREFIX

from airflow_provider_personalize.plans.cascade import JOBS, Inventory, ObservedGroup, next_step, stages
from airflow_provider_personalize.plans.steps import Memory, Poll, Wanted
from airflow_provider_personalize.resources import DATASET_GROUP, RESOURCE_TYPES

GROUP = {"datasetGroupArn": f"{PREFIX}dataset-group/shop", "status": "ACTIVE"}
ORDER = ("campaign", "recommender", "solution", "event_tracker", "metric_attribution", "filter", "dataset", "schema",
         "dataset_group")  # fmt: skip
SCHEMAS = [f"{PREFIX}schema/a", f"{PREFIX}schema/b"]


def resource(resource_type: str, status: str = "ACTIVE", **more: Any) -> dict[str, Any]:
    return {
        RESOURCE_TYPES[resource_type].arn_member: f"{PREFIX}{RESOURCE_TYPES[resource_type].arn_type}/{resource_type}",
        "status": status,
        **more,
    }


def of(*resources: dict[str, Any], group: dict[str, Any] = GROUP, **more: Any) -> list[list[tuple[str, str]]]:
    """Plan for some resources: the action and the resource type of each step, by stage."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for each in resources:
        (resource_type,) = (name for name, row in RESOURCE_TYPES.items() if row.arn_member == next(iter(each)))
        by_type.setdefault(resource_type, []).append(each)
    planned = stages(Inventory(group, by_type, **more))
    return [[(action.verb, action.resource_type) for action in stage] for stage in planned]


LAST = [("delete", "dataset_group")]


def test_an_empty_group_goes_at_once():
    assert of() == [LAST]


def test_all_resource_types_are_deleted_in_the_documented_order_and_schemas_before_the_group():
    resource_types = [each for each in ORDER if each not in {"schema", "dataset_group"}]
    stages = of(*map(resource, reversed(resource_types)), schemas=SCHEMAS, noted=SCHEMAS)
    flat = [resource_type for stage in stages for _, resource_type in stage]
    assert flat == [*resource_types, "schema", "schema", "dataset_group"]
    assert len(stages) == len(ORDER) - 1  # campaigns and recommenders go together


@pytest.mark.parametrize("row", JOBS, ids=lambda row: row.name)
def test_a_job_in_progress_is_waited_for_and_one_that_is_over_is_not(row):
    under_way = ("PENDING", "IN_PROGRESS", "CREATE PENDING", "CREATE IN_PROGRESS", "A STATUS OF NEXT YEAR")
    for status in under_way:
        assert of(resource(row.name, status)) == [[("wait for", row.name)], LAST]
    for status in row.final:
        assert of(resource(row.name, status)) == [LAST]


@pytest.mark.parametrize(
    "resource_type", [each for each in ORDER if each not in {"schema", "dataset_group", "solution"}]
)
def test_changes_in_progress_are_waited_for_before_anything_is_deleted(resource_type):
    other = "filter" if resource_type != "filter" else "event_tracker"
    stages = of(resource(resource_type, "CREATE IN_PROGRESS"), resource(other))
    assert stages[0] == [("wait for", resource_type)]
    assert ("delete", resource_type) in [step for stage in stages[1:] for step in stage]


@pytest.mark.parametrize("resource_type", ["campaign", "solution", "recommender", "dataset"])
def test_an_update_in_progress_is_waited_for(resource_type):
    update = {RESOURCE_TYPES[resource_type].update_member: {"status": "CREATE PENDING"}}
    assert of(resource(resource_type, **update))[0] == [("wait for", resource_type)]


@pytest.mark.parametrize("status", ["CREATE FAILED", "INACTIVE"])
def test_failed_or_stopped_resources_are_deleted_directly(status):
    assert of(resource("recommender", status)) == [[("delete", "recommender")], LAST]


def test_a_deletion_in_progress_is_waited_for_in_its_place():
    stages = of(resource("campaign", "DELETE IN_PROGRESS"), resource("solution"))
    assert stages == [[("wait for", "campaign")], [("delete", "solution")], LAST]
    assert of(group={**GROUP, "status": "DELETE PENDING"}) == [[("wait for", "dataset_group")]]


def test_a_group_that_is_being_made_is_waited_for():
    assert of(group={**GROUP, "status": "CREATE PENDING"}) == [[("wait for", "dataset_group")], LAST]


TURNED_OFF = ("turn off automatic training", "solution")


@pytest.mark.parametrize(
    ("own", "update", "status", "turned_off"),
    [
        (True, None, "ACTIVE", True),
        (False, None, "ACTIVE", False),
        (None, None, "ACTIVE", False),
        (False, ("ACTIVE", True), "ACTIVE", True),
        (True, ("ACTIVE", False), "ACTIVE", False),
        (True, ("CREATE PENDING", False), "ACTIVE", True),
        (True, ("CREATE FAILED", False), "ACTIVE", False),
        (True, ("CREATE FAILED", True), "ACTIVE", True),
        (True, None, "CREATE FAILED", False),
        (True, None, "DELETE PENDING", False),
    ],
)
def test_automatic_training_is_turned_off_where_it_is_on_and_can_be(own, update, status, turned_off):
    solution = resource("solution", status, performAutoTraining=own)
    if update:
        solution["latestSolutionUpdate"] = {"status": update[0], "performAutoTraining": update[1]}
    assert ([TURNED_OFF] in of(solution)) is turned_off


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("CREATE PENDING", [("stop", "solution_version")]),
        ("CREATE IN_PROGRESS", [("stop", "solution_version")]),
        ("CREATE STOPPING", [("wait for", "solution_version")]),
        ("CREATE STOPPED", None),
        ("ACTIVE", None),
        ("CREATE FAILED", None),
    ],
)
def test_trainings_are_stopped_once_no_other_can_begin_and_before_anything_is_deleted(status, stage):
    stages = of(
        resource("solution_version", status), resource("solution", performAutoTraining=True), resource("campaign")
    )
    expected = [[TURNED_OFF], stage, [("delete", "campaign")], [("delete", "solution")], LAST]
    assert stages == [each for each in expected if each]


@pytest.mark.parametrize(
    ("noted", "shared", "notes", "deleted"),
    [
        ([], [], True, 2),
        (SCHEMAS[:1], [], True, 2),
        (SCHEMAS, [], False, 2),
        (SCHEMAS[:1], SCHEMAS[1:], False, 1),
        ([], SCHEMAS, False, 0),
    ],
)
def test_schemas_are_noted_before_the_first_dataset_goes_and_shared_ones_stay(noted, shared, notes, deleted):
    stages = of(resource("dataset"), schemas=SCHEMAS, noted=noted, shared=shared)
    expected = [[("note the schemas", "dataset_group")]] * notes
    expected += [[("delete", "dataset")], [("delete", "schema")] * deleted, LAST]
    assert stages == [stage for stage in expected if stage]


def test_the_plan_is_shorter_the_less_there_is():
    """Whatever is gone already, what is left goes in the same order."""
    resource_types = [each for each in ORDER if each not in {"schema", "dataset_group"}]
    whole = [step for stage in of(*map(resource, resource_types)) for step in stage]
    for gone in range(len(resource_types) + 1):
        left = [step for stage in of(*map(resource, resource_types[gone:])) for step in stage]
        assert left == whole[gone:]


def test_a_stage_that_reads_still_show_after_it_has_ended_is_polled_after_a_pause():
    """A list may be stale when a description is not: without the pause, the two would be read in turn without end."""
    arn = GROUP["datasetGroupArn"]
    wanted = Wanted(resource_type=DATASET_GROUP, operation="DeleteDatasetGroup", request={"datasetGroupArn": arn})
    importing = Inventory(GROUP, {"dataset_import_job": [resource("dataset_import_job", "CREATE IN_PROGRESS")]})
    first = next_step(wanted, ObservedGroup(GROUP, inventory=importing), Memory(), 0)
    second = next_step(wanted, ObservedGroup(GROUP, inventory=importing), first.memory, 0)
    assert [(type(step), step.pause) for step in (first, second)] == [(Poll, False), (Poll, True)]
