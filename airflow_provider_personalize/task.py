"""What operators and sensors share: how they reach the service, how they defer, and how they continue afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache, cached_property
from inspect import signature, unwrap
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, cast
from uuid import uuid4

from airflow_provider_personalize import clock
from airflow_provider_personalize._compat import BaseOperator, conf
from airflow_provider_personalize.goals import LATER, UPDATED
from airflow_provider_personalize.links import PersonalizeLink, link_of
from airflow_provider_personalize.resources import ResourceType
from airflow_provider_personalize.signatures import InheritedSignature, inherited_doc

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.providers.openlineage.extractors.base import OperatorLineage
    from airflow.utils.context import Context

    from airflow_provider_personalize.hook_parameters import HookParameters
    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.operation import Operation
    from airflow_provider_personalize.outlets import Ended
    from airflow_provider_personalize.status import WaitCondition, WaitStatus
    from airflow_provider_personalize.triggers.events import WaitEvent

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


def required_parameters(task_class: type[PersonalizeTask]) -> frozenset[str]:
    """Return the names of the parameters that have no default, of a task's class and its bases."""
    constructors = [vars(base)["__init__"] for base in task_class.__mro__ if "__init__" in vars(base)]
    return frozenset[str]().union(*map(_required_by, constructors))


@cache
def _required_by(constructor: Callable[..., None]) -> frozenset[str]:
    parameters = signature(constructor).parameters.values()
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


@cache
def _defaults(made_by: Any) -> dict[str, Any]:
    return {name: parameter.default for name, parameter in signature(made_by).parameters.items()}


