"""The trigger: one, for every kind of resource and every goal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_personalize.connection import Connection
from airflow_provider_personalize.triggers.poller import look, stop_training
from airflow_provider_personalize.waiting import BROKEN, TIMED_OUT, UNDER_WAY, Goal, Verdict, Wait


class PersonalizeTrigger(BaseTrigger):
    """
    Fire when a resource has come as far as is waited for, has failed, or the deadline has passed.

    It never raises: what goes wrong is in the event, for the task to raise. It never fires within its first ten
    seconds, since Airflow 3 fails tasks whose trigger does (https://github.com/apache/airflow/issues/71580).

    :param resource: The kind, by its name in the table: ``"solution"``.
    :param arn: The ARN.
    :param goal: What to wait for, as in :class:`~airflow_provider_personalize.waiting.Wait`.
    :param created: Which update is meant, as there.
    :param require_update: Whether to wait for a first update, as there.
    :param waiter_delay: Seconds between two looks.
    :param deadline: When to give up, in seconds since the epoch, so that it holds across restarts of the triggerer.
    :param pause: Whether an interval passes before the first look.
    :param resume: What the task needs to go on, handed back in the event. JSON primitives, no secrets: Airflow 3 keeps
        a trigger's arguments in clear.
    :param stop_on_kill: Whether to stop the training that is waited for where the user kills, clears or marks the task.
        Airflow tells triggers so from 3.3 on.
    :param aws_conn_id: The Airflow connection; see the operators for this and the next three.
    :param region_name: The AWS region.
    :param verify: Whether to verify TLS certificates, or the path of a bundle.
    :param botocore_config: Members of botocore's ``Config``.
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
        waiter_delay: float,
        deadline: float,
        pause: bool = False,
        resume: dict[str, Any] | None = None,
        stop_on_kill: bool = False,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.wait = Wait(resource, arn, goal, created, require_update)
        self.connection = Connection.of(aws_conn_id, region_name, verify, botocore_config)
        self.waiter_delay = waiter_delay
        self.deadline = deadline
        self.pause = pause
        self.resume = resume or {}
        self.stop_on_kill = stop_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer needs to make this trigger again."""
        return f"airflow_provider_personalize.triggers.{type(self).__name__}", {
            **asdict(self.wait),
            **self.connection.parameters,
            "waiter_delay": self.waiter_delay,
            "deadline": self.deadline,
            "pause": self.pause,
            "resume": self.resume,
            "stop_on_kill": self.stop_on_kill,
        }

    async def on_kill(self) -> None:
        """Stop the training, where that was asked for."""
        if self.stop_on_kill:
            await stop_training(self.connection, self.wait.arn)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then yield one event, whatever happens: what a trigger raises makes `dags test` loop for ever."""
        try:
            outcome, verdict = await self._wait()
        except Exception as error:
            self.log.exception("The wait for %s broke", self.wait.arn)
            outcome, verdict = BROKEN, Verdict(UNDER_WAY, None, f"{type(error).__name__}: {error}")
        yield TriggerEvent(self._event(outcome, verdict))

    def _event(self, outcome: str, verdict: Verdict) -> dict[str, Any]:
        return {
            "outcome": outcome,
            "wait": asdict(self.wait),
            "found": verdict.description.get(self.wait.row.arn_member) if verdict.description else None,
            "status": verdict.status,
            "reason": verdict.reason,
            "last_seen": str(verdict),
            "deadline": self.deadline,
            "pause": self.pause,
            "resume": self.resume,
        }

    async def _wait(self) -> tuple[str, Verdict]:
        self.log.info(
            "%s %s: looking every %s s, for %d s at the most",
            self.wait.title,
            self.wait.arn,
            self.waiter_delay,
            self.deadline - time.time(),
        )
        await asyncio.sleep(max(self.hold, self.waiter_delay) if self.pause else self.hold)
        while (verdict := await look(self.connection, self.wait)).outcome == UNDER_WAY:
            left = self.deadline - time.time()
            self.log.info("%s %s: %s, %d s left", self.wait.title, self.wait.arn, verdict, left)
            if left <= 0:
                return TIMED_OUT, verdict
            await asyncio.sleep(min(self.waiter_delay, left))
        return verdict.outcome, verdict


class SolutionUpdateTrigger(PersonalizeTrigger):
    """
    Fire when a solution's latest update is ACTIVE or has failed.

    The same trigger with its kind filled in: ``SolutionUpdateTrigger(arn=…, waiter_delay=30, deadline=…)``.
    """

    def __init__(self, *, resource: str = "solution", goal: Goal = "updated", **arguments: Any) -> None:
        super().__init__(resource=resource, goal=goal, **arguments)
