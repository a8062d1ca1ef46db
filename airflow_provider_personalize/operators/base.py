"""What all operators share: a checked request, and a wait in the way the task was told to."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from airflow_provider_personalize.arns import wrong_region_arns
from airflow_provider_personalize.aws_errors import is_ambiguous, is_transient
from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.coercion import coerce
from airflow_provider_personalize.exceptions import IncompleteAnswerError, InvalidRequestError, WaitTimeoutError
from airflow_provider_personalize.request_rules import use_parameter_names, validation_errors
from airflow_provider_personalize.status import IN_PROGRESS, LATER, READY, Goal, WaitCondition, iso
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask, required_parameters, seconds, switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from botocore.model import StructureShape
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import TaskOptions

#: Seconds for which what was just written is looked for before it is enough that nothing speaks against it.
PATIENCE: Final = 60
SHOWN_DELAY: Final = 2
# Seconds for which bad weather is waited out by a task that has no time limit of its own.
_PATIENCE_WITH_WEATHER: Final = 10 * 60
_LONGEST_PAUSE: Final = 60
_WORTH_DEFERRING: Final = 30
# In what is carried: that the operation was called and gave no answer; how often the weather was bad.
_SENT: Final = "sent"
_TRIES: Final = "tries"
# That this try has waited for what an earlier one may have sent.
_HELD_BACK: Final = "held back"
# What is kept of a call before it is made: when that was created which the service showed last, or that it showed none.
_BEFORE: Final = "before"
_NONE_BEFORE: Final = "none before"

Result = TypeVar("Result")


class PersonalizeOperator(PersonalizeTask):
    """A task that calls one operation of the API."""

    #: The operation's name in the API.
    operation: ClassVar[str]
    #: The API that has the operation, by its name in boto3.
    service: ClassVar[str] = "personalize"
    #: How often the weather was bad.
    tries = 0
    #: What became of a call that may be done all the same: not sent again before that would show.
    unanswered: Exception | None = None

    @cached_property
    def service_hook(self) -> PersonalizeHook:
        """The hook for the operation's API."""
        return self.hook if self.service == "personalize" else self.hook_for(self.service)

    @property
    def client(self) -> Any:
        """The boto3 client of the operation's API."""
        return self.service_hook.conn

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
        if found := self.faults(request) + wrong_region_arns(request, self.client.meta.region_name):
            raise self.refusal(found)
        return request

    def faults(self, request: Mapping[str, Any]) -> list[str]:
        """List what is wrong with a request; a parameter without a default may not come to None."""
        required = {member for member, parameter in self.parameters.items() if parameter in required_parameters(self)}
        return validation_errors(self.operation, self.input_shape, request, required=sorted(required))

    def refusal(self, found: Iterable[str]) -> InvalidRequestError:
        """Make the error with what is wrong, in the names that the parameters have."""
        return InvalidRequestError(self.operation, [self.in_parameters(fault) for fault in found])

    def in_parameters(self, text: str) -> str:
        """Write a message about the request with the names of the parameters."""
        return use_parameter_names(text, self.parameters)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The parameters that make the request, by the API's members."""
        from botocore import xform_name

        names = {xform_name(member): member for member in self.input_shape.members}
        return {names.get(parameter, _camel_case(parameter)): parameter for parameter in self.members}

    def given(self, **derived: Any) -> dict[str, Any]:
        """Build the request as :meth:`request` does, unchecked."""
        shape = self.input_shape
        request = {}
        for member, parameter in self.parameters.items():
            value = coerce(shape.members.get(member), derived.get(parameter, getattr(self, parameter)))
            if value is not None:
                request[member] = value
        return request

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call the operation, once."""
        from botocore import xform_name

        answer: dict[str, Any] = self.service_hook.ask(xform_name(self.operation), **request)
        model = self.client.meta.service_model.operation_model(self.operation)
        promised = getattr(model.output_shape, "members", {}).keys()
        if promised and not promised & answer.keys():
            raise IncompleteAnswerError(f"{self.operation} was answered without {', '.join(promised)}")
        return answer

    def patiently(self, step: Callable[[], Result]) -> Result:
        """Take a step that may be repeated, through bad weather, where the task has no time limit of its own."""
        return self.through_weather(step, self.deadline_after(_PATIENCE_WITH_WEATHER))

    def through_weather(self, step: Callable[[], Result], deadline: float) -> Result:
        """
        Take a step, and in bad weather take it again after a pause, until it is done or the deadline has passed.

        :param step: Sees for itself what is done already.
        :raises WaitTimeoutError: There is no time left, with the error seen last.
        """
        while True:
            try:
                done = step()
            except Exception as error:
                if not self.may_pass(error):
                    raise
                left = deadline - steady_time()
                if left <= 0 or (error is self.unanswered and left < PATIENCE):
                    raise WaitTimeoutError(f"{self.operation} had no time left; last seen: {_said(error)}") from error
                pause = min(self.pause_after(error), left)
                self.tries += 1
                self.log.warning("%s. Trying again in %d s, for %d s at the most", _said(error), pause, left)
                self.let_pass(pause, deadline)
            else:
                self.tries = 0
                return done

    def may_pass(self, error: Exception) -> bool:
        """Tell whether what went wrong may be over by itself."""
        return is_transient(error)

    def pause_after(self, error: Exception) -> float:  # noqa: ARG002 - for those that must know
        """Tell how many seconds to pause before the next try: longer each time, and not all tasks the same."""
        return min(2.0**self.tries, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret

    def let_pass(self, pause: float, deadline: float) -> None:  # noqa: ARG002 - for those that defer
        """Let time pass."""
        time.sleep(pause)


class WaitingOperator(PersonalizeOperator):
    """
    A task that calls one operation of the API and waits for its outcome.

    :param wait_for_completion: Whether to wait for the outcome. Without it the task ends once the service shows what
        was started.
    :param deferrable: Whether to wait in the triggerer, without holding a worker. Airflow's setting
        ``[operators] default_deferrable`` is the default.
    :param waiter_delay: Seconds, or a ``timedelta``, between two looks while waiting; None means what suits the kind of
        resource.
    :param timeout: Seconds, or a ``timedelta``, more than 0, after which the task gives up; None means a few times the
        longest that was seen of the kind of resource. ``execution_timeout`` counts where it is shorter, deferred or
        not.
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
        **kwargs: Unpack[TaskOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = switch("wait_for_completion", wait_for_completion)
        self.deferrable = switch("deferrable", deferrable)
        self.waiter_delay = seconds("waiter_delay", waiter_delay)
        self.timeout = seconds("timeout", timeout)
        #: What :meth:`go_on` has to remember across deferrals, as JSON primitives.
        self.carried: dict[str, Any] = {}

    @property
    def arn(self) -> str:
        """The ARN of what it acts on, where that is given."""
        arn: str = getattr(self, self.resource_type.arn_parameter)
        return arn

    def wait(self, arn: str, goal: Goal | None = None, created: str | None = None) -> WaitCondition:
        """Make the wait for a resource of the operator's kind."""
        return WaitCondition(self.resource_type.name, arn, goal or self.goal, created)

    def execute(self, context: Context) -> Any:
        """Do it, and wait for it."""
        context = self.begin(context)
        if arn := getattr(self, self.resource_type.arn_parameter, None):
            self.log_arn(self.wait(arn))
        self.carried = {}  # copies that Airflow makes of a task, one for each run in `dag.test`, share its members
        return self.pursue(context, self.deadline_after(self.default_limit if self.timeout is None else self.timeout))

    @property
    def default_limit(self) -> float:
        """For how many seconds it waits where no ``timeout`` is given."""
        return self.wait("").time_limit

    def pursue(self, context: Context, deadline: float) -> Any:
        """Go on through bad weather until it is done: each time from whatever is then."""
        return self.through_weather(lambda: self.go_on(context, deadline), deadline)

    def call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call the operation, once; where the answer is lost, take note that it may be done."""
        try:
            return super().call(request)
        except Exception as error:
            self.note_unanswered(error)
            raise

    def note_unanswered(self, error: Exception) -> None:
        """Take note of a call that may be done all the same."""
        if is_ambiguous(error):
            self.carried[_SENT] = True
            self.unanswered = error

    def pause_after(self, error: Exception) -> float:
        """Tell how many seconds to pause: until what may have been done would be seen, where that is so."""
        return PATIENCE if error is self.unanswered else super().pause_after(error)

    def let_pass(self, pause: float, deadline: float) -> None:
        """Let time pass, in the triggerer where that spares a worker something."""
        if self.deferrable and pause >= _WORTH_DEFERRING:
            resume = {"then": "go on", "carried": {**self.carried, _TRIES: self.tries}}
            arn = getattr(self, self.resource_type.arn_parameter, "")
            self.defer_until(self.wait(arn, LATER), pause, deadline, resume, pause=True)
        super().let_pass(pause, deadline)

    def wait_until(
        self,
        wait: WaitCondition,
        deadline: float,
        *,
        seen: Mapping[str, Any] | None = None,
        resume: dict[str, Any] | None = None,
    ) -> None:
        """
        Wait on the worker or in the triggerer, as the task was told to.

        On the worker it returns when the wait is over. In the triggerer it does not return, unless the first look shows
        that there is nothing to wait for.

        :param seen: The description, where the first look was made just now.
        :param resume: What ``execute_complete`` needs after a deferral, in the event.
        :raises ResourceFailedError: It failed, with the service's reason.
        :raises WaitTimeoutError: The deadline passed, with the status seen last.
        """
        verdict = self.hook.poll(wait) if seen is None else wait.evaluate(seen)
        if verdict.failed:
            raise wait.error(verdict)
        if verdict.outcome == IN_PROGRESS:
            self._wait_further(wait, deadline, str(verdict), resume=resume or {}, pause=False)

    def wait_out(self, wait: WaitCondition, deadline: float, last_seen: str) -> None:
        """
        Wait for what stands in the way, having looked just now: one interval passes before the next look.

        :meth:`go_on` begins anew afterwards: on the worker its caller sees to that.

        :raises WaitTimeoutError: There is no time left, with ``last_seen``.
        """
        self.log.info("%s: waiting until nothing is in progress (%s)", last_seen, wait.title)
        self._wait_further(wait, deadline, last_seen, resume={"then": "go on", "carried": self.carried}, pause=True)

    def _wait_further(
        self, wait: WaitCondition, deadline: float, last_seen: str, *, resume: dict[str, Any], pause: bool
    ) -> None:
        if steady_time() >= deadline:
            raise wait.timeout_error(last_seen)
        if self.deferrable:
            self.defer_until(wait, self.waiter_delay, deadline, resume, pause=pause)
        delay = wait.next_delay(0) if self.waiter_delay is None else self.waiter_delay
        time.sleep(max(0, min(delay, deadline - steady_time())))
        self.hook.wait(wait, delay=self.waiter_delay, deadline=deadline)

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """Go on after the wait in the triggerer: with the next step, or to the end."""
        resume = self.resumed(event)
        if resume.get("then") == "go on":
            self.carry_on(resume)
            return self.pursue(context, event["deadline"])
        return event["wait"]["arn"]

    def carry_on(self, resume: Mapping[str, Any]) -> None:
        """Remember what was carried across a deferral."""
        self.carried = resume["carried"]
        self.tries = self.carried.pop(_TRIES, 0)

    def go_on(self, context: Context, deadline: float) -> Any:
        """Do what is to be done next, from whatever is now; return what the task returns."""
        raise NotImplementedError

    def held_back(self, context: Context, deadline: float) -> bool:
        """Let so much time pass, once, that what an earlier try may have sent would be shown; tell whether it did."""
        if context["ti"].try_number <= 1 or _HELD_BACK in self.carried:
            return False
        self.carried[_HELD_BACK] = True
        self.log.info("Looking again in a minute, since an earlier try may have called %s and died", self.operation)
        self.let_pass(min(PATIENCE, max(0, deadline - steady_time())), deadline)
        return True

    @property
    def is_sent(self) -> bool:
        """Whether the operation was called, and may be done though its answer was lost."""
        return _SENT in self.carried

    def is_of_earlier_try(self, context: Context, thing: Mapping[str, Any], key: str) -> bool:
        """
        Tell whether an earlier try of this task instance may have made something, or a call without an answer.

        Where Airflow has a task state store, what another task of the run made is told from that, and so is what an
        earlier iteration of a task loop made: all of them share the start of the run.

        :param key: What :meth:`noted` was told.
        """
        if self.is_sent:
            before = self.carried.get(_BEFORE)
        elif context["ti"].try_number > 1:
            before = self.kept(context, key)
        else:
            return False
        created = thing.get("creationDateTime")
        if before == "" or (created and before not in (None, _NONE_BEFORE) and iso(created) <= before):
            return False
        return self.is_of_this_run(context, thing)

    @contextmanager
    def noted(self, context: Context, key: str, before: str | None = None) -> Iterator[None]:
        """
        Take note of a call before it is made, where a later try looks; no longer once it is known to have done nothing.

        :param key: What it is about.
        :param before: When that was created which the service shows now, in ISO 8601; None where it shows none.
        """
        known = self.kept(context, key)
        self.carried[_BEFORE] = before or _NONE_BEFORE
        self.keep(context, key, self.carried[_BEFORE])
        try:
            yield
        except Exception as error:
            if not is_ambiguous(error):
                self.keep(context, key, known or "")
            raise

    def kept(self, context: Context, key: str) -> str | None:
        """Return what the task state store has; empty where that is nothing, None where there is no store to tell."""
        try:
            store = context.get("task_state_store")
            return None if store is None else str(store.get(key) or "")
        except Exception as error:  # noqa: BLE001 - whatever the store's backend raises
            self.log.warning("The task state store does not answer; looking without it: %s", error)
            return None

    def keep(self, context: Context, key: str, value: str) -> None:
        """Put something into the task state store, which Airflow keeps for each task instance and loop iteration."""
        try:
            if (store := context.get("task_state_store")) is not None:
                store.set(key, value)
        except Exception as error:  # noqa: BLE001 - whatever the store's backend raises
            self.log.warning(
                "The task state store does not keep %r as %r; a later try will not know of it: %s", key, value, error
            )


def identity_of(context: Context) -> str:
    """
    Tell a task instance from all others.

    It is the same in each of its tries, and another in each run, mapped instance and iteration of a task loop. Airflow
    (3.4 and newer) tells the iteration in the context's ``loop``: ``ti.region_index`` is the map index where a task is
    mapped inside a loop, and ``ti.region_id`` is another after the loop was cleared.
    """
    ti, loop = context["ti"], context.get("loop")
    iteration = () if loop is None else (f"loop {loop.index}",)
    return "/".join(map(str, (ti.dag_id, ti.task_id, ti.run_id, ti.map_index, *iteration)))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _camel_case(parameter: str) -> str:
    first, *others = parameter.split("_")
    return first + "".join(word.title() for word in others)
