"""The trigger: one, for every kind of resource and every goal."""

from __future__ import annotations

import time
from asyncio import sleep, wait
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, ClassVar, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async

from airflow_provider_personalize.clock import SteadyClock
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.status import (
    BROKEN,
    IN_PROGRESS,
    LATER,
    SUCCEEDED,
    TIMED_OUT,
    Backoff,
    Goal,
    Observation,
    WaitCondition,
    WaitStatus,
)
from airflow_provider_personalize.triggers.poller import Line, Seen, joined

# Seconds that the last look may take beyond the deadline.
_GRACE: Final = 30
# Of the arguments that a trigger's row has. Raise it with each that is added: a triggerer that is upgraded after the
# workers ignores those that it does not know, so they must not change what is waited for.
_VERSION: Final = 1


class PersonalizeTrigger(BaseTrigger):
    """
    Fire when a resource has come as far as is waited for, has failed, or the deadline has passed.

    It never raises: what goes wrong is in the event, for the task to raise. It never fires within its first ten
    seconds, since Airflow 3 fails tasks whose trigger does (https://github.com/apache/airflow/issues/71580).

    :param resource: The kind, by its name in the table: ``"solution"``.
    :param arn: The ARN.
    :param goal: What to wait for, as in :class:`~airflow_provider_personalize.status.WaitCondition`.
    :param created: Which update is meant, as there.
    :param require_update: Whether to wait for a first update, as there.
    :param waiter_delay: Seconds between two looks; None means what suits the kind, and sooner at first.
    :param deadline: When to give up, in seconds since the epoch, so that it holds across restarts of the triggerer.
    :param pause: Whether an interval passes before the first look.
    :param resume: What the task needs to go on, handed back in the event. JSON primitives, no secrets: Airflow 3 keeps
        a trigger's arguments in clear.
    :param stop_on_kill: Whether to stop the training that is waited for where the user kills, clears or marks the task.
        Airflow tells triggers so from 3.3 on.
    :param asked: The training that was asked for, by ``solution_arn`` and ``name``, where no ARN of it is known yet.
    :param version: The version of these arguments. Those that are not known here are ignored, with a line in the log:
        workers may be upgraded before the triggerer.
    :param aws_conn_id: The Airflow connection; see the operators for this and the next three.
    :param region_name: The AWS region.
    :param verify: Whether to verify TLS certificates, or the path of a bundle.
    :param botocore_config: Members of botocore's ``Config``.
    :param connection_required: Whether the Airflow connection must exist, ``aws_default`` too: a worker found it.
    """

    #: Seconds before the first look.
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
        resume: dict[str, Any] | None = None,
        stop_on_kill: bool = False,
        asked: dict[str, str] | None = None,
        version: int = _VERSION,
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
                "Arguments that this version of the trigger (%d) does not know are ignored: %s, of version %s",
                *(_VERSION, ", ".join(sorted(unknown)), version),
            )
        self.wait = WaitCondition(resource, arn, goal, created, require_update)
        self.hook_parameters = HookParameters.of(aws_conn_id, region_name, verify, botocore_config, connection_required)
        self.waiter_delay = waiter_delay
        self.deadline = deadline
        self.pause = pause
        self.resume = resume or {}
        self.stop_on_kill = stop_on_kill
        self.asked = asked

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again."""
        return f"airflow_provider_personalize.triggers.{type(self).__name__}", {
            **asdict(self.wait),
            **self.hook_parameters.parameters,
            "waiter_delay": self.waiter_delay,
            "deadline": self.deadline,
            "pause": self.pause,
            "resume": self.resume,
            "stop_on_kill": self.stop_on_kill,
            "asked": self.asked,
            "version": _VERSION,
        }

    async def on_kill(self) -> None:
        """Stop the training, where that was asked for."""
        if self.stop_on_kill and (self.wait.arn or self.asked):
            # sync_to_async for the same reason as where the poller makes its client
            await sync_to_async(self._stop_training, thread_sensitive=False)()

    def _stop_training(self) -> None:
        hook = self.hook_parameters.hook()  # one of its own, which fetches credentials anew by itself
        try:
            if self.wait.arn:
                hook.stop_training(self.wait.arn)
            elif self.asked:
                hook.stop_training_named(**self.asked)
        finally:
            hook.conn.close()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event, whatever happens: what a trigger raises makes `dags test` loop for ever."""
        try:
            outcome, verdict = await self._wait()
        except Exception as error:
            self.log.exception("The wait broke (%s)", self.wait.arn)
            outcome, verdict = BROKEN, WaitStatus(IN_PROGRESS, None, f"{type(error).__name__}: {error}")
        yield TriggerEvent(self._event(outcome, verdict))

    def _event(self, outcome: str, verdict: WaitStatus) -> dict[str, Any]:
        return {
            "outcome": outcome,
            "wait": asdict(self.wait),
            "found": verdict.description.get(self.wait.resource_type.arn_member) if verdict.description else None,
            "status": verdict.status,
            "reason": verdict.reason,
            "last_seen": str(verdict),
            "waiter_delay": self.waiter_delay,
            "deadline": self.deadline,
            "pause": self.pause,
            "resume": self.resume,
        }

    async def _wait(self) -> tuple[str, WaitStatus]:
        # the deadline is a time of day, to hold across restarts; from here on, no step of the clock moves it
        began, verdict, now = time.monotonic(), WaitStatus(IN_PROGRESS), SteadyClock().now
        self.log.info("Waiting for %d s at the most (%s)", self.deadline - now(), self.wait.title)
        hold = max(self.hold, self._delay(0)) if self.pause else self.hold
        if self.wait.goal == LATER:
            await sleep(hold)
            return SUCCEEDED, WaitStatus(SUCCEEDED, None, "the pause is over")
        async with joined(self.hook_parameters, self.wait.poll_target) as line:
            line.prepare()
            await sleep(hold)
            weather = Backoff()
            while True:
                pause = self._delay(time.monotonic() - began)
                seen = await self._see(line, max(began, time.monotonic() - pause / 2), self.deadline - now())
                before, verdict = verdict, self.wait.evaluate_observation(seen.reading)
                if verdict.outcome != IN_PROGRESS:
                    return verdict.outcome, verdict
                left = self.deadline - now()
                if str(verdict) != str(before):
                    self.log.log(verdict.log_level(before), "%s, %d s left (%s)", verdict, left, self.wait.title)
                if left <= 0:
                    return TIMED_OUT, verdict
                await sleep(min(seen.until_next(weather.next_delay(pause, verdict)), left))

    def _delay(self, waited: float) -> float:
        return self.wait.next_delay(waited) if self.waiter_delay is None else self.waiter_delay

    async def _see(self, line: Line, not_before: float, left: float) -> Seen:
        """Look, but not for much longer than until the deadline."""
        looking = line.see(self.wait.poll_target, not_before)
        await wait(
            {looking}, timeout=max(0, left) + _GRACE
        )  # not wait_for, which would cancel what others wait for too
        if looking.done():
            return looking.result()
        return Seen(Observation(error=TimeoutError("the service does not answer")), time.monotonic())


class SolutionUpdateTrigger(PersonalizeTrigger):
    """
    Fire when a solution's latest update is ACTIVE or has failed.

    The same trigger with its kind filled in: ``SolutionUpdateTrigger(arn=…, waiter_delay=30, deadline=…)``.
    """

    def __init__(self, *, resource: str = "solution", goal: Goal = "updated", **arguments: Any) -> None:
        super().__init__(resource=resource, goal=goal, **arguments)
