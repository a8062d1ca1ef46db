"""
What a kind of resource does beyond what all kinds do.

A kind's name, ARN and statuses are in :mod:`airflow_provider_personalize.resources`; the members of its requests and
answers are in botocore's model; its seconds are in ``progress``; its row is in ``table``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator.control.assumptions import assumptions

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend, Request
    from airflow_provider_personalize.emulator.service.records import Apply, Entry, Members, Record


def _as_asked(backend: Backend, request: Request) -> Members:  # noqa: ARG001 - called like the others
    return dict(request)


def _by_name(backend: Backend, request: Request) -> str:  # noqa: ARG001 - called like the others
    return str(request.get("name") or request.get("jobName"))


def _no_rule(backend: Backend, request: Request) -> Iterable[str]:  # noqa: ARG001 - called like the rules
    return ()


def _no_work(backend: Backend, record: Record) -> str | None:  # noqa: ARG001 - called like the others
    return None


def _no_update_rule(backend: Backend, record: Record, request: Request) -> Iterable[str]:  # noqa: ARG001
    return ()


def _no_update_work(backend: Backend, record: Record, update: Entry) -> str | None:  # noqa: ARG001
    return None


def _nothing_follows(backend: Backend, record: Record) -> None:
    pass


def _nothing_follows_update(backend: Backend, record: Record, update: Entry) -> None:
    pass


def _update_as_asked(backend: Backend, asked: Request) -> Members:  # noqa: ARG001 - called like the others
    return dict(asked)


def _nothing_more(backend: Backend, record: Record) -> Members:  # noqa: ARG001 - called like the others
    return {}


def _exists(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return True


class Hold(NamedTuple):
    """
    What keeps a resource from being deleted.

    :param kind: The kind that holds it.
    :param by: The member by which the two belong together.
    :param when: Tells whether one of that kind holds it.
    """

    kind: str
    by: str
    when: Callable[[Record, Record], bool] = _exists


class Move(NamedTuple):
    """
    An operation that takes a resource from one status to another.

    :param switch: The name of its progress.
    :param ways: The statuses that it goes through, by the one it starts in. From any other it is refused.
    """

    switch: str
    ways: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Kind:
    """
    What a kind does of its own.

    :param resource: Its row in the package's table.
    :param complete: Makes the members of the new resource from a request: the service's defaults.
    :param path: What follows the kind's word in its ARN.
    :param missing: Tells what of a request does not exist, where the model would call it invalid.
    :param faults: Lists what is wrong with a request for one, in the light of what exists.
    :param work: Does what making one does; returns why that failed, or None.
    :param ended: Does what has to follow once that has ended, well or not.
    :param update_faults: Lists what is wrong with an update of one. A kind without ``apply`` cannot be updated.
    :param complete_update: Makes what an update changes from a request.
    :param apply: Makes its members after an update from those before it and the update's.
    :param update_work: Does what an update does; returns why that failed, or None.
    :param update_ended: Does what has to follow once an update has ended, well or not.
    :param updating: The statuses that it shows itself while an update is in progress, where these are known.
    :param ignores_unchanged: Whether an update to what is already so does nothing, whatever is assumed of others.
    :param updates_failed: Whether it can be updated if its making failed.
    :param adds: Makes what its description shows beyond its members.
    :param held: What keeps one from being deleted.
    :param takes_along: The kinds that go with it when it is deleted.
    :param moves: The operations that move it to another status.
    :param one_per_group: Whether a dataset group has one at most.
    :param newest_first: Whether its list begins with the newest.
    :param taggable: Whether it can have tags.
    :param creating: The statuses on the way to being made, unless something else is assumed.
    :param deleting: The statuses on the way to being gone.
    """

    resource: resources.ResourceType
    complete: Callable[[Backend, Request], Members] = _as_asked
    path: Callable[[Backend, Request], str] = _by_name
    missing: Callable[[Backend, Request], Iterable[str]] = _no_rule
    faults: Callable[[Backend, Request], Iterable[str]] = _no_rule
    work: Callable[[Backend, Record], str | None] = _no_work
    ended: Callable[[Backend, Record], None] = _nothing_follows
    update_faults: Callable[[Backend, Record, Request], Iterable[str]] = _no_update_rule
    complete_update: Callable[[Backend, Request], Members] = _update_as_asked
    apply: Apply | None = None
    update_work: Callable[[Backend, Record, Entry], str | None] = _no_update_work
    update_ended: Callable[[Backend, Record, Entry], None] = _nothing_follows_update
    updating: tuple[str, ...] = ()
    ignores_unchanged: bool = False
    updates_failed: bool = False
    adds: Callable[[Backend, Record], Members] = _nothing_more
    held: tuple[Hold, ...] = ()
    takes_along: Callable[[], tuple[str, ...]] = tuple
    moves: Mapping[str, Move] = field(default_factory=dict)
    one_per_group: bool = False
    newest_first: bool = False
    taggable: bool = True
    creating: tuple[str, ...] = ("CREATE PENDING", "CREATE IN_PROGRESS")
    deleting: tuple[str, ...] = ("DELETE PENDING", "DELETE IN_PROGRESS")

    @property
    def is_job(self) -> bool:
        """Whether one ends and stays, since no operation deletes it."""
        return self.resource.name.endswith("_job")

    @property
    def on_the_way(self) -> tuple[str, ...]:
        """The statuses on the way to being made."""
        batch = self.resource in {resources.BATCH_INFERENCE_JOB, resources.BATCH_SEGMENT_JOB}
        return ("PENDING", "IN PROGRESS") if batch and assumptions.batch_statuses == "documented" else self.creating

    @property
    def changing(self) -> tuple[str, ...]:
        """The statuses that it shows itself while an update is in progress."""
        if self.resource is not resources.METRIC_ATTRIBUTION:
            return self.updating
        word, _, in_progress = assumptions.metric_attribution_updating.partition(" ")
        return (f"{word} PENDING", f"{word} {in_progress}") if in_progress else ()

    @property
    def success(self) -> str:
        """The status of one that was made."""
        (status,) = self.resource.ready
        return status

    @property
    def failure(self) -> str:
        """The status of one whose making failed."""
        return next(status for status in self.resource.failed if status.endswith("FAILED"))

    @property
    def update_failure(self) -> str:
        """The status of an update that failed."""
        return assumptions.failed_dataset_update if self.resource is resources.DATASET else self.failure
