"""Say how a solution trains."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from airflow_provider_personalize.comparison import differences, training_configuration
from airflow_provider_personalize.links import SolutionLink
from airflow_provider_personalize.operators.base import PersonalizeOperator
from airflow_provider_personalize.resources import SOLUTION
from airflow_provider_personalize.task import PersonalizeTask
from airflow_provider_personalize.waiting import REACHED, SETTLED, UNDER_WAY, UPDATED, Visibility, Wait, iso

if TYPE_CHECKING:
    from airflow.utils.context import Context

_LINK: Final = SolutionLink()
#: Seconds for which an update that was sent is looked for before it is enough that the solution trains as wanted.
_PATIENCE: Final = 60
_VISIBILITY_DELAY: Final = 2


class UpdateSolutionOperator(PersonalizeOperator):
    """
    Change how a solution trains, and go on when the change is ACTIVE.

    Calls ``UpdateSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html) and ends only
    when its own update is shown in the solution's ``latestSolutionUpdate``, so that a sensor that comes after cannot
    take an earlier update's ACTIVE for this one's.

    What is already so is not sent again: an update starts the training schedule over, so a daily DAG would buy a
    training a day (https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html). An update of somebody
    else's that is under way is waited for first. One under way with the content of this one is taken for this one, and
    so is, in a retry, one that was made since the run began: a retry after a crash does not send it twice.

    Templates may yield texts: ``"True"`` or ``"false"`` for a boolean, ``"0.5"`` for a number, a literal or JSON for a
    structure.

    :param solution_arn: The ARN of the solution. (templated)
    :param perform_auto_training: Whether the service trains new versions by itself; each is charged. None leaves it as
        it is. (templated)
    :param perform_incremental_update: Whether the model learns from new data between trainings; for the
        semantic-similarity recipe only. None leaves it as it is. Takes boto3 1.41.6. (templated)
    :param solution_update_config: ``{"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}, "eventsConfig":
        {"eventParametersList": [{"eventType": …, "eventValueThreshold": …, "weight": …}]}}``, both members optional.
        The rate is from 1 to 30 days. At most 10 event types, weights from 0 to 1; a new list replaces the old one.
        ``eventsConfig`` takes boto3 1.37.29. (templated)
    :param if_unchanged: What to do where the solution already trains so: ``"skip"`` sends nothing and succeeds,
        ``"update"`` sends the update all the same, which starts the schedule over.
    :return: The solution's ARN. Also in XCom, as ``solution_update``: the update's ``creationDateTime`` (None where
        nothing had to change), its content, and whether this task ``sent`` it.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: The update, or the solution itself, ended in CREATE FAILED; with the service's reason.
    :raises UpdateReplacedError: Somebody made another update before the outcome of this one was seen.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "UpdateSolution"
    members = ("solution_arn", "perform_auto_training", "perform_incremental_update", "solution_update_config")
    template_fields: ClassVar[tuple[str, ...]] = (*members, *PersonalizeTask.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = {"solution_update_config": "json"}
    operator_extra_links = (_LINK,)

    def __init__(
        self,
        *,
        solution_arn: str,
        perform_auto_training: bool | str | None = None,
        perform_incremental_update: bool | str | None = None,
        solution_update_config: dict[str, Any] | str | None = None,
        if_unchanged: Literal["skip", "update"] = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if if_unchanged not in {"skip", "update"}:
            raise ValueError(f"if_unchanged is {if_unchanged!r}: allowed are 'skip', 'update'")
        self.solution_arn = solution_arn
        self.perform_auto_training = perform_auto_training
        self.perform_incremental_update = perform_incremental_update
        self.solution_update_config = solution_update_config
        self.if_unchanged = if_unchanged

    def execute(self, context: Context) -> str:
        """Send the update where it is needed, and wait for it."""
        return self._update(context, self.deadline(self._own_update()))

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> str:
        """Go on after the wait in the triggerer: with the next step, or to the end."""
        if self.resumed(event).get("then") == "update":
            return self._update(context, event["deadline"])
        return self.solution_arn

    def _update(self, context: Context, deadline: float) -> str:
        """Come from whatever is now to an update of ours that the service shows."""
        request = self.request()
        content = {member: value for member, value in request.items() if member != SOLUTION.arn_member}
        settled = Wait(SOLUTION.name, self.solution_arn, SETTLED)
        refusal = ""
        while True:
            now = self.hook.look(settled)
            solution = now.description
            _LINK.show(context, self, self.solution_arn, solution)
            if self._is_ours(context, solution, content):
                self.log.info("This update has been sent already; nothing is sent")
                return self._finish(context, solution, content, deadline, sent=False)
            if now.outcome == REACHED and not refusal:
                self._check_usable(solution)
                if self.if_unchanged == "skip" and self._is_so(solution, content):
                    return self._skip(context, content)
                if refusal := self._send(request):
                    continue  # what is in the way may be this very update: boto3 repeats a call whose answer was lost
                return self._await_update(context, solution, content, deadline)
            obstacle = refusal or str(now)
            self.log.info("Something else is under way with %s: %s", self.solution_arn, obstacle)
            self.wait_on(settled, deadline, {"then": "update"}, obstacle)
            refusal = ""

    def _own_update(self, created: str | None = None) -> Wait:
        return Wait(SOLUTION.name, self.solution_arn, UPDATED, created)

    def _is_ours(self, context: Context, solution: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        """Tell whether the latest update is this task's: under way, or sent by an earlier try in this run."""
        update = solution.get(SOLUTION.update_member)
        if not update or differences(content, update):
            return False
        outcome = self._own_update().judge(solution).outcome
        by_earlier_try = context["ti"].try_number > 1 and self.is_of_this_run(context, update)
        return outcome == UNDER_WAY or (outcome == REACHED and by_earlier_try)

    def _check_usable(self, solution: Mapping[str, Any]) -> None:
        itself = Wait(SOLUTION.name, self.solution_arn)
        if (verdict := itself.judge(solution)).failed:
            raise itself.error(verdict)

    def _is_so(self, solution: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
        changes = differences(content, training_configuration(solution))
        for change in changes:
            self.log.info("To change: %s", change)
        return not changes

    def _skip(self, context: Context, content: dict[str, Any]) -> str:
        self.log.info(
            "%s trains so already: nothing is sent, since an update would start the training schedule over "
            "(if_unchanged='update' sends it all the same)",
            self.solution_arn,
        )
        self._show_update(context, None, content, sent=False)
        return self.solution_arn

    def _send(self, request: dict[str, Any]) -> str:
        """Send the update; answer why the service will not have it now, or an empty text."""
        client = self.hook.conn
        try:
            client.update_solution(**request)
        except client.exceptions.ResourceInUseException as refusal:
            return str(refusal)
        self.log.info("Sent the update of %s", self.solution_arn)
        return ""

    def _await_update(
        self, context: Context, before: Mapping[str, Any], content: dict[str, Any], deadline: float
    ) -> str:
        """Look until the update that was just sent is shown, and finish with it."""
        shown = Visibility(
            SOLUTION.name,
            self.solution_arn,
            UPDATED,
            before=before.get(SOLUTION.update_member) or {},
            wanted=content,
            patience=time.time() + _PATIENCE,
        )
        solution = self.hook.wait(shown, delay=_VISIBILITY_DELAY, deadline=deadline).description
        if shown.shows_newer(solution):
            return self._finish(context, solution, content, deadline, sent=True)
        self.log.info("The service made no update of it: the solution trains so already")
        self._show_update(context, None, content, sent=True)
        return self.solution_arn

    def _finish(
        self,
        context: Context,
        solution: Mapping[str, Any],
        content: dict[str, Any],
        deadline: float,
        *,
        sent: bool,
    ) -> str:
        created = iso(solution[SOLUTION.update_member].get("creationDateTime"))
        self._show_update(context, created, content, sent=sent)
        if self.wait_for_completion:
            self.wait_until(self._own_update(created), deadline)
        return self.solution_arn

    def _show_update(self, context: Context, created: str | None, content: dict[str, Any], *, sent: bool) -> None:
        if self.do_xcom_push:
            context["ti"].xcom_push(key="solution_update", value={"creationDateTime": created, **content, "sent": sent})
