"""
Run a plan: the only loop of the operators, the only retry policy, and the way across deferrals.

The driver asks the operator for the next step, executes it, and asks again, until a step says that the task is done or
has failed. A transient error is retried after a growing delay. A write is never repeated blindly: after an ambiguous
write, whose answer was lost, the driver waits until its effect would be visible, and the plan decides by what it
observes then.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from airflow_provider_personalize import clock
from airflow_provider_personalize._compat import AirflowSkipException
from airflow_provider_personalize.aws_errors import (
    error_code,
    is_ambiguous,
    is_in_use,
    is_not_found,
    is_over_quota,
    is_transient,
)
from airflow_provider_personalize.exceptions import PersonalizeError, UpdateReplacedError, WaitTimeoutError
from airflow_provider_personalize.goals import LATER
from airflow_provider_personalize.operators.task_state import TaskState
from airflow_provider_personalize.plans.steps import (
    NOTHING_BEFORE,
    READ_CONSISTENCY,
    Call,
    Calls,
    Done,
    Fail,
    Memory,
    Poll,
    Skip,
    Sleep,
    Step,
    Superseded,
    after_answer,
    after_no_answer,
    after_refusal,
)
from airflow_provider_personalize.progress import SINCE, USUAL
from airflow_provider_personalize.status import SUCCEEDED, WaitCondition, WaitStatus

if TYPE_CHECKING:
    from airflow.utils.context import Context

    from airflow_provider_personalize.operators.base import WaitingOperator
    from airflow_provider_personalize.task import PersonalizeTask
    from airflow_provider_personalize.triggers.events import WaitEvent

#: Seconds for which transient errors are retried by a task that has no time limit of its own.
RETRY_LIMIT: Final = 10 * 60
_LONGEST_DELAY: Final = 60
# A shorter wait is not worth a deferral.
_WORTH_DEFERRING: Final = 30
_SUPERSEDED: Final = "a later update replaced this one"

Result = TypeVar("Result")


def retry_delay(failures: int) -> float:
    """Return how many seconds to wait after a number of transient errors in a row: longer each time, with jitter."""
    return min(2.0**failures, _LONGEST_DELAY) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def call_with_retry(task: PersonalizeTask, function: Callable[[], Result], *, limit: float = RETRY_LIMIT) -> Result:
    """
    Return what an idempotent function returns, retried after transient errors.

    :param limit: Seconds for which a task retries that has no time limit of its own.
    :raises WaitTimeoutError: There is no time left, with the last error.
    """
    deadline, failures = task.deadline_after(limit), 0
    while True:
        try:
            return function()
        except Exception as error:
            if not is_transient(error):
                raise
            clock.sleep(_delay_before_deadline(task, error, retry_delay(failures), deadline))
            failures += 1


def _delay_before_deadline(task: PersonalizeTask, error: Exception, delay: float, deadline: float) -> float:
    """Return the delay, cut at the deadline, and log it."""
    left = deadline - clock.now()
    if left <= 0:
        raise WaitTimeoutError(f"{task.operation} timed out; last error: {_described(error)}") from error
    delay = min(delay, left)
    task.log.warning("%s. Retrying in %d s, for at most %d s", _described(error).rstrip("."), delay, left)
    return delay


def _refusal_before_deferral(memory: Memory) -> PersonalizeError:
    """Return the error of a refused call in the words that are left of it: a deferral keeps no exception."""
    return PersonalizeError(memory.refusal.message if memory.refusal else "a plan failed without an error")


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


class Driver:
    """
    Run one attempt of an operator.

    :param task: The operator.
    :param context: Airflow's context of the task instance.
    :param memory: What is known from before a deferral.
    :param deadline: When to give up, in seconds since the epoch.
    """

    def __init__(self, task: WaitingOperator, context: Context, memory: Memory, deadline: float) -> None:
        self.task = task
        self.context = context
        self.memory = memory
        self.deadline = deadline
        #: The step that is being executed.
        self.step: Step | None = None
        #: Whether a step was executed, before a deferral or since.
        self.has_begun = False
        #: Whether the task was killed, so that no call begins any more.
        self.is_killed = False
        self._state = TaskState(context, task.log)
        self._refusal: Exception | None = None
        self._ambiguous_error: Exception | None = None

    @property
    def arn(self) -> str | None:
        """The ARN of what was started or found, once that is known."""
        if self.memory.call and self.memory.call.arn:
            return self.memory.call.arn
        return self.step.condition.arn if isinstance(self.step, Poll) and self.step.then else None

    @property
    def is_calling(self) -> bool:
        """Whether a call is made, or was the last thing that was tried."""
        return isinstance(self.step, Call)

    def run(self) -> Any:
        """
        Ask for steps and execute them until one ends the task; return its result.

        :raises AirflowSkipException: The plan says that there is nothing to do, as a skip.
        :raises WaitTimeoutError: The deadline passed, with what was seen last.
        :raises Exception: Whatever the plan or the service says.
        """
        return self._explaining(self._run)

    def resume(self, event: WaitEvent) -> Any:
        """Continue after a deferral, as :meth:`run` does."""
        return self._explaining(lambda: self._resume(event))

    def _explaining(self, run: Callable[[], Result]) -> Result:
        """Run, and let the task explain what goes wrong."""
        try:
            return run()
        except Exception as error:
            explained = self.task.explained(error, self.memory)
            if explained is error:
                raise
            raise explained from error

    def _run(self) -> Any:
        while True:
            try:
                step = self.task.next_step(self.context, self.memory)
                end = self._execute(step)
            except Exception as error:  # noqa: BLE001 - raised again where no retry can help
                self._wait_before_retry(error)
                continue
            if isinstance(step, Skip):
                raise AirflowSkipException(step.reason)
            if isinstance(step, Fail):
                raise step.error or self._refusal or _refusal_before_deferral(step.memory)
            if end:
                return self._finish(end)
            self.memory = replace(self.memory, failures=0)

    def _resume(self, event: WaitEvent) -> Any:
        then, self.has_begun = event.state.get("then"), True
        try:
            self.task.check_event(event)
        except UpdateReplacedError:
            # a state of version 1 says of an update, and of nothing else, whether it was sent
            if not (event.state.get("replans_if_superseded") or "sent" in event.state):
                raise
            self._supersede(event.condition)
        except Exception as error:
            if then or not is_not_found(error):
                raise
        else:
            if isinstance(then, Mapping):
                return self._finish(Done(memory=self.memory, **then))
        return self._run()

    def _finish(self, end: Done) -> Any:
        self._announce(end)
        return self.task.succeed(end.result)

    def _announce(self, step: Step) -> None:
        is_retried = isinstance(step, Call) and isinstance(self.step, Call) and step.notes == self.step.notes
        self.step, self.memory, self.has_begun = step, step.memory, True
        for note in () if is_retried else step.notes:
            self.task.log.log(note.level, "%s", note.text)
        if not isinstance(step, Call):
            self._push(step.xcom)
        for key, value in step.store.items():
            self._state.set(key, value)

    def _push(self, xcom: Mapping[str, Any]) -> None:
        if self.task.do_xcom_push:
            for key, value in xcom.items():
                self.context["ti"].xcom_push(key=key, value=value)

    def _execute(self, step: Step) -> Done | None:
        """Execute a step; return the end of the task where it has come to that."""
        if isinstance(step, Done):
            return step
        self._announce(step)
        if self.is_killed and self.arn and not self.memory.is_answered:  # killed before it was found
            self.task.on_kill()
        if isinstance(step, Call):
            self._call(step)
        elif isinstance(step, Calls):
            return self._call_all(step)
        elif isinstance(step, Poll):
            return self._poll(step)
        elif isinstance(step, Sleep):
            self._sleep(step)
        return None

    def _call(self, step: Call) -> None:
        """Call once. What may have been applied is remembered; what certainly was not is forgotten."""
        known = self._state.get(step.key) if step.key else None
        if step.key:
            self._state.set(step.key, step.record.before or NOTHING_BEFORE)
        try:
            answer = self.task.call(step.operation, step.request)
        except Exception as error:
            if is_ambiguous(error):
                self.memory = after_no_answer(step)
                self._ambiguous_error = error
                raise
            if step.key:
                self._state.set(step.key, known or "")
            code = error_code(error)
            if is_transient(error) or code not in step.refusals:
                raise
            self.memory = after_refusal(step, code, str(error), clock.now())
            self._refusal = error
            return
        arn = answer.get(self.task.resource_type.arn_member)
        self.memory = after_answer(step, arn, clock.now())
        self._push(step.xcom)
        if step.done_note:
            self.task.log.info("%s", step.done_note.replace("{arn}", str(arn)))
        if step.key and step.stores_arn and arn:
            self._state.set(step.key, arn)
        if self.is_killed:  # before the answer came
            self.task.on_kill()

    def _call_all(self, step: Calls) -> Done | None:
        for call in step.calls:
            for note in call.notes:
                self.task.log.log(note.level, "%s", note.text)
            try:
                self.task.call(call.operation, call.request)
            except Exception as error:
                if is_not_found(error):
                    self.task.log.info("Something else deleted it meanwhile: %s", error)
                elif step.optional is None or is_transient(error) or is_in_use(error):
                    self._ambiguous_error = error if is_ambiguous(error) else None
                    self.memory = replace(self.memory, stage="")
                    raise
                else:
                    self.task.log.warning("%s: %s", error, step.optional)
        return self._execute(step.then) if step.then else None

    def _poll(self, step: Poll) -> Done | None:
        """Wait until a condition holds; return the end of the task where that is its end."""
        try:
            if step.pause:
                self.task.log.info(
                    "%s: waiting until nothing is in progress (%s)", step.last_seen, step.condition.title
                )
                self._wait(step, step.last_seen, None)
            elif (status := self._poll_once(step)).outcome == SUCCEEDED:
                return step.then
            else:
                self._wait(step, str(status), self._log_progress(step.condition, status))
        except UpdateReplacedError:
            if not step.replans_if_superseded:
                raise
            self._supersede(step.condition)
            return None
        except Exception as error:
            if step.then or not is_not_found(error):
                raise
            return None  # it went meanwhile, and the plan sees that
        return step.then

    def _poll_once(self, step: Poll) -> WaitStatus:
        condition = step.condition
        status = self.task.hook.poll(condition) if step.seen is None else condition.evaluate(step.seen)
        if status.failed:
            raise condition.error(status)
        return status

    def _log_progress(self, condition: WaitCondition, status: WaitStatus) -> float | None:
        """Log how far the wait has come, before it begins; return the seconds that it usually takes."""
        hook = self.task.hook
        usual = hook.usual_duration(condition, status.description)
        left = self.deadline - clock.now()
        self.task.log.log(
            status.log_level(None), "%s", hook.progress_line(status, condition, waited=0, usual=usual, left=left)
        )
        return usual

    def _wait(self, step: Poll, last_seen: str, usual: float | None) -> None:
        """Wait in the triggerer, or on the worker, as the task was told to."""
        condition, delay = step.condition, self.task.waiter_delay
        if clock.now() >= self.deadline:
            raise condition.timeout_error(last_seen)
        if self.task.deferrable:
            self._defer(condition, delay, pause=step.pause, step=step, usual=usual)
        since, first = clock.now(), condition.next_delay(0) if delay is None else delay
        clock.sleep(max(0, min(first, self.deadline - clock.now())))
        self.task.hook.wait(condition, delay=delay, deadline=self.deadline, since=since, usual=usual)

    def _sleep(self, step: Sleep) -> None:
        left = self.deadline - clock.now()
        if left <= 0:
            raise step.error or step.condition.timeout_error(step.last_seen)
        self._sleep_or_defer(min(step.seconds, left))

    def _wait_before_retry(self, error: Exception) -> None:
        """
        Wait before the next attempt to take a step.

        :raises Exception: The error, where waiting cannot help.
        """
        step, is_ambiguous_write = self.step, error is self._ambiguous_error
        quota_delay = step.quota_delay if isinstance(step, Call) and is_over_quota(error) else None
        in_the_way = is_in_use(error) and isinstance(step, Calls)
        if not (is_transient(error) or quota_delay is not None or in_the_way):
            raise error
        if is_ambiguous_write:
            delay = float(READ_CONSISTENCY)
        else:
            delay = retry_delay(self.memory.failures) if quota_delay is None else quota_delay
        if is_ambiguous_write and self.deadline - clock.now() < READ_CONSISTENCY:
            raise WaitTimeoutError(f"{self.task.operation} timed out; last error: {_described(error)}") from error
        delay = _delay_before_deadline(self.task, error, delay, self.deadline)
        self.memory = replace(self.memory, failures=self.memory.failures + 1)
        self._sleep_or_defer(delay)

    def _sleep_or_defer(self, seconds: float) -> None:
        if self.task.deferrable and seconds >= _WORTH_DEFERRING:
            arn = getattr(self.task, self.task.resource_type.arn_parameter, None) or ""
            self._defer(WaitCondition(self.task.resource_type.name, arn, LATER), seconds, pause=True)
        clock.sleep(seconds)

    def _defer(
        self,
        condition: WaitCondition,
        delay: float | None,
        *,
        pause: bool,
        step: Poll | None = None,
        usual: float | None = None,
    ) -> NoReturn:
        state: dict[str, Any] = {"memory": self.memory.to_json(), SINCE: clock.now(), USUAL: usual}
        if step and step.then:
            state["then"] = {"result": step.then.result, "store": dict(step.then.store)}
        if step and step.replans_if_superseded:
            state["replans_if_superseded"] = True
        self.task.defer_until(condition, delay, self.deadline, state, pause=pause)

    def _supersede(self, condition: WaitCondition) -> None:
        self.memory = replace(self.memory, superseded=Superseded(_SUPERSEDED, condition.created))
