"""Sensors for solutions and their versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize._compat import AirflowSensorTimeout, PokeReturnValue
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.goals import TRAINED
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION
from airflow_provider_personalize.sensors.base import PersonalizeSensor, parse_time

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions
    from airflow_provider_personalize.status import WaitCondition


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

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> str:
        """End as the event says, by the rules of any sensor, and return the ARN."""
        from airflow_provider_personalize.triggers.events import WaitEvent

        super().execute_complete(context, event)
        ended = WaitEvent.from_json(event)
        if ended.found:
            return ended.found
        with self.skip_on_soft_fail():  # only the worker could poll
            try:
                trained = self.hook.wait(ended.condition, deadline=ended.deadline)
            except WaitTimeoutError as timeout:
                raise AirflowSensorTimeout(str(timeout)) from timeout
        return str(trained.description[SOLUTION_VERSION.arn_member])
