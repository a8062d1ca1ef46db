"""
Delete a dataset group with all that belongs to it, in stages.

The order is the guide's (https://docs.aws.amazon.com/personalize/latest/dg/deleting-resources.html), but for the
schemas: they go before the group, which keeps their ARNs until then. The stages are made from what exists and nothing
else, so they may be made anew at any point.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from airflow_provider_personalize.comparison import configuration
from airflow_provider_personalize.goals import GONE, SETTLED, Goal
from airflow_provider_personalize.plans.delete import step_if_gone
from airflow_provider_personalize.plans.steps import (
    Call,
    Calls,
    Memory,
    Note,
    Observed,
    Poll,
    Replan,
    Step,
    Wanted,
    wait_out,
)
from airflow_provider_personalize.resources import (
    BATCH_INFERENCE_JOB,
    BATCH_SEGMENT_JOB,
    CAMPAIGN,
    DATA_DELETION_JOB,
    DATASET,
    DATASET_EXPORT_JOB,
    DATASET_GROUP,
    DATASET_IMPORT_JOB,
    EVENT_TRACKER,
    FILTER,
    METRIC_ATTRIBUTION,
    RECOMMENDER,
    RESOURCE_TYPES,
    SCHEMA,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)
from airflow_provider_personalize.status import IN_PROGRESS, WaitCondition, is_being_deleted, is_being_stopped, iso

Verb = Literal["wait for", "turn off automatic training", "stop", "delete", "note the schemas"]
Description = Mapping[str, Any]
Described = tuple[ResourceType, Description]

#: What the key of a tag begins with that keeps the ARN of a schema on the group.
SCHEMA_TAG: Final = "airflow:schema-"

JOBS: Final = (
    DATASET_IMPORT_JOB,
    DATASET_EXPORT_JOB,
    DATA_DELETION_JOB,
    BATCH_INFERENCE_JOB,
    BATCH_SEGMENT_JOB,
)
_BEFORE_DATASETS: Final = ((CAMPAIGN, RECOMMENDER), (SOLUTION,), (EVENT_TRACKER,), (METRIC_ATTRIBUTION,), (FILTER,))


@dataclass(frozen=True)
class Inventory:
    """
    What there is of a dataset group.

    :param group: Its description.
    :param resources: What belongs to it, by the name of the resource type: descriptions, or summaries of a type without
        updates.
    :param schemas: The ARNs of the schemas that its datasets have or had, as far as they exist.
    :param noted: Those of them that are noted somewhere else than in the datasets.
    :param shared: Those of them that datasets of other groups use.
    """

    group: Description
    resources: Mapping[str, Sequence[Description]] = field(default_factory=dict)
    schemas: Collection[str] = ()
    noted: Collection[str] = ()
    shared: Collection[str] = ()

    def of(self, *resource_types: ResourceType) -> Iterator[Described]:
        """Iterate over the resources of some types."""
        return ((each, found) for each in resource_types for found in self.resources.get(each.name, ()))


class Action(NamedTuple):
    """
    One thing to do.

    :param verb: What.
    :param resource_type: The name of the resource type.
    :param arn: The ARN of the resource.
    :param goal: What to wait for afterwards; None for nothing.
    :param created: When the resource was created (ISO 8601): a deletion is over, too, once another has its ARN.
    """

    verb: Verb
    resource_type: str
    arn: str
    goal: Goal | None
    created: str | None = None


Stage = list[Action]


@dataclass(frozen=True)
class ObservedGroup(Observed):
    """
    A dataset group.

    :param inventory: What belongs to it; None where it is gone or being deleted.
    """

    inventory: Inventory | None = None


def next_step(wanted: Wanted, observed: ObservedGroup, memory: Memory, now: float) -> Step:  # noqa: ARG001 - as all plans
    """Return the next step: from whatever is observed to the end of the group and all that belongs to it."""
    if (gone := step_if_gone(wanted, observed, memory)) is not None:
        return gone
    group = observed.found or {}
    inventory = observed.inventory or Inventory(group)
    memory = replace(
        memory, target_created=iso(group.get("creationDateTime")), schemas=sorted(inventory.schemas), refusal=None
    )
    if is_being_deleted(DATASET_GROUP, group):
        return wanted.until(GONE, memory, memory.target_created)
    stage = stages(inventory)[0]
    waits = [WaitCondition(each.resource_type, each.arn, each.goal, each.created) for each in stage if each.goal]
    calls = [_call(each, memory) for each in stage if each.verb != "wait for"]
    first = f"{stage[0].verb} {stage[0].arn}"
    if memory.stage == f"{len(stage)}, {first}":  # what was done, or has ended, is not visible yet
        return wait_out(wanted.condition(SETTLED), first, replace(memory, stage=""))
    memory = replace(memory, stage=f"{len(stage)}, {first}")
    if not calls:
        return Poll(condition=waits[0], memory=memory)
    if stage[0].verb == "note the schemas":
        advice = (
            "the schemas cannot be noted as tags. If this task is interrupted, delete them by hand: "
            f"{', '.join(memory.schemas)}"
        )
        noted = Replan(memory=replace(memory, noted_schemas=memory.schemas))
        return Calls(calls=calls, optional=advice, then=noted, memory=memory)
    then = Poll(condition=waits[0], memory=memory) if waits else None
    if stage[0].resource_type == DATASET_GROUP.name and stage[0].goal == GONE:
        return Calls(calls=calls, then=wanted.until(GONE, memory, memory.target_created), memory=memory)
    return Calls(calls=calls, then=then, memory=memory)


def actions(wanted: Wanted, observed: ObservedGroup) -> list[dict[str, str]]:
    """Return all that is to be done, in order, as JSON primitives."""
    group = observed.found
    if not group or step_if_gone(wanted, observed, Memory()):
        return []
    planned = stages(observed.inventory or Inventory(group))
    return [{"action": each.verb, "kind": each.resource_type, "arn": each.arn} for stage in planned for each in stage]


def _call(action: Action, memory: Memory) -> Call:
    """Return the call that carries out an action."""
    resource_type = RESOURCE_TYPES[action.resource_type]
    operation = f"Delete{resource_type.pascal}"
    request: dict[str, Any] = {resource_type.arn_member: action.arn}
    if action.verb == "turn off automatic training":
        operation, request = "UpdateSolution", {**request, "performAutoTraining": False}
    elif action.verb == "stop":
        operation = "StopSolutionVersionCreation"
    elif action.verb == "note the schemas":
        tags = [{"tagKey": f"{SCHEMA_TAG}{arn.rpartition('/')[2]}", "tagValue": arn} for arn in memory.schemas]
        operation, request = "TagResource", {"resourceArn": action.arn, "tags": tags}
    note = Note(f"{action.verb}: {resource_type.title} {action.arn}")
    return Call(operation=operation, request=request, notes=[note], memory=memory)


def stages(inventory: Inventory) -> list[Stage]:
    """Return what is to be done, in stages: one may begin when all of the one before has been reached."""
    everything_else = (*JOBS, *(each for stage in _BEFORE_DATASETS for each in stage), DATASET)
    all_stages = [
        _settle(inventory.of(SOLUTION)),
        [
            _action("turn off automatic training", resource_type, solution, SETTLED)
            for resource_type, solution in inventory.of(SOLUTION)
            if _trains(solution)
        ],
        [_end_of_training(*each) for each in inventory.of(SOLUTION_VERSION) if _is_in_progress(*each)],
        _settle((*inventory.of(*everything_else), (DATASET_GROUP, inventory.group))),
        *(_deletion(inventory.of(*resource_types)) for resource_types in _BEFORE_DATASETS),
        _note_schemas(inventory),
        _deletion(inventory.of(DATASET)),
        [Action("delete", SCHEMA.name, arn, GONE) for arn in sorted(set(inventory.schemas) - set(inventory.shared))],
        _deletion([(DATASET_GROUP, inventory.group)]),
    ]
    return [stage for stage in all_stages if stage]


def _action(verb: Verb, resource_type: ResourceType, found: Description, goal: Goal) -> Action:
    created = iso(found.get("creationDateTime")) if goal == GONE else None
    return Action(verb, resource_type.name, found[resource_type.arn_member], goal, created)


def _is_in_progress(resource_type: ResourceType, found: Description) -> bool:
    settled = WaitCondition(resource_type.name, found[resource_type.arn_member], SETTLED)
    return settled.evaluate(found).outcome == IN_PROGRESS and not is_being_deleted(resource_type, found)


def _settle(described: Iterable[Described]) -> Stage:
    return [
        _action("wait for", resource_type, found, SETTLED)
        for resource_type, found in described
        if _is_in_progress(resource_type, found)
    ]


def _trains(solution: Description) -> bool:
    """Return whether automatic training is on, and turning it off has not failed before."""
    update = solution.get(SOLUTION.update_member) or {}
    failed = update.get("status") in SOLUTION.failed and update.get("performAutoTraining") is False
    is_on = configuration(SOLUTION, solution).get("performAutoTraining") is True
    return is_on and solution.get("status") in SOLUTION.ready and not failed


def _end_of_training(resource_type: ResourceType, version: Description) -> Action:
    return _action("wait for" if is_being_stopped(version) else "stop", resource_type, version, SETTLED)


def _deletion(described: Iterable[Described]) -> Stage:
    return [
        _action("wait for" if is_being_deleted(resource_type, found) else "delete", resource_type, found, GONE)
        for resource_type, found in described
    ]


def _note_schemas(inventory: Inventory) -> Stage:
    """Note the schemas on the group before the first dataset goes, and with it what says which they are."""
    if set(inventory.schemas) <= {*inventory.noted, *inventory.shared}:
        return []
    return [Action("note the schemas", DATASET_GROUP.name, inventory.group[DATASET_GROUP.arn_member], None)]
