"""Wait until a solution's update is in effect."""

# A module of its own, as ``operators/solution_update.py`` is.

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.resources import SOLUTION
from airflow_provider_personalize.sensors.base import UpdateSensor

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import UpdateSensorOptions


class SolutionUpdateSensor(UpdateSensor):
    """
    Wait until a solution's latest update is ACTIVE.

    The solution's own status stays ACTIVE during an update, so this sensor reads ``latestSolutionUpdate`` in the
    answer of ``DescribeSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_SolutionUpdateSummary.html).

    :param solution_arn: The ARN of the solution. (templated)
    """

    resource_type = SOLUTION
    members = ("solution_arn", "created")

    def __init__(self, *, solution_arn: str, **kwargs: Unpack[UpdateSensorOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
