"""Wait for how a solution trains."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_provider_personalize.links import SolutionLink
from airflow_provider_personalize.sensors.base import UpdateSensor
from airflow_provider_personalize.task import PersonalizeTask


class SolutionUpdateSensor(UpdateSensor):
    """
    Wait until a solution's latest update is ACTIVE.

    The solution's own status stays ACTIVE during an update, so this sensor looks at ``latestSolutionUpdate`` in what
    ``DescribeSolution`` answers (https://docs.aws.amazon.com/personalize/latest/dg/API_SolutionUpdateSummary.html).

    :param solution_arn: The ARN of the solution. (templated)
    :raises AirflowFailException: The update ended in CREATE FAILED, with the service's reason.
    :raises AirflowSensorTimeout: It is not over in time, with the status seen last.
    """

    resource = "solution"
    link = SolutionLink()
    operator_extra_links = (link,)
    template_fields: ClassVar[tuple[str, ...]] = ("solution_arn", *PersonalizeTask.template_fields)

    def __init__(self, *, solution_arn: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
