"""
Create resources, and start jobs.

Two families. What stays is made once and found again by everybody: :class:`CreateOperator`. What runs and ends, a job
or a training, is made once by each task instance: :class:`JobOperator`. Both look up before they create, so that a
retry finds what an earlier attempt made, whether or not its answer arrived.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol

from airflow_provider_personalize.error_codes import ALREADY_EXISTS
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.task import IdleOptionError

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import WaitingOptions
    from airflow_provider_personalize.plans.steps import Memory, Step
    from airflow_provider_personalize.resources import ResourceType

_OWNER: Final = r"(arn:[^:]+:personalize:[^:]+:\d{12}):"

Members = Mapping[str, Any]


class Finder(Protocol):
    """Find what a request would make."""

    def __call__(
        self,
        hook: PersonalizeHook,
        resource_type: ResourceType,
        request: Members,
        run_began: Callable[[], datetime | None],
        /,
    ) -> dict[str, Any] | None:
        """
        Return its description; None if it does not exist.

        :param run_began: Returns since when something may be what is looked for; None where that is unknown. Answers
            tell the service's time, so it is right after a call.
        """


class Comparer(Protocol):
    """Compare one that exists with what is wanted."""

    def __call__(
        self,
        hook: PersonalizeHook,
        resource_type: ResourceType,
        wanted: Members,
        found: Members,
        called_at: datetime | None,
        /,
    ) -> list[str]:
        """List the differences, a sentence each. An earlier attempt may have called for it at a known time."""


def find_by_arn(
    hook: PersonalizeHook, resource_type: ResourceType, request: Members, _: Callable[[], datetime | None]
) -> dict[str, Any] | None:
    """
    Describe what a request would make, by the ARN that it would get: one beside those that the request names.

    Sources of the form: the service authorization reference
    (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonpersonalize.html) and recorded
    answers of the service.
    """
    arns = (value for value in request.values() if isinstance(value, str))
    owner = next(found[1] for arn in arns if (found := re.match(_OWNER, arn)))
    return hook.find(resource_type, f"{owner}:{resource_type.arn_type}/{request.get('name') or request['jobName']}")


def find_by_name(
    hook: PersonalizeHook, resource_type: ResourceType, request: Members, _: Callable[[], datetime | None]
) -> dict[str, Any] | None:
    """Describe what a request would make, by its name in the list: nothing in the request tells the account."""
    listed = hook.list_all(resource_type)
    arns = (summary[resource_type.arn_member] for summary in listed if summary["name"] == request["name"])
    arn = next(arns, None)
    return hook.find(resource_type, arn) if arn else None


def compare(
    _: PersonalizeHook, resource_type: ResourceType, wanted: Members, found: Members, __: datetime | None
) -> list[str]:
    """List in what a description differs from what is wanted. It shows no tags."""
    from airflow_provider_personalize.comparison import configuration, differences

    compared = {member: value for member, value in wanted.items() if member != "tags"}
    return differences(compared, configuration(resource_type, found))


def describe_created(
    hook: PersonalizeHook, resource_type: ResourceType, memory: Memory
) -> tuple[dict[str, Any] | None, Exception | None]:
    """Describe what this attempt created, by the ARN in the answer; or return what the service says of that ARN."""
    from airflow_provider_personalize.aws_errors import is_not_found

    try:
        return hook.describe(resource_type, str(memory.call and memory.call.arn)), None
    except Exception as error:
        if not is_not_found(error):
            raise
        return None, error


class CreateOperator(WaitingOperator):
    """
    Create a resource, or find the one that is there already.

    :param if_exists: What to do where one of this name exists: ``"reuse"`` takes it, if it is as wanted; an error lists
        each difference otherwise. ``"fail"`` is an error, unless this task or an earlier attempt of it made it. Tags
        are not compared, and neither is what is not given: the service fills in much, and another task may set the rest
        later. A map or an ``eventsConfig`` that is given is compared as a whole. An update in progress that may make it
        as wanted is waited for.
    :param ignore_changes: Parameters in which one that exists may differ, by name: those that another task sets later
        on.
    :raises ResourceDiffersError: One of this name exists and is not as wanted.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: It ended in CREATE FAILED, with the service's reason.
    """

    #: How to find what a request would make, and how to compare it.
    finder: ClassVar[Finder] = staticmethod(find_by_arn)
    comparer: ClassVar[Comparer] = staticmethod(compare)
    #: The error codes that say that it is there already.
    taken: ClassVar[tuple[str, ...]] = (ALREADY_EXISTS,)
    #: What is wanted where a member is not given, of those that one that exists is held to all the same: the documented
    #: default, or None for nothing.
    unless_given: ClassVar[Mapping[str, Any]] = {}
    #: Members of the description to push to XCom, by their keys there.
    xcom_members: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        *,
        if_exists: Literal["reuse", "fail"] = "reuse",
        ignore_changes: Collection[str] = (),
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        if if_exists not in ("reuse", "fail"):
            raise ValueError(f"if_exists is {if_exists!r}: allowed are 'reuse', 'fail'")
        named = isinstance(ignore_changes, Collection) and not isinstance(ignore_changes, str)
        if not named or not all(name in self.members for name in ignore_changes):
            raise ValueError(f"ignore_changes is {ignore_changes!r}: allowed are names of {', '.join(self.members)}")
        self.if_exists = if_exists
        self.ignore_changes = ignore_changes
        if ignore_changes and if_exists == "fail" and not self.is_of_default_args("ignore_changes"):
            raise IdleOptionError(f"ignore_changes is {ignore_changes!r}: it has no effect if if_exists is 'fail'")

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the resource, and return the next step of its creation."""
        from botocore import xform_name

        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import create
        from airflow_provider_personalize.plans.steps import Observed, may_be_of_earlier_call

        wanted = self.wanted(
            create.Creation, is_exclusive=self.if_exists == "fail", taken=self.taken, xcom=self.xcom_members
        )
        request = wanted.request
        if step := self.until_version_usable(request, memory):
            return step
        if memory.is_answered:
            found, error = describe_created(self.hook, self.resource_type, memory)
        else:
            found, error = self.finder(self.hook, self.resource_type, request, lambda: None), None
        known, changes = self.known(context, memory, wanted.name), []
        if found:
            self.show_link(context, found)
        if found and not memory.is_answered:
            held_to = {**self.unless_given, **request}
            compared = {name: held_to[name] for name in held_to if xform_name(name) not in self.ignore_changes}
            is_earlier = may_be_of_earlier_call(Observed(found, **known), memory, found)
            called_at = found.get("creationDateTime") if is_earlier else None
            changes = self.comparer(self.hook, self.resource_type, compared, found, called_at)
        observed = create.ObservedExisting(found, **known, error=error, changes=changes)
        return create.next_step(wanted, observed, memory, clock.now())


