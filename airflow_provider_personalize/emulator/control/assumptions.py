"""
What is not publicly known about the service, and what the emulator assumes instead.

Each field is one open question. Its first choice is the default; set another one to test how your DAG copes with it:
``assumptions.unchanged_update = "ignored"``. Seconds are set one by one:
``assumptions.seconds["solution_update"] = 600``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from airflow_provider_personalize.emulator.control.durations import GUIDE, SAMPLES, SECONDS, Seconds, changed
from airflow_provider_personalize.emulator.validators import check_number


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
        asks="Which error does a request return that violates a constraint of the model?",
        source="not documented; the model names InvalidInputException",
    )
    undocumented_error: str = _open_question(
        "InvalidInputException",
        "as_it_is",
        asks="Which error is returned if the fitting one is not documented for the operation?",
        source="not documented",
    )
    second_in_group: str = _open_question(
        "LimitExceededException",
        "ResourceAlreadyExistsException",
        asks="Which error does a second event tracker or metric attribution in a dataset group return?",
        source=f"{GUIDE}/limits.html allows one; {GUIDE}/API_CreateEventTracker.html names no error",
    )
    move_from_wrong_status: str = _open_question(
        "ResourceInUseException",
        "InvalidInputException",
        asks="Which error does a stop or a start return if the resource's status does not allow it?",
        source=f"not documented; {GUIDE}/API_StopRecommender.html names both",
    )
    lists_begin_with: str = _open_question(
        "oldest",
        "newest",
        asks="What comes first in a list whose order is not documented?",
        source=f"not documented; {GUIDE}/solution-config-auto-training.html takes the first version for the newest",
    )
    active_counts: str = _open_question(
        "on_their_way",
        "active_only",
        asks="Does a quota on ACTIVE resources also count those that are being created?",
        source=f"not documented in {GUIDE}/limits.html",
    )
    parent_not_active: str = _open_question(
        "refused",
        "accepted",
        asks="Can a resource be created in a parent that is not ACTIVE?",
        source=f"{GUIDE}/create-dataset-group.html says to wait; how the service refuses is not documented",
    )
    domain_mismatch: str = _open_question(
        "refused",
        "accepted",
        asks="Can a dataset use a schema of a domain other than its group's?",
        source=f"{GUIDE}/API_CreateSchema.html says it must match; the error is not documented",
    )
    name_of_failed_job: str = _open_question(
        "taken",
        "free",
        asks="Can a job reuse the name of a failed job?",
        source="not documented; there is no operation to delete a job, and its name is in its ARN",
    )
    option_of_another_recipe: str = _open_question(
        "refused",
        "accepted",
        asks="Does the call refuse an option that the recipe lacks: eventsConfig, performIncrementalUpdate, "
        "itemExplorationConfig, a featurization hyperparameter?",
        source=f"{GUIDE}/optimizing-solution-events-config.html, {GUIDE}/API_CampaignConfig.html and the pages of "
        "the recipes say what each has; the error is not documented",
    )
    update_of_not_active: str = _open_question(
        "refused",
        "accepted",
        asks="Can a resource be updated that is not ACTIVE?",
        source=f"not documented; a campaign may also be CREATE FAILED ({GUIDE}/API_UpdateCampaign.html)",
    )
    update_while_pending: str = _open_question(
        "refused",
        "accepted",
        asks="Can a resource be updated while an update of it is in progress?",
        source=f"not documented; {GUIDE}/API_UpdateSolution.html names ResourceInUseException",
    )
    unchanged_update: str = _open_question(
        "accepted",
        "ignored",
        asks="Does an update that changes nothing run, or is it ignored?",
        source=f"not documented; UpdateRecommender does nothing then ({GUIDE}/updating-recommender.html)",
    )
    empty_update: str = _open_question(
        "refused",
        "accepted",
        asks="Is an UpdateSolution or UpdateMetricAttribution request without any change refused?",
        source="not documented",
    )
    schedule_without_switch: str = _open_question(
        "accepted",
        "refused",
        asks="Can an update contain a schedule but not performAutoTraining?",
        source="not documented; accepted means that performAutoTraining stays as it is",
    )
    schedule_with_training_off: str = _open_question(
        "refused",
        "accepted",
        asks="Is a schedule refused in a request that turns automatic training off?",
        source=f"not documented; {GUIDE}/updating-solution.html leaves the schedule out then",
    )
    schedule_when_off: str = _open_question(
        "kept",
        "dropped",
        asks="Does a solution still show its schedule after automatic training is turned off?",
        source="not documented",
    )
    unnamed_solution_config: str = _open_question(
        "kept",
        "dropped",
        asks="What happens to the schedule or the eventsConfig if a solutionUpdateConfig contains only the other?",
        source="not documented",
    )
    unnamed_campaign_config: str = _open_question(
        "dropped",
        "kept",
        asks="What happens to settings that the campaignConfig of an update leaves out?",
        source="not documented",
    )
    unnamed_recommender_config: str = _open_question(
        "kept",
        "dropped",
        asks="What happens to settings that the recommenderConfig of an update leaves out?",
        source="not documented",
    )
    solution_while_updating: str = _open_question(
        "as_before",
        "as_asked",
        asks="Which configuration does a solution show while an update is in progress?",
        source=f"not documented; it uses the one before ({GUIDE}/updating-solution.html)",
    )
    update_summary: str = _open_question(
        "as_sent",
        "in_full",
        asks="Does the latest update show only what its request contained, or the whole configuration?",
        source=f"not documented in {GUIDE}/API_SolutionUpdateSummary.html and for other resource types",
    )
    update_visible_after: float = _number(
        0, asks="After how many seconds does a description show an accepted update?", source="not documented"
    )
    no_update_yet: str = _open_question(
        "absent",
        "empty",
        asks="What does a description show as the latest update if there was none?",
        source=f"{GUIDE}/API_Campaign.html says it exists after the first; not documented for other resource types",
    )
    failed_dataset_update: str = _open_question(
        "CREATE FAILED",
        "UPDATE FAILED",
        asks="Which status does a failed update of a dataset have?",
        source=f"not documented in {GUIDE}/API_DatasetUpdateSummary.html",
    )
    failed_campaign_updated: str = _open_question(
        "ACTIVE",
        "CREATE FAILED",
        asks="Which status does a campaign have if its creation failed and an update of it is ACTIVE?",
        source=f"not documented; {GUIDE}/API_UpdateCampaign.html allows the update",
    )
    metric_attribution_updating: str = _open_question(
        "CREATE IN_PROGRESS",
        "UPDATE IN_PROGRESS",
        "ACTIVE",
        asks="Which status does a metric attribution have during an update, after the corresponding PENDING?",
        source="not documented",
    )
    deletion_shown: str = _open_question(
        "status",
        "update",
        asks="Where does a campaign or recommender that was updated once show its deletion?",
        source="AWS's personalize-monitor (https://github.com/aws-samples/amazon-personalize-monitor) looks at both",
    )
    group_with_filters: str = _open_question(
        "refused",
        "accepted",
        asks="Is the deletion of a dataset group with filters or a metric attribution refused?",
        source=f"{GUIDE}/API_DeleteDatasetGroup.html names event trackers, solutions and datasets only",
    )
    import_without_location: str = _open_question(
        "refused",
        "accepted",
        asks="Is an import or a data deletion without a dataLocation refused by the call? Otherwise, the job fails.",
        source="not documented; the model does not require it",
    )
    import_access_checked: str = _open_question(
        "job",
        "call",
        asks="Does a missing or inaccessible file or bucket fail the import job, or the call?",
        source="not documented; both have been reported",
    )
    import_header_checked: str = _open_question(
        "job",
        "call",
        asks="Does a missing column fail the import job, or the call?",
        source="not documented; both have been reported",
    )
    import_without_slash: str = _open_question(
        "accepted",
        "refused",
        asks="Does an import read a folder whose path lacks the final slash?",
        source=f"notebooks of {SAMPLES} do; {GUIDE}/API_DataSource.html asks for the slash",
    )
    unknown_columns: str = _open_question(
        "ignored",
        "refused",
        asks="Is a column that the schema lacks ignored, or does it fail the import?",
        source=f"imports with an unnamed and with an extra column became ACTIVE in notebooks of {SAMPLES}",
    )
    case_of_headers: str = _open_question(
        "ignored",
        "kept",
        asks="Does a column match a field of the schema whose name differs only in case?",
        source=f"a notebook of {SAMPLES} has creation_timestamp for CREATION_TIMESTAMP, and a report there (issue 17) "
        "user_id; the guide is silent",
    )
    quoted_headers: str = _open_question(
        "refused",
        "accepted",
        asks="Does a header in quotation marks fail the import?",
        source=f"{GUIDE}/data-prep-formatting.html forbids it; the consequence is not documented",
    )
    empty_required_value: str = _open_question(
        "accepted",
        "refused",
        asks="Is a row without a value for a required column imported? IDs and timestamps are never empty.",
        source=f"data of notebooks of {SAMPLES} has such a row; {GUIDE}/how-it-works-dataset-schema.html asks for null",
    )
    long_text: str = _open_question(
        "truncated",
        "refused",
        asks="Is text beyond the character quota truncated, or does it fail the import?",
        source=f"{GUIDE}/items-datasets.html says truncated; {GUIDE}/troubleshooting.html has an error for any column",
    )
    missing_optional_column: str = _open_question(
        "accepted",
        "refused",
        asks="Can a CSV omit a nullable column?",
        source=f"not documented in {GUIDE}/data-prep-formatting.html",
    )
    first_import_incremental: str = _open_question(
        "refused",
        "accepted",
        asks="Does the call refuse an INCREMENTAL import before a FULL import is ACTIVE?",
        source=f"{GUIDE}/API_CreateDatasetImportJob.html says the first must be FULL; the error is not documented",
    )
    minimum_interactions: float = _number(
        1000,
        asks="Below how many interactions does an import job fail?",
        source=f"{GUIDE}/limits.html has the number; that the job fails and not the call is assumed",
    )
    unknown_properties: str = _open_question(
        "refused",
        "dropped",
        asks="What happens to a property of an event, item, user or action that the schema lacks?",
        source=f"{GUIDE}/API_UBS_Item.html says that keys match fields; the consequence is not documented",
    )
    autotrain_by_hand: str = _open_question(
        "refused",
        "accepted",
        asks="Does CreateSolutionVersion refuse the trainingMode AUTOTRAIN?",
        source=f"not documented; {GUIDE}/API_CreateSolutionVersion.html lists it among the values",
    )
    automatic_training_mode: str = _open_question(
        "FULL",
        "AUTOTRAIN",
        asks="Which trainingMode does a version from automatic training have?",
        source=f"not documented; {GUIDE}/solution-config-auto-training.html says to look at trainingType",
    )
    first_training_after: float = _number(
        1800,
        asks="After how many seconds does the first automatic training begin?",
        source=f"{GUIDE}/solution-config-auto-training.html says within an hour",
    )
    first_training_without_data: str = _open_question(
        "tried",
        "skipped",
        asks="Does the first automatic training run without interactions, and fail, or is it skipped?",
        source=f"not documented; {GUIDE}/solution-config-auto-training.html asks later trainings for new interactions",
    )
    same_schedule: str = _open_question(
        "restarts",
        "kept",
        asks="Does an update with an unchanged schedule restart it, so that a training begins within the hour?",
        source=f"not documented; {GUIDE}/updating-solution.html says that a change does",
    )
    training_data_checked: str = _open_question(
        "training",
        "call",
        asks="Does too little data fail the training, or does CreateSolutionVersion or CreateRecommender refuse it?",
        source=f"not documented; {GUIDE}/troubleshooting.html has the texts",
    )
    event_without_value: str = _open_question(
        "left_out",
        "counted",
        asks="Does an event without a value count if there is an eventValueThreshold?",
        source=f"not documented in {GUIDE}/optimizing-solution-events-config.html",
    )
    training_hours: float = _number(
        1,
        asks="How many hours is a training billed for?",
        source=f"{GUIDE}/API_SolutionVersion.html has them, as billed; they are not wall time",
    )
    latest_without_version: str = _open_question(
        "ResourceNotFoundException",
        "InvalidInputException",
        asks="Which error does a campaign with $LATEST return if the solution has no ACTIVE version?",
        source="not documented; a solution's bare ARN is not found (https://github.com/aws/aws-sdk-js-v3/issues/4982)",
    )
    latest_version_shown: str = _open_question(
        "resolved",
        "literally",
        asks="Does a campaign with $LATEST show the version it serves, or $LATEST?",
        source=f"not documented in {GUIDE}/API_DescribeCampaign.html",
    )
    filter_liberties: str = _open_question(
        "accepted",
        "refused",
        asks="Can a filter expression contain parenthesised conditions, IS NULL, and OR in an IF condition?",
        source=f"not shown in {GUIDE}/creating-filter-expressions.html",
    )
    filter_single_quotes: str = _open_question(
        "accepted",
        "refused",
        asks="Can strings in a filter expression use single quotes?",
        source=f"the README of filter_rotator in {SAMPLES} has them; the guide does not",
    )
    filter_singular_dataset: str = _open_question(
        "accepted",
        "refused",
        asks="Can a filter expression refer to the dataset Actions as Action?",
        source=f"{GUIDE}/action-recommendation-filter-examples.html has Action.MEMBERSHIP_LEVEL in one example only",
    )
    filter_unknown_field: str = _open_question(
        "refused",
        "accepted",
        asks="Is a filter refused if the dataset's schema lacks one of its fields?",
        source="not documented; case is ignored, as the guide writes Items.genres for GENRES",
    )
    filter_range_of_text: str = _open_question(
        "refused",
        "accepted",
        asks="Is a filter refused if it compares a string field with <, <=, > or >=?",
        source=f"not documented; {GUIDE}/creating-filter-expressions.html has these operators for numbers",
    )
    batch_statuses: str = _open_question(
        "observed",
        "documented",
        asks="Are the statuses of batch jobs CREATE PENDING and CREATE IN_PROGRESS (observed), or PENDING and IN "
        "PROGRESS (documented)?",
        source=f"{SAMPLES} against {GUIDE}/API_BatchInferenceJob.html",
    )
    segment_member: str = _open_question(
        "usersList",
        "recommendedUsers",
        asks="Which member of a batch segment job's output contains the users?",
        source=f"https://github.com/aws-samples/retail-demo-store against {GUIDE}/getting-user-segments.html",
    )
    deleted_counted: str = _open_question(
        "rows",
        "users",
        asks="What does numDeleted of a data deletion job count?",
        source=f'{GUIDE}/API_DataDeletionJob.html says "records"; whether of users or of rows is not documented',
    )
    seconds: Seconds = field(
        default_factory=lambda: Seconds(SECONDS),
        metadata={
            "choices": (),
            "asks": "How many seconds does each operation take, from call to final status? Set only those to change.",
            "source": "see the table of durations",
        },
    )
    automatic_training_over_quota: str = _open_question(
        "waits",
        "trains",
        asks="Does automatic training wait while the quota on trainings in progress is used up?",
        source=f"not documented; {GUIDE}/limits.html has the quota",
    )
    filter_of_a_campaign: str = _open_question(
        "free",
        "held",
        asks="Can a filter be deleted while its dataset group has campaigns, which may use any filter of the group?",
        source=f"not documented in {GUIDE}/API_DeleteFilter.html; a notebook of AWS's samples deletes campaigns first",
    )
    same_version_name: str = _open_question(
        "refused",
        "accepted",
        asks="Does CreateSolutionVersion refuse the name of another version of the solution?",
        source=f"{GUIDE}/API_CreateSolutionVersion.html names ResourceAlreadyExistsException, and does not say when",
    )
    version_name: str = _open_question(
        "given",
        "after_solution",
        asks="Does a solution version show its name as given, or prefixed with the solution's name and a slash?",
        source=f"not documented; for an unnamed version, {SAMPLES} shows the latter",
    )
    version_arn: str = _open_question(
        "digits",
        "name",
        asks="Does the ARN of a named version contain eight hex digits, or the name, which can then never be reused?",
        source=f"not documented; for an unnamed version, {SAMPLES} shows digits, which are also its name",
    )
    events_before_active: str = _open_question(
        "accepted",
        "refused",
        asks="Are events accepted before their event tracker is ACTIVE?",
        source=f"notebooks of {SAMPLES} put events right after they create the tracker",
    )
    job_names_of_deleted_group: str = _open_question(
        "free",
        "taken",
        asks="Can a job reuse the name of a job whose dataset group was deleted? If so, the old jobs are gone.",
        source=f"not documented; notebooks of {SAMPLES} use the same names again in a new dataset group",
    )
    metrics_of_failed_version: str = _open_question(
        "ResourceInUseException",
        "InvalidInputException",
        "empty",
        asks="Which error does GetSolutionMetrics return for a failed version, or does it return empty metrics?",
        source=f"not documented; {GUIDE}/API_GetSolutionMetrics.html names both errors",
    )
    not_found_text: str = _open_question(
        "of_the_kind",
        "of_any_resource",
        asks="Is the message for a missing resource 'The given solution does not exist: <ARN>' (with its resource "
        "type), or 'Resource Arn <ARN> does not exist.'? The first was recorded for a dataset group.",
        source=f"{SAMPLES} recorded the first for a dataset group; moto uses the second for a schema",
    )

    def __setattr__(self, name: str, value: Any) -> None:
        question = self.__dataclass_fields__.get(name)
        if question is None:
            raise AttributeError(f"there is no assumption {name!r}: there are {', '.join(self.__dataclass_fields__)}")
        if name == "seconds":
            value = changed(getattr(self, name, SECONDS), value)
        elif choices := question.metadata["choices"]:
            if value not in choices:
                raise ValueError(f"{name} is {value!r}: choose one of {', '.join(choices)}")
        else:
            check_number(name, value)
        super().__setattr__(name, value)

    def change(self, answers: Mapping[str, Any]) -> None:
        """Set several assumptions, or none if one of them is wrong."""
        trial = Assumptions()
        for name, value in answers.items():
            setattr(trial, name, value)
        for name, value in answers.items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Restore the defaults."""
        usual = Assumptions()
        for question in fields(self):
            setattr(self, question.name, getattr(usual, question.name))
