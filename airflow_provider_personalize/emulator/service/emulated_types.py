"""
What the emulator knows of a resource type as such: its statuses, and what sets it apart.

Its name, its ARN and the statuses that are an end are in :mod:`airflow_provider_personalize.resources`; the members of
its requests and answers are in botocore's model; its seconds are in ``control.durations``; its rules are in ``table``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator.control.state import state

Request = Mapping[str, Any]
Members = dict[str, Any]
Apply = Callable[[Mapping[str, Any], Mapping[str, Any]], Members]


class Transition(NamedTuple):
    """
    An operation that takes a resource from one status to another.

    :param progress: The name of its progress.
    :param paths: The statuses that it goes through, by the one it starts in. From any other it is refused.
    """

    progress: str
    paths: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class EmulatedType:
    """
    A resource type.

    :param definition: Its row in the package's table.
    :param apply: Returns its members after an update from those before it and the update's. Without it, a resource
        cannot be updated.
    :param updating: The statuses that it shows itself while an update is in progress, where these are known.
    :param ignores_unchanged: Whether an update that changes nothing does nothing, whatever is assumed of others.
    :param updates_failed: Whether it can be updated if its creation failed.
    :param cascades_to: Returns the types whose resources are deleted with it.
    :param transitions: The operations that take it to another status.
    :param one_per_group: Whether a dataset group has one at most.
    :param newest_first: Whether its list begins with the newest.
    :param taggable: Whether it can have tags.
    :param creating: The statuses on the way to ACTIVE, unless another answer is assumed.
    :param deleting: The statuses before it is gone.
    """

    definition: resources.ResourceType
    apply: Apply | None = None
    updating: tuple[str, ...] = ()
    ignores_unchanged: bool = False
    updates_failed: bool = False
    cascades_to: Callable[[], tuple[str, ...]] = tuple
    transitions: Mapping[str, Transition] = field(default_factory=dict)
    one_per_group: bool = False
    newest_first: bool = False
    taggable: bool = True
    creating: tuple[str, ...] = ("CREATE PENDING", "CREATE IN_PROGRESS")
    deleting: tuple[str, ...] = ("DELETE PENDING", "DELETE IN_PROGRESS")

    @property
    def name(self) -> str:
        """The name, as in ``dataset_group``."""
        return self.definition.name

    @property
    def title(self) -> str:
        """The name in a sentence, as in ``dataset group``."""
        return self.definition.title

    @property
    def is_job(self) -> bool:
        """Whether it ends and stays, since no operation deletes it."""
        return self.name.endswith("_job")

    @property
    def in_progress(self) -> tuple[str, ...]:
        """The statuses of its creation."""
        batch = self.definition in {resources.BATCH_INFERENCE_JOB, resources.BATCH_SEGMENT_JOB}
        documented = batch and state.assumptions.batch_statuses == "documented"
        return ("PENDING", "IN PROGRESS") if documented else self.creating

    @property
    def changing(self) -> tuple[str, ...]:
        """The statuses that it shows itself while an update is in progress."""
        if self.definition is not resources.METRIC_ATTRIBUTION:
            return self.updating
        word, _, in_progress = state.assumptions.metric_attribution_updating.partition(" ")
        return (f"{word} PENDING", f"{word} {in_progress}") if in_progress else ()

    @property
    def success(self) -> str:
        """The status after a creation that succeeded."""
        (status,) = self.definition.ready
        return status

    @property
    def failure(self) -> str:
        """The status after a creation that failed."""
        return next(status for status in self.definition.failed if status.endswith("FAILED"))

    @property
    def update_failure(self) -> str:
        """The status of an update that failed."""
        failed: str = state.assumptions.failed_dataset_update
        return failed if self.definition is resources.DATASET else self.failure
