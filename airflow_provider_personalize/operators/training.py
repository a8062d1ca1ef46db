"""Create and delete solutions; train, stop and measure their versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_personalize.exceptions import PersonalizeError
from airflow_provider_personalize.goals import SETTLED, Goal
from airflow_provider_personalize.operators.base import WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator, JobOperator
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION, ResourceType
from airflow_provider_personalize.task import PersonalizeTask, seconds, switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.operators.driver import Driver
    from airflow_provider_personalize.options import CreateOptions, TaskOptions, WaitingOptions
    from airflow_provider_personalize.plans.steps import Call, Memory, Step


class CreateSolutionOperator(CreateOperator):
    """
    Create a solution, or reuse the one that exists: a recipe and its training configuration.

    Calls ``CreateSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolution.html). By default,
    the service retrains every solution each week, and each training is charged. So ``perform_auto_training`` is
    required here.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group with the data. (templated)
    :param perform_auto_training: Whether the service trains new versions automatically, the first within an hour; each
        is charged. With False, :class:`CreateSolutionVersionOperator` trains them. (templated)
    :param recipe_arn: The ARN of the recipe; required unless ``perform_auto_ml`` is True. (templated)
    :param perform_auto_ml: Whether the service chooses the recipe. (templated)
    :param perform_hpo: Whether the service tunes hyperparameters, which makes trainings longer. (templated)
    :param perform_incremental_update: Whether the model learns from new data between trainings; for the
        semantic-similarity recipe only. Needs boto3 1.41.6. (templated)
    :param event_type: The one event type to train on; None means all. (templated)
    :param solution_config: ``{"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}, "eventsConfig":
        {"eventParametersList": [{"eventType": …, "weight": …}]}, …}``, see
        https://docs.aws.amazon.com/personalize/latest/dg/API_SolutionConfig.html. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the solution.
    :raises InvalidRequestError: Parameters are invalid, or ``perform_auto_training`` is missing; nothing was sent.
    """

    operation = "CreateSolution"
    resource_type = SOLUTION

    def __init__(
        self,
        *,
        name: str,
        dataset_group_arn: str,
        perform_auto_training: bool | str,
        recipe_arn: str | None = None,
        perform_auto_ml: bool | str | None = None,
        perform_hpo: bool | str | None = None,
        perform_incremental_update: bool | str | None = None,
        event_type: str | None = None,
        solution_config: dict[str, Any] | str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.dataset_group_arn = dataset_group_arn
        self.perform_auto_training = perform_auto_training
        self.recipe_arn = recipe_arn
        self.perform_auto_ml = perform_auto_ml
        self.perform_hpo = perform_hpo
        self.perform_incremental_update = perform_incremental_update
        self.event_type = event_type
        self.solution_config = solution_config
        self.tags = tags


class DeleteSolutionOperator(DeleteOperator):
    """
    Delete a solution with all its versions, and wait until it is gone.

    Calls ``DeleteSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteSolution.html). The task
    waits for an update in progress. The service refuses while a campaign uses the solution or a version is training.

    :param solution_arn: The ARN of the solution. (templated)
    """

    operation = "DeleteSolution"
    resource_type = SOLUTION

    def __init__(self, *, solution_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn


def _find_version(
    hook: PersonalizeHook,
    resource_type: ResourceType,
    request: Mapping[str, Any],
    run_began: Callable[[], datetime | None],
) -> dict[str, Any] | None:
    """
    Describe the version of this name, among those in progress or begun since the run began.

    The list of versions does not tell their names.
    """

    def is_likely(version: Mapping[str, Any]) -> bool:
        since = run_began()
        is_over = version["status"] in resource_type.final
        return not is_over or since is None or bool(version["creationDateTime"] >= since)

    versions = hook.list_versions(request["solutionArn"])
    return hook.find_version(request["solutionArn"], request["name"], filter(is_likely, versions))


class CreateSolutionVersionOperator(JobOperator):
    """
    Train a new version of a solution, and wait until it is ACTIVE.

    Calls ``CreateSolutionVersion``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolutionVersion.html). A training is charged by the
    hour, so a task instance trains once: a retry waits for the training of an earlier attempt, and trains again only
    after one that failed, which is not charged. A training that someone stopped is not started again.

    :param solution_arn: The ARN of the solution. (templated)
    :param name: A name for the version, at most 63 letters, digits, hyphens and underscores. None derives one; a
        name of your own must contain something of the run, such as ``{{ ts_nodash }}``. (templated)
    :param training_mode: ``"FULL"`` trains from all data, ``"UPDATE"`` adds the data since the last full training;
        for the recipes User-Personalization and HRNN-Coldstart only. None means FULL. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :param stop_on_kill: Whether to stop the training where the task is killed, marked as failed or succeeded, or
        cleared: on the worker, and from Airflow 3.3 on while deferred too. The hours until then are charged, and the
        next attempt trains again.
    :param skip_if_younger_than: Seconds, or a ``timedelta``: train nothing if the newest version began to train more
        recently than that. One that was trained with ``"UPDATE"`` does not count for a full training. A training in
        progress that is young enough is waited for, and counts if it succeeds. None trains whatever there is.
    :param skip_if_no_new_data: Whether to train nothing if, since the newest version began to train, no import into the
        dataset group and no data deletion has ended, and no dataset or its schema and not the solution has changed.
        A job in progress is waited for first. With both parameters, either skips. See docs/guides/freshness.md.
    :param ignore_real_time_data: Whether ``skip_if_no_new_data`` takes no account of events, items, users and actions
        that came in real time. The API does not tell whether any came; so without this parameter, a group with an
        event tracker or a dataset of items, users or actions is never taken to have no new data.
    :param if_skipped: How the task ends then: ``"skip"`` marks it as skipped, and with it what follows by the default
        trigger rule; ``"succeed"`` succeeds and returns the ARN of the newest version.
    :return: The ARN of the version.
    :raises AirflowSkipException: The training is skipped.
    :raises ResourceExistsError: A version of this ``name`` is from before this run.
    :raises ResourceStoppedError: Someone stopped the training.
    """

    operation = "CreateSolutionVersion"
    resource_type = SOLUTION_VERSION
    unless_given: ClassVar[Mapping[str, Any]] = {"trainingMode": "FULL"}
    not_in_request = frozenset(
        {"stop_on_kill", "skip_if_younger_than", "skip_if_no_new_data", "ignore_real_time_data", "if_skipped"}
    )
    idle_without: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "ignore_real_time_data": ("skip_if_no_new_data",),
        "if_skipped": ("skip_if_younger_than", "skip_if_no_new_data"),
    }
    name_parameter = "name"
    is_searched = True
    finder = staticmethod(_find_version)

    def __init__(
        self,
        *,
        solution_arn: str,
        name: str | None = None,
        training_mode: str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        stop_on_kill: bool = False,
        skip_if_younger_than: float | timedelta | None = None,
        skip_if_no_new_data: bool = False,
        ignore_real_time_data: bool = False,
        if_skipped: Literal["skip", "succeed"] = "skip",
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.name = name
        self.training_mode = training_mode
        self.tags = tags
        self.stop_on_kill = switch("stop_on_kill", stop_on_kill)
        self.skip_if_younger_than = seconds("skip_if_younger_than", skip_if_younger_than)
        self.skip_if_no_new_data = switch("skip_if_no_new_data", skip_if_no_new_data)
        self.ignore_real_time_data = switch("ignore_real_time_data", ignore_real_time_data)
        self.if_skipped = if_skipped
        self.check_if_skipped()
        self.check_options()

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the version of the name that is tried, and return the next step."""
        from airflow_provider_personalize.plans.steps import Call

        step = super().next_step(context, memory)
        may_skip = self.skip_if_no_new_data or self.skip_if_younger_than is not None
        return self._train_or_skip(step, memory) if may_skip and isinstance(step, Call) else step

    def _train_or_skip(self, call: Call, memory: Memory) -> Step:
        """Ask before the call whether it brings anything."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.operators.freshness import observe_data
        from airflow_provider_personalize.plans.freshness import TrainingPolicy, train_or_skip

        solution_arn = call.request["solutionArn"]
        policy = TrainingPolicy(
            younger_than=self.skip_if_younger_than,
            ignores_real_time_data=self.ignore_real_time_data,
            succeeds=self.if_skipped == "succeed",
            waits=self.wait_for_completion,
        )
        versions = list(self.hook.list_all(SOLUTION_VERSION, solutionArn=solution_arn))
        data = observe_data(self.hook, solution_arn) if self.skip_if_no_new_data else None
        service_now = self.by_service_clock(datetime.fromtimestamp(clock.now(), timezone.utc))
        return train_or_skip(call, policy, versions, data, memory, service_now)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Begin the training, unless the task was killed."""
        self._refuse_if_killed()
        return super().call(operation, request)

    @property
    def trigger_options(self) -> dict[str, Any]:
        """Return what the trigger needs to stop the training: this one, not another that is waited for before."""
        from airflow_provider_personalize.plans.steps import Poll

        if not (self.stop_on_kill and self.driver):
            return {}
        is_of_another = isinstance(self.driver.step, Poll) and not self.driver.step.then
        return {} if is_of_another else {"stop_on_kill": True, "asked": self._asked(self.driver)}

    def _asked(self, driver: Driver) -> dict[str, str] | None:
        """Return with what a training was asked for that may have begun; None where certainly none has."""
        memory = driver.memory
        # of a derived name, an earlier attempt may have started it
        may_be_ours = driver.is_calling or memory.call or (memory.is_retry and not self._given_name)
        name = self.name_to_try(driver.context, memory)
        return {"solution_arn": self.solution_arn, "name": name} if may_be_ours else None

    def on_kill(self) -> None:
        """Stop the training, where that was asked for, and let none begin in the seconds that Airflow 3 still gives."""
        if not (self.stop_on_kill and self.driver):
            return
        self.driver.is_killed = True
        if arn := self.driver.arn:
            self.hook.stop_training(arn)
        elif asked := self._asked(self.driver):
            # boto3 may be about to repeat the call
            self.hook.conn.meta.events.register_first(
                f"before-send.personalize.{self.operation}", self._refuse_if_killed
            )
            self.hook.stop_training_named(**asked)

    def _refuse_if_killed(self, **_: Any) -> None:
        if self.driver and self.driver.is_killed:
            raise PersonalizeError("The task was killed: it begins no training any more")


