"""What all operators share: a checked request, and a wait in the way the task was told to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask
from airflow_provider_personalize.validation import coerce, faults
from airflow_provider_personalize.waiting import UNDER_WAY, Wait

if TYPE_CHECKING:
    from airflow.utils.context import Context


class PersonalizeOperator(PersonalizeTask):
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

    #: The operation's name in the API.
    operation: ClassVar[str]
    #: The members of its request, as parameters of the operator.
    members: ClassVar[tuple[str, ...]]

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

    def request(self, **derived: Any) -> dict[str, Any]:
        """
        Build the request out of the parameters that were given.

        :param derived: Parameters that take the place of the operator's own.
        :raises InvalidRequestError: With everything that is wrong with it.
        """
        from botocore import xform_name

        shape = self.hook.conn.meta.service_model.operation_model(self.operation).input_shape
        names = {xform_name(member): member for member in shape.members}
        request = {}
        for parameter in self.members:
            member = names.get(parameter, _camel_case(parameter))
            value = coerce(shape.members.get(member), derived.get(parameter, getattr(self, parameter)))
            if value is not None:
                request[member] = value
        if found := faults(self.operation, shape, request):
            raise InvalidRequestError(self.operation, found)
        return request

    def deadline(self, wait: Wait) -> float:
        """Tell when to give up, in seconds since the epoch."""
        return self.deadline_after(wait.limit if self.timeout is None else self.timeout)

    def wait_until(self, wait: Wait, deadline: float, resume: dict[str, Any] | None = None) -> None:
        """
        Wait on the worker or in the triggerer, as the task was told to.

        On the worker it returns when the wait is over. In the triggerer it does not return, unless the first look shows
        that there is nothing to wait for; ``execute_complete`` goes on with ``resume``.
        """
        if not self.deferrable:
            self.hook.wait(wait, delay=self.waiter_delay, deadline=deadline)
            return
        verdict = self.hook.look(wait)
        if verdict.failed:
            raise wait.error(verdict)
        if verdict.outcome == UNDER_WAY:
            self.defer_until(wait, self.waiter_delay, deadline, resume or {})

    def wait_on(self, wait: Wait, deadline: float, resume: dict[str, Any], last_seen: str) -> None:
        """
        Wait like :meth:`wait_until`, having looked just now: one interval passes before the next look.

        :raises WaitTimeoutError: There is no time left, with ``last_seen``.
        """
        if time.time() >= deadline:
            raise wait.timeout_error(last_seen)
        if self.deferrable:
            self.defer_until(wait, self.waiter_delay, deadline, resume, pause=True)
        time.sleep(max(0, min(self.waiter_delay or wait.poll_interval, deadline - time.time())))
        self.hook.wait(wait, delay=self.waiter_delay, deadline=deadline)

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> str:  # noqa: ARG002 - Airflow's
        """Go on after the wait in the triggerer."""
        self.resumed(event)
        arn: str = event["wait"]["arn"]
        return arn


def _seconds(parameter: str, value: float | timedelta | None) -> float | None:
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds is None or (isinstance(seconds, (int, float)) and seconds >= 0):
        return seconds
    raise ValueError(f"{parameter} is {value!r}: allowed are a number of seconds, 0 or more, and a timedelta")


def _camel_case(parameter: str) -> str:
    first, *others = parameter.split("_")
    return first + "".join(word.title() for word in others)
