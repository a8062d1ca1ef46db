"""Triggers for ``AssetWatcher``: a DAG starts when something happens in Amazon Personalize."""

from __future__ import annotations

import json
import logging
from asyncio import wait
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timezone
from functools import partial
from hashlib import sha256
from math import inf
from typing import Any, ClassVar, Final, Literal

from asgiref.sync import sync_to_async

from airflow_provider_personalize import clock
from airflow_provider_personalize.arns import region_of
from airflow_provider_personalize.aws_errors import is_not_found, is_transient
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.polling import Backoff, Observation, PollTarget
from airflow_provider_personalize.resources import RESOURCE_TYPES, SOLUTION, SOLUTION_VERSION, ResourceType
from airflow_provider_personalize.status import FAILED, SUCCEEDED
from airflow_provider_personalize.triggers.cursors import (
    Cursor,
    Cursors,
    Occurrence,
    load,
    occurrences,
    save,
    text_of,
)
from airflow_provider_personalize.triggers.poller import Snapshot, shared_poller

try:
    from airflow.triggers.base import BaseEventTrigger, TriggerEvent
except ImportError as error:
    raise ImportError("Triggers for AssetWatcher need Airflow 3.0 or newer; Airflow 2 has no AssetWatcher") from error

#: Seconds before a trigger tries again what the service refused, such as access that is denied.
REFUSED_DELAY: Final = 300
#: Seconds in which Airflow stores an event and starts a run for it. Only then does the trigger record that it has fired
#: and send the next one: Airflow starts no run for an event that comes within about a second of another one.
STORED_AFTER: Final = 10


_WITH_STATUS: Final = [each for each in RESOURCE_TYPES.values() if each.has_status]
_UPDATED: Final = [each for each in _WITH_STATUS if each.updates]
#: The only way in which Airflow 3.0 lets a trigger read and write Variables.
in_thread: Final = partial(sync_to_async, thread_sensitive=False)


