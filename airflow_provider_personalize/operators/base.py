"""What all operators that change something share. How they act is in ``plans`` and in ``driver.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from airflow_provider_personalize.goals import READY, Goal
from airflow_provider_personalize.resources import SOLUTION_VERSION
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask, seconds, switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.operators.driver import Driver
    from airflow_provider_personalize.options import TaskOptions
    from airflow_provider_personalize.plans.steps import Memory, Step

WantedT = TypeVar("WantedT")
# not as dry_run: that is a method of Airflow's, which `airflow tasks test --dry-run` calls
DRY_RUN_SWITCH: Final = {"dry_run": "is_dry_run"}
DRY_RUN_FIELDS: Final = (*PersonalizeTask.common_fields, "is_dry_run")


def dry_run_of(task: ChangingOperator | WaitingOperator, context: Context) -> Any:
    """Return what a task would do, and log it."""
    from airflow_provider_personalize.operators.driver import call_with_retry
    from airflow_provider_personalize.plans import preview

    planned = call_with_retry(task, lambda: task.planned(context))
    for each in planned if isinstance(planned, list) else [planned]:
        task.log.info("Dry run: %s", preview.sentence(each))
    if task.outlets:
        task.log.info("Dry run: the assets in its outlets have no event, since nothing has changed")
        task.outlets = []
    return planned


class ChangingOperator(PersonalizeTask):
    """
    A task that changes something by calls alone, and waits for nothing.

    :param dry_run: Whether to change nothing: the task only reads, and returns what it would do, as a dict with
        ``action``, ``operation``, ``request``, ``charged`` and more. (templated)
    """

    common_fields = DRY_RUN_FIELDS
    template_fields = common_fields
    switches: ClassVar[Mapping[str, str]] = DRY_RUN_SWITCH

    def __init__(self, *, dry_run: bool | str = False, **kwargs: Unpack[TaskOptions]) -> None:
        super().__init__(**kwargs)
        self.is_dry_run = dry_run

    def execute(self, context: Context) -> Any:
        """Do it, and return what the task returns; in a dry run, what would be done."""
        context = self.begin(context)
        if self.is_on("dry_run"):
            return dry_run_of(self, context)
        return self.succeed(self.perform(context))

    def perform(self, context: Context) -> Any:
        """Do it, and return what the task returns."""
        raise NotImplementedError

    def further_facts(self, context: Context, description: Mapping[str, Any] | None) -> dict[str, Any]:  # noqa: ARG002
        """Return that the task changed something."""
        return {"changed": True}

    def planned(self, context: Context) -> Any:  # noqa: ARG002 - as of tasks that ask a plan
        """Return what the task would do, as a dry run does, from reads alone."""
        from airflow_provider_personalize.plans import preview

        return preview.of_call(self.operation, self.api.build_request())


class WaitingOperator(PersonalizeTask):
    """
    A task that changes a resource and waits for the outcome.

    A subclass has one method that the driver calls, again and again: :meth:`next_step`.

    :param wait_for_completion: Whether to wait for the outcome. Without it the task ends once the service shows what
        was started.
    :param deferrable: Whether to wait in the triggerer, without holding a worker. Airflow's setting
        ``[operators] default_deferrable`` is the default.
    :param waiter_delay: Seconds, or a ``timedelta``, between two polls; None means what suits the resource type.
    :param timeout: Seconds, or a ``timedelta``, more than 0, after which the task fails; None means a few times the
        longest that was seen of the resource type. ``execution_timeout`` counts where it is shorter, deferred or not.
    :param dry_run: Whether to change nothing: the task only reads, and returns what it would do first, as a dict with
        ``action``, ``operation``, ``request``, ``changes``, ``charged`` and more. (templated)
    :raises WaitTimeoutError: The time limit passed; the error names the last status.
    """

    common_fields = DRY_RUN_FIELDS
    template_fields = common_fields
    switches: ClassVar[Mapping[str, str]] = DRY_RUN_SWITCH
    #: What it brings the resource to.
    goal: ClassVar[Goal] = READY
    #: What runs the task, while it runs.
    driver: Driver | None = None

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = DEFAULT_DEFERRABLE,
        waiter_delay: float | timedelta | None = None,
        timeout: float | timedelta | None = None,
        dry_run: bool | str = False,
        **kwargs: Unpack[TaskOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.is_dry_run = dry_run
        self.wait_for_completion = switch("wait_for_completion", wait_for_completion)
        self.deferrable = switch("deferrable", deferrable)
        self.waiter_delay = seconds("waiter_delay", waiter_delay)
        self.timeout = seconds("timeout", timeout)

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the service, and return the next step of the plan."""
        raise NotImplementedError

    def further_facts(self, context: Context, description: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return whether the task changed anything."""
        return {"changed": self._has_changed(context, description)}

    def _has_changed(self, context: Context, description: Mapping[str, Any] | None) -> bool:
        """Return whether this attempt changed anything, or an earlier one did since the run began."""
        from airflow_provider_personalize.status import is_newer

        memory = self.driver.memory if self.driver else None
        if memory is None or memory.promotion.is_recorded:
            return memory is not None
        update = (description or {}).get(self.resource_type.update_member) or {}
        if memory.call:  # the service may make no update of what is as wanted
            return not memory.call.was_as_wanted or is_newer(update, memory.call.before)
        if description is None:
            return bool(memory.stage or (memory.is_retry and memory.target_created))
        created = [each["creationDateTime"] for each in (description, update) if each.get("creationDateTime")]
        began = self.run_began(context)
        return memory.is_retry and (began is None or not created or max(created) >= began)

    def explained(self, error: Exception, memory: Memory) -> Exception:  # noqa: ARG002 - for promotions
        """Return the error that the task fails with: that of the last step, or one that says more."""
        return error

    @property
    def default_timeout(self) -> float:
        """Seconds after which the task fails where no ``timeout`` is given."""
        from airflow_provider_personalize.status import WaitCondition

        return WaitCondition(self.resource_type.name, "", self.goal).time_limit

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call an operation of the API, once."""
        return self.api.call(request, operation)

    def wanted(self, made_of: Callable[..., WantedT], **more: Any) -> WantedT:
        """Return what the plan is asked for, of a class that may have further members."""
        api = self.api
        request = more.pop("request", None) or api.build_request()
        return made_of(
            resource_type=self.resource_type,
            operation=self.operation,
            request=request,
            parameters=api.parameters,
            waits=self.wait_for_completion,
            **more,
        )

    def known(self, context: Context, memory: Memory, key: str) -> dict[str, Any]:
        """
        Return what is known of earlier attempts, as members of what a plan observes.

        :param key: Under which the task state store keeps the call.
        """
        from airflow_provider_personalize.operators.task_state import TaskState

        is_asked = memory.is_retry and memory.call is None
        stored = TaskState(context, self.log).recall(key) if is_asked else ""
        return {"stored": stored, "run_began": self.run_began(context)}

    def until_version_usable(self, request: Mapping[str, Any], memory: Memory) -> Step | None:
        """Return the step after a call that was refused because of the version that it names; None if it was not."""
        from airflow_provider_personalize.error_codes import IN_USE
        from airflow_provider_personalize.plans.steps import until_usable

        arn = str(request.get(SOLUTION_VERSION.arn_member))
        if memory.refusal is None or memory.refusal.code != IN_USE or not SOLUTION_VERSION.is_arn(arn):
            return None
        version = self.described_version(arn)
        return until_usable(version, arn, memory) if version else None

    def described_version(self, arn: str) -> dict[str, Any] | None:
        """Return the description of a solution version; None where it may not be read."""
        from airflow_provider_personalize.aws_errors import error_code
        from airflow_provider_personalize.error_codes import ACCESS_DENIED

        try:
            return self.hook.describe(SOLUTION_VERSION, arn)
        except Exception as error:
            if error_code(error) != ACCESS_DENIED:
                raise
            self.log.warning("The version is not checked: %s", error)
            return None

    def planned(self, context: Context) -> Any:
        """Return the first step of the plan, as a dry run does, from reads alone."""
        from airflow_provider_personalize.plans import preview
        from airflow_provider_personalize.plans.steps import Memory, Replan

        memory = Memory()
        while isinstance(step := self.next_step(context, memory), Replan):
            memory = step.memory
        arn = getattr(self, self.resource_type.arn_parameter, None)
        return preview.of_step(step, self.resource_type, arn)

    def execute(self, context: Context) -> Any:
        """Run the plan, and return what the task returns; in a dry run, what would be done first."""
        context = self.begin(context)
        return dry_run_of(self, context) if self.is_on("dry_run") else self.perform(context)

    def perform(self, context: Context) -> Any:
        """Run the plan, and return what the task returns."""
        from airflow_provider_personalize.operators.driver import Driver
        from airflow_provider_personalize.plans.steps import Memory
        from airflow_provider_personalize.status import WaitCondition

        if arn := getattr(self, self.resource_type.arn_parameter, None):
            self.log_arn(WaitCondition(self.resource_type.name, arn, self.goal))
        deadline = self.deadline_after(self.default_timeout if self.timeout is None else self.timeout)
        self.driver = Driver(self, context, Memory(is_retry=context["ti"].try_number > 1), deadline)
        return self.driver.run()

    def execute_complete(self, context: Context, event: Mapping[str, Any], **_: Any) -> Any:
        """Continue after a deferral: with the next step, or to the end."""
        from airflow_provider_personalize.operators.driver import Driver
        from airflow_provider_personalize.plans.steps import Memory
        from airflow_provider_personalize.triggers.events import WaitEvent

        if self.is_on("dry_run"):  # asked for while the task was deferred
            return dry_run_of(self, context)
        read = WaitEvent.from_json(event)
        self.driver = Driver(self, context, Memory.from_json(read.state.get("memory")), read.deadline)
        return self.driver.resume(read)


#: Those that change something, and may run dry.
CHANGING: Final = (ChangingOperator, WaitingOperator)
