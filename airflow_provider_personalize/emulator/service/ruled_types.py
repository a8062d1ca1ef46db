"""A resource type with its rules: what happens when it is created, updated and deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_personalize.emulator.service.backend import Backend
from airflow_provider_personalize.emulator.service.emulated_types import EmulatedType, Members, Request
from airflow_provider_personalize.emulator.service.records import Entry, Record


def _as_requested(backend: Backend, request: Request) -> Members:  # noqa: ARG001 - called like the others
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


def _nothing_more(backend: Backend, record: Record) -> Members:  # noqa: ARG001 - called like the others
    return {}


def _exists(blocker: Record, blocked: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return True


class DeletionBlocker(NamedTuple):
    """
    What keeps a resource from being deleted.

    :param resource_type: The name of the type that blocks it.
    :param by: The member by which the two belong together.
    :param when: Returns whether one of that type, the first, blocks the other.
    """

    resource_type: str
    by: str
    when: Callable[[Record, Record], bool] = _exists


@dataclass(frozen=True)
class RuledType(EmulatedType):
    """
    A resource type with its rules.

    :param complete: Returns the members of the new resource from a request: with the service's defaults.
    :param path: Returns what follows the type in its ARN.
    :param missing: Lists what in a request does not exist, where the model would call it invalid.
    :param validation_errors: Lists what is wrong with a request for one, in the light of what exists.
    :param work: Does the work of its creation; returns why that failed, or None.
    :param ended: Does what follows the end of its creation, failed or not.
    :param update_errors: Lists what is wrong with an update.
    :param complete_update: Returns what an update changes, from a request.
    :param update_work: Does the work of an update; returns why that failed, or None.
    :param update_ended: Does what follows the end of an update, failed or not.
    :param adds: Returns what its description shows beyond its members.
    :param blockers: What keeps one from being deleted.
    """

    complete: Callable[[Backend, Request], Members] = _as_requested
    path: Callable[[Backend, Request], str] = _by_name
    missing: Callable[[Backend, Request], Iterable[str]] = _no_rule
    validation_errors: Callable[[Backend, Request], Iterable[str]] = _no_rule
    work: Callable[[Backend, Record], str | None] = _no_work
    ended: Callable[[Backend, Record], None] = _nothing_follows
    update_errors: Callable[[Backend, Record, Request], Iterable[str]] = _no_update_rule
    complete_update: Callable[[Backend, Request], Members] = _as_requested
    update_work: Callable[[Backend, Record, Entry], str | None] = _no_update_work
    update_ended: Callable[[Backend, Record, Entry], None] = _nothing_follows_update
    adds: Callable[[Backend, Record], Members] = _nothing_more
    blockers: tuple[DeletionBlocker, ...] = ()
