"""Update a resource, and go on when this very update is ACTIVE."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.comparison import REPLACED_AS_A_WHOLE, configuration, differences
from airflow_provider_personalize.exceptions import UpdateReplacedError
from airflow_provider_personalize.operators.base import PATIENCE, SHOWN_DELAY, WaitingOperator
from airflow_provider_personalize.status import (
    FAILED,
    IN_PROGRESS,
    READY,
    SETTLED,
    SUCCEEDED,
    UPDATED,
    Goal,
    is_newer,
    iso,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import WaitingOptions

# In what is carried: the call that was made, and what was there before it.
_CALL: Final = "call"
# That a later update was seen in the place of this one, and which.
_SUPERSEDED: Final = "superseded"
_REPLACED: Final = "a later update replaced this one"
# An update is another one where it sets more than this one, too.
_WHOLE_UPDATE: Final = REPLACED_AS_A_WHOLE | {"solutionUpdateConfig"}


class UpdateOperator(WaitingOperator):
    """
    Update one of the kinds whose description shows the latest update.

    It ends only when its own update is shown there, so that a sensor that comes after cannot take an earlier update's
    ACTIVE for this one's. The service names no update, so an update is this one if it is newer than what was shown
    before the call and has the same content. A newer one with other content is somebody else's: for a minute this one
    may still become visible; after that it was superseded, which is an error unless what was asked for is in effect and
    stays so. Where no newer update becomes visible within a minute and the resource was as wanted before the call, too,
    the service had nothing to do. That reads lag behind writes by a minute at most is assumed: a forced update
    (``if_unchanged="update"``) that shows later than that and then fails is not seen.

    What is already so is not sent again; what another writer has changed and no read shows yet cannot be seen then. A
    structure that the service replaces is compared as a whole: what it leaves out must not be set; a documented default
    counts as not set. An update of somebody else's in progress is waited for first. One in progress with the content of
    this one is taken for this one, and so is, in a retry, one that was made since the run began: a retry after a crash
    does not send it twice. It looks for a minute before it sends. Where Airflow has a task state store (3.3 and
    newer), a retry takes only what was made since an earlier try of this task instance called: not the update of
    another task, or of the loop iteration before.

    :param if_unchanged: What to do where the resource is so already: ``"skip"`` sends nothing and succeeds,
        ``"update"`` sends the update all the same.
    """

    goal: ClassVar[Goal] = UPDATED
    #: What the log says of a resource where nothing is sent.
    unchanged: ClassVar[str] = "is so already"
    #: Whether the service may find nothing to do where all that is named is so, whatever becomes of what is left out.
    keeps_unnamed: ClassVar[bool] = False

    def __init__(self, *, if_unchanged: Literal["skip", "update"] = "skip", **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        if if_unchanged not in ("skip", "update"):
            raise ValueError(f"if_unchanged is {if_unchanged!r}: allowed are 'skip', 'update'")
        self.if_unchanged = if_unchanged

    def go_on(self, context: Context, deadline: float) -> str:
        """Come from whatever is now to an update of ours that the service shows, and wait for it."""
        request = self.request()
        content = self._content(request)
        if _SUPERSEDED in self.carried:
            return self._evaluate_superseded(context, content, deadline)
        if self._call.get("answered"):
            return self._await_shown(context, content, deadline)
        settled = self.wait(self.arn, SETTLED)
        refusal = ""
        while True:
            now = self.hook.poll(settled)
            found = now.description
            self.show_link(context, found)
            if self._is_ours(context, found, content):
                self.log.info("This update has been sent already; nothing is sent")
                return self._finish(context, found, content, deadline, sent=self.is_sent)
            if now.outcome == SUCCEEDED and not refusal:
                self.check_usable(found)
                changed_by_us = self.is_sent and not self._call.get("so", True)
                if (self.if_unchanged == "skip" or changed_by_us) and self._is_so(found, content):
                    return self._skip(context, content)
                if self.held_back(context, deadline):
                    continue
                self._note_call(found, content)
                if refusal := self._send(context, request, found):
                    continue  # what is in the way may be this very update, of a call whose answer was lost
                self.carried[_CALL] |= {"answered": True, "since": steady_time()}
                return self._await_shown(context, content, deadline)
            self.wait_out(settled, deadline, refusal or str(now))
            refusal = ""

    def check_usable(self, found: Mapping[str, Any]) -> None:
        """Refuse to update what itself failed."""
        self._check_itself(found)

    def _check_itself(self, found: Mapping[str, Any]) -> None:
        itself = self.wait(self.arn, READY)
        if (verdict := itself.evaluate(found)).failed:
            raise itself.error(verdict)

    def meant(
        self,
        content: Mapping[str, Any],
        shown: Mapping[str, Any],  # noqa: ARG002
        at: datetime | None = None,  # noqa: ARG002
    ) -> Mapping[str, Any]:
        """
        Say what is wanted as a description would show it.

        :param content: What is wanted, as the request says it.
        :param shown: What it is compared with: how the resource is configured, or an update of it.
        :param at: When the call was made that says what is wanted; None means now.
        """
        return content

    def resolved(self, content: Mapping[str, Any], shown: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002
        """
        Say what the service makes of a content at this moment, where that depends on the moment.

        :param shown: How the resource is configured.
        """
        return content

    def readings(self, content: Mapping[str, Any], found: Mapping[str, Any]) -> list[Mapping[str, Any]]:  # noqa: ARG002
        """
        List how an update may read that was sent with a content.

        :param found: The description of the resource.
        """
        return [content]

    def differences(self, content: Mapping[str, Any], shown: Mapping[str, Any]) -> list[str]:
        """List what an update would change of a configuration."""
        return differences(self.meant(content, shown), shown, REPLACED_AS_A_WHOLE)

    @property
    def _call(self) -> dict[str, Any]:
        """
        What is known of the call that this try made; nothing where the service certainly did nothing.

        Its members: ``before``, the ``creationDateTime`` of the update that was the latest then; ``so``, whether all
        was as wanted then; ``readings``, how the update may read; ``answered``; ``since``, when it was answered.
        """
        call: dict[str, Any] = self.carried.get(_CALL, {})
        return call if call.get("answered") or self.is_sent else {}

    def _note_call(self, found: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        """Take note of what is there before the call; of what was before the first, where its answer was lost."""
        if not self._call:
            self.carried[_CALL] = {
                "before": iso((found.get(self.resource_type.update_member) or {}).get("creationDateTime")),
                "so": self._names_nothing_new(content, found),
                "readings": self.readings(self.resolved(content, configuration(self.resource_type, found)), found),
            }

    def _names_nothing_new(self, content: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
        """
        Tell whether the service may find nothing to do: all is so.

        With its latest update in force or by its own members alone, since the latter show what that update left as it
        was, too.
        """
        itself = {member: value for member, value in found.items() if member != self.resource_type.update_member}
        shown = (configuration(self.resource_type, each) for each in (found, itself))
        whole = () if self.keeps_unnamed else REPLACED_AS_A_WHOLE
        return any(not differences(self.meant(content, each), each, whole) for each in shown)

    def _has_content(self, update: Mapping[str, Any], content: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
        """
        Tell whether an update has this content, and in what it replaces no other.

        What it does not show of the content, such as a switch that is off, must be so in the configuration.
        """
        hidden = {member: value for member, value in content.items() if _hides(update, member, value)}
        if hidden and self.differences(hidden, configuration(self.resource_type, found)):
            return False
        return self._may_have_content(update, content, found)

    def _may_have_content(
        self, update: Mapping[str, Any], content: Mapping[str, Any], found: Mapping[str, Any]
    ) -> bool:
        """Tell whether an update shows nothing that speaks against this content."""
        if any(not differences(reading, update, _WHOLE_UPDATE) for reading in self._call.get("readings", ())):
            return True
        shown, at = {**configuration(self.resource_type, found), **update}, update.get("creationDateTime")
        readings = (self.meant(reading, shown, at) for reading in self.readings(content, found))
        return any(not differences(reading, update, _WHOLE_UPDATE) for reading in readings)

    def _is_ours(self, context: Context, found: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        """Tell whether the latest update is this task's: in progress, or sent by this try or an earlier one."""
        update = found.get(self.resource_type.update_member)
        if not update:
            return False
        outcome = self.wait(self.arn).evaluate(found).outcome
        is_sent = bool(self._call) and is_newer(update, self._call["before"])
        is_earlier = outcome == SUCCEEDED and not self._call and self.is_of_earlier_try(context, update, self.arn)
        return (is_sent or is_earlier or outcome == IN_PROGRESS) and self._has_content(update, content, found)

    def _is_so(self, found: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        if self.wait(self.arn, READY).evaluate(found).outcome != SUCCEEDED:
            return False
        changes = self.differences(content, configuration(self.resource_type, found))
        for change in changes:
            self.log.info("To change: %s", self.in_parameters(change))
        return not changes

    def _skip(self, context: Context, content: dict[str, Any]) -> str:
        self.log.info(
            "Nothing is sent: it %s. if_unchanged='update' sends it all the same (%s)", self.unchanged, self._title
        )
        self._show_update(context, None, content, sent=self.is_sent)
        return self.arn

    def _send(self, context: Context, request: dict[str, Any], found: Mapping[str, Any]) -> str:
        """Send the update; answer why the service will not have it now, or an empty text."""
        before = found.get(self.resource_type.update_member) or {}
        try:
            with self.noted(context, self.arn, iso(before.get("creationDateTime"))):
                self.call(request)
        except self.client.exceptions.ResourceInUseException as refusal:
            return str(refusal)
        self.log.info("Sent the %s", self._title)
        return ""

    def _await_shown(self, context: Context, content: dict[str, Any], deadline: float) -> str:
        """Poll until the update that was sent is shown, and finish with it."""
        call = self._call
        while True:
            found = self.hook.describe(self.resource_type, self.arn)
            update = found.get(self.resource_type.update_member) or {}
            newer, now = is_newer(update, call["before"]), steady_time()
            patient = now <= call["since"] + PATIENCE
            outcome = self.wait(self.arn).evaluate(found).outcome
            may_be_ours = newer and not patient and self._may_have_content(update, content, found)
            if (newer and self._has_content(update, content, found)) or (may_be_ours and outcome == FAILED):
                return self._finish(context, found, content, deadline, sent=True)
            if newer and not patient and not (may_be_ours and outcome == IN_PROGRESS):  # its end will tell
                reason = "an update with other content is shown in place of this one"
                self.carried[_SUPERSEDED] = {"reason": reason, "created": call["before"], "sent": True}
                self._show_update(context, None, content, sent=True)
                return self._evaluate_superseded(context, content, deadline)
            if call["so"] and not newer and not patient:
                self._check_itself(found)
                self.log.info("The service made no update of it: it %s (%s)", self.unchanged, self._title)
                self._show_update(context, None, content, sent=True)
                return self.arn
            last_seen = "another update is shown" if newer else "the update is not shown yet"
            if now >= deadline:
                raise self.wait(self.arn).timeout_error(f"{update.get('status') or 'no status seen'} ({last_seen})")
            self.log.info("%s: %s (%s)", update.get("status") or "No update", last_seen, self._title)
            delay = self.wait(self.arn).poll_interval if self.waiter_delay is None else self.waiter_delay
            self.let_pass(min(SHOWN_DELAY if patient else delay, deadline - now), deadline)

    def _finish(
        self, context: Context, found: Mapping[str, Any], content: dict[str, Any], deadline: float, *, sent: bool
    ) -> str:
        created = iso(found[self.resource_type.update_member].get("creationDateTime"))
        self._show_update(context, created, content, sent=sent)
        if self.wait_for_completion:
            try:
                self.wait_until(self.wait(self.arn, created=created), deadline, seen=found, resume={"sent": sent})
            except UpdateReplacedError:
                self.carried[_SUPERSEDED] = {"reason": _REPLACED, "created": created, "sent": sent}
                return self._evaluate_superseded(context, content, deadline)
        return self.arn

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """Go on after the wait in the triggerer: with the next step, or to the end."""
        try:
            return super().execute_complete(context, event)
        except UpdateReplacedError:
            created, sent = event["wait"]["created"], event["resume"].get("sent", True)
            self.carried[_SUPERSEDED] = {"reason": _REPLACED, "created": created, "sent": sent}
        return self.pursue(context, event["deadline"])

    def _evaluate_superseded(self, context: Context, content: dict[str, Any], deadline: float) -> str:
        """
        Take what came after this update for it if it has the same content, or leaves what this one set in force.

        A campaign in sync takes each new version by itself, for one.

        :raises UpdateReplacedError: What was asked for is not in effect, or will not be.
        """
        superseded = self.carried[_SUPERSEDED]
        while True:
            found = self.hook.describe(self.resource_type, self.arn)
            update = found.get(self.resource_type.update_member) or {}
            if is_newer(update, superseded["created"]):
                break
            if (left := deadline - steady_time()) <= 0:
                raise self._superseded("what is in effect is not shown")
            self.let_pass(min(SHOWN_DELAY, left), deadline)  # the read was stale
        if self._has_content(update, content, found):
            return self._finish(context, found, content, deadline, sent=superseded["sent"])
        for shown in (configuration(self.resource_type, found, ahead=ahead) for ahead in (False, True)):
            if changes := self.differences(content, shown):
                raise self._superseded(f"not as wanted: {'; '.join(changes)}")
        self._check_itself(found)
        self.log.info("As wanted, though a later update followed (%s)", self._title)
        return self.arn

    def _superseded(self, effect: str) -> UpdateReplacedError:
        reason = self.carried[_SUPERSEDED]["reason"]
        return UpdateReplacedError(f"Superseded: {reason}; {effect} ({self._title}) {self.arn}")

    @property
    def _title(self) -> str:
        return self.wait(self.arn).title

    def _content(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {member: value for member, value in request.items() if member != self.resource_type.arn_member}

    def _show_update(self, context: Context, created: str | None, content: dict[str, Any], *, sent: bool) -> None:
        if self.do_xcom_push:
            value = {"creationDateTime": created, **content, "sent": sent}
            context["ti"].xcom_push(key=f"{self.resource_type.name}_update", value=value)


def _hides(update: Mapping[str, Any], member: str, value: Any) -> bool:
    """Tell whether an update does not show a member of a content, or a part of that."""
    shown = update.get(member)
    return shown is None or (
        isinstance(value, Mapping) and isinstance(shown, Mapping) and not value.keys() <= shown.keys()
    )