class IdleOptionError(ValueError):
    """An option is given that has no effect without another."""


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
        triggerer in clear: a proxy's password is refused; put it in the connection. (templated)
    :raises InvalidRequestError: Parameters are invalid; nothing was sent.
    """

    __signature__ = InheritedSignature()
    #: The operation that it calls, by its name in the API.
    operation: ClassVar[str]
    #: The API that has the operation, by its name in boto3.
    service: ClassVar[str] = "personalize"
    #: The type of the resource that it is about, where there is one.
    resource_type: ClassVar[ResourceType]
    #: The parameters that make the request, in the order of the constructor.
    members: ClassVar[tuple[str, ...]] = ()
    #: Parameters of the constructor that are no part of the request.
    not_in_request: ClassVar[frozenset[str]] = frozenset()
    #: The page of the console that shows what it is about.
    link: ClassVar[PersonalizeLink | None] = None
    #: The template fields that all tasks of a base have, besides their members.
    common_fields: ClassVar[tuple[str, ...]] = ("aws_conn_id", "region_name", "verify", "botocore_config")
    template_fields: ClassVar[tuple[str, ...]] = common_fields
    #: The attributes with switches that templates may give, by the parameters.
    switches: ClassVar[Mapping[str, str]] = {}
    #: Whether it returns the ARN of the resource that it is about, or makes.
    returns_arn: ClassVar[bool] = True
    #: The options that have no effect unless one of others is given.
    idle_without: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    ui_color = "#eadcf8"
    #: The page of the console that was shown, empty before; None where another process may have shown one.
    link_address: str | None = None
    #: How it ended well; None before, and in a dry run.
    ended: Ended | None = None
    #: What it did, once that was read.
    facts: dict[str, Any] | None = None
    #: The summary of the check of its data, once that is made.
    data_check: Mapping[str, Any] | None = None

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
        self._default_args: Mapping[str, Any] = kwargs.get("default_args") or {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Derive what Airflow reads of a class from its signature and its resource type; what it says itself stands."""
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if own.get("__doc__"):
            of_base = next(base.__doc__ for base in cls.__mro__[1:] if vars(base).get("__doc__"))
            cls.__doc__ = inherited_doc(own["__doc__"], of_base or "")
        if "resource_type" in own:
            cls.link = link_of(cls.resource_type)
            if cls.link and "operator_extra_links" not in own:
                cls.operator_extra_links = (cls.link,)
        if "members" not in own and ("operation" in own or "resource_type" in own):
            types = _keyword_only(cls)
            cls.members = tuple(name for name in types if name not in cls.not_in_request)
            cls.template_fields_renderers = {
                name: "json" for name in cls.members if types[name].startswith(("dict", "list"))
            }
        if "members" in vars(cls) and "template_fields" not in own:
            cls.template_fields = (*cls.members, *cls.common_fields)

    def check_options(self) -> None:
        """
        Check that no option is given that has no effect without another, but for what ``default_args`` give all tasks.

        :raises IdleOptionError: One is; it names both.
        """
        defaults = _defaults(cast("Any", type(self)))
        for option, others in self.idle_without.items():
            value = getattr(self, option)
            is_given = value != defaults[option] and not self.is_of_default_args(option)
            if is_given and all(getattr(self, other) == defaults[other] for other in others):
                raise IdleOptionError(f"{option} is {value!r}: it has no effect without {' or '.join(others)}")

    def is_of_default_args(self, option: str) -> bool:
        """Return whether an option has its value from ``default_args``, which are for other tasks too."""
        return option in self._default_args and self._default_args[option] == getattr(self, option)

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

    def succeed(self, result: Any, **known: Any) -> Any:
        """
        Note how the task ended, for the events of its assets, and return the result.

        :param known: Facts that no description has, such as ``records``.
        """
        from airflow_provider_personalize.outlets import Ended

        self.ended = Ended(result, known)
        return result

    def further_facts(self, context: Context, description: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002
        """Return facts besides those in the description of the resource, which is None once that is gone."""
        return {}

    def post_execute(self, context: Context, result: Any = None) -> None:
        """Attach what happened to the events of the task's outlets. Airflow calls it after each success."""
        from airflow_provider_personalize.outlets import attach

        super().post_execute(context, result)
        attach(self, context)

    def show_link(self, context: Context, description: Mapping[str, Any]) -> None:
        """Show the page of what is described, if there is one."""
        if self.link:
            self.link.show(context, self, description)

    @property
    def hook_parameters(self) -> HookParameters:
        """How this task reaches the service."""
        from airflow_provider_personalize.hook_parameters import HookParameters

        return HookParameters.of(self.aws_conn_id, self.region_name, self.verify, self.botocore_config)

    @cached_property
    def hook(self) -> PersonalizeHook:
        """The hook for Personalize's own API."""
        return self._hook_for("personalize")

    @cached_property
    def service_hook(self) -> PersonalizeHook:
        """The hook for the API that has the operation."""
        return self.hook if self.service == "personalize" else self._hook_for(self.service)

    @cached_property
    def s3_hook(self) -> S3Hook:
        """Airflow's hook for S3, with the same connection."""
        return self.hook_parameters.s3_hook()

    def _hook_for(self, service: str) -> PersonalizeHook:
        from airflow_provider_personalize.arns import region_of

        hook = self.hook_parameters.hook(service)
        hook.suggested_region = region_of(getattr(self, member) for member in self.members)
        return hook

    @property
    def api(self) -> Operation:
        """The operation, with the parameters that this task was given."""
        from airflow_provider_personalize.operation import Operation

        values = {parameter: getattr(self, parameter) for parameter in self.members}
        return Operation(self.service_hook, self.operation, values, required_parameters(type(self)))

    def parameter_errors(self) -> list[str]:
        """List what is wrong with the parameters, one sentence each: what is checked before a call, without one."""
        from airflow_provider_personalize.exceptions import InvalidRequestError

        wrong = self.request_errors()
        for each in self.switches:
            try:
                self.is_on(each)
            except InvalidRequestError as error:
                wrong += error.faults
        return wrong

    def is_on(self, switch_: str) -> bool:
        """
        Read a switch, which a template may have left as a text: any text is true to Python.

        :raises InvalidRequestError: It is neither True nor False.
        """
        from airflow_provider_personalize.coercion import parse
        from airflow_provider_personalize.exceptions import InvalidRequestError

        value = parse("boolean", getattr(self, self.switches.get(switch_, switch_)))
        if isinstance(value, bool):
            return value
        raise InvalidRequestError(self.operation, [f"{switch_} is {value!r}: allowed are True and False"])

    def request_errors(self) -> list[str]:
        """List what is wrong with the request that the parameters make; what only describes sends no such request."""
        operation = getattr(type(self), "operation", "Describe")
        return [] if operation.startswith("Describe") else self.api.request_errors()

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:  # noqa: ARG002 - its signature
        """Return what the task read and wrote: Airflow's OpenLineage provider calls it after a success or a skip."""
        from airflow_provider_personalize.openlineage import operator_lineage

        return operator_lineage(self)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage:  # noqa: ARG002 - its signature
        """Return what the task was to read, without a read of the service."""
        from airflow_provider_personalize.openlineage import operator_lineage

        return operator_lineage(self, has_failed=True)

    def log_arn(self, condition: WaitCondition) -> None:
        """Log the full ARN, for which all other lines have a short name."""
        self.log.info("%s: %s", condition.title, condition.arn)

    @property
    def trigger_options(self) -> dict[str, Any]:
        """Further arguments for the trigger."""
        return {}

    def deadline_after(self, limit: float) -> float:
        """Return the deadline, in seconds since the epoch: Airflow 3 ignores ``execution_timeout`` while deferred."""
        if self.execution_timeout:
            limit = min(limit, self.execution_timeout.total_seconds())
        return clock.now() + limit

    def run_began(self, context: Context) -> datetime | None:
        """Return since when something counts as made by this DAG run, by the service's clock; None where unknown."""
        began = getattr(context.get("dag_run"), "start_date", None)
        return began and self.by_service_clock(began) - _TOLERANCE

    def by_service_clock(self, moment: datetime) -> datetime:
        """
        Return what the service's clock showed at a moment of Airflow's, as far as an answer has told that clock.

        That all machines of Airflow keep one time, and the service's another that runs at the same rate, is assumed.
        """
        return moment + timedelta(seconds=self.hook.service_clock.ahead or 0)

    def defer_until(
        self,
        condition: WaitCondition,
        delay: float | None,
        deadline: float,
        state: Mapping[str, Any],
        *,
        pause: bool = False,
    ) -> NoReturn:
        """
        Free the worker until a condition holds; ``execute_complete`` continues.

        :param delay: Seconds between two polls; None means what suits the resource type.
        :param deadline: When to give up, in seconds since the epoch.
        :param state: The deferral state: what ``execute_complete`` needs. It travels in the event, since ``airflow dags
            test`` drops what is given to ``defer`` itself.
        :param pause: Whether a delay passes before the first poll.
        """
        from airflow_provider_personalize.triggers import PersonalizeTrigger, SolutionUpdateTrigger

        of_solution_update = condition.goal == UPDATED and condition.resource == "solution"
        trigger = (SolutionUpdateTrigger if of_solution_update else PersonalizeTrigger)(
            **vars(condition),
            **{**self.hook_parameters.parameters, "connection_required": self.hook.connection_required},
            waiter_delay=delay,
            deadline=deadline,
            pause=pause,
            state=dict(state),
            **self.trigger_options,
        )
        left = timedelta(seconds=min(max(0, deadline - clock.now()), _LONGEST))
        self.defer(trigger=trigger, method_name="execute_complete", timeout=left + _NET)
        raise AssertionError("unreachable: defer raises")

    def check_event(self, event: WaitEvent) -> None:
        """
        Return if the condition that was waited for in the triggerer holds.

        :raises ResourceFailedError: The resource failed, with the service's reason.
        :raises UpdateReplacedError: A later update replaced the one that is waited for.
        :raises WaitTimeoutError: The deadline passed, with the status seen last.
        :raises PersonalizeError: The triggerer could not poll, six times, and this worker can. Before, the wait is
            deferred again. Where the worker cannot poll either, its own error is raised.
        """
        from airflow_provider_personalize.status import IN_PROGRESS, SUCCEEDED, TIMED_OUT, WaitStatus

        condition = event.condition
        self.log.info("%s (%s: %s in the triggerer)", event.last_seen, condition.title, event.outcome)
        if event.outcome == TIMED_OUT:
            raise condition.timeout_error(event.last_seen)
        found = {condition.resource_type.arn_member: event.found} if event.found else {}
        status = WaitStatus(event.outcome, event.status, event.reason, found)
        is_known = status.failed or status.outcome == SUCCEEDED or condition.goal == LATER
        if not is_known:  # the wait broke, or the outcome is a word of another version
            status = self.hook.poll(condition)  # an error of the service's is raised here as the service said it
            if status.outcome == IN_PROGRESS:
                self._defer_again(event, status)
        if status.failed:
            raise condition.error(status)

    def _defer_again(self, event: WaitEvent, seen: WaitStatus) -> NoReturn:
        """Defer a wait again that broke in the triggerer, since the cause may pass: an unknown connection."""
        from airflow_provider_personalize.exceptions import PersonalizeError

        condition, reason, deadline = event.condition, (event.reason or "").rstrip("."), event.deadline
        if clock.now() >= deadline:
            raise condition.timeout_error(f"{seen}. The triggerer could not poll: {reason}")
        breaks = event.state.get(_BREAKS, 0) + 1
        if breaks > _MOST_BREAKS:
            raise PersonalizeError(
                f"{seen}, seen by this worker, but the triggerer could not poll, {breaks} times: {reason}. Give the "
                f"triggerer the same connections, credentials and packages as the workers. ({condition.title}) "
                f"{condition.arn}"
            )
        self.log.warning(
            "%s, seen by this worker, but the triggerer could not poll: %s. Deferring again, %d of %d times",
            *(seen, reason, breaks, _MOST_BREAKS),
        )
        self.defer_until(condition, event.waiter_delay, deadline, {**event.state, _BREAKS: breaks}, pause=True)


def _keyword_only(cls: type) -> dict[str, str]:
    """Return the keyword-only parameters of the constructor that a class has or inherits, with their types as text."""
    constructor = unwrap(cls.__init__)  # type: ignore[misc] # Airflow wraps constructors
    code = constructor.__code__
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return {name: str(constructor.__annotations__[name]) for name in names}


def seconds(parameter: str, value: float | timedelta | None) -> float | None:
    """
    Return the seconds that a parameter gives.

    :raises ValueError: It is negative, without an end, or no number; or it is a time limit of zero.
    """
    number = value.total_seconds() if isinstance(value, timedelta) else value
    is_limit = parameter == "timeout"
    if number is None or (isinstance(number, (int, float)) and 0 <= number < math.inf and (number or not is_limit)):
        return number
    least = "more than 0" if is_limit else "0 or more"
    raise ValueError(f"{parameter} is {value!r}: allowed are a number of seconds, {least}, and a timedelta")