class StopSolutionVersionCreationOperator(WaitingOperator):
    """
    Stop a training, and wait until it has stopped.

    Calls ``StopSolutionVersionCreation``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_StopSolutionVersionCreation.html). The hours until then are
    charged, and a stopped training cannot be resumed. If the training has ended already, nothing is sent, and the log
    says how it ended.

    :param solution_version_arn: The ARN of the version. (templated)
    :return: The ARN.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, if the service cannot stop it now.
    """

    operation = "StopSolutionVersionCreation"
    resource_type = SOLUTION_VERSION
    goal: ClassVar[Goal] = SETTLED

    def __init__(self, *, solution_version_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Observe the training, and return the next step to its end."""
        from airflow_provider_personalize import clock
        from airflow_provider_personalize.plans import switch
        from airflow_provider_personalize.plans.steps import Observed

        wanted = self.wanted(switch.Switch, goal=self.goal)
        found = self.hook.describe(self.resource_type, wanted.arn)
        self.show_link(context, found)
        return switch.next_step_of_training(wanted, Observed(found), memory, clock.now())


class GetSolutionMetricsOperator(PersonalizeTask):
    """
    Read the offline metrics of a trained version.

    Calls ``GetSolutionMetrics`` (https://docs.aws.amazon.com/personalize/latest/dg/API_GetSolutionMetrics.html).

    :param solution_version_arn: The ARN of the version, which must be ACTIVE. (templated)
    :return: The metrics by name: ``{"coverage": 0.2, "precision_at_5": 0.1, …}``.
    :raises botocore.exceptions.ClientError: The service has no metrics of it.
    """

    operation = "GetSolutionMetrics"

    def __init__(self, *, solution_version_arn: str, **kwargs: Unpack[TaskOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn

    def execute(self, context: Context) -> dict[str, float]:  # noqa: ARG002 - Airflow's signature
        """Read them."""
        from airflow_provider_personalize.operators.driver import call_with_retry

        metrics: dict[str, float] = call_with_retry(self, lambda: self.api.call(self.api.build_request()))["metrics"]
        self.succeed(None, metrics=metrics)
        return metrics
