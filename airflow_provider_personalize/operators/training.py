"""Say how a solution trains, and train it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.exceptions import PersonalizeError
from airflow_provider_personalize.operators.base import PersonalizeOperator, WaitingOperator
from airflow_provider_personalize.operators.creating import CreateOperator, RunOperator
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.operators.updating import UpdateOperator
from airflow_provider_personalize.resources import SOLUTION, SOLUTION_VERSION
from airflow_provider_personalize.status import SETTLED, SUCCEEDED, Goal
from airflow_provider_personalize.task import switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import CreateOptions, TaskOptions, UpdateOptions, WaitingOptions

# In what is carried: the training that the service was asked for, whether or not it answered.
_ASKED: Final = "asked"


class CreateSolutionOperator(CreateOperator):
    """
    Create a solution: a recipe, and how it trains. Or find the one that is there already.

    Calls ``CreateSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolution.html). The service's
    own default is to train every solution anew each week, and each training is charged; so here it must be said who
    trains.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param dataset_group_arn: The ARN of the dataset group with the data. (templated)
    :param perform_auto_training: Whether the service trains new versions by itself, the first within an hour; each is
        charged. False leaves training to :class:`CreateSolutionVersionOperator`. (templated)
    :param recipe_arn: The ARN of the recipe; required unless ``perform_auto_ml`` is True. (templated)
    :param perform_auto_ml: Whether the service chooses the recipe. (templated)
    :param perform_hpo: Whether the service tunes hyperparameters, which makes trainings longer. (templated)
    :param perform_incremental_update: Whether the model learns from new data between trainings; for the
        semantic-similarity recipe only. Takes boto3 1.41.6. (templated)
    :param event_type: The one event type to train on; None means all. (templated)
    :param solution_config: ``{"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}, …}``, see
        https://docs.aws.amazon.com/personalize/latest/dg/API_SolutionConfig.html. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the solution.
    :raises InvalidRequestError: Parameters are wrong, or ``perform_auto_training`` is left out; nothing was sent.
    :raises ResourceDiffersError: A solution of this name exists and is not as wanted.
    :raises ResourceExistsError: One exists, and ``if_exists`` is ``"fail"``.
    :raises ResourceFailedError: The solution ended in CREATE FAILED.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateSolution"
    resource_type = SOLUTION
    members = (
        "name",
        "dataset_group_arn",
        "perform_auto_training",
        "recipe_arn",
        "perform_auto_ml",
        "perform_hpo",
        "perform_incremental_update",
        "event_type",
        "solution_config",
        "tags",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"solution_config": "json", "tags": "json"}

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


class UpdateSolutionOperator(UpdateOperator):
    """
    Change how a solution trains, and go on when the change is ACTIVE.

    Calls ``UpdateSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateSolution.html) and ends only
    when its own update is shown in the solution's ``latestSolutionUpdate``. What is already so is not sent again: an
    update starts the training schedule over, so a daily DAG would buy a training a day
    (https://docs.aws.amazon.com/personalize/latest/dg/updating-solution.html).

    Templates may yield texts: ``"True"`` or ``"false"`` for a boolean, ``"0.5"`` for a number, a literal or JSON for a
    structure.

    :param solution_arn: The ARN of the solution. (templated)
    :param perform_auto_training: Whether the service trains new versions by itself; each is charged. None leaves it as
        it is. (templated)
    :param perform_incremental_update: Whether the model learns from new data between trainings; for the
        semantic-similarity recipe only. None leaves it as it is. Takes boto3 1.41.6. (templated)
    :param solution_update_config: ``{"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}, "eventsConfig":
        {"eventParametersList": [{"eventType": …, "eventValueThreshold": …, "weight": …}]}}``, both members optional.
        The rate is from 1 to 30 days. At most 10 event types, weights from 0 to 1; a new ``eventsConfig`` replaces the
        old one, and ``{}`` clears it. That a member that is left out stays as it is is assumed. ``eventsConfig`` takes
        boto3 1.37.29. (templated)
    :return: The solution's ARN. Also in XCom, as ``solution_update``: the update's ``creationDateTime`` (None where
        nothing had to change), its content, and whether this task ``sent`` it.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceFailedError: The update, or the solution itself, ended in CREATE FAILED; with the service's reason.
    :raises UpdateReplacedError: Somebody made another update before the outcome of this one was seen.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "UpdateSolution"
    resource_type = SOLUTION
    unchanged = "trains so already, and an update would start the training schedule over"
    members = ("solution_arn", "perform_auto_training", "perform_incremental_update", "solution_update_config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"solution_update_config": "json"}

    def __init__(
        self,
        *,
        solution_arn: str,
        perform_auto_training: bool | str | None = None,
        perform_incremental_update: bool | str | None = None,
        solution_update_config: dict[str, Any] | str | None = None,
        **kwargs: Unpack[UpdateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.perform_auto_training = perform_auto_training
        self.perform_incremental_update = perform_incremental_update
        self.solution_update_config = solution_update_config

    def readings(self, content: Mapping[str, Any], found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """List how an update may read: as it was sent, or with what it leaves as it is."""
        config = found.get("solutionConfig") or {}
        kept = {member: config[member] for member in ("autoTrainingConfig", "eventsConfig") if member in config}
        named = content.get("solutionUpdateConfig", {})
        return [content, {**content, "solutionUpdateConfig": {**kept, **named}}] if kept else [content]


class DeleteSolutionOperator(DeleteOperator):
    """
    Delete a solution with all its versions, and go on when it is gone.

    Calls ``DeleteSolution`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteSolution.html). An update of
    it that is under way is waited for; a campaign that uses it, or a training, makes the service refuse.

    :param solution_arn: The ARN of the solution. (templated)
    :return: The ARN.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, where something depends on it.
    :raises WaitTimeoutError: It is not gone in time, with the status seen last.
    """

    operation = "DeleteSolution"
    resource_type = SOLUTION

    def __init__(self, *, solution_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn


class CreateSolutionVersionOperator(RunOperator):
    """
    Train a new version of a solution, and go on when it is trained.

    Calls ``CreateSolutionVersion``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateSolutionVersion.html). A training is charged by the
    hour, so a task instance trains once: a retry waits for what an earlier try started, and trains anew only after a
    training that failed, which is not charged. One that somebody stopped is not started again.

    :param solution_arn: The ARN of the solution. (templated)
    :param name: A name for the version, at most 63 letters, digits, hyphens and underscores. None derives one; one of
        your own needs something of the run in it. (templated)
    :param training_mode: ``"FULL"`` trains from all data, ``"UPDATE"`` takes in what came since the last full training;
        for the recipes User-Personalization and HRNN-Coldstart only. None is FULL. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :param stop_on_kill: Whether to stop the training where the task is killed, marked as failed or succeeded, or
        cleared: on the worker, and from Airflow 3.3 on while deferred too. The hours until then are charged, and the
        next try trains anew.
    :return: The ARN of the version.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceExistsError: A version of this ``name`` is from before this run.
    :raises ResourceFailedError: The training failed, with the service's reason.
    :raises ResourceStoppedError: Somebody stopped the training.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateSolutionVersion"
    resource_type = SOLUTION_VERSION
    unless_given: ClassVar[Mapping[str, Any]] = {"trainingMode": "FULL"}
    naming = "name"
    patient = True
    #: Whether the task was killed, and what it began is to be stopped.
    killed = False
    members = ("solution_arn", "name", "training_mode", "tags")
    template_fields_renderers: ClassVar[dict[str, str]] = {"tags": "json"}

    def __init__(
        self,
        *,
        solution_arn: str,
        name: str | None = None,
        training_mode: str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        stop_on_kill: bool = False,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.name = name
        self.training_mode = training_mode
        self.tags = tags
        self.stop_on_kill = switch("stop_on_kill", stop_on_kill)

    def find(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """
        Find the version of this name among those under way or begun since the run began.

        The list of versions does not tell their names.
        """

        def is_likely(summary: Mapping[str, Any]) -> bool:
            return summary["status"] not in self.resource_type.final or self.is_of_this_run(context, summary)

        versions = self.hook.list_versions(request["solutionArn"])
        return self.hook.find_version(request["solutionArn"], request["name"], filter(is_likely, versions))

    def find_existing(self, context: Context, request: Mapping[str, Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Find the version of this name among all."""
        arn = request["solutionArn"]
        return self.hook.find_version(arn, request["name"], self.hook.list_versions(arn))

    def pursue(self, context: Context, deadline: float) -> str:
        """Go on until it is over; that an earlier run of this object was killed counts no more."""
        self.killed = False
        return super().pursue(context, deadline)

    def create(self, context: Context, request: Mapping[str, Any], deadline: float) -> tuple[dict[str, Any], bool]:
        """Train it; a kill may come before the answer."""
        self.carried[_ASKED] = {"solution_arn": request["solutionArn"], "name": request["name"]}
        self._must_live()
        return super().create(context, request, deadline)

    @property
    def trigger_options(self) -> dict[str, Any]:
        """Tell the trigger, too, to stop the training."""
        return {"stop_on_kill": True, "asked": self.carried.get(_ASKED)} if self.stop_on_kill else {}

    def note(self, context: Context, request: Mapping[str, Any], arn: str) -> None:
        """Keep it where a retry looks first; stop it, where the task was killed before the answer came."""
        super().note(context, request, arn)
        if self.killed:
            self.on_kill()

    def on_kill(self) -> None:
        """Stop the training, where that was asked for, and let none begin in the seconds that Airflow 3 still gives."""
        if not self.stop_on_kill:
            return
        self.killed = True
        if self.started_arn:
            self.hook.stop_training(self.started_arn)
        elif _ASKED in self.carried:
            # boto3 may be about to repeat the call
            self.client.meta.events.register_first(f"before-send.personalize.{self.operation}", self._must_live)
            self.hook.stop_training_named(**self.carried[_ASKED])

    def _must_live(self, **_: Any) -> None:
        if self.killed:
            raise PersonalizeError("The task was killed: it begins no training any more")


class StopSolutionVersionCreationOperator(WaitingOperator):
    """
    Stop a training, and go on when nothing is trained any more.

    Calls ``StopSolutionVersionCreation``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_StopSolutionVersionCreation.html). The hours until then are
    charged, and a stopped training cannot be resumed. Where the training is over already, nothing is sent, and the log
    says how it ended.

    :param solution_version_arn: The ARN of the version. (templated)
    :return: The ARN.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises botocore.exceptions.ClientError: ``ResourceInUseException``, where the service will not stop it now.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "StopSolutionVersionCreation"
    resource_type = SOLUTION_VERSION
    goal: ClassVar[Goal] = SETTLED

    def __init__(self, *, solution_version_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn

    def go_on(self, context: Context, deadline: float) -> str:
        """Stop it unless it is over, and wait until it is."""
        self.request()
        version = self.hook.describe(self.resource_type, self.arn)
        self.show_link(context, version)
        verdict = self.wait(self.arn).evaluate(version)
        if verdict.outcome == SUCCEEDED:
            self.log.warning("%s: it is over, and nothing is stopped (%s)", verdict, self.wait(self.arn).title)
            return self.arn
        try:
            self.hook.stop_training(self.arn)
        except self.client.exceptions.ResourceInUseException:
            if not self.held_back(context, deadline):  # what is in the way may be what an earlier try sent
                raise
            return self.go_on(context, deadline)
        except Exception as error:
            self.note_unanswered(error)
            raise
        if self.wait_for_completion:
            self.wait_until(self.wait(self.arn), deadline)
        return self.arn


class GetSolutionMetricsOperator(PersonalizeOperator):
    """
    Read the offline metrics of a trained version.

    Calls ``GetSolutionMetrics`` (https://docs.aws.amazon.com/personalize/latest/dg/API_GetSolutionMetrics.html).

    :param solution_version_arn: The ARN of the version, which must be ACTIVE. (templated)
    :return: The metrics by name: ``{"coverage": 0.2, "precision_at_5": 0.1, …}``.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises botocore.exceptions.ClientError: The service has no metrics of it.
    """

    operation = "GetSolutionMetrics"
    members = ("solution_version_arn",)

    def __init__(self, *, solution_version_arn: str, **kwargs: Unpack[TaskOptions]) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn

    def execute(self, context: Context) -> dict[str, float]:  # noqa: ARG002 - Airflow's signature
        """Read them."""
        metrics: dict[str, float] = self.patiently(lambda: self.call(self.request()))["metrics"]
        return metrics
