"""Sensors for solutions and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow_provider_personalize import clock
from airflow_provider_personalize._compat import PokeReturnValue
from airflow_provider_personalize.goals import LATER, TRAINED
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION
from airflow_provider_personalize.sensors.base import PersonalizeSensor, parse_time
from airflow_provider_personalize.task import seconds

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions
    from airflow_provider_personalize.status import WaitCondition, WaitStatus
    from airflow_provider_personalize.triggers.events import WaitEvent

# Seconds: what is set to be old in thousands of years has no date
_LONGEST_PAUSE: Final = 365 * 24 * 60 * 60


class SolutionSensor(PersonalizeSensor):
    """
    Wait until a solution can be trained.

    A solution stays ACTIVE during an update: to wait for that, use :class:`SolutionUpdateSensor`.

    :param solution_arn: The ARN of the solution. (templated)
    """

    resource_type = SOLUTION

    def __init__(self, *, solution_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn


class SolutionVersionSensor(PersonalizeSensor):
    """
    Wait until a version of a solution is trained.

    :param solution_version_arn: The ARN of the version. (templated)
    :raises AirflowFailException: The training failed, with the service's reason, or somebody stopped it.
    """

    resource_type = SOLUTION_VERSION

    def __init__(self, *, solution_version_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn


class AutomaticSolutionVersionSensor(PersonalizeSensor):
    """
    Wait for the next version that automatic training makes of a solution, and return its ARN.

    That is the first version that automatic training began after a given time; a version that somebody created does not
    count. The service shows the ARN only in the list of versions, which this sensor reads
    (https://docs.aws.amazon.com/personalize/latest/dg/solution-config-auto-training.html). The first training begins
    within an hour; a later one only if there are new interactions, so set ``timeout`` to more than the schedule's rate.

    :param solution_arn: The ARN of the solution. (templated)
    :param after: The time after which the training must begin, as a ``datetime`` or as text in ISO 8601, in UTC if it
        has no time zone. None means the start of the DAG run; if that is not known, the start of the task. (templated)
    :return: The ARN of the version.
    :raises AirflowFailException: Automatic training is off; or the training failed, with the service's reason, or
        somebody stopped it; or ``after`` is no time.
    :raises AirflowSensorTimeout: There is no version in time; the message has the last status.
    """

    resource_type = SOLUTION_VERSION
    goal = TRAINED
    members = ("solution_arn", "after")
    times = ("after",)

    def __init__(
        self, *, solution_arn: str, after: datetime | str | None = None, **kwargs: Unpack[SensorOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.after = after
        self._since: datetime | None = None

    @property
    def condition(self) -> WaitCondition:
        """What this sensor waits for."""
        from airflow_provider_personalize.status import WaitCondition, iso

        return WaitCondition(self.resource_type.name, self.solution_arn, self.goal, iso(self._since))

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Poll once, and return whether the wait is over, with the ARN of the version.

        :raises AirflowFailException: There will be no version, with the reason.
        """
        self._since = self._since or parse_time("after", self.after) or self._start(context)
        done = super().poke(context)
        description = self._last_status.description if self._last_status else {}
        return PokeReturnValue(bool(done), description.get(SOLUTION_VERSION.arn_member))

    def _start(self, context: Context) -> datetime:
        """Return when the run began, or the task: that is the same for each poll, rescheduled or not."""
        from airflow_provider_personalize.polling import PollTarget

        began = getattr(context.get("dag_run"), "start_date", None) or getattr(context.get("ti"), "start_date", None)
        self.hook.observe(PollTarget(SOLUTION.name, self.solution_arn))  # its response has the service's time
        return self.by_service_clock(began or datetime.now(timezone.utc))

    def after_wait(self, context: Context, ended: WaitEvent) -> str:  # noqa: ARG002 - as in the base
        """Return the ARN of the version."""
        if ended.found:
            return ended.found
        trained = self.hook.wait(ended.condition, deadline=ended.deadline)  # only the worker could poll
        return str(trained.description[SOLUTION_VERSION.arn_member])


class StaleSolutionSensor(PersonalizeSensor):
    """
    Wait until a solution's newest version is too old, and return the ARN of the solution.

    The age counts from when the version began to train, since it knows no later data. Only versions that are ACTIVE
    count, however they were trained; a solution that has none is stale at once. Put it before a
    :class:`CreateSolutionVersionOperator`, or before whatever raises an alarm.

    Deferred, it polls nothing: the triggerer lets it sleep until the version will be too old. If there is a newer one
    by then, it sleeps again. Not deferred, it polls every 15 minutes where ``poke_interval`` is None. Set
    ``timeout`` to more than ``max_age``; Airflow's default is a week.

    :param solution_arn: The ARN of the solution. (templated)
    :param max_age: Seconds, or a ``timedelta``, after which a version is too old. The default is a week, the rate of
        automatic training where no other is set.
    """

    resource_type = SOLUTION
    not_in_request = frozenset({"max_age"})
    default_interval = 15 * 60  # an age of days need not be known to the minute

    def __init__(
        self, *, solution_arn: str, max_age: float | timedelta = timedelta(days=7), **kwargs: Unpack[SensorOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        if (allowed := seconds("max_age", max_age)) is None:
            raise ValueError("max_age is None: allowed are a number of seconds, 0 or more, and a timedelta")
        self.max_age = allowed
        self._seconds_left = self.poke_interval

    def poll(self) -> WaitStatus:
        """Poll once, and return whether the newest version is too old."""
        from airflow_provider_personalize.plans.freshness import newest_version
        from airflow_provider_personalize.polling import Observation
        from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED, WaitStatus

        self._seconds_left = self.poke_interval
        if (status := super().poll()).outcome != SUCCEEDED:
            return status
        try:
            versions = list(self.hook.list_all(SOLUTION_VERSION, solutionArn=self.solution_arn))
        except Exception as error:  # noqa: BLE001 - raised there, unless it is transient
            return self.condition.evaluate_observation(Observation(error=error))
        newest = newest_version(versions, mode="UPDATE")
        if newest is None:
            return WaitStatus(SUCCEEDED, None, "no version is ACTIVE", status.description)
        now = self.by_service_clock(datetime.fromtimestamp(clock.now(), timezone.utc))
        age = max(0, int((now - newest["creationDateTime"]).total_seconds()))
        self._seconds_left = self.max_age - age
        is_stale = self._seconds_left <= 0
        reason = f"{SOLUTION_VERSION.short(newest['solutionVersionArn'])} is {timedelta(seconds=age)} old"
        return WaitStatus(SUCCEEDED if is_stale else IN_PROGRESS, newest["status"], reason, status.description)

    def defer_wait(self, deadline: float, state: Mapping[str, Any]) -> NoReturn:
        """Free the worker until the version will be too old."""
        from airflow_provider_personalize.status import WaitCondition, iso

        pause = min(self._seconds_left, deadline - clock.now(), _LONGEST_PAUSE)
        wakes_at = datetime.fromtimestamp(clock.now() + pause, timezone.utc)
        condition = WaitCondition(SOLUTION.name, self.solution_arn, LATER, iso(wakes_at))
        self.defer_until(condition, None, deadline, state, pause=True)

    def after_wait(self, context: Context, ended: WaitEvent) -> str:
        """Poll again, and return the ARN of the solution if its newest version is too old."""
        if not self.poke(context):
            if clock.now() >= ended.deadline:
                raise self.condition.timeout_error(str(self._last_status))
            self.defer_wait(ended.deadline, ended.state)
        return self.solution_arn
