"""
What each kind of resource does beyond what all kinds do: a row, and rules where the row has them.

A kind's name, ARN and statuses are in :mod:`airflow_provider_personalize.resources`; the members of its requests and
answers are in botocore's model; its seconds are in ``progress``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator import (
    attribution,
    batch,
    campaigns,
    exports,
    filtering,
    imports,
    recommenders,
    solutions,
    trackers,
    training_data,
    versions,
)
from airflow_provider_personalize.emulator.assumptions import assumptions

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.models import PersonalizeBackend
    from airflow_provider_personalize.emulator.records import Apply, Entry, Members, Record

Request = Mapping[str, Any]


def _as_asked(backend: PersonalizeBackend, request: Request) -> Members:  # noqa: ARG001 - called like the others
    return dict(request)


def _by_name(backend: PersonalizeBackend, request: Request) -> str:  # noqa: ARG001 - called like the others
    return str(request.get("name") or request.get("jobName"))


def _no_rule(backend: PersonalizeBackend, request: Request) -> Iterable[str]:  # noqa: ARG001 - called like the rules
    return ()


def _no_work(backend: PersonalizeBackend, record: Record) -> str | None:  # noqa: ARG001 - called like the others
    return None


def _no_update_rule(backend: PersonalizeBackend, record: Record, request: Request) -> Iterable[str]:  # noqa: ARG001
    return ()


def _no_update_work(backend: PersonalizeBackend, record: Record, update: Entry) -> str | None:  # noqa: ARG001
    return None


def _nothing_follows(backend: PersonalizeBackend, record: Record) -> None:
    pass


def _nothing_follows_update(backend: PersonalizeBackend, record: Record, update: Entry) -> None:
    pass


def _update_as_asked(backend: PersonalizeBackend, asked: Request) -> Members:  # noqa: ARG001 - called like the others
    return dict(asked)


def _nothing_more(backend: PersonalizeBackend, record: Record) -> Members:  # noqa: ARG001 - called like the others
    return {}


def _exists(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return True


def _under_way(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return not holder.settled


def _serving(holder: Record, held: Record) -> bool:
    return holder.usable or _under_way(holder, held)


def _of_interactions(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return str(held.members["datasetType"]).endswith("INTERACTIONS")


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
    :param updating: The statuses that it shows itself while an update is under way.
    :param ignores_unchanged: Whether an update to what is already so does nothing, whatever is assumed of others.
    :param updates_failed: Whether it can be updated if its making failed.
    :param adds: Makes what its description shows beyond its members.
    :param held: What keeps one from being deleted.
    :param takes_along: The kind that goes with it when it is deleted.
    :param moves: The operations that move it to another status.
    :param one_per_group: Whether a dataset group has one at most.
    :param newest_first: Whether its list begins with the newest.
    :param taggable: Whether it can have tags.
    :param creating: The statuses on the way to being made.
    :param deleting: The statuses on the way to being gone.
    """

    resource: resources.Resource
    complete: Callable[[PersonalizeBackend, Request], Members] = _as_asked
    path: Callable[[PersonalizeBackend, Request], str] = _by_name
    missing: Callable[[PersonalizeBackend, Request], Iterable[str]] = _no_rule
    faults: Callable[[PersonalizeBackend, Request], Iterable[str]] = _no_rule
    work: Callable[[PersonalizeBackend, Record], str | None] = _no_work
    ended: Callable[[PersonalizeBackend, Record], None] = _nothing_follows
    update_faults: Callable[[PersonalizeBackend, Record, Request], Iterable[str]] = _no_update_rule
    complete_update: Callable[[PersonalizeBackend, Request], Members] = _update_as_asked
    apply: Apply | None = None
    update_work: Callable[[PersonalizeBackend, Record, Entry], str | None] = _no_update_work
    update_ended: Callable[[PersonalizeBackend, Record, Entry], None] = _nothing_follows_update
    updating: tuple[str, ...] = ()
    ignores_unchanged: bool = False
    updates_failed: bool = False
    adds: Callable[[PersonalizeBackend, Record], Members] = _nothing_more
    held: tuple[Hold, ...] = ()
    takes_along: str | None = None
    moves: Mapping[str, Move] = field(default_factory=dict)
    one_per_group: bool = False
    newest_first: bool = False
    taggable: bool = True
    creating: tuple[str, ...] = ("CREATE PENDING", "CREATE IN_PROGRESS")
    deleting: tuple[str, ...] = ("DELETE PENDING", "DELETE IN_PROGRESS")

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


