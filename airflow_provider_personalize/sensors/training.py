"""Wait for how a solution trains, and for what it trains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize._compat import AirflowSensorTimeout, PokeReturnValue
from airflow_provider_personalize.exceptions import WaitTimeoutError
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION
from airflow_provider_personalize.sensors.base import PersonalizeSensor, UpdateSensor, moment
from airflow_provider_personalize.status import TRAINED, PollTarget, WaitCondition, iso

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import SensorOptions, UpdateSensorOptions


class SolutionSensor(PersonalizeSensor):
    """
    Wait until a solution can be trained.

    It says nothing of updates, during which a solution stays ACTIVE: see :class:`SolutionUpdateSensor`.

    :param solution_arn: The ARN of the solution. (templated)
    :raises AirflowFailException: The solution ended in CREATE FAILED.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
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
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = SOLUTION_VERSION

    def __init__(self, *, solution_version_arn: str, **kwargs: Unpack[SensorOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn


class AutomaticSolutionVersionSensor(PersonalizeSensor):
    """
    Wait for the next version that automatic training makes of a solution, and return its ARN.

    It is the first version that automatic training began after a moment; a version made by hand is none. The service
    tells the ARN nowhere but in the list of versions, which this sensor reads
    (https://docs.aws.amazon.com/personalize/latest/dg/solution-config-auto-training.html). The first training begins
    within an hour; a later one is made only where new interactions came, so ``timeout`` should be longer than the
    schedule's rate.

    :param solution_arn: The ARN of the solution. (templated)
    :param after: The moment, as a ``datetime`` or a text in ISO 8601, in UTC where it has no time zone. None means the
        start of the DAG run; where that is not known, that of the task. (templated)
    :return: The ARN of the version.
    :raises AirflowFailException: Automatic training is off, so that none will come; or the training failed, with the
        service's reason, or somebody stopped it; or ``after`` is no moment.
    :raises AirflowSensorTimeout: There is none in time, with what was seen last.
    """

    resource_type = SOLUTION_VERSION
    goal = TRAINED
    members = ("solution_arn", "after")

    def __init__(
        self, *, solution_arn: str, after: datetime | str | None = None, **kwargs: Unpack[SensorOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.after = after
        self._since: datetime | None = None

    @property
    def wait(self) -> WaitCondition:
        """What this sensor waits for."""
        return WaitCondition(self.resource_type.name, self.solution_arn, self.goal, iso(self._since))

    def poke(self, context: Context) -> PokeReturnValue:
        """
        Look once.

        :raises AirflowFailException: There will be none, with the reason.
        """
        self._since = self._since or moment("after", self.after) or self._start(context)
        done = super().poke(context)
        seen = self._last_seen.description if self._last_seen else {}
        return PokeReturnValue(bool(done), seen.get(SOLUTION_VERSION.arn_member))

    def _start(self, context: Context) -> datetime:
        """Tell when the run began, or the task: that stays the same from look to look, rescheduled or not."""
        began = getattr(context.get("dag_run"), "start_date", None) or getattr(context.get("ti"), "start_date", None)
        self.hook.observe(PollTarget(SOLUTION.name, self.solution_arn))  # its answer tells the service's time
        return self.by_service_clock(began or datetime.now(timezone.utc))

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> str:
        """End as the event says, by the rules of any sensor, and return the ARN."""
        super().execute_complete(context, event)
        if found := event["found"]:
            return str(found)
        with self.leniency():  # only the worker could look
            try:
                trained = self.hook.wait(WaitCondition.of(event["wait"]), deadline=event["deadline"])
            except WaitTimeoutError as timeout:
                raise AirflowSensorTimeout(str(timeout)) from timeout
        return str(trained.description[SOLUTION_VERSION.arn_member])


class SolutionUpdateSensor(UpdateSensor):
    """
    Wait until a solution's latest update is ACTIVE.

    The solution's own status stays ACTIVE during an update, so this sensor looks at ``latestSolutionUpdate`` in what
    ``DescribeSolution`` answers (https://docs.aws.amazon.com/personalize/latest/dg/API_SolutionUpdateSummary.html).

    :param solution_arn: The ARN of the solution. (templated)
    :raises AirflowFailException: The update ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource_type = SOLUTION
    members = ("solution_arn", "created")

    def __init__(self, *, solution_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
