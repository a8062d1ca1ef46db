"""What all operators that wait share. How they act is in ``plans`` and in ``driver.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow_provider_personalize.goals import READY, Goal
from airflow_provider_personalize.task import DEFAULT_DEFERRABLE, PersonalizeTask, seconds, switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.operators.driver import Driver
    from airflow_provider_personalize.options import ChangingOptions, TaskOptions
    from airflow_provider_personalize.plans.steps import Memory, Step

WantedT = TypeVar("WantedT")


class ChangingOperator(PersonalizeTask):
    """
    A task that changes something, or in a dry run says what it would change.

    :param dry_run: Whether to change nothing: the task reads, logs what it would do first, and returns that instead,
        as a dict of JSON primitives with ``action`` (``"create"``, ``"update"``, ``"delete"`` and so on; ``"none"``
        where nothing has to be done, ``"wait"`` for what is in progress), ``kind``, ``arn``, ``operation``,
        ``request``, ``changes`` (a sentence each), ``charged`` (what begins to be charged) and ``reason``. (templated)
    """

    common_fields = (*PersonalizeTask.common_fields, "is_dry_run")
    template_fields = common_fields
    #: The attributes with switches that templates may give, by the parameters.
    switches: ClassVar[Mapping[str, str]] = {"dry_run": "is_dry_run"}

    def __init__(self, *, dry_run: bool | str = False, **kwargs: Unpack[TaskOptions]) -> None:
        super().__init__(**kwargs)
        # not as dry_run: that is a method of Airflow's, which `airflow tasks test --dry-run` calls
        self.is_dry_run = dry_run

    def execute(self, context: Context) -> Any:
        """Do it, and return what the task returns; in a dry run, what would be done."""
        context = self.begin(context)
        return self.dry_run_of(context) if self.is_on("dry_run") else self.perform(context)

    def perform(self, context: Context) -> Any:
        """Do it, and return what the task returns."""
        raise NotImplementedError

    def planned(self, context: Context) -> Any:  # noqa: ARG002 - for those that ask a plan
        """Return what the task would do first, as a dry run does, from reads alone."""
        from airflow_provider_personalize.plans import preview

        return preview.of_call(self.operation, self.api.build_request())

    def dry_run_of(self, context: Context) -> Any:
        """Return what would be done, and log it."""
        from airflow_provider_personalize.operators.driver import call_with_retry
        from airflow_provider_personalize.plans import preview

        planned = call_with_retry(self, lambda: self.planned(context))
        for each in planned if isinstance(planned, list) else [planned]:
            self.log.info("Dry run: %s", preview.sentence(each))
        return planned

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

    def parameter_errors(self) -> list[str]:
        """List what is wrong with the parameters, one sentence each."""
        from airflow_provider_personalize.exceptions import InvalidRequestError

        wrong = super().parameter_errors()
        for each in self.switches:
            try:
                self.is_on(each)
            except InvalidRequestError as error:
                wrong += error.faults
        return wrong


class WaitingOperator(ChangingOperator):
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
    :raises WaitTimeoutError: The time limit passed; the error names the last status.
    """

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
        **kwargs: Unpack[ChangingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = switch("wait_for_completion", wait_for_completion)
        self.deferrable = switch("deferrable", deferrable)
        self.waiter_delay = seconds("waiter_delay", waiter_delay)
        self.timeout = seconds("timeout", timeout)

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the service, and return the next step of the plan."""
        raise NotImplementedError

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

    def planned(self, context: Context) -> Any:
        """Return the first step of the plan, as a dry run does, from reads alone."""
        from airflow_provider_personalize.plans import preview
        from airflow_provider_personalize.plans.steps import Memory, Replan

        memory = Memory()
        while isinstance(step := self.next_step(context, memory), Replan):
            memory = step.memory
        arn = getattr(self, self.resource_type.arn_parameter, None)
        return preview.of_step(step, self.resource_type, arn)

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
            return self.dry_run_of(context)
        read = WaitEvent.from_json(event)
        self.driver = Driver(self, context, Memory.from_json(read.state.get("memory")), read.deadline)
        return self.driver.resume(read)
