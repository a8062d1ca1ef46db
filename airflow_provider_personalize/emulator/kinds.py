"""
What each kind of resource does beyond what all kinds do: a row, and rules where the row has them.

A kind's name, ARN and statuses are in :mod:`airflow_provider_personalize.resources`; the members of its requests and
answers are in botocore's model. To emulate another kind, add its row here and its seconds in ``progress``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator import imports, solutions, training_data

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.models import PersonalizeBackend
    from airflow_provider_personalize.emulator.records import Apply, Members, Record

Request = Mapping[str, Any]


def _as_asked(request: Request) -> Members:
    return dict(request)


def _by_name(request: Request) -> str:
    return str(request.get("name") or request.get("jobName"))


def _no_rule(backend: PersonalizeBackend, request: Request) -> Iterable[str]:  # noqa: ARG001 - called like the rules
    return ()


def _no_work(backend: PersonalizeBackend, record: Record) -> str | None:  # noqa: ARG001 - called like the others
    return None


@dataclass(frozen=True)
class Kind:
    """
    What a kind does of its own.

    :param resource: Its row in the package's table.
    :param complete: Makes the members of the new resource from a request: the service's defaults.
    :param path: What follows the kind's word in its ARN.
    :param faults: Lists what is wrong with a request for one, in the light of what exists.
    :param work: Does what making one does; returns why that failed, or None.
    :param update_faults: Lists what is wrong with an update of one. A kind without ``apply`` cannot be updated.
    :param apply: Makes its members after an update from those before it and the update's.
    :param held_by: The kinds of which none may belong to one that is deleted.
    :param held_by_unsettled: The kinds of which none may be under way.
    :param creating: The statuses on the way to being made.
    :param deleting: The statuses on the way to being gone.
    """

    resource: resources.Resource
    complete: Callable[[Request], Members] = _as_asked
    path: Callable[[Request], str] = _by_name
    faults: Callable[[PersonalizeBackend, Request], Iterable[str]] = _no_rule
    work: Callable[[PersonalizeBackend, Record], str | None] = _no_work
    update_faults: Callable[[Record, Request], Iterable[str]] | None = None
    apply: Apply | None = None
    held_by: tuple[str, ...] = ()
    held_by_unsettled: tuple[str, ...] = ()
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


KINDS: Final = {
    kind.resource.name: kind
    for kind in (
        Kind(resources.SCHEMA, faults=training_data.schema_faults, held_by=("dataset",), creating=(), deleting=()),
        Kind(resources.DATASET_GROUP, held_by=("dataset", "solution"), deleting=("DELETE PENDING",)),
        Kind(
            resources.DATASET,
            complete=training_data.complete_dataset,
            path=training_data.dataset_path,
            faults=training_data.dataset_faults,
            held_by_unsettled=("dataset_import_job",),
        ),
        Kind(
            resources.DATASET_IMPORT_JOB,
            complete=imports.complete,
            faults=imports.call_faults,
            work=imports.read,
        ),
        Kind(
            resources.SOLUTION,
            complete=solutions.complete,
            faults=solutions.create_faults,
            update_faults=solutions.update_faults,
            apply=solutions.apply,
        ),
    )
}