class JobOperator(WaitingOperator):
    """
    Start something that runs and ends: once for each task instance, whatever becomes of the worker.

    A name that is not given is derived from the task instance and what it acts on. So a retry finds what an earlier
    attempt started, another run starts another, as does another iteration of a task loop, and after one that failed a
    retry starts another. A name that is given has to differ between runs, tasks and iterations: one that another has
    used is refused, in progress or over. Where Airflow has no task state store, a retry cannot tell what another task
    of its run started from what it started itself. What somebody stopped is not started again. Clearing a run that had
    ended starts it anew. A task that is cleared while its run is still running cannot be told from a retry: it finds
    what it started before, and starts no other.

    Where Airflow has a task state store (3.3 and newer), the ARN is kept there as soon as it is known, and a retry
    polls that first; a store that fails is no reason to fail. So, too, a job that succeeded while no attempt was
    running is reused by a cleared run, which starts no other.

    :raises ResourceDiffersError: One of this name exists and does something else.
    :raises ResourceExistsError: One of this name was there before this run began.
    :raises ResourceFailedError: It failed, with the service's reason.
    """

    #: How to find what a request would make, and how to compare it.
    finder: ClassVar[Finder] = staticmethod(find_by_arn)
    comparer: ClassVar[Comparer] = staticmethod(compare)
    #: What a job that exists is held to where a member is not given: the documented default, or None for nothing. What
    #: the service does not show is no difference.
    unless_given: ClassVar[Mapping[str, Any]] = {}
    #: The parameter that holds the name.
    name_parameter: ClassVar[str] = "job_name"
    #: Whether a retry looks for a while before it starts another: for a type whose name is not in its ARN.
    is_searched: ClassVar[bool] = False
    #: Whether killing the task stops what it started. What was stopped is started again then, by the next attempt.
    stop_on_kill = False
    #: How the task ends where it skips its call, of those that may.
    if_skipped: Literal["skip", "succeed"] = "skip"

    def check_if_skipped(self) -> None:
        """Check ``if_skipped``, which is no template."""
        if self.if_skipped not in ("skip", "succeed"):
            raise ValueError(f"if_skipped is {self.if_skipped!r}: allowed are 'skip', 'succeed'")

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe what has the name that is tried, and return the next step."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.operators.task_state import TaskState
        from airflow_provider_personalize.plans import job
        from airflow_provider_personalize.plans.steps import NOTHING_BEFORE

        name = self.name_to_try(context, memory)
        request = self.api.build_request(**{self.name_parameter: name})
        wanted = self.wanted(
            job.Job,
            request=request,
            name_parameter=self.name_parameter,
            has_derived_name=not self._given_name,
            is_searched=self.is_searched,
            stop_on_kill=self.stop_on_kill,
            is_in_loop=context.get("loop") is not None,
        )
        if step := self.until_version_usable(request, memory):
            return step
        if memory.is_answered:
            found, error = describe_created(self.hook, self.resource_type, memory)
            if found:
                self.show_link(context, found)
            return job.next_step(wanted, job.ObservedJob(found, error=error), memory, clock.now())
        state, found = TaskState(context, self.log), None
        stored = state.get(name) if memory.searching_since or not memory.is_retry else state.recall(name)
        if self.resource_type.is_arn(stored):
            found = self.hook.find(self.resource_type, str(stored))
        if not found:
            # once the run is cleared, what a call of unknown outcome started may be older than the run
            is_unknown = memory.refusal or (stored == NOTHING_BEFORE and not self._given_name)
            run_began = (lambda: None) if is_unknown else (lambda: self.run_began(context))
            found = self.finder(self.hook, self.resource_type, request, run_began)
        changes, stored_end = [], None
        if found:
            self.show_link(context, found)
            unsaid = {member: self.unless_given[member] for member in self.unless_given if member not in request}
            shown = {member: value for member, value in unsaid.items() if found.get(member) is not None}
            changes = self.comparer(self.hook, self.resource_type, {**request, **shown}, found, None)
            stored_end = state.get(stored) if stored and stored == found[self.resource_type.arn_member] else None
        observed = job.ObservedJob(found, stored, self.run_began(context), changes=changes, stored_end=stored_end)
        return job.next_step(wanted, observed, memory, clock.now())

    def request_errors(self) -> list[str]:
        """List what is wrong with the request. A derived name, which depends on the run, is right."""
        return self.api.request_errors(**{self.name_parameter: self._given_name or "derived"})

    @property
    def _given_name(self) -> str | None:
        from airflow_provider_personalize.coercion import parse

        name: str | None = parse("string", getattr(self, self.name_parameter))
        return name

    def name_to_try(self, context: Context, memory: Memory) -> str:
        """Return the name that is given, or the derived one that is tried."""
        return self._given_name or self._derived_name(context, memory.name_number)

    def _derived_name(self, context: Context, number: int) -> str:
        """Derive a name: the same in each attempt of a task instance, another in each run, mapped instance and loop."""
        from airflow_provider_personalize.operators.task_state import identity_of

        ti = context["ti"]
        identity = f"{identity_of(context)}/{getattr(self, self.subject)}"
        digest = hashlib.sha256(identity.encode(errors="backslashreplace")).hexdigest()[:12]
        readable = re.sub(r"[^a-zA-Z0-9]+", "-", f"{ti.dag_id}-{ti.task_id}").strip("-")[:40].strip("-")
        name = f"{readable or 'airflow'}-{digest}"
        return f"{name}-{number + 1}" if number else name

    @property
    def subject(self) -> str:
        """The parameter with the ARN of what it acts on."""
        return next(member for member in self.members if member.endswith("_arn") and member != "role_arn")
