"""
What nobody outside of AWS knows about the service, and what the emulator takes for it.

Each field is one open question. Its first choice is the default; set another one to see how your DAG fares if the
service turns out to do that: ``assumptions.unchanged_update = "ignored"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

_GUIDE = "https://docs.aws.amazon.com/personalize/latest/dg"


def _open_question(*choices: str, asks: str, source: str) -> Any:
    return field(default=choices[0], metadata={"choices": choices, "asks": asks, "source": source})


def _number(default: float, asks: str, source: str) -> Any:
    return field(default=default, metadata={"choices": (), "asks": asks, "source": source})


@dataclass
class Assumptions:
    """The open questions, and the answer that is in force for each."""

    constraint_error: str = _open_question(
        "InvalidInputException",
        "ValidationException",
        asks="Which error answers a request that breaks a constraint of the model?",
        source="not documented; InvalidInputException is the one that the model names",
    )
    parent_not_active: str = _open_question(
        "refused",
        "accepted",
        asks="May something be created in a resource that is not ACTIVE?",
        source=f"{_GUIDE}/create-dataset-group.html says to wait; how the service refuses is not documented",
    )
    domain_mismatch: str = _open_question(
        "refused",
        "accepted",
        asks="May a dataset have a schema of another domain than its group's?",
        source=f"{_GUIDE}/API_CreateSchema.html says it must match; the error is not documented",
    )
    option_of_another_recipe: str = _open_question(
        "refused",
        "accepted",
        asks="Is eventsConfig or performIncrementalUpdate refused at the call if the recipe does not support it?",
        source=f"{_GUIDE}/optimizing-solution-events-config.html names the recipes; the error is not documented",
    )
    update_of_not_active: str = _open_question(
        "refused", "accepted", asks="May a solution that is not ACTIVE be updated?", source="not documented"
    )
    update_while_pending: str = _open_question(
        "refused",
        "accepted",
        asks="May a solution be updated while an update of it is under way?",
        source=f"not documented; {_GUIDE}/API_UpdateSolution.html names ResourceInUseException",
    )
    unchanged_update: str = _open_question(
        "accepted",
        "ignored",
        asks="Does an update to what is already so run as an update, or does nothing happen?",
        source=f"not documented; UpdateRecommender does nothing then ({_GUIDE}/updating-recommender.html)",
    )
    schedule_without_switch: str = _open_question(
        "accepted",
        "refused",
        asks="May an update carry a schedule and leave out performAutoTraining?",
        source="not documented; accepted means that performAutoTraining stays as it is",
    )
    schedule_when_off: str = _open_question(
        "kept",
        "dropped",
        asks="Does a solution keep showing its schedule after automatic training was turned off?",
        source="not documented",
    )
    update_visible_after: float = _number(
        0, asks="After how many seconds does DescribeSolution show an accepted update?", source="not documented"
    )
    import_header_checked: str = _open_question(
        "job",
        "call",
        asks="Does a missing column fail the import job, or is the call refused?",
        source="not documented; both have been reported",
    )
    unknown_columns: str = _open_question(
        "refused",
        "ignored",
        asks="Does a column that the schema does not name fail the import?",
        source=f"{_GUIDE}/data-prep-formatting.html says that names are the schema's; what follows is not documented",
    )
    first_import_incremental: str = _open_question(
        "refused",
        "accepted",
        asks="Is an INCREMENTAL import refused at the call while no FULL one has become ACTIVE?",
        source=f"{_GUIDE}/API_CreateDatasetImportJob.html says the first must be FULL; the error is not documented",
    )
    minimum_interactions: float = _number(
        1000,
        asks="An import of fewer interactions than this fails. Is that so in the job?",
        source=f"{_GUIDE}/limits.html has the number; that the job fails and not the call is assumed",
    )

    second_in_group: str = _open_question(
        "LimitExceededException",
        "ResourceAlreadyExistsException",
        asks="Which error answers a second event tracker or metric attribution in a dataset group?",
        source=f"{_GUIDE}/limits.html allows one; {_GUIDE}/API_CreateEventTracker.html names no error",
    )
    autotrain_by_hand: str = _open_question(
        "refused",
        "accepted",
        asks="Does CreateSolutionVersion refuse the trainingMode AUTOTRAIN?",
        source=f"not documented; {_GUIDE}/API_CreateSolutionVersion.html lists it among the values",
    )
    automatic_training_mode: str = _open_question(
        "FULL",
        "AUTOTRAIN",
        asks="Which trainingMode has a version of automatic training?",
        source=f"not documented; {_GUIDE}/solution-config-auto-training.html says to look at trainingType",
    )
    first_training_after: float = _number(
        1800,
        asks="After how many seconds does the first automatic training begin?",
        source=f"{_GUIDE}/solution-config-auto-training.html says within an hour",
    )
    first_training_without_data: str = _open_question(
        "tried",
        "skipped",
        asks="Does the first automatic training begin if there are no interactions, and then fail?",
        source=f"not documented; {_GUIDE}/solution-config-auto-training.html asks later trainings for new interactions",
    )
    training_every_days: float = _number(
        7,
        asks="How many days are between automatic trainings if no schedule is shown?",
        source=f"{_GUIDE}/API_AutoTrainingConfig.html",
    )
    same_schedule: str = _open_question(
        "restarts",
        "kept",
        asks="Does an update to the schedule that is in force restart it, so that a training begins within the hour?",
        source=f"not documented; {_GUIDE}/updating-solution.html says that a change does",
    )
    latest_version_shown: str = _open_question(
        "resolved",
        "literally",
        asks="Does a campaign of $LATEST show the version that it serves, or $LATEST?",
        source=f"not documented in {_GUIDE}/API_DescribeCampaign.html",
    )
    failed_dataset_update: str = _open_question(
        "CREATE FAILED",
        "UPDATE FAILED",
        asks="Which status has the update of a dataset that failed?",
        source=f"not documented in {_GUIDE}/API_DatasetUpdateSummary.html",
    )
    deletion_shown: str = _open_question(
        "status",
        "update",
        asks="Where does a campaign or recommender that was updated once show its deletion?",
        source="AWS's personalize-monitor (https://github.com/aws-samples/amazon-personalize-monitor) looks at both",
    )
    training_hours: float = _number(
        1,
        asks="How many hours is a training billed for?",
        source=f"{_GUIDE}/API_SolutionVersion.html has them, as billed; they are not wall time",
    )
    same_version_name: str = _open_question(
        "refused",
        "accepted",
        asks="Does CreateSolutionVersion refuse a name that another version of the solution has?",
        source=f"{_GUIDE}/API_CreateSolutionVersion.html names ResourceAlreadyExistsException, and does not say when",
    )

    def __setattr__(self, name: str, value: Any) -> None:
        question = self.__dataclass_fields__.get(name)
        if question is None:
            raise AttributeError(f"there is no assumption {name!r}: there are {', '.join(self.__dataclass_fields__)}")
        choices = question.metadata["choices"]
        if choices and value not in choices:
            raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}")
        if not choices and (isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0):
            raise ValueError(f"{name} is {value!r}: it must be a number, 0 or more")
        super().__setattr__(name, value)

    def change(self, answers: Mapping[str, Any]) -> None:
        """Set several, or none if one of them is wrong."""
        trial = Assumptions()
        for name, value in answers.items():
            setattr(trial, name, value)
        for name, value in answers.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Go back to the defaults."""
        for question in fields(self):
            setattr(self, question.name, question.default)


assumptions = Assumptions()
