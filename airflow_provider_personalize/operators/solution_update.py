"""Update a solution's training configuration."""

# A module of its own: a DAG file pays for each class that its imports define.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.operators.updating import UpdateOperator
from airflow_provider_personalize.resources import SOLUTION

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import UpdateOptions


class UpdateSolutionOperator(UpdateOperator):
    """
    Update a solution's training configuration, and wait until the update is ACTIVE.

    Calls ``UpdateSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html) and succeeds
    only if its own update is in the solution's ``latestSolutionUpdate``. An update that would change nothing is not
    sent: it would restart the training schedule, and a daily DAG would pay for a training a day
    (https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html).

    Templates may render to text: ``"True"`` or ``"false"`` for a boolean, ``"0.5"`` for a number, a Python literal or
    JSON for a structure.

    :param solution_arn: The ARN of the solution. (templated)
    :param perform_auto_training: Whether the service trains new versions automatically; each is charged. None leaves
        the setting unchanged. (templated)
    :param perform_incremental_update: Whether the model learns from new data between trainings; for the
        semantic-similarity recipe only. None leaves the setting unchanged. Needs boto3 1.41.6. (templated)
    :param solution_update_config: ``{"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}, "eventsConfig":
        {"eventParametersList": [{"eventType": …, "eventValueThreshold": …, "weight": …}]}}``, both members optional.
        The rate is from 1 to 30 days. At most 10 event types, weights from 0 to 1; a new ``eventsConfig`` replaces the
        old one, and ``{}`` clears it. A member that is left out keeps its value; this is assumed. ``eventsConfig``
        needs boto3 1.37.29. (templated)
    """

    operation = "UpdateSolution"
    resource_type = SOLUTION
    unchanged = "trains so already, and an update would start the training schedule over"

    def __init__(
        self,
        *,
        solution_arn: str,
        perform_auto_training: bool | str | None = None,
        perform_incremental_update: bool | str | None = None,
        solution_update_config: dict[str, Any] | str | None = None,
        **kwargs: Unpack[UpdateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.perform_auto_training = perform_auto_training
        self.perform_incremental_update = perform_incremental_update
        self.solution_update_config = solution_update_config