class WatchingTrigger(BaseEventTrigger):
    """
    Fire for each occurrence of a kind, for as long as an asset watches, also across restarts of the triggerer.

    A subclass says what to poll and which occurrences are events. What a trigger has fired for is kept in an Airflow
    Variable. The first time, everything that has already ended is recorded there and does not fire; if there is nothing
    yet, all that comes fires.

    It never raises. It retries transient errors without end; what the service refuses, it logs and tries again every
    five minutes.

    :param arn: What to watch.
    :param allowed: The resource types that the ARN may be of.
    :param targets: Returns what to poll, from the resource type that the ARN is of.
    :param own: The subclass's own arguments, in JSON primitives.
    """

    #: Seconds between two polls.
    poll_interval: ClassVar[float] = 60

    def __init__(
        self,
        arn: str,
        allowed: Sequence[ResourceType],
        targets: Callable[[ResourceType], list[PollTarget]],
        own: dict[str, Any],
        *,
        waiter_delay: float | None,
        variable: str | None,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | str | None,
    ) -> None:
        super().__init__()
        watched = next((each for each in allowed if each.is_arn(arn)), None)
        if watched is None:  # a TypeError, since the triggerer survives no other one here
            raise TypeError(f"{arn!r} is not {' or '.join(each.arn_form for each in allowed)}")
        if waiter_delay is not None and not (isinstance(waiter_delay, int | float) and 1 <= waiter_delay < inf):
            raise TypeError(f"waiter_delay is {waiter_delay!r}: allowed are a number of seconds, 1 or more, and None")
        self.arn, self.targets = arn, targets(watched)
        self.waiter_delay = waiter_delay
        region = region_name or region_of([arn])
        self.hook_parameters = HookParameters.of(aws_conn_id, region, verify, botocore_config)
        identity = json.dumps([type(self).__name__, own], sort_keys=True).encode()
        self.variable = variable or f"personalize_events_{sha256(identity).hexdigest()[:16]}"
        arguments = {
            **own,
            "waiter_delay": waiter_delay,
            "variable": variable,
            "aws_conn_id": aws_conn_id,
            "region_name": region_name,
            "verify": verify,
            # Airflow 3.0 returns a dict changed
            "botocore_config": json.dumps(botocore_config) if isinstance(botocore_config, dict) else botocore_config,
        }
        self._arguments = {name: value for name, value in arguments.items() if value is not None}
        if aws_conn_id is None:
            self._arguments["aws_conn_id"] = None
        self._reported: dict[PollTarget, str] = {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments from which the triggerer makes this trigger again."""
        return f"airflow_provider_personalize.triggers.{type(self).__name__}", self._arguments

    def is_event(self, occurrence: Occurrence) -> bool:
        """Return whether something that happened is what the trigger fires for."""
        raise NotImplementedError

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield an event for each occurrence, and never end."""
        while True:
            try:
                async for event in self._watch():
                    yield event
            except Exception:
                self.log.exception("Trying again in %d s (%s)", REFUSED_DELAY, self)
            await clock.sleep_in_loop(REFUSED_DELAY)

    async def _watch(self) -> AsyncIterator[TriggerEvent]:
        cursors: Cursors = await in_thread(load)(self.variable)
        delay = self.poll_interval if self.waiter_delay is None else self.waiter_delay
        backoff, due, unsaved = Backoff(), dict.fromkeys(self.targets, clock.monotonic()), False
        behind = {*self.targets}  # whose last poll, if there was one, did not succeed
        async with AsyncExitStack() as stack:
            for target in self.targets:  # one poller for all, which keeps a snapshot of each
                poller = await stack.enter_async_context(shared_poller(self.hook_parameters, target))
            while True:
                snapshot, transient = Snapshot(Observation(), clock.monotonic()), False
                for target in self.targets:
                    if due[target] > clock.monotonic():
                        continue
                    cursor = cursors.get(target.resource)
                    reaching = target._replace(since=cursor.since) if cursor and target in behind else target
                    try:
                        snapshot = await self._poll(reaching, delay)
                    except Exception as error:  # noqa: BLE001 - whatever it is, the trigger goes on
                        if self._is_transient(target, error):
                            transient = True
                        else:
                            due[target] = clock.monotonic() + REFUSED_DELAY
                        behind.add(target)
                        if cursor is None and is_not_found(error):
                            now = datetime.fromtimestamp(poller.service_time or clock.now(), timezone.utc)
                            cursors[target.resource], unsaved = Cursor(text_of(now)), True
                        continue
                    behind.discard(target)
                    self._reported.pop(target, None)
                    since = cursors.setdefault(target.resource, Cursor()).since
                    seen = list(occurrences(target, snapshot.observation.description, since))
                    for occurrence in self._events_among(seen, cursor):
                        self.log.info("%s: firing for %s", occurrence.status, occurrence.key)
                        yield TriggerEvent(occurrence.payload)
                        await clock.sleep_in_loop(STORED_AFTER)
                        cursors[target.resource] = cursors[target.resource].past(occurrence)
                        unsaved = not await self._save(cursors)
                    unsaved = unsaved or cursor is None
                    cursors[target.resource] = cursors[target.resource].after(seen)
                unsaved = unsaved and not await self._save(cursors)
                await clock.sleep_in_loop(snapshot.remaining(backoff.next_delay(delay, is_transient=transient)))

    async def _poll(self, target: PollTarget, delay: float) -> Snapshot:
        """
        Poll, or share a poll of others.

        :raises Exception: The service's error, or what prevents the call.
        """
        async with shared_poller(self.hook_parameters, target) as poller:
            poll = poller.poll(target, clock.monotonic() - delay / 2)
            await wait({poll})  # not the poll itself: if this trigger is cancelled, others may still wait for it
        if error := poll.result().observation.error:
            raise error.with_traceback(None)
        return poll.result()

    def _is_transient(self, target: PollTarget, error: Exception) -> bool:
        """Return whether an error is transient, and log it if it is another one than before."""
        transient = is_transient(error)
        text = f"{type(error).__name__}: {error}"
        if self._reported.get(target) != text:
            self._reported[target] = text
            resource_type = RESOURCE_TYPES[target.resource]
            action = f"List{resource_type.pascal}s" if target.listed else f"Describe{resource_type.pascal}"
            again = "soon" if transient else f"every {REFUSED_DELAY} s; nothing of it fires until then"
            level = logging.WARNING if transient else logging.ERROR
            self.log.log(level, "%s cannot be called for %s: %s. Trying again %s", action, target.arn, text, again)
        return transient

    def _events_among(self, seen: list[Occurrence], cursor: Cursor | None) -> list[Occurrence]:
        """Return what to fire for, in the order in which it ended; nothing in the trigger's first poll ever."""
        fresh = [each for each in seen if cursor and self.is_event(each) and cursor.is_new(each)]
        return sorted(fresh, key=lambda each: (each.ended, each.key))

    async def _save(self, cursors: Cursors) -> bool:
        """Return whether what the trigger has fired for could be recorded."""
        try:
            await in_thread(save)(self.variable, cursors, f"What {type(self).__name__} has fired for: {self.arn}")
        except Exception:
            self.log.exception("Cannot write the Variable %s now; if the triggerer stops, events repeat", self.variable)
            return False
        return True


class SolutionVersionTrigger(WatchingTrigger):
    """
    Fire for each version of a solution that becomes ACTIVE, whoever trains it: automatic training, a DAG or a person.

    :param solution_arn: The solution's ARN.
    :param training_type: Only versions of this training, ``"AUTOMATIC"`` or ``"MANUAL"``; None means all.
    :param waiter_delay: Seconds between two polls, 1 or more; None means 60.
    :param variable: The Airflow Variable in which the trigger keeps what it has fired for; None means one named after
        the arguments above. Triggers with equal arguments that belong to different assets need different ones.
    :param aws_conn_id: The Airflow connection; see the operators for this and the next three.
    :param region_name: The AWS region; None means that of the ARN.
    :param verify: Whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: Members of botocore's ``Config``.
    :raises TypeError: An argument has another value than these.
    """

    def __init__(
        self,
        *,
        solution_arn: str,
        training_type: Literal["AUTOMATIC", "MANUAL"] | None = None,
        waiter_delay: float | None = None,
        variable: str | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | str | None = None,
    ) -> None:
        if training_type not in {None, "AUTOMATIC", "MANUAL"}:
            raise TypeError(f"training_type is {training_type!r}: allowed are 'AUTOMATIC', 'MANUAL' and None")
        self.training_type = training_type
        super().__init__(
            *(solution_arn, [SOLUTION], lambda _: [PollTarget(SOLUTION_VERSION.name, solution_arn, listed=True)]),
            {"solution_arn": solution_arn, "training_type": training_type},
            waiter_delay=waiter_delay,
            variable=variable,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )

    def is_event(self, occurrence: Occurrence) -> bool:
        """Return whether something that happened is what the trigger fires for."""
        wanted = self.training_type in {None, occurrence.members.get("trainingType")}
        return wanted and occurrence.status.outcome == SUCCEEDED


class ResourceUpdateTrigger(WatchingTrigger):
    """
    Fire for each update of a solution, campaign, recommender or dataset that becomes ACTIVE.

    The service shows only the latest update. Of an update that another one replaces between two polls, there is no
    event.

    :param arn: The ARN of the solution, campaign, recommender or dataset.
    :param waiter_delay: Seconds between two polls; None means 60.
    :param variable: As in :class:`SolutionVersionTrigger`, also for the following ones.
    :param aws_conn_id: The Airflow connection.
    :param region_name: The AWS region; None means that of the ARN.
    :param verify: Whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: Members of botocore's ``Config``.
    :raises TypeError: An argument has another value than these.
    """

    def __init__(
        self,
        *,
        arn: str,
        waiter_delay: float | None = None,
        variable: str | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | str | None = None,
    ) -> None:
        super().__init__(
            *(arn, _UPDATED, lambda of: [PollTarget(of.name, arn, watched=True)]),
            {"arn": arn},
            waiter_delay=waiter_delay,
            variable=variable,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )

    def is_event(self, occurrence: Occurrence) -> bool:
        """Return whether something that happened is what the trigger fires for."""
        return occurrence.change == "update" and occurrence.status.outcome == SUCCEEDED


class ResourceFailureTrigger(WatchingTrigger):
    """
    Fire for each failure: of a resource, of its updates, and of what the service lists under it.

    Under a dataset group, that is its datasets, solutions, recommenders, filters, event trackers, metric attributions
    and data deletion jobs; under a dataset, its import and export jobs; under a solution, its versions and campaigns;
    under a solution version, its batch jobs. Each resource type takes a call per poll. A training that was stopped is
    no failure.

    :param arn: The ARN of any resource with a status.
    :param resources: Only resources of these types, by their names in the table, such as ``["solution_version"]``; None
        means all.
    :param waiter_delay: Seconds between two polls; None means 300.
    :param variable: As in :class:`SolutionVersionTrigger`, also for the following ones.
    :param aws_conn_id: The Airflow connection.
    :param region_name: The AWS region; None means that of the ARN.
    :param verify: Whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: Members of botocore's ``Config``.
    :raises TypeError: An argument has another value than these.
    """

    poll_interval: ClassVar[float] = 300

    def __init__(
        self,
        *,
        arn: str,
        resources: Sequence[str] | None = None,
        waiter_delay: float | None = None,
        variable: str | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | str | None = None,
    ) -> None:
        def targets(watched: ResourceType) -> list[PollTarget]:
            below = [each.name for each in RESOURCE_TYPES.values() if each.list_filter == watched.arn_member]
            allowed = [watched.name, *below]
            if resources is not None and (not resources or {*resources} - {*allowed}):
                raise TypeError(f"resources is {resources!r}: allowed for {arn} are {', '.join(allowed)}")
            itself = PollTarget(watched.name, arn, watched=True)
            named = [itself, *(PollTarget(name, arn, listed=True) for name in below)]
            return [target for target in named if resources is None or target.resource in resources]

        super().__init__(
            *(arn, _WITH_STATUS, targets),
            {"arn": arn, "resources": resources and list(resources)},
            waiter_delay=waiter_delay,
            variable=variable,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            verify=verify,
            botocore_config=botocore_config,
        )

    def is_event(self, occurrence: Occurrence) -> bool:
        """Return whether something that happened is what the trigger fires for."""
        stopped = RESOURCE_TYPES[occurrence.resource].stopped
        return occurrence.status.outcome == FAILED and occurrence.status.status != stopped
