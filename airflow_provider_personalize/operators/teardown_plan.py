"""
In which order a dataset group and all that belongs to it go. Pure: what there is in, steps out.

The order is the guide's (https://docs.aws.amazon.com/personalize/latest/dg/deleting-resources.html), but for the
schemas: they go before the group, which keeps their ARNs until then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from airflow_provider_personalize.comparison import configuration
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
    SCHEMA,
    SOLUTION,
    SOLUTION_VERSION,
    ResourceType,
)
from airflow_provider_personalize.status import (
    GONE,
    IN_PROGRESS,
    SETTLED,
    Goal,
    WaitCondition,
    is_being_deleted,
    is_being_stopped,
)

Action = Literal["wait for", "turn off automatic training", "stop", "delete", "note the schemas"]
Description = Mapping[str, Any]
Thing = tuple[ResourceType, Description]

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
    :param things: What belongs to it, by the name of the kind: descriptions, or summaries of a kind without updates.
    :param schemas: The ARNs of the schemas that its datasets have or had, as far as they exist.
    :param noted: Those of them that are noted somewhere else than in the datasets.
    :param shared: Those of them that datasets of other groups use.
    """

    group: Description
    things: Mapping[str, Sequence[Description]] = field(default_factory=dict)
    schemas: Collection[str] = ()
    noted: Collection[str] = ()
    shared: Collection[str] = ()

    def of(self, *rows: ResourceType) -> Iterator[Thing]:
        """Go through what there is of some kinds."""
        return ((resource_type, thing) for resource_type in rows for thing in self.things.get(resource_type.name, ()))


class Step(NamedTuple):
    """
    One thing to do.

    :param action: What.
    :param kind: The kind of resource that it is done to.
    :param arn: Its ARN.
    :param goal: What to wait for afterwards; None for nothing.
    """

    action: Action
    kind: str
    arn: str
    goal: Goal | None


Stage = list[Step]


def plan(inventory: Inventory) -> list[Stage]:
    """
    Plan what is to be done, in stages: one may begin when all of the one before has been reached.

    The plan is made from what there is and nothing else, so it may be made anew at any point of its execution.
    """
    everything_else = (*JOBS, *(resource_type for stage in _BEFORE_DATASETS for resource_type in stage), DATASET)
    stages = [
        _settle(inventory.of(SOLUTION)),
        [
            _step("turn off automatic training", resource_type, solution, SETTLED)
            for resource_type, solution in inventory.of(SOLUTION)
            if _trains(solution)
        ],
        [_end_of_training(*each) for each in inventory.of(SOLUTION_VERSION) if _is_under_way(*each)],
        _settle((*inventory.of(*everything_else), (DATASET_GROUP, inventory.group))),
        *(_deletion(inventory.of(*rows)) for rows in _BEFORE_DATASETS),
        _note(inventory),
        _deletion(inventory.of(DATASET)),
        [Step("delete", SCHEMA.name, arn, GONE) for arn in sorted(set(inventory.schemas) - set(inventory.shared))],
        _deletion([(DATASET_GROUP, inventory.group)]),
    ]
    return [stage for stage in stages if stage]


def _step(action: Action, resource_type: ResourceType, thing: Description, goal: Goal) -> Step:
    return Step(action, resource_type.name, thing[resource_type.arn_member], goal)


def _is_under_way(resource_type: ResourceType, thing: Description) -> bool:
    settled = WaitCondition(resource_type.name, thing[resource_type.arn_member], SETTLED)
    return settled.evaluate(thing).outcome == IN_PROGRESS and not is_being_deleted(resource_type, thing)


def _settle(things: Iterable[Thing]) -> Stage:
    return [
        _step("wait for", resource_type, thing, SETTLED)
        for resource_type, thing in things
        if _is_under_way(resource_type, thing)
    ]


def _trains(solution: Description) -> bool:
    """Tell whether automatic training is on, and turning it off has not failed before."""
    update = solution.get(SOLUTION.update_member) or {}
    failed = update.get("status") in SOLUTION.failed and update.get("performAutoTraining") is False
    is_on = configuration(SOLUTION, solution).get("performAutoTraining") is True
    return is_on and solution.get("status") in SOLUTION.ready and not failed


def _end_of_training(resource_type: ResourceType, version: Description) -> Step:
    return _step("wait for" if is_being_stopped(version) else "stop", resource_type, version, SETTLED)


def _deletion(things: Iterable[Thing]) -> Stage:
    return [
        _step("wait for" if is_being_deleted(resource_type, thing) else "delete", resource_type, thing, GONE)
        for resource_type, thing in things
    ]


def _note(inventory: Inventory) -> Stage:
    """Note the schemas on the group before the first dataset goes, and with it what says which they are."""
    if set(inventory.schemas) <= {*inventory.noted, *inventory.shared}:
        return []
    return [Step("note the schemas", DATASET_GROUP.name, inventory.group[DATASET_GROUP.arn_member], None)]
