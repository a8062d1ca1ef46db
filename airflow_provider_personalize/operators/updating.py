"""Update a resource, and go on when this very update is ACTIVE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.comparison import configuration, differences
from airflow_provider_personalize.exceptions import UpdateReplacedError
from airflow_provider_personalize.operators.base import PATIENCE, SHOWN_DELAY, WaitingOperator
from airflow_provider_personalize.waiting import (
    REACHED,
    READY,
    SETTLED,
    UNDER_WAY,
    UPDATED,
    Goal,
    Visibility,
    iso,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context

# In what is carried: that a later update was seen in the place of this one, and which.
_REPLACED: Final = "replaced"


class UpdateOperator(WaitingOperator):
    """
    Update one of the kinds whose description shows the latest update.

    It ends only when its own update is shown there, so that a sensor that comes after cannot take an earlier update's
    ACTIVE for this one's. What is already so is not sent again. An update of somebody else's that is under way is
    waited for first. One under way with the content of this one is taken for this one, and so is, in a retry, one that
    was made since the run began: a retry after a crash does not send it twice. It looks for a minute before it sends.
    Where Airflow has a task state store (3.3 and newer), a retry takes only what was made since an earlier try of this
    task instance called: not the update of another task, or of the loop iteration before.

    :param if_unchanged: What to do where the resource is so already: ``"skip"`` sends nothing and succeeds,
        ``"update"`` sends the update all the same.
    """

    goal: ClassVar[Goal] = UPDATED
    #: What the log says of a resource where nothing is sent.
    unchanged: ClassVar[str] = "is so already"

    def __init__(self, *, if_unchanged: Literal["skip", "update"] = "skip", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if if_unchanged not in ("skip", "update"):
            raise ValueError(f"if_unchanged is {if_unchanged!r}: allowed are 'skip', 'update'")
        self.if_unchanged = if_unchanged

    def go_on(self, context: Context, deadline: float) -> str:
        """Come from whatever is now to an update of ours that the service shows, and wait for it."""
        if _REPLACED in self.carried:
            return self._excuse()
        request = self.request()
        content = self._content(request)
        settled = self.wait(self.arn, SETTLED)
        refusal = ""
        while True:
            now = self.hook.look(settled)
            found = now.description
            self.show_link(context, found)
            if self._is_ours(context, found, content):
                self.log.info("This update has been sent already; nothing is sent")
                return self._finish(context, found, content, deadline, sent=self.is_sent)
            if now.outcome == REACHED and not refusal:
                self.check_usable(found)
                if self.if_unchanged == "skip" and self._is_so(found, content):
                    return self._skip(context, content)
                if self.held_back(context, deadline):
                    continue
                wanted = self.meant(content, configuration(self.resource, found))  # asks, and so not after the call
                if refusal := self._send(context, request, found):
                    continue  # what is in the way may be this very update, of a call whose answer was lost
                return self._await_shown(context, found, content, wanted, deadline)
            self.wait_out(settled, deadline, refusal or str(now))
            refusal = ""

    def check_usable(self, found: Mapping[str, Any]) -> None:
        """Refuse to update what itself failed."""
        self._check_itself(found)

    def _check_itself(self, found: Mapping[str, Any]) -> None:
        itself = self.wait(self.arn, READY)
        if (verdict := itself.judge(found)).failed:
            raise itself.error(verdict)

    def meant(self, content: Mapping[str, Any], shown: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        """
        Say what is wanted as a description would show it.

        :param content: What is wanted, as the request says it.
        :param shown: What it is compared with: how the resource is configured, or an update of it.
        """
        return content

    def differences(self, content: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        """List what an update would change."""
        shown = configuration(self.resource, found)
        return differences(self.meant(content, shown), shown)

    def _is_ours(self, context: Context, found: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        """Tell whether the latest update is this task's: under way, or sent by an earlier try in this run."""
        update = found.get(self.resource.update_member)
        if not update:
            return False
        outcome = self.wait(self.arn).judge(found).outcome
        may_be = outcome == UNDER_WAY or (outcome == REACHED and self.is_of_earlier_try(context, update, self.arn))
        return may_be and not differences(self.meant(content, update), update)

    def _is_so(self, found: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        if self.wait(self.arn, READY).judge(found).outcome != REACHED:
            return False
        changes = self.differences(content, found)
        for change in changes:
            self.log.info("To change: %s", self.in_parameters(change))
        return not changes

    def _skip(self, context: Context, content: dict[str, Any]) -> str:
        self.log.info(
            "Nothing is sent: it %s. if_unchanged='update' sends it all the same (%s)", self.unchanged, self._title
        )
        self._show_update(context, None, content, sent=False)
        return self.arn

    def _send(self, context: Context, request: dict[str, Any], found: Mapping[str, Any]) -> str:
        """Send the update; answer why the service will not have it now, or an empty text."""
        before = found.get(self.resource.update_member) or {}
        try:
            with self.noted(context, self.arn, iso(before.get("creationDateTime"))):
                self.call(request)
        except self.client.exceptions.ResourceInUseException as refusal:
            return str(refusal)
        self.log.info("Sent the %s", self._title)
        return ""

    def _await_shown(
        self,
        context: Context,
        before: Mapping[str, Any],
        content: dict[str, Any],
        wanted: Mapping[str, Any],
        deadline: float,
    ) -> str:
        """Look until the update that was just sent is shown, and finish with it."""
        shown = Visibility(
            self.resource.name,
            self.arn,
            UPDATED,
            before=before.get(self.resource.update_member) or {},
            wanted=wanted,
            patience=steady_time() + PATIENCE,
        )
        found = self.hook.wait(shown, delay=SHOWN_DELAY, deadline=deadline).description
        if shown.shows_newer(found):
            return self._finish(context, found, content, deadline, sent=True)
        self._check_itself(found)
        self.log.info("The service made no update of it: it %s (%s)", self.unchanged, self._title)
        self._show_update(context, None, content, sent=True)
        return self.arn

    def _finish(
        self, context: Context, found: Mapping[str, Any], content: dict[str, Any], deadline: float, *, sent: bool
    ) -> str:
        created = iso(found[self.resource.update_member].get("creationDateTime"))
        self._show_update(context, created, content, sent=sent)
        if self.wait_for_completion:
            try:
                self.wait_until(self.wait(self.arn, created=created), deadline, seen=found)
            except UpdateReplacedError as replaced:
                self.carried[_REPLACED] = str(replaced)
                return self._excuse()
        return self.arn

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """Go on after the wait in the triggerer: with the next step, or to the end."""
        try:
            return super().execute_complete(context, event)
        except UpdateReplacedError as replaced:
            self.carried[_REPLACED] = str(replaced)
        return self.pursue(context, event["deadline"])

    def _excuse(self) -> str:
        """Let a later update pass where this one is in force: a campaign in sync takes each new version by itself."""
        found = self.hook.describe(self.resource, self.arn)
        if self.differences(self._content(self.request()), found):
            raise UpdateReplacedError(self.carried[_REPLACED])
        self.log.info("As wanted, though a later update followed (%s)", self._title)
        return self.arn

    @property
    def _title(self) -> str:
        return self.wait(self.arn).title

    def _content(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {member: value for member, value in request.items() if member != self.resource.arn_member}

    def _show_update(self, context: Context, created: str | None, content: dict[str, Any], *, sent: bool) -> None:
        if self.do_xcom_push:
            value = {"creationDateTime": created, **content, "sent": sent}
            context["ti"].xcom_push(key=f"{self.resource.name}_update", value=value)
