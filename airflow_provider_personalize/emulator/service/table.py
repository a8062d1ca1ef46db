"""The resource types, each with its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.emulated_types import Transition
from airflow_provider_personalize.emulator.service.ruled_types import DeletionBlocker, RuledType
from airflow_provider_personalize.emulator.service.rules import (
    attribution,
    batch,
    campaigns,
    exports,
    filtering,
    imports,
    learning,
    recommenders,
    solutions,
    trackers,
    training_data,
    versions,
)

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.records import Record


def _as_assumed(blocker: Record, blocked: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return state.assumptions.group_with_filters == "refused"


def _in_progress(blocker: Record, blocked: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return not blocker.settled


def _serving(blocker: Record, blocked: Record) -> bool:
    return blocker.usable or _in_progress(blocker, blocked)


def _of_interactions(blocker: Record, blocked: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return str(blocked.members["datasetType"]).endswith("INTERACTIONS")


def _may_filter(blocker: Record, blocked: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return state.assumptions.filter_of_a_campaign == "held"


_JOBS: Final = (
    "dataset_import_job",
    "dataset_export_job",
    "data_deletion_job",
    "batch_inference_job",
    "batch_segment_job",
)

RESOURCE_TYPES: Final[dict[str, RuledType]] = {
    resource_type.name: resource_type
    for resource_type in (
        RuledType(
            resources.SCHEMA,
            validation_errors=training_data.schema_errors,
            blockers=(DeletionBlocker("dataset", "schemaArn"),),
            taggable=False,
            creating=(),
            deleting=(),
        ),
        RuledType(
            resources.DATASET_GROUP,
            blockers=(
                *(
                    DeletionBlocker(name, "datasetGroupArn")
                    for name in ("dataset", "solution", "recommender", "event_tracker")
                ),
                DeletionBlocker("filter", "datasetGroupArn", _as_assumed),
                DeletionBlocker("metric_attribution", "datasetGroupArn", _as_assumed),
            ),
            cascades_to=lambda: _JOBS if state.assumptions.job_names_of_deleted_group == "free" else (),
            deleting=("DELETE PENDING",),
        ),
        RuledType(
            resources.DATASET,
            complete=training_data.complete_dataset,
            path=training_data.dataset_path,
            validation_errors=training_data.dataset_errors,
            work=training_data.open_dataset,
            update_errors=training_data.update_errors,
            apply=training_data.apply,
            updating=("UPDATE PENDING", "UPDATE IN_PROGRESS"),
            blockers=(
                DeletionBlocker("dataset_import_job", "datasetArn", _in_progress),
                DeletionBlocker("dataset_export_job", "datasetArn", _in_progress),
                DeletionBlocker("solution_version", "datasetGroupArn", _in_progress),
                DeletionBlocker("batch_inference_job", "datasetGroupArn", _in_progress),
                DeletionBlocker("batch_segment_job", "datasetGroupArn", _in_progress),
                DeletionBlocker("recommender", "datasetGroupArn", _in_progress),
                DeletionBlocker("campaign", "datasetGroupArn", _serving),
                DeletionBlocker("filter", "datasetGroupArn"),
                DeletionBlocker("metric_attribution", "datasetGroupArn"),
                DeletionBlocker("event_tracker", "datasetGroupArn", _of_interactions),
            ),
        ),
        RuledType(
            resources.DATASET_IMPORT_JOB,
            complete=imports.complete,
            validation_errors=imports.call_errors,
            work=imports.read,
            ended=imports.bring,
        ),
        RuledType(
            resources.DATASET_EXPORT_JOB,
            complete=exports.complete_export,
            work=exports.check_output,
            ended=exports.export,
        ),
        RuledType(
            resources.DATA_DELETION_JOB,
            work=exports.read_users,
            ended=exports.delete_users,
            adds=exports.deleted,
            newest_first=True,
            creating=("PENDING", "IN_PROGRESS"),
        ),
        RuledType(
            resources.SOLUTION,
            complete=solutions.complete,
            validation_errors=solutions.create_errors,
            ended=versions.begin_schedule,
            update_errors=solutions.update_errors,
            apply=solutions.apply,
            update_ended=versions.renew_schedule,
            adds=versions.latest,
            blockers=(
                DeletionBlocker("campaign", "solutionArn"),
                DeletionBlocker("solution_version", "solutionArn", _in_progress),
            ),
            cascades_to=lambda: ("solution_version",),
        ),
        RuledType(
            resources.SOLUTION_VERSION,
            complete=versions.complete,
            path=versions.path,
            validation_errors=versions.validation_errors,
            work=learning.learn,
            ended=versions.let_campaigns_follow,
            adds=versions.result,
            transitions={
                "StopSolutionVersionCreation": Transition(
                    "solution_version_stop",
                    {
                        "CREATE PENDING": ("CREATE STOPPED",),
                        "CREATE IN_PROGRESS": ("CREATE STOPPING", "CREATE STOPPED"),
                    },
                )
            },
        ),
        RuledType(
            resources.CAMPAIGN,
            complete=campaigns.complete,
            missing=campaigns.missing,
            validation_errors=campaigns.validation_errors,
            ended=campaigns.follow,
            update_errors=campaigns.update_errors,
            complete_update=campaigns.complete_update,
            apply=campaigns.apply,
            update_ended=campaigns.follow,
            updates_failed=True,
        ),
        RuledType(
            resources.RECOMMENDER,
            complete=recommenders.complete,
            validation_errors=recommenders.validation_errors,
            work=learning.learn,
            ended=recommenders.train_weekly,
            update_errors=recommenders.update_errors,
            apply=recommenders.apply,
            update_work=recommenders.retrain,
            adds=recommenders.metrics,
            ignores_unchanged=True,
            transitions={
                "StopRecommender": Transition(
                    "recommender_stop", {"ACTIVE": ("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE")}
                ),
                "StartRecommender": Transition(
                    "recommender_start", {"INACTIVE": ("START PENDING", "START IN_PROGRESS", "ACTIVE")}
                ),
            },
        ),
        RuledType(
            resources.EVENT_TRACKER,
            complete=trackers.complete,
            path=trackers.path,
            one_per_group=True,
        ),
        RuledType(
            resources.FILTER,
            validation_errors=filtering.validation_errors,
            blockers=(
                DeletionBlocker("batch_inference_job", "filterArn", _in_progress),
                DeletionBlocker("batch_segment_job", "filterArn", _in_progress),
                DeletionBlocker("campaign", "datasetGroupArn", _may_filter),
            ),
        ),
        RuledType(
            resources.BATCH_INFERENCE_JOB,
            complete=batch.complete_inference,
            validation_errors=batch.inference_errors,
            work=batch.infer,
            ended=batch.bring,
        ),
        RuledType(
            resources.BATCH_SEGMENT_JOB,
            complete=batch.complete_segment,
            validation_errors=batch.segment_errors,
            work=batch.segment,
            ended=batch.bring,
        ),
        RuledType(
            resources.METRIC_ATTRIBUTION,
            validation_errors=attribution.validation_errors,
            update_errors=attribution.update_errors,
            apply=attribution.apply,
            one_per_group=True,
            taggable=False,
        ),
    )
}