KINDS: Final = {
    kind.resource.name: kind
    for kind in (
        Kind(
            resources.SCHEMA,
            faults=training_data.schema_faults,
            held=(Hold("dataset", "schemaArn"),),
            taggable=False,
            creating=(),
            deleting=(),
        ),
        Kind(
            resources.DATASET_GROUP,
            # that filters and metric attributions hold it, too, is assumed
            held=tuple(
                Hold(name, "datasetGroupArn")
                for name in ("dataset", "solution", "recommender", "event_tracker", "filter", "metric_attribution")
            ),
            deleting=("DELETE PENDING",),
        ),
        Kind(
            resources.DATASET,
            complete=training_data.complete_dataset,
            path=training_data.dataset_path,
            faults=training_data.dataset_faults,
            work=training_data.open_dataset,
            update_faults=training_data.update_faults,
            apply=training_data.apply,
            updating=("UPDATE PENDING", "UPDATE IN_PROGRESS"),
            held=(
                Hold("dataset_import_job", "datasetArn", _under_way),
                Hold("dataset_export_job", "datasetArn", _under_way),
                Hold("solution_version", "datasetGroupArn", _under_way),
                Hold("batch_inference_job", "datasetGroupArn", _under_way),
                Hold("batch_segment_job", "datasetGroupArn", _under_way),
                Hold("recommender", "datasetGroupArn", _under_way),
                Hold("campaign", "datasetGroupArn", _serving),
                Hold("filter", "datasetGroupArn"),
                Hold("metric_attribution", "datasetGroupArn"),
                Hold("event_tracker", "datasetGroupArn", _of_interactions),
            ),
        ),
        Kind(
            resources.DATASET_IMPORT_JOB,
            complete=imports.complete,
            faults=imports.call_faults,
            work=imports.read,
            ended=imports.bring,
        ),
        Kind(
            resources.DATASET_EXPORT_JOB,
            complete=exports.complete_export,
            work=exports.check_output,
            ended=exports.export,
        ),
        Kind(
            resources.DATA_DELETION_JOB,
            work=exports.read_users,
            ended=exports.delete_users,
            adds=exports.deleted,
            newest_first=True,
            creating=("PENDING", "IN_PROGRESS"),
        ),
        Kind(
            resources.SOLUTION,
            complete=solutions.complete,
            faults=solutions.create_faults,
            ended=versions.begin_schedule,
            update_faults=solutions.update_faults,
            apply=solutions.apply,
            update_ended=versions.renew_schedule,
            adds=versions.latest,
            held=(Hold("campaign", "solutionArn"), Hold("solution_version", "solutionArn", _under_way)),
            takes_along="solution_version",
        ),
        Kind(
            resources.SOLUTION_VERSION,
            complete=versions.complete,
            path=versions.path,
            faults=versions.faults,
            work=versions.train,
            ended=versions.let_campaigns_follow,
            adds=versions.hours,
            moves={
                "StopSolutionVersionCreation": Move(
                    "solution_version_stop",
                    {
                        "CREATE PENDING": ("CREATE STOPPED",),
                        "CREATE IN_PROGRESS": ("CREATE STOPPING", "CREATE STOPPED"),
                    },
                )
            },
        ),
        Kind(
            resources.CAMPAIGN,
            complete=campaigns.complete,
            missing=campaigns.missing,
            faults=campaigns.faults,
            ended=campaigns.follow,
            update_faults=campaigns.update_faults,
            complete_update=campaigns.complete_update,
            apply=campaigns.apply,
            update_ended=campaigns.follow,
            updates_failed=True,
        ),
        Kind(
            resources.RECOMMENDER,
            complete=recommenders.complete,
            faults=recommenders.faults,
            work=recommenders.train,
            apply=recommenders.apply,
            update_work=recommenders.retrain,
            adds=recommenders.metrics,
            ignores_unchanged=True,
            moves={
                "StopRecommender": Move(
                    "recommender_stop", {"ACTIVE": ("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE")}
                ),
                "StartRecommender": Move(
                    "recommender_start", {"INACTIVE": ("START PENDING", "START IN_PROGRESS", "ACTIVE")}
                ),
            },
        ),
        Kind(
            resources.EVENT_TRACKER,
            complete=trackers.complete,
            path=trackers.path,
            one_per_group=True,
        ),
        Kind(resources.FILTER, faults=filtering.faults),
        Kind(
            resources.BATCH_INFERENCE_JOB,
            complete=batch.complete_inference,
            faults=batch.inference_faults,
            work=batch.infer,
            ended=batch.bring,
        ),
        Kind(
            resources.BATCH_SEGMENT_JOB,
            complete=batch.complete_segment,
            faults=batch.segment_faults,
            work=batch.segment,
            ended=batch.bring,
        ),
        Kind(
            resources.METRIC_ATTRIBUTION,
            faults=attribution.faults,
            update_faults=attribution.update_faults,
            apply=attribution.apply,
            updating=("CREATE PENDING", "CREATE IN_PROGRESS"),
            one_per_group=True,
            taggable=False,
        ),
    )
}
