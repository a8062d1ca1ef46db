"""Delete a resource, and wait until it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_personalize.goals import GONE, Goal
from airflow_provider_personalize.operators.base import WaitingOperator

if TYPE_CHECKING:
    from airflow.utils.context import Context

    from airflow_provider_personalize.plans.steps import Memory, Step


class DeleteOperator(WaitingOperator):
    """
    Delete a resource. This cannot be undone.

    What is in progress with it is waited for, since the service deletes nothing in transition. It is gone once the
    service does not know it any more, or knows another of its name; one that is not there is gone already, and the log
    says so. What was made under its name since the attempt began stays. What the service refuses to delete because
    something else depends on it fails at once, with the service's words; a retry waits a minute first, since it may be
    in use by the deletion of the attempt before.

    :return: The ARN.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, if something depends on it.
    """

    goal: ClassVar[Goal] = GONE

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the resource, and return the next step of its deletion."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import delete
        from airflow_provider_personalize.plans.steps import Observed, Wanted

        wanted = self.wanted(Wanted)
        found = self.hook.find(self.resource_type, wanted.arn)
        if found:
            self.show_link(context, found)
        return delete.next_step(wanted, Observed(found), memory, clock.now())
