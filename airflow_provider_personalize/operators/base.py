"""What all operators share: a checked request, and a wait in the way the task was told to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask
from airflow_provider_personalize.validation import coerce, faults
from airflow_provider_personalize.waiting import READY, UNDER_WAY, Goal, Wait

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from botocore.model import StructureShape

#: Seconds for which what was just written is looked for before it is enough that nothing speaks against it.
PATIENCE: Final = 60
SHOWN_DELAY: Final = 2


class PersonalizeOperator(PersonalizeTask):
    """A task that calls one operation of the API."""

    #: The operation's name in the API.
    operation: ClassVar[str]
    #: The API that has the operation, by its name in boto3.
    service: ClassVar[str] = "personalize"

    @cached_property
    def client(self) -> Any:
        """The boto3 client of the operation's API."""
        hook = self.hook if self.service == "personalize" else self.connection.hook(self.service)
        return hook.conn

    @property
    def input_shape(self) -> StructureShape:
        """The operation's input in botocore's model."""
        shape: StructureShape = self.client.meta.service_model.operation_model(self.operation).input_shape
        return shape

    def request(self, **derived: Any) -> dict[str, Any]:
        """
        Build the request out of the parameters that were given.

        :param derived: Parameters that take the place of the operator's own.
        :raises InvalidRequestError: With everything that is wrong with it.
        """
        request = self.given(**derived)
        if found := faults(self.operation, self.input_shape, request):
            raise InvalidRequestError(self.operation, found)
        return request

    def given(self, **derived: Any) -> dict[str, Any]:
        """Build the request as :meth:`request` does, unchecked."""
        from botocore import xform_name

        shape = self.input_shape
        names = {xform_name(member): member for member in shape.members}
        request = {}
        for parameter in self.members:
            member = names.get(parameter, _camel_case(parameter))
            value = coerce(shape.members.get(member), derived.get(parameter, getattr(self, parameter)))
            if value is not None:
                request[member] = value
        return request

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call the operation."""
        from botocore import xform_name

        answer: dict[str, Any] = getattr(self.client, xform_name(self.operation))(**request)
        return answer


class WaitingOperator(PersonalizeOperator):
    """
    A task that calls one operation of the API and waits for its outcome.

    :param wait_for_completion: Whether to wait for the outcome. Without it the task ends once the service shows what
        was started.
    :param deferrable: Whether to wait in the triggerer, without holding a worker. Airflow's setting
        ``[operators] default_deferrable`` is the default.
    :param waiter_delay: Seconds, or a ``timedelta``, between two looks while waiting; None means what suits the kind of
        resource.
    :param timeout: Seconds, or a ``timedelta``, after which the task gives up; None means a few times the longest that
        was seen of the kind of resource. ``execution_timeout`` counts where it is shorter, deferred or not.
    """

    #: What it brings the resource to.
    goal: ClassVar[Goal] = READY

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = DEFAULT_DEFERRABLE,
        waiter_delay: float | timedelta | None = None,
        timeout: float | timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.waiter_delay = _seconds("waiter_delay", waiter_delay)
        self.timeout = _seconds("timeout", timeout)
        #: What :meth:`go_on` has to remember across deferrals, as JSON primitives.
        self.carried: dict[str, Any] = {}

    @property
    def arn(self) -> str:
        """The ARN of what it acts on, where that is given."""
        arn: str = getattr(self, self.resource.arn_parameter)
        return arn

    def wait(self, arn: str, goal: Goal | None = None, created: str | None = None) -> Wait:
        """Make the wait for a resource of the operator's kind."""
        return Wait(self.resource.name, arn, goal or self.goal, created)

    def execute(self, context: Context) -> Any:
        """Do it, and wait for it."""
        limit = self.wait("").limit if self.timeout is None else self.timeout
        return self.go_on(context, self.deadline_after(limit))

    def wait_until(self, wait: Wait, deadline: float, *, seen: Mapping[str, Any] | None = None) -> None:
        """
        Wait on the worker or in the triggerer, as the task was told to.

        On the worker it returns when the wait is over. In the triggerer it does not return, unless the first look shows
        that there is nothing to wait for.

        :param seen: The description, where the first look was made just now.
        :raises ResourceFailedError: It failed, with the service's reason.
        :raises WaitTimeoutError: The deadline passed, with the status seen last.
        """
        verdict = self.hook.look(wait) if seen is None else wait.judge(seen)
        if verdict.failed:
            raise wait.error(verdict)
        if verdict.outcome == UNDER_WAY:
            self._wait_further(wait, deadline, str(verdict), resume={}, pause=False)

    def wait_out(self, wait: Wait, deadline: float, last_seen: str) -> None:
        """
        Wait for what stands in the way, having looked just now: one interval passes before the next look.

        :meth:`go_on` begins anew afterwards: on the worker its caller sees to that.

        :raises WaitTimeoutError: There is no time left, with ``last_seen``.
        """
        self.log.info("Something else is under way with %s: %s", wait.arn, last_seen)
        self._wait_further(wait, deadline, last_seen, resume={"then": "go on", "carried": self.carried}, pause=True)

    def _wait_further(
        self, wait: Wait, deadline: float, last_seen: str, *, resume: dict[str, Any], pause: bool
    ) -> None:
        if time.time() >= deadline:
            raise wait.timeout_error(last_seen)
        if self.deferrable:
            self.defer_until(wait, self.waiter_delay, deadline, resume, pause=pause)
        delay = wait.pause(0) if self.waiter_delay is None else self.waiter_delay
        time.sleep(max(0, min(delay, deadline - time.time())))
        self.hook.wait(wait, delay=self.waiter_delay, deadline=deadline)

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """Go on after the wait in the triggerer: with the next step, or to the end."""
        resume = self.resumed(event)
        if resume.get("then") == "go on":
            self.carried = resume["carried"]
            return self.go_on(context, event["deadline"])
        return event["wait"]["arn"]

    def go_on(self, context: Context, deadline: float) -> Any:
        """Do what is to be done next, from whatever is now; return what the task returns."""
        raise NotImplementedError

    def is_of_earlier_try(self, context: Context, thing: Mapping[str, Any]) -> bool:
        """Tell whether an earlier try of this task instance may have made something."""
        return context["ti"].try_number > 1 and self.is_of_this_run(context, thing)


def identity_of(context: Context) -> str:
    """Tell a task instance from all others: the same in each of its tries, another in each run and mapped instance."""
    ti = context["ti"]
    return "/".join(map(str, (ti.dag_id, ti.task_id, ti.run_id, ti.map_index)))


def _seconds(parameter: str, value: float | timedelta | None) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds is None or (isinstance(seconds, (int, float)) and seconds >= 0):
        return seconds
    raise ValueError(f"{parameter} is {value!r}: allowed are a number of seconds, 0 or more, and a timedelta")


def _camel_case(parameter: str) -> str:
    first, *others = parameter.split("_")
    return first + "".join(word.title() for word in others)
