"""The base of all sensors: poke, reschedule and deferral evaluate a poll in the same way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from inspect import unwrap
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow_provider_personalize import clock
from airflow_provider_personalize._compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
)
from airflow_provider_personalize.goals import READY, UPDATED, Goal, poll_interval
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask, required_parameters, seconds, switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions, SensorTaskOptions
    from airflow_provider_personalize.status import WaitCondition, WaitStatus
    from airflow_provider_personalize.triggers.events import WaitEvent


class PersonalizeSensor(PersonalizeTask, BaseSensorOperator):
    """
    A sensor for one resource type.

    It returns the ARN of the resource, in every mode. It takes all parameters of Airflow's ``BaseSensorOperator``, with
    their meaning: ``timeout``, ``soft_fail``, ``never_fail``, ``silent_fail``, ``mode``; a ``timeout`` of 0 is refused.
    Deferred, it polls once on the worker and then in the triggerer, every ``poke_interval`` seconds, or more often at
    first if that is None; ``exponential_backoff`` has no effect there.
    ``never_fail`` skips after a timeout too, poked or deferred: Airflow's own versions differ there. ``soft_fail`` and
    ``never_fail`` also skip after ``execution_timeout``, whether it ends the first poll on the worker or a later one.

    A failure that the service reports fails the task at once and for good, whatever ``retries`` says: another poll
    cannot help. A poll that is throttled or does not reach the service is no failure; the sensor polls again.

    :param deferrable: Whether to wait in the triggerer, without holding a worker. Airflow's setting
        ``[operators] default_deferrable`` is the default.
    :param poke_interval: Seconds, or a ``timedelta``, between two polls; None means the interval of the resource type.
    :raises AirflowFailException: What is waited for failed, with the service's reason.
    :raises AirflowSensorTimeout: It took longer than ``timeout``; the message has the last status.
    """

    #: What the sensor waits for.
    goal: ClassVar[Goal] = READY
    #: The parameters that are a time, or None.
    times: ClassVar[tuple[str, ...]] = ()
    #: Seconds between two polls where no ``poke_interval`` is given; None means what suits the resource type.
    default_interval: ClassVar[float | None] = None

    def __init__(
        self,
        *,
        deferrable: bool = DEFAULT_DEFERRABLE,
        poke_interval: float | timedelta | None = None,
        **kwargs: Unpack[SensorTaskOptions],
    ) -> None:
        has_interval = poke_interval is not None
        if poke_interval is None:
            poke_interval = self.default_interval or poll_interval(self.resource_type, self.goal)
        for parameter, value in {"poke_interval": poke_interval, "timeout": kwargs.get("timeout")}.items():
            seconds(parameter, value)  # Airflow's own error for infinity names neither
        super().__init__(poke_interval=poke_interval, **kwargs)
        seconds("timeout", self.timeout)  # from default_args
        for parameter in ("soft_fail", "never_fail", "silent_fail"):  # Airflow's own, which it does not check
            switch(parameter, getattr(self, parameter))
        self.deferrable = switch("deferrable", deferrable)
        self._has_interval = has_interval
        self._last_status: WaitStatus | None = None
        self._began: float | None = None
        self._deadline: float | None = None
        self._usual: float | None = None

    @property
    def condition(self) -> WaitCondition:
        """What this sensor waits for."""
        from airflow_provider_personalize.status import WaitCondition

        return WaitCondition(self.resource_type.name, getattr(self, self.resource_type.arn_parameter), self.goal)

    def execute(self, context: Context) -> Any:
        """Wait as ``mode`` and ``deferrable`` say, and return the ARN of the resource."""
        context = self.begin(context)
        if not context.get("task_reschedule_count"):  # Airflow 2 does not set it
            self.log_arn(self.condition)
        if self.deferrable or not self.reschedule:
            self._began, self._deadline = clock.now(), self.deadline_after(self.timeout)
        if self.deferrable:
            with self.skip_on_soft_fail():
                return self.succeed(self._poll_then_defer(context))
        try:
            # not super(): Airflow 2 takes that for a call from outside of a task
            return self.succeed(unwrap(BaseSensorOperator.execute)(self, context) or self.condition.arn)
        except AirflowSensorTimeout as timeout:
            with self.skip_on_soft_fail():
                last_seen = str(self._last_status or "nothing")
                raise AirflowSensorTimeout(str(self.condition.timeout_error(last_seen))) from timeout

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """
        Poll once, and return whether the wait is over.

        :raises AirflowFailException: The resource failed, with the service's reason.
        :raises InvalidRequestError: The ARN is wrong, or None.
        """
        from airflow_provider_personalize.exceptions import InvalidRequestError
        from airflow_provider_personalize.status import SUCCEEDED

        if wrong := self.parameter_errors():
            raise InvalidRequestError(f"Describe{self.resource_type.pascal}", wrong)
        status = self.poll()
        self._log_progress(status)
        if status.description:
            self.show_link(self.begin(context), status.description)
        self._last_status = status
        if status.failed:
            raise AirflowFailException(str(self.condition.error(status)))
        return status.outcome == SUCCEEDED

    def _log_progress(self, status: WaitStatus) -> None:
        """Log how far the wait has come. A rescheduled sensor does not know since when it waits."""
        from airflow_provider_personalize.status import IN_PROGRESS

        before, began = self._last_status, self._began
        times: dict[str, float | None] = {}
        if self._deadline is not None and status.outcome == IN_PROGRESS:
            if not (before and before.description):
                self._usual = self.hook.usual_duration(self.condition, status.description)
            times["left"] = self._deadline - clock.now()
        if began is not None and (before or times):
            times |= {"waited": clock.now() - began, "usual": self._usual}
        self.log.log(status.log_level(before), "%s", self.hook.progress_line(status, self.condition, **times))

    def parameter_errors(self) -> list[str]:
        """List what is wrong with the ARNs and times that are given, one sentence each."""
        from airflow_provider_personalize.arns import wrong_arn

        arns = {parameter: getattr(self, parameter) for parameter in required_parameters(type(self)) & {*self.members}}
        wrong = [error for error in map(wrong_arn, arns, arns.values()) if error]
        for parameter in self.times:
            try:
                parse_time(parameter, getattr(self, parameter))
            except AirflowFailException as error:
                wrong.append(str(error))
        return wrong

    def poll(self) -> WaitStatus:
        """Poll once, and return how far the wait has come."""
        return self.hook.poll(self.condition)

    def _poll_then_defer(self, context: Context) -> Any:
        from airflow_provider_personalize.progress import SINCE, USUAL

        if not (done := self._first_poll(context)):
            by_execution = bool(self.execution_timeout) and self.execution_timeout.total_seconds() < self.timeout
            limit = "execution_timeout" if by_execution else "timeout"
            state = {"limit": limit, SINCE: self._began, USUAL: self._usual}
            self.defer_wait(self.deadline_after(self.timeout), state)
        return getattr(done, "xcom_value", None) or self.condition.arn

    def defer_wait(self, deadline: float, state: Mapping[str, Any]) -> NoReturn:
        """Free the worker until the wait is over."""
        self.defer_until(self.condition, self.poke_interval if self._has_interval else None, deadline, state)

    def _first_poll(self, context: Context) -> bool | PokeReturnValue:
        try:
            return self.poke(context)
        except AirflowFailException:
            raise
        except Exception as error:
            if not self.silent_fail:
                raise
            self.log.warning("The poll failed, and silent_fail is set: %s", error)
            return False

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """End as the event says, by the rules of any sensor, and return the ARN of the resource."""
        from airflow_provider_personalize.exceptions import ResourceFailedError, UpdateReplacedError, WaitTimeoutError
        from airflow_provider_personalize.triggers.events import WaitEvent

        ended = WaitEvent.from_json(event)
        with self.skip_on_soft_fail():
            try:
                self.check_event(ended)
                return self.succeed(self.after_wait(context, ended))
            except (ResourceFailedError, UpdateReplacedError) as failure:
                raise AirflowFailException(str(failure)) from failure
            except WaitTimeoutError as timeout:
                if ended.state.get("limit") == "execution_timeout":
                    raise  # retried, as a poked sensor is
                raise AirflowSensorTimeout(str(timeout)) from timeout

    def after_wait(self, context: Context, ended: WaitEvent) -> str:  # noqa: ARG002 - for sensors that poll again
        """Return the ARN of the resource once the wait in the triggerer is over."""
        return ended.condition.arn

    @contextmanager
    def skip_on_soft_fail(self) -> Iterator[None]:
        """
        Turn an error into a skip if ``soft_fail`` or ``never_fail`` says so, alike on all versions of Airflow.

        ``soft_fail`` skips after a failure of the resource and after a timeout; ``never_fail`` after any error.
        """
        from airflow_provider_personalize.exceptions import WaitTimeoutError

        try:
            yield
        except AirflowSkipException:
            raise
        except (Exception, AirflowTaskTimeout) as error:  # the latter is no Exception
            timeouts = (AirflowSensorTimeout, AirflowTaskTimeout, WaitTimeoutError)
            soft = self.soft_fail and isinstance(error, (AirflowFailException, *timeouts))
            if soft or self.never_fail:
                raise AirflowSkipException(
                    f"Skipped, since {'soft' if soft else 'never'}_fail is set: {error}"
                ) from error
            raise


class UpdateSensor(PersonalizeSensor):
    """
    A sensor for the latest update of a resource whose description shows it.

    The resource itself stays ACTIVE during an update, so these sensors read ``latest…Update`` in its description.

    After an operator that updates and does not wait, pass the update from its XCom, so that neither an earlier update
    nor a stale read ends the wait::

        update = UpdateSolutionOperator(task_id="update", solution_arn=arn, …, wait_for_completion=False)
        wait = SolutionUpdateSensor(
            task_id="wait",
            solution_arn=arn,
            created="{{ ti.xcom_pull(task_ids='update', key='solution_update')['creationDateTime'] }}",
            require_update=False,
        )
        update >> wait

    Set ``require_update=False`` there, since the operator sends nothing if the solution already is as requested:
    ``created`` is None then, and any earlier update counts.

    :param created: The ``creationDateTime`` of the update to wait for, as a ``datetime`` or as text in ISO 8601, in UTC
        if it has no time zone. A later update in its place fails the task. None means the latest update, whichever it
        is. (templated)
    :param require_update: Whether to wait for a first update if none was ever made; if not, that passes, unless the
        resource itself failed. An update that ``created`` names is always waited for.
    """

    goal: ClassVar[Goal] = UPDATED
    times = ("created",)

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
    def condition(self) -> WaitCondition:
        """What this sensor waits for."""
        from airflow_provider_personalize.status import iso

        created = iso(parse_time("created", self.created))
        return replace(super().condition, created=created, require_update=self.require_update)


def parse_time(parameter: str, value: datetime | str | None) -> datetime | None:
    """
    Return a time that a template may have rendered as text; without a time zone it is in UTC.

    :raises AirflowFailException: The value is no time.
    """
    from airflow_provider_personalize.coercion import parse

    value = parse("string", value)
    try:
        time = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value)) if isinstance(value, str) else value
    except ValueError:
        time = value
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise AirflowFailException(
            f"{parameter} is {value!r}: allowed are a datetime and text in ISO 8601, such as 2026-01-31T12:00:00+00:00"
        )
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time
