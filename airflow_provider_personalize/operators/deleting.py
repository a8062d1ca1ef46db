"""Delete a resource, and go on when it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.status import GONE, SETTLED, SUCCEEDED, Goal, is_being_deleted, iso

if TYPE_CHECKING:
    from airflow.utils.context import Context


# In what is carried: when that was made which is to be deleted.
_MEANT: Final = "meant"


class DeleteOperator(WaitingOperator):
    """
    Delete a resource. There is no way back.

    What is under way with it is waited for, since the service deletes nothing in transition. It is gone when the
    service does not know it any more, or knows another of its name; one that is not there is gone already, and the task
    says so in its log. What was made under its name since the try began stays. What the service refuses because
    something else depends on it fails at once, with the service's words; a retry looks again after a minute first,
    since it may be in use by the deletion of the try before.
    """

    goal: ClassVar[Goal] = GONE

    def go_on(self, context: Context, deadline: float) -> str:
        """Delete it as soon as the service would, and wait until it is gone."""
        request = self.request()
        settled = self.wait(self.arn, SETTLED)
        while found := self.find_meant():
            self.show_link(context, found)
            if is_being_deleted(self.resource_type, found):
                break
            now = settled.evaluate(found)
            if now.outcome != SUCCEEDED:
                self.wait_out(settled, deadline, str(now))
                continue
            try:
                self._send(request)
                break
            except self.client.exceptions.ResourceInUseException:
                if not self.held_back(context, deadline):  # what is in the way may be what an earlier try sent
                    raise
        if found and self.wait_for_completion:
            self.wait_until(self.wait(self.arn, created=iso(found.get("creationDateTime"))), deadline)
        return self.arn

    def find_meant(self) -> dict[str, Any] | None:
        """Describe what was there when this try began; None where that is gone, whatever has its name by now."""
        found, short = self.hook.find(self.resource_type, self.arn), self.resource_type.short(self.arn)
        if found:
            created = self.carried.setdefault(_MEANT, iso(found.get("creationDateTime")))
            if self.wait(self.arn, GONE, created).evaluate(found).outcome != SUCCEEDED:
                return found
            self.log.warning("The %s is gone, and another was made under its name: that stays", short)
        elif _MEANT in self.carried:
            self.log.info("The %s is gone", short)
        else:
            self.log.warning("There is no %s: nothing is deleted", short)
        return None

    def _send(self, request: dict[str, Any]) -> None:
        try:
            self.call(request)
        except self.client.exceptions.ResourceNotFoundException:
            self.log.info("Something else deleted the %s meanwhile", self.resource_type.short(self.arn))
        else:
            self.log.info("Deleting the %s", self.resource_type.short(self.arn))
