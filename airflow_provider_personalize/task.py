"""What operators and sensors share: how they reach the service, how they wait, and how they go on after a deferral."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache, cached_property
from inspect import signature
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from uuid import uuid4

from airflow_provider_personalize._compat import BaseOperator, conf
from airflow_provider_personalize.arns import region_of
from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.exceptions import PersonalizeError
from airflow_provider_personalize.hook_parameters import HookParameters
from airflow_provider_personalize.links import PersonalizeLink, link_of
from airflow_provider_personalize.resources import ResourceType
from airflow_provider_personalize.signatures import InheritedSignature, inherited_doc
from airflow_provider_personalize.status import (
    BROKEN,
    IN_PROGRESS,
    TIMED_OUT,
    UPDATED,
    WaitCondition,
    WaitStatus,
    outcome_of,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context

    from airflow_provider_personalize.hooks import PersonalizeHook

DEFAULT_DEFERRABLE: Final[bool] = conf.getboolean("operators", "default_deferrable", fallback=False)

# The trigger watches the deadline; Airflow's own limit on the deferral is only a net, for a triggerer that is gone.
_NET: Final = timedelta(seconds=60)
# Airflow adds its limit to a date, which has no year beyond 9999.
_LONGEST: Final = 100 * 365 * 24 * 60 * 60
# How often a wait that only the triggerer cannot make is deferred again, and under which key that is counted in what
# travels with the event.
_MOST_BREAKS: Final = 5
_BREAKS: Final = "breaks"
# By so much may it be wrong how far the service's clock is from Airflow's: what a run made must not look older than it.
_TOLERANCE: Final = timedelta(seconds=60)


@cache
def required_parameters(task: PersonalizeTask) -> frozenset[str]:
    """Name the parameters that have no default, of a task's class and its bases."""
    constructors = [vars(base)["__init__"] for base in type(task).__mro__ if "__init__" in vars(base)]
    parameters = [each for constructor in constructors for each in signature(constructor).parameters.values()]
    return frozenset(each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty)


def switch(parameter: str, value: bool) -> bool:
    """
    Check a switch that is no template: a text would count as true, ``"False"`` too.

    :param parameter: The parameter's name.
    :raises TypeError: It is neither True nor False.
    """
    if isinstance(value, bool):
        return value
    raise TypeError(f"{parameter} is {value!r}: allowed are True and False. It is not templated")


