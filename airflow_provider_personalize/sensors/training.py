"""Wait for how a solution trains."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from airflow_provider_personalize.links import SolutionLink
from airflow_provider_personalize.sensors.base import PersonalizeSensor
from airflow_provider_personalize.task import PersonalizeTask
from airflow_provider_personalize.waiting import Wait


class SolutionUpdateSensor(PersonalizeSensor):
    """
    Wait until a solution's latest update is ACTIVE.

    The solution's own status stays ACTIVE during an update, so this sensor looks at ``latestSolutionUpdate`` in what
    ``DescribeSolution`` answers (https://docs.aws.amazon.com/personalize/latest/dg/API_SolutionUpdateSummary.html).
    Behind an :class:`~airflow_provider_personalize.operators.UpdateSolutionOperator` it cannot take an earlier update
    for that operator's; give it ``require_update=False`` there, since that operator sends nothing where the solution
    trains as wanted from the start.

    :param solution_arn: The ARN of the solution. (templated)
    :param require_update: Whether to wait for a first update where none was ever made; without it that passes.
    :raises AirflowFailException: The update ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource = "solution"
    goal = "updated"
    link = SolutionLink()
    operator_extra_links = (link,)
    template_fields: ClassVar[tuple[str, ...]] = ("solution_arn", *PersonalizeTask.template_fields)

    def __init__(self, *, solution_arn: str, require_update: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.require_update = require_update

    @property
    def wait(self) -> Wait:
        """What this sensor waits for."""
        return replace(super().wait, require_update=self.require_update)
