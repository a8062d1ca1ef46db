"""What all sensors share: one look, judged alike whether poked, rescheduled or deferred."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from inspect import unwrap
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
)
from airflow_provider_personalize.arns import wrong_arn
from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.exceptions import (
    InvalidRequestError,
    ResourceFailedError,
    UpdateReplacedError,
    WaitTimeoutError,
)
from airflow_provider_personalize.status import READY, SUCCEEDED, UPDATED, Goal, WaitCondition, WaitStatus, iso
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask, required_parameters, seconds, switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions, SensorTaskOptions


class PersonalizeSensor(PersonalizeTask, BaseSensorOperator):
    """
    A sensor for one kind of resource.

    It returns the ARN of what it waited for, in every mode. It has all parameters of Airflow's ``BaseSensorOperator``,
    with their meaning: ``timeout``, ``soft_fail``, ``never_fail``, ``silent_fail``, ``mode``; a ``timeout`` of 0 is
    refused. Deferred, it looks once on the worker and then waits in the triggerer, every ``poke_interval`` seconds, or
    sooner at first where that is None, without ``exponential_backoff``.
    ``never_fail`` skips after a time-out too, poked or deferred: Airflow's own versions differ there. So do both
    ``soft_fail`` and ``never_fail`` where ``execution_timeout`` is over, in the first poll on the worker or later.

    A failure that the service reports fails the task at once and for good, whatever ``retries`` says: looking again
    cannot help. A look that is throttled or does not reach the service is no failure; the next one may.

    :param deferrable: Whether to wait in the triggerer, without holding a worker. Airflow's setting
        ``[operators] default_deferrable`` is the default.
    :param poke_interval: Seconds, or a ``timedelta``, between two looks; None means what suits the kind of resource.
    """

    #: What it waits for.
    goal: ClassVar[Goal] = READY

    def __init__(
        self,
        *,
        deferrable: bool = DEFAULT_DEFERRABLE,
        poke_interval: float | timedelta | None = None,
        **kwargs: Unpack[SensorTaskOptions],
    ) -> None:
        suits_itself = poke_interval is None
        if poke_interval is None:
            poke_interval = WaitCondition(self.resource_type.name, "", self.goal).poll_interval
        for parameter, value in {"poke_interval": poke_interval, "timeout": kwargs.get("timeout")}.items():
            seconds(parameter, value)  # Airflow's own error for infinity says neither
        super().__init__(poke_interval=poke_interval, **kwargs)
        seconds("timeout", self.timeout)  # that of default_args
        for parameter in ("soft_fail", "never_fail", "silent_fail"):  # Airflow's own, which it does not check
            switch(parameter, getattr(self, parameter))
        self.deferrable = switch("deferrable", deferrable)
        self._suits_itself = suits_itself
        self._last_seen: WaitStatus | None = None

    @property
    def wait(self) -> WaitCondition:
        """What this sensor waits for."""
        return WaitCondition(self.resource_type.name, getattr(self, self.resource_type.arn_parameter), self.goal)

    def execute(self, context: Context) -> Any:
        """Wait as ``mode`` and ``deferrable`` say; return the ARN of what was waited for."""
        context = self.begin(context)
        if not context.get("task_reschedule_count"):  # Airflow 2 does not tell
            self.log_arn(self.wait)
        if self.deferrable:
            with self.leniency():
                return self._look_then_defer(context)
        try:
            # not super(): Airflow 2 takes that for a call from outside of a task
            return unwrap(BaseSensorOperator.execute)(self, context) or self.wait.arn
        except AirflowSensorTimeout as timeout:
            with self.leniency():
                last_seen = str(self._last_seen or "nothing")
                raise AirflowSensorTimeout(str(self.wait.timeout_error(last_seen))) from timeout

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """
        Look once.

        :raises AirflowFailException: It has failed, with the service's reason.
        :raises InvalidRequestError: The ARN is wrong, or None.
        """
        operation = f"Describe{self.resource_type.pascal}"
        arns = {parameter: getattr(self, parameter) for parameter in required_parameters(type(self)) & {*self.members}}
        if wrong := [fault for fault in map(wrong_arn, arns, arns.values()) if fault]:
            raise InvalidRequestError(operation, wrong)
        verdict = self.hook.poll(self.wait)
        self.log.log(verdict.log_level(self._last_seen), "%s (%s)", verdict, self.wait.title)
        if verdict.description:
            self.show_link(self.begin(context), verdict.description)
        self._last_seen = verdict
        if verdict.failed:
            raise AirflowFailException(str(self.wait.error(verdict)))
        return verdict.outcome == SUCCEEDED

    def _look_then_defer(self, context: Context) -> Any:
        if not (done := self._poke_patiently(context)):
            by_execution = bool(self.execution_timeout) and self.execution_timeout.total_seconds() < self.timeout
            resume = {"limit": "execution_timeout" if by_execution else "timeout"}
            delay = None if self._suits_itself else self.poke_interval
            self.defer_until(self.wait, delay, self.deadline_after(self.timeout), resume)
        return getattr(done, "xcom_value", None) or self.wait.arn

    def _poke_patiently(self, context: Context) -> bool | PokeReturnValue:
        try:
            return self.poke(context)
        except AirflowFailException:
            raise
        except Exception as error:
            if not self.silent_fail:
                raise
            self.log.warning("The look failed, and silent_fail is set: %s", error)
            return False

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:  # noqa: ARG002 - Airflow's
        """End as the event says, by the rules of any sensor; return the ARN of what was waited for."""
        from airflow_provider_personalize.triggers.events import WaitEvent

        with self.leniency():
            try:
                self.check_event(WaitEvent.from_json(event))
            except (ResourceFailedError, UpdateReplacedError) as failure:
                raise AirflowFailException(str(failure)) from failure
            except WaitTimeoutError as timeout:
                if WaitEvent.from_json(event).state["limit"] == "execution_timeout":
                    raise  # retried, as a poked sensor is
                raise AirflowSensorTimeout(str(timeout)) from timeout
        return WaitEvent.from_json(event).condition.arn

    @contextmanager
    def leniency(self) -> Iterator[None]:
        """Skip where ``soft_fail`` or ``never_fail`` say so, alike on all versions of Airflow."""
        try:
            yield
        except AirflowSkipException:
            raise
        except (Exception, AirflowTaskTimeout) as error:  # the latter is no Exception
            late = (AirflowSensorTimeout, AirflowTaskTimeout, WaitTimeoutError)
            soft = self.soft_fail and isinstance(error, (AirflowFailException, *late))
            if soft or self.never_fail:
                raise AirflowSkipException(
                    f"Skipped, since {'soft' if soft else 'never'}_fail is set: {error}"
                ) from error
            raise


class UpdateSensor(PersonalizeSensor):
    """
    A sensor for the latest update of one of the kinds whose description shows it.

    The resource itself stays ACTIVE during an update, so these sensors look at ``latest…Update`` in its description.

    Behind an operator that updates and does not wait, name its update, which is in its XCom, so that neither an earlier
    update nor a stale read passes::

        update = UpdateSolutionOperator(task_id="update", solution_arn=arn, …, wait_for_completion=False)
        wait = SolutionUpdateSensor(
            task_id="wait",
            solution_arn=arn,
            created="{{ ti.xcom_pull(task_ids='update', key='solution_update')['creationDateTime'] }}",
            require_update=False,
        )
        update >> wait

    With ``require_update=False``, since the operator sends nothing where all is as wanted: ``created`` is None then,
    and whatever update was made before counts.

    :param created: The ``creationDateTime`` of the one update that is meant, as a ``datetime`` or a text in ISO 8601,
        in UTC where it has no time zone. A later update in its place fails the task. None means the latest, whichever
        it is. (templated)
    :param require_update: Whether to wait for a first update where none was ever made; without it that passes, unless
        the resource itself failed. An update that ``created`` names is always waited for.
    """

    goal: ClassVar[Goal] = UPDATED

    def __init__(
        self,
        *,
        created: datetime | str | None = None,
        require_update: bool = True,
        **kwargs: Unpack[SensorOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.created = created
        self.require_update = switch("require_update", require_update)

    @property
    def wait(self) -> WaitCondition:
        """What this sensor waits for."""
        created = iso(moment("created", self.created))
        return replace(super().wait, created=created, require_update=self.require_update)


def moment(parameter: str, value: datetime | str | None) -> datetime | None:
    """
    Read a moment, which a template may have left as a text.

    :raises AirflowFailException: It is none.
    """
    value = parse("string", value)
    try:
        read = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value)) if isinstance(value, str) else value
    except ValueError:
        read = value
    if read is None:
        return None
    if not isinstance(read, datetime):
        raise AirflowFailException(
            f"{parameter} is {value!r}: allowed are a datetime and a text in ISO 8601, such as "
            "2026-01-31T12:00:00+00:00"
        )
    return read.replace(tzinfo=timezone.utc) if read.tzinfo is None else read