class PersonalizeTask(BaseOperator):
    """
    A task that talks to Amazon Personalize through Airflow's AWS connection.

    It stands on Airflow's own base class and not on the Amazon provider's, and imports the hook only when it runs: that
    import would cost every DAG file's parse a seventh of a second.

    :param aws_conn_id: The Airflow connection with the AWS credentials. It must exist, unless it is ``aws_default``:
        without that, and with None, boto3's default chain gives the credentials. (templated)
    :param region_name: The AWS region; None means the connection's, or boto3's default. (templated)
    :param verify: Whether to verify TLS certificates, or the path of a CA bundle; None means the connection's setting.
        See https://boto3.amazonaws.com/v1/documentation/api/latest/reference/core/session.html (templated)
    :param botocore_config: Members of botocore's ``Config``, such as ``{"read_timeout": 20}``. It travels to the
        triggerer in clear: a proxy's password is refused, and belongs into the connection. (templated)
    """

    __signature__ = InheritedSignature()
    #: The kind of resource that it is about, where there is one.
    resource_type: ClassVar[ResourceType]
    #: The parameters that make the request; the ARN of what it is about, unless the class says more.
    members: ClassVar[tuple[str, ...]] = ()
    #: The page of the console that shows what it is about.
    link: ClassVar[PersonalizeLink | None] = None
    template_fields: ClassVar[tuple[str, ...]] = ("aws_conn_id", "region_name", "verify", "botocore_config")
    ui_color = "#eadcf8"
    #: The page of the console that was shown, empty before; None where another process may have shown one.
    link_address: str | None = None

    def __init__(
        self,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Derive what Airflow reads of a class from what the class says it is about; what it says itself stands."""
        super().__init_subclass__(**kwargs)
        said = vars(cls)
        if said.get("__doc__"):
            of_base = next(base.__doc__ for base in cls.__mro__[1:] if vars(base).get("__doc__"))
            cls.__doc__ = inherited_doc(said["__doc__"], of_base or "")
        if "resource_type" in said:
            cls.link = link_of(cls.resource_type)
            if "members" not in said:
                cls.members = (cls.resource_type.arn_parameter,)
            if cls.link and "operator_extra_links" not in said:
                cls.operator_extra_links = (cls.link,)
        if "members" in said and "template_fields" not in said:
            cls.template_fields = (*cls.members, *PersonalizeTask.template_fields)

    def begin(self, context: Context) -> Context:
        """
        Begin to execute, and return the context of a task instance.

        A unit test may call ``execute(context={})``. Each such call counts as a task instance of its own; what it
        pushes to XCom is dropped.
        """
        self.link_address = self.link_address or ""
        if "ti" in context:
            return context
        alone = {"dag_id": "", "task_id": self.task_id, "run_id": uuid4().hex, "map_index": -1, "try_number": 1}
        return cast("Context", {**context, "ti": SimpleNamespace(**alone, xcom_push=lambda **_: None)})

    def show_link(self, context: Context, description: Mapping[str, Any]) -> None:
        """Show the page of what is described, if there is one."""
        if self.link:
            self.link.show(context, self, description)

    @property
    def hook_parameters(self) -> HookParameters:
        """How this task reaches the service."""
        return HookParameters.of(self.aws_conn_id, self.region_name, self.verify, self.botocore_config)

    @cached_property
    def hook(self) -> PersonalizeHook:
        """The hook that this task talks through."""
        return self.hook_for("personalize")

    def hook_for(self, service: str) -> PersonalizeHook:
        """Make a hook for one of the APIs."""
        hook = self.hook_parameters.hook(service)
        hook.suggested_region = region_of(getattr(self, member) for member in self.members)
        return hook

    def log_arn(self, wait: WaitCondition) -> None:
        """Log the full ARN, for which all other lines have a short name."""
        self.log.info("%s: %s", wait.title, wait.arn)

    @property
    def trigger_options(self) -> dict[str, Any]:
        """Arguments that a task has for its trigger besides."""
        return {}

    def deadline_after(self, limit: float) -> float:
        """Tell when to give up, in seconds since the epoch: Airflow 3 ignores ``execution_timeout`` while deferred."""
        if self.execution_timeout:
            limit = min(limit, self.execution_timeout.total_seconds())
        return steady_time() + limit

    def is_of_this_run(self, context: Context, thing: Mapping[str, Any]) -> bool:
        """Tell whether something was created since this DAG run began; so it is where that cannot be told."""
        began = getattr(context.get("dag_run"), "start_date", None)
        created = thing.get("creationDateTime")
        return began is None or created is None or bool(created >= self.by_service(began) - _TOLERANCE)

    def by_service(self, moment: datetime) -> datetime:
        """
        Tell what the service's clock showed at a moment of Airflow's, as far as an answer has told that clock.

        That all machines of Airflow keep one time, and the service's another that goes as fast, is assumed.
        """
        return moment + timedelta(seconds=self.hook.service_clock.ahead or 0)

    def defer_until(
        self, wait: WaitCondition, delay: float | None, deadline: float, resume: dict[str, Any], *, pause: bool = False
    ) -> None:
        """
        Free the worker until a wait is over; ``execute_complete`` goes on.

        :param pause: Whether an interval passes before the first look.
        :param resume: What ``execute_complete`` needs besides. It travels in the event, since ``airflow dags test``
            drops what is given to ``defer`` itself.
        """
        from airflow_provider_personalize.triggers import PersonalizeTrigger, SolutionUpdateTrigger

        of_solution_update = wait.goal == UPDATED and wait.resource_type.name == "solution"
        trigger = (SolutionUpdateTrigger if of_solution_update else PersonalizeTrigger)(
            **vars(wait),
            **{**self.hook_parameters.parameters, "connection_required": self.hook.connection_required},
            waiter_delay=delay,
            deadline=deadline,
            pause=pause,
            resume=resume,
            **self.trigger_options,
        )
        self.log.info("Waiting in the triggerer (%s)", wait.title)
        left = timedelta(seconds=min(max(0, deadline - steady_time()), _LONGEST))
        self.defer(trigger=trigger, method_name="execute_complete", timeout=left + _NET)

    def resumed(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """
        Read the trigger's event, and return what :meth:`defer_until` was given as ``resume``.

        :raises ResourceFailedError: It failed, with the service's reason.
        :raises WaitTimeoutError: The deadline passed, with the status seen last.
        :raises PersonalizeError: The triggerer could not poll, six times, and this worker can. Before, the wait is
            deferred again. Where the worker cannot poll either, its own error is raised.
        """
        wait = WaitCondition.of(event["wait"])
        outcome = outcome_of(event)
        self.log.info("%s (%s: %s in the triggerer)", event["last_seen"], wait.title, outcome)
        if outcome == TIMED_OUT:
            raise wait.timeout_error(event["last_seen"])
        found = {wait.resource_type.arn_member: event["found"]} if event["found"] else {}
        verdict = WaitStatus(outcome, event["status"], event["reason"], found)
        if verdict.outcome == BROKEN:
            verdict = self.hook.poll(wait)  # an error of the service's is raised here as the service said it
            if verdict.outcome == IN_PROGRESS:
                self._defer_again(wait, event, verdict)
        if verdict.failed:
            raise wait.error(verdict)
        resume: dict[str, Any] = event["resume"]
        return resume

    def _defer_again(self, wait: WaitCondition, event: Mapping[str, Any], seen: WaitStatus) -> None:
        """Defer a wait again that broke in the triggerer, since what is wrong there may pass: an unknown connection."""
        reason, deadline = event["reason"].rstrip("."), event["deadline"]
        if steady_time() >= deadline:
            raise wait.timeout_error(f"{seen}. The triggerer could not poll: {reason}")
        breaks = event["resume"].get(_BREAKS, 0) + 1
        if breaks > _MOST_BREAKS:
            raise PersonalizeError(
                f"{seen}, seen by this worker, but the triggerer could not poll, {breaks} times: {reason}. Give the "
                f"triggerer the same connections, credentials and packages as the workers. ({wait.title}) {wait.arn}"
            )
        self.log.warning(
            "%s, seen by this worker, but the triggerer could not poll: %s. Deferring again, %d of %d times",
            *(seen, reason, breaks, _MOST_BREAKS),
        )
        resume = {**event["resume"], _BREAKS: breaks}
        self.defer_until(wait, event.get("waiter_delay"), deadline, resume, pause=True)


def seconds(parameter: str, value: float | timedelta | None) -> float | None:
    """
    Return how many seconds a parameter says.

    :raises ValueError: It is negative, without an end, or no number; or it is a time limit of zero.
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    is_limit = parameter == "timeout"
    if number is None or (isinstance(number, (int, float)) and 0 <= number < math.inf and (number or not is_limit)):
        return number
    least = "more than 0" if is_limit else "0 or more"
    raise ValueError(f"{parameter} is {value!r}: allowed are a number of seconds, {least}, and a timedelta")
