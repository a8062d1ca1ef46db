"""One trigger for every resource type and every goal."""

from __future__ import annotations

from asyncio import wait
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_personalize import clock, progress
from airflow_provider_personalize.goals import LATER, Goal
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.polling import Backoff, Observation
from airflow_provider_personalize.progress import SINCE, USUAL
from airflow_provider_personalize.status import BROKEN, IN_PROGRESS, SUCCEEDED, TIMED_OUT, WaitCondition, WaitStatus
from airflow_provider_personalize.triggers.events import VERSION, WaitEvent
from airflow_provider_personalize.triggers.poller import SharedPoller, Snapshot, shared_poller

# Seconds that the last poll may take beyond the deadline.
GRACE: Final = 30


class PersonalizeTrigger(BaseTrigger):
    """
    Fire when the condition is met, can no longer be met, or the deadline has passed.

    It never raises: an error is in the event, for the task to raise. It never fires in its first ten seconds, since
    Airflow 3 fails tasks whose trigger does (https://github.com/apache/airflow/issues/71580).

    :param resource: The resource type's name in the table: ``"solution"``.
    :param arn: The ARN.
    :param goal: What to wait for, as in :class:`~airflow_provider_personalize.status.WaitCondition`.
    :param created: Which update to wait for, as there.
    :param require_update: Whether to wait for a first update, as there.
    :param waiter_delay: Seconds between two polls; None means the delay of the resource type, shorter at first.
    :param deadline: When to give up, in seconds since the epoch, so that it holds across restarts of the triggerer.
    :param pause: Whether one delay passes before the first poll.
    :param state: What the task needs to continue, returned in the event. JSON primitives, no secrets: Airflow 3 stores
        a trigger's arguments in clear text.
    :param stop_on_kill: Whether to stop the training when a user kills, clears or marks the task. Airflow tells
        triggers so from 3.3 on.
    :param asked: The training that was requested, by ``solution_arn`` and ``name``, if its ARN is not known yet.
    :param version: The version of these arguments. Unknown ones are logged and ignored: workers may be upgraded before
        the triggerer.
    :param resume: The name of ``state`` in version 1.
    :param aws_conn_id: The Airflow connection; see the operators for this and the next three.
    :param region_name: The AWS region.
    :param verify: Whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: Members of botocore's ``Config``.
    :param connection_required: Whether the Airflow connection must exist, ``aws_default`` too: a worker found it.
    """

    #: Seconds before the first poll.
    hold: ClassVar[float] = 10

    def __init__(
        self,
        *,
        resource: str,
        arn: str,
        goal: Goal = "ready",
        created: str | None = None,
        require_update: bool = True,
        waiter_delay: float | None = None,
        deadline: float,
        pause: bool = False,
        state: dict[str, Any] | None = None,
        stop_on_kill: bool = False,
        asked: dict[str, str] | None = None,
        version: int = VERSION,
        resume: dict[str, Any] | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        connection_required: bool = False,
        **unknown: Any,
    ) -> None:
        super().__init__()
        if unknown:
            self.log.warning(
                "Ignoring arguments that this version of the trigger (%d) does not know: %s, of version %s",
                *(VERSION, ", ".join(sorted(unknown)), version),
            )
        self.condition = WaitCondition(resource, arn, goal, created, require_update)
        self.hook_parameters = HookParameters.of(aws_conn_id, region_name, verify, botocore_config, connection_required)
        self.waiter_delay = waiter_delay
        self.deadline = deadline
        self.pause = pause
        self.state = state or resume or {}
        self.stop_on_kill = stop_on_kill
        self.asked = asked
        self.event_version = VERSION if resume is None else 1

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments from which the triggerer makes this trigger again."""
        return f"airflow_provider_personalize.triggers.{type(self).__name__}", {
            **asdict(self.condition),
            **self.hook_parameters.parameters,
            "waiter_delay": self.waiter_delay,
            "deadline": self.deadline,
            "pause": self.pause,
            "state": self.state,
            "stop_on_kill": self.stop_on_kill,
            "asked": self.asked,
            "version": VERSION,
        }

    async def on_kill(self) -> None:
        """Stop the training, if the task asked for that."""
        if self.stop_on_kill and (self.condition.arn or self.asked):
            # sync_to_async for the same reason as where the poller makes its client
            await sync_to_async(self._stop_training, thread_sensitive=False)()

    def _stop_training(self) -> None:
        hook = self.hook_parameters.hook()  # its own, which fetches credentials again by itself
        try:
            if self.condition.arn:
                hook.stop_training(self.condition.arn)
            elif self.asked:
                hook.stop_training_named(**self.asked)
        finally:
            hook.conn.close()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event, whatever happens: an error here makes `dags test` loop forever."""
        try:
            status = await self.wait_until_over()
        except Exception as error:
            self.log.exception("The wait broke (%s)", self.condition.arn)
            status = WaitStatus(BROKEN, None, f"{type(error).__name__}: {error}")
        yield TriggerEvent(self._event(status).to_json())

    def _event(self, status: WaitStatus) -> WaitEvent:
        return WaitEvent(
            outcome=status.outcome,
            condition=self.condition,
            found=status.description.get(self.condition.resource_type.arn_member) if status.description else None,
            status=status.status,
            reason=status.reason,
            last_seen=str(status),
            waiter_delay=self.waiter_delay,
            deadline=self.deadline,
            pause=self.pause,
            state=self.state,
            version=self.event_version,
        )

    async def wait_until_over(self) -> WaitStatus:
        """Poll until the condition holds, can no longer hold, or the deadline has passed; return the last status."""
        # the deadline is a wall-clock time, to hold across restarts; from here on no step of that clock moves it
        began, now = clock.monotonic(), clock.SteadyClock().now
        status, backoff = WaitStatus(IN_PROGRESS), Backoff()
        since = self.state.get(SINCE) or now()
        hold = max(self.hold, self._delay(0)) if self.pause else self.hold
        if self.condition.goal == LATER:
            if until := self.condition.created:  # so that a restart of the triggerer does not begin the pause anew
                hold = max(hold, datetime.fromisoformat(until).timestamp() - now())
            await clock.sleep_in_loop(hold)
            return WaitStatus(SUCCEEDED, None, "the pause is over")
        async with shared_poller(self.hook_parameters, self.condition.poll_target) as poller:
            poller.connect()
            await clock.sleep_in_loop(hold)
            while True:
                delay = self._delay(clock.monotonic() - began)
                snapshot = await self._poll(poller, max(began, clock.monotonic() - delay / 2), self.deadline - now())
                before, status = status, self.condition.evaluate_observation(snapshot.observation)
                left = self.deadline - now()
                if str(status) != str(before):
                    self._log_progress(
                        status, before, waited=now() - since, left=left, service_time=poller.service_time
                    )
                if status.outcome != IN_PROGRESS:
                    return status
                if left <= 0:
                    return replace(status, outcome=TIMED_OUT)
                delay = backoff.next_delay(delay, is_transient=status.is_transient)
                await clock.sleep_in_loop(min(snapshot.remaining(delay), left))

    def _log_progress(self, status: WaitStatus, before: WaitStatus, *, left: float, **times: float | None) -> None:
        remaining = left if status.outcome == IN_PROGRESS else None
        text = progress.line(status, self.condition, usual=self.state.get(USUAL), left=remaining, **times)
        self.log.log(status.log_level(before), "%s", text)

    def _delay(self, waited: float) -> float:
        return self.condition.next_delay(waited) if self.waiter_delay is None else self.waiter_delay

    async def _poll(self, poller: SharedPoller, not_before: float, left: float) -> Snapshot:
        """Poll, but not for much longer than until the deadline."""
        poll = poller.poll(self.condition.poll_target, not_before)
        # not wait_for, which would cancel a poll that other waits share
        await wait({poll}, timeout=max(0, left) + GRACE)
        if poll.done():
            return poll.result()
        return Snapshot(Observation(error=TimeoutError("the service does not answer")), clock.monotonic())


class SolutionUpdateTrigger(PersonalizeTrigger):
    """
    Fire when a solution's latest update is ACTIVE or has failed.

    The same trigger with its resource type and goal filled in:
    ``SolutionUpdateTrigger(arn=…, waiter_delay=30, deadline=…)``.
    """

    def __init__(self, *, resource: str = "solution", goal: Goal = "updated", **arguments: Any) -> None:
        super().__init__(resource=resource, goal=goal, **arguments)
