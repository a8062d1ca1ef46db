"""
Create, and never twice.

Two families. What stays is made once and found again by everybody: :class:`CreateOperator`. What runs and ends, a job
or a training, is made once by each task instance: :class:`RunOperator`. Both look before they create, so that a retry
finds what an earlier try made, whether or not its answer arrived.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from airflow_provider_personalize.aws_errors import is_over_quota, is_throttled
from airflow_provider_personalize.clock import steady_time
from airflow_provider_personalize.coercion import parse
from airflow_provider_personalize.comparison import configuration, differences
from airflow_provider_personalize.exceptions import PersonalizeError, ResourceDiffersError, ResourceExistsError
from airflow_provider_personalize.operators.base import PATIENCE, SHOWN_DELAY, WaitingOperator, identity_of
from airflow_provider_personalize.status import (
    GONE,
    IN_PROGRESS,
    SETTLED,
    SUCCEEDED,
    Shown,
    is_being_deleted,
    is_being_stopped,
    is_being_updated,
    iso,
)

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import WaitingOptions

# What the task state store has under an ARN, when a try of this task has ended well with it.
_SEEN: Final = "seen"
# So many names are derived at the most: more tries of one task instance than there will be.
_MOST_NAMES: Final = 1000


class _Creating(WaitingOperator):
    """Look for a resource, and create it."""

    #: The errors that say that it is there already.
    taken: ClassVar[tuple[str, ...]] = ("ResourceAlreadyExistsException",)
    #: What is wanted where a member is not given, of those that one that exists is held to all the same: the documented
    #: default, or None for nothing.
    unless_given: ClassVar[Mapping[str, Any]] = {}

    def find(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Find what a request would make, by the ARN that it would get; return its description, or None."""
        return self.hook.find(self.resource_type, self.arn_of(request))

    def arn_of(self, request: Mapping[str, Any]) -> str:
        """
        Tell which ARN a request would get: one beside those that it names.

        Sources of the form: the service authorization reference
        (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonpersonalize.html) and recorded
        answers of the service.
        """
        arns = (value for value in request.values() if isinstance(value, str))
        owner = next(found[1] for arn in arns if (found := re.match(r"(arn:[^:]+:personalize:[^:]+:\d{12}):", arn)))
        return f"{owner}:{self.resource_type.arn_kind}/{_name(request)}"

    def find_in_list(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Find what a request would make, by its name in the list of its kind."""
        narrowed = self.resource_type.list_filter
        listed = self.hook.list_all(self.resource_type, **({narrowed: request[narrowed]} if narrowed else {}))
        arns = (summary[self.resource_type.arn_member] for summary in listed if summary["name"] == request["name"])
        arn = next(arns, None)
        return self.hook.find(self.resource_type, arn) if arn else None

    def create(self, context: Context, request: Mapping[str, Any], deadline: float) -> tuple[dict[str, Any], bool]:
        """Create it; return its description, and whether it is new for sure."""
        try:
            with self.noted(context, _name(request)):
                arn = self.call(request)[self.resource_type.arn_member]
        except tuple(getattr(self.client.exceptions, name) for name in self.taken) as refusal:
            if is_throttled(refusal):
                raise
            # somebody was faster, or what a call without an answer made is shown only now
            if found := _patiently(lambda: self.find_existing(context, request)):
                return found, False
            raise
        self.log.info("Created the %s %s", self.resource_type.title, arn)
        self.note(context, request, arn)
        shown = Shown(self.resource_type.name, arn, patience=steady_time() + PATIENCE)
        return dict(self.hook.wait(shown, delay=SHOWN_DELAY, deadline=deadline).description), True

    def find_existing(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Find what the service says exists already."""
        return self.find(context, request)

    def note(self, context: Context, request: Mapping[str, Any], arn: str) -> None:
        """Take note of the ARN that a request got, as soon as it is known."""

    def differences(self, request: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        """List in what one that exists differs from the request. A description shows no tags."""
        wanted = {member: value for member, value in request.items() if member != "tags"}
        return differences(wanted, configuration(self.resource_type, found))

    def finish(self, context: Context, found: Mapping[str, Any], deadline: float) -> str:
        """Wait for it, and return its ARN."""
        arn: str = found[self.resource_type.arn_member]
        self.show_link(context, found)
        if self.wait_for_completion:
            self.wait_until(self.wait(arn), deadline, seen=found)
        return arn


def _patiently(look: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Look for something that may not be shown yet, until it is or that can no longer be the reason."""
    until = steady_time() + PATIENCE
    while (found := look()) is None and steady_time() < until:
        time.sleep(SHOWN_DELAY)
    return found


def _name(request: Mapping[str, Any]) -> str:
    return str(request.get("name") or request["jobName"])


class CreateOperator(_Creating):
    """
    Create a resource, or find the one that is there already.

    :param if_exists: What to do where one of this name exists: ``"reuse"`` takes it, if it is as wanted; an error lists
        each difference otherwise. ``"fail"`` is an error, unless this task or an earlier try of it made it. Tags are
        not compared, and neither is what is not given: the service fills in much, and another task may set the rest
        later. A map or an ``eventsConfig`` that is given is compared as a whole. An update in progress that may make it
        as wanted is waited for.
    :param ignore_changes: Parameters in which one that exists may differ, by name: those that another task sets later
        on.
    """

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

    def go_on(self, context: Context, deadline: float) -> str:
        """Find or create it, and wait for it."""
        request = self.request()
        while found := self.find(context, request):
            arn = found[self.resource_type.arn_member]
            if is_being_deleted(self.resource_type, found):
                gone = self.wait(arn, GONE, iso(found.get("creationDateTime")))
                self.wait_out(gone, deadline, "it is being deleted")
                continue
            self._check_free(context, request, found)
            if not (is_being_updated(self.resource_type, found) and self._changes(request, found)):
                break  # an update that is under way may make it as wanted
            self.wait_out(self.wait(arn, SETTLED), deadline, "it is being updated")
        if not found:
            found, is_new = self.create(context, request, deadline)
            if is_new:
                return self.finish(context, found, deadline)
            self._check_free(context, request, found)
        self._check(request, found)
        return self.finish(context, found, deadline)

    def _check_free(self, context: Context, request: Mapping[str, Any], found: dict[str, Any]) -> None:
        """Tell whether there may be one already."""
        if self.if_exists == "fail" and not self.is_of_earlier_try(context, found, _name(request)):
            arn = found[self.resource_type.arn_member]
            raise ResourceExistsError(
                f"The {self.resource_type.short(arn)} exists already, since {found['creationDateTime']}, and if_exists "
                f"is 'fail'. {arn}"
            )

    def _changes(self, request: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        """List in what one that exists differs and may not."""
        from botocore import xform_name

        wanted = {**self.unless_given, **request}
        compared = {member: value for member, value in wanted.items() if xform_name(member) not in self.ignore_changes}
        return self.differences(compared, found)

    def _check(self, request: dict[str, Any], found: dict[str, Any]) -> None:
        """Tell whether one that exists is as wanted, and no failed one."""
        arn = found[self.resource_type.arn_member]
        if changed := self._changes(request, found):
            named = [self.in_parameters(change) for change in changed]
            differing = {re.split(r"\W", change)[0] for change in named}
            ignorable = [parameter for parameter in self.members if parameter in differing]
            raise ResourceDiffersError(self.resource_type.short(arn), arn, named, ignorable)
        wait = self.wait(arn)
        if (verdict := wait.evaluate(found)).failed:
            raise wait.error(verdict)
        self.log.info("Exists already, as wanted; no other is made: %s %s", self.resource_type.title, arn)


class RunOperator(_Creating):
    """
    Start something that runs and ends: once for each task instance, whatever becomes of the worker.

    A name that is not given is derived from the task instance and what it acts on. So a retry finds what an earlier try
    started, another run starts another, as does another iteration of a task loop, and after one that failed a retry
    starts another. A name that is given has to differ between runs, tasks and iterations: one that another has used is
    refused, in progress or over. Where Airflow has no task state store, a retry cannot tell what another task of its
    run started from what it started itself. What somebody stopped is not started again. Clearing a run that had ended
    starts it anew. A task that is cleared while its run goes on cannot be told from a retry: it finds what it started
    before, and starts no other.

    Where Airflow has a task state store (3.3 and newer), the ARN is kept there as soon as it is known, and a retry
    looks at that first; a store that fails is no reason to fail. So, too, a cleared run takes what ended well while no
    try was there to see it, and starts no other.
    """

    #: The parameter that holds the name.
    naming: ClassVar[str] = "job_name"
    #: Whether a retry looks for a while before it starts another: for a kind whose name is not in its ARN.
    patient: ClassVar[bool] = False
    #: Whether killing the task stops what it started. What was stopped is started again then, by the next try.
    stop_on_kill = False
    #: What was started or found, once that is known.
    started_arn: str | None = None

    def pursue(self, context: Context, deadline: float) -> str:
        """Go on until it is over, and take note that its end was seen."""
        self.started_arn = None  # that of an earlier run in the same process
        return self._seen(context, super().pursue(context, deadline))

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> str:
        """Go on after the wait in the triggerer."""
        return self._seen(context, super().execute_complete(context, event))

    def _seen(self, context: Context, arn: str) -> str:
        self.keep(context, arn, _SEEN)
        return arn

    def go_on(self, context: Context, deadline: float) -> str:
        """Start it, or find what an earlier try started, and wait for it."""
        return self.finish(context, self._started(context, deadline), deadline)

    def may_pass(self, error: Exception) -> bool:
        """
        Tell whether what went wrong may be over by itself.

        A quota too: those on jobs and trainings count what is under way
        (https://docs.aws.amazon.com/personalize/latest/dg/limits.html). That a ``LimitExceededException`` of these
        operations is about such a quota, unless it names a rate, is assumed.
        """
        return super().may_pass(error) or is_over_quota(error)

    def pause_after(self, error: Exception) -> float:
        """Tell how many seconds to pause: an interval, where something must end first."""
        return self.wait("").poll_interval if is_over_quota(error) else super().pause_after(error)

    def _started(self, context: Context, deadline: float) -> dict[str, Any]:
        given = parse("string", getattr(self, self.naming))
        for name in [given] if given else self._names(context):
            request = self.request(**{self.naming: name})
            found, is_new = self._look(context, request, deadline), False
            if not found:
                found, is_new = self.create(context, request, deadline)
            if is_new or self._is_to_be_waited_for(context, request, found, is_derived=not given):
                self.note(context, request, found[self.resource_type.arn_member])
                return found
        raise PersonalizeError(
            f"The {_MOST_NAMES} names that this task has, the last of them {name!r}, are all used up: so many times a "
            f"{self.resource_type.title} of its own was found that is over. No other is made."
        )

    def _look(self, context: Context, request: Mapping[str, Any], deadline: float) -> dict[str, Any] | None:
        """Find what an earlier try started; what this task's end is stopping, once it has stopped."""
        found = self._recall(context, request) or self.find(context, request)
        if found is None and self.patient and context["ti"].try_number > 1:
            found = _patiently(lambda: self.find(context, request))
        while found and self.stop_on_kill and is_being_stopped(found):
            arn = found[self.resource_type.arn_member]
            self.wait_out(self.wait(arn, SETTLED), deadline, found["status"])
            found = self.hook.find(self.resource_type, arn)
        return found

    def _recall(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Find what an earlier try took note of."""
        arn = self.kept(context, _name(request)) or ""
        return _patiently(lambda: self.hook.find(self.resource_type, arn)) if self.resource_type.is_arn(arn) else None

    def note(self, context: Context, request: Mapping[str, Any], arn: str) -> None:
        """Keep it where a retry looks first."""
        self.started_arn = arn
        self.keep(context, _name(request), arn)

    def _changes(self, request: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
        """List in what one that exists differs; a default that the service does not show is no difference."""
        left_out = (member for member in self.unless_given if member not in request and found.get(member) is not None)
        return self.differences({**request, **{member: self.unless_given[member] for member in left_out}}, found)

    def _was_left(self, context: Context, request: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
        """Tell whether an earlier try started it, as it is wanted now, and certainly none has seen its end."""
        arn = found[self.resource_type.arn_member]
        known = self.kept(context, _name(request)) == arn and self.kept(context, arn) not in {_SEEN, None}
        return known and not self._changes(request, found)

    def _is_to_be_waited_for(
        self, context: Context, request: Mapping[str, Any], found: Mapping[str, Any], *, is_derived: bool
    ) -> bool:
        """Tell whether one that exists is the one to wait for; if not, another derived name is to be tried."""
        arn = found[self.resource_type.arn_member]
        title, short = self.resource_type.title, self.resource_type.short(arn)
        wait = self.wait(arn)
        verdict = wait.evaluate(found)
        over = verdict.outcome != IN_PROGRESS and not self.is_of_this_run(context, found)
        if over and verdict.outcome == SUCCEEDED and self._was_left(context, request, found):
            self.log.warning("The %s ended while no try was there to see it. It is taken as it is", short)
            over = False
        stopped = verdict.status == self.resource_type.stopped and not self.stop_on_kill
        if is_derived and (over or (verdict.failed and not stopped)):
            self.log.info("%s: it is over, and another is made (%s)", verdict, short)
            return False
        if changed := self._changes(request, found):
            raise ResourceDiffersError(short, arn, [self.in_parameters(change) for change in changed])
        if verdict.failed:
            raise wait.error(verdict)
        if over:
            raise ResourceExistsError(
                f"Nothing was done: the {short} is from before this run, of {found['creationDateTime']}. Its name is "
                f"never freed: leave {self.naming} out, or put something of the run into it. {arn}"
            )
        if not (is_derived or self._may_be_ours(context, request, found)):
            by_this, what = "this task instance", "something of the run and the task"
            if context.get("loop") is not None:
                by_this, what = "this iteration of the loop", "{{ loop.index }}"
            raise ResourceExistsError(
                f"Nothing was done: the {short} was not made by {by_this}. Leave {self.naming} out, or put {what} into "
                f"it. {arn}"
            )
        self.log.info("%s: started before in this run, and no other is made: %s %s", verdict, title, arn)
        return True

    def _may_be_ours(self, context: Context, request: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
        """Tell whether this task instance may have started it: in this try, or in an earlier one where that shows."""
        name, arn = _name(request), found[self.resource_type.arn_member]
        return arn in {self.started_arn, self.kept(context, name)} or self.is_of_earlier_try(context, found, name)

    def _names(self, context: Context) -> Iterable[str]:
        """Derive names: the same in each try of a task instance, others in each run, mapped instance and iteration."""
        ti = context["ti"]
        identity = f"{identity_of(context)}/{getattr(self, self.subject)}"
        digest = hashlib.sha256(identity.encode(errors="backslashreplace")).hexdigest()[:12]
        readable = re.sub(r"[^a-zA-Z0-9]+", "-", f"{ti.dag_id}-{ti.task_id}").strip("-")[:40].strip("-")
        name = f"{readable or 'airflow'}-{digest}"
        return itertools.chain([name], (f"{name}-{number}" for number in range(2, _MOST_NAMES + 1)))

    @property
    def subject(self) -> str:
        """The parameter with the ARN of what it acts on."""
        return next(member for member in self.members if member.endswith("_arn") and member != "role_arn")
