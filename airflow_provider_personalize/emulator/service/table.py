"""What each kind of resource does: a row, and rules where the row has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_provider_personalize import resources
from airflow_provider_personalize.emulator.control.assumptions import assumptions
from airflow_provider_personalize.emulator.service.resource_types import Hold, Kind, Move
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


def _as_assumed(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return assumptions.group_with_filters == "refused"


def _under_way(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return not holder.settled


def _serving(holder: Record, held: Record) -> bool:
    return holder.usable or _under_way(holder, held)


def _of_interactions(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return str(held.members["datasetType"]).endswith("INTERACTIONS")


def _may_filter(holder: Record, held: Record) -> bool:  # noqa: ARG001 - called like its neighbours
    return assumptions.filter_of_a_campaign == "held"


_JOBS: Final = (
    "dataset_import_job",
    "dataset_export_job",
    "data_deletion_job",
    "batch_inference_job",
    "batch_segment_job",
)

KINDS: Final = {
    kind.resource.name: kind
    for kind in (
        Kind(
            resources.SCHEMA,
            faults=training_data.schema_faults,
            held=(Hold("dataset", "schemaArn"),),
            taggable=False,
            creating=(),
            deleting=(),
        ),
        Kind(
            resources.DATASET_GROUP,
            held=(
                *(Hold(name, "datasetGroupArn") for name in ("dataset", "solution", "recommender", "event_tracker")),
                *(Hold(name, "datasetGroupArn", _as_assumed) for name in ("filter", "metric_attribution")),
            ),
            takes_along=lambda: _JOBS if assumptions.job_names_of_deleted_group == "free" else (),
            deleting=("DELETE PENDING",),
        ),
        Kind(
            resources.DATASET,
            complete=training_data.complete_dataset,
            path=training_data.dataset_path,
            faults=training_data.dataset_faults,
            work=training_data.open_dataset,
            update_faults=training_data.update_faults,
            apply=training_data.apply,
            updating=("UPDATE PENDING", "UPDATE IN_PROGRESS"),
            held=(
                Hold("dataset_import_job", "datasetArn", _under_way),
                Hold("dataset_export_job", "datasetArn", _under_way),
                Hold("solution_version", "datasetGroupArn", _under_way),
                Hold("batch_inference_job", "datasetGroupArn", _under_way),
                Hold("batch_segment_job", "datasetGroupArn", _under_way),
                Hold("recommender", "datasetGroupArn", _under_way),
                Hold("campaign", "datasetGroupArn", _serving),
                Hold("filter", "datasetGroupArn"),
                Hold("metric_attribution", "datasetGroupArn"),
                Hold("event_tracker", "datasetGroupArn", _of_interactions),
            ),
        ),
        Kind(
            resources.DATASET_IMPORT_JOB,
            complete=imports.complete,
            faults=imports.call_faults,
            work=imports.read,
            ended=imports.bring,
        ),
        Kind(
            resources.DATASET_EXPORT_JOB,
            complete=exports.complete_export,
            work=exports.check_output,
            ended=exports.export,
        ),
        Kind(
            resources.DATA_DELETION_JOB,
            work=exports.read_users,
            ended=exports.delete_users,
            adds=exports.deleted,
            newest_first=True,
            creating=("PENDING", "IN_PROGRESS"),
        ),
        Kind(
            resources.SOLUTION,
            complete=solutions.complete,
            faults=solutions.create_faults,
            ended=versions.begin_schedule,
            update_faults=solutions.update_faults,
            apply=solutions.apply,
            update_ended=versions.renew_schedule,
            adds=versions.latest,
            held=(Hold("campaign", "solutionArn"), Hold("solution_version", "solutionArn", _under_way)),
            takes_along=lambda: ("solution_version",),
        ),
        Kind(
            resources.SOLUTION_VERSION,
            complete=versions.complete,
            path=versions.path,
            faults=versions.faults,
            work=learning.learn,
            ended=versions.let_campaigns_follow,
            adds=versions.result,
            moves={
                "StopSolutionVersionCreation": Move(
                    "solution_version_stop",
                    {
                        "CREATE PENDING": ("CREATE STOPPED",),
                        "CREATE IN_PROGRESS": ("CREATE STOPPING", "CREATE STOPPED"),
                    },
                )
            },
        ),
        Kind(
            resources.CAMPAIGN,
            complete=campaigns.complete,
            missing=campaigns.missing,
            faults=campaigns.faults,
            ended=campaigns.follow,
            update_faults=campaigns.update_faults,
            complete_update=campaigns.complete_update,
            apply=campaigns.apply,
            update_ended=campaigns.follow,
            updates_failed=True,
        ),
        Kind(
            resources.RECOMMENDER,
            complete=recommenders.complete,
            faults=recommenders.faults,
            work=learning.learn,
            ended=recommenders.train_weekly,
            update_faults=recommenders.update_faults,
            apply=recommenders.apply,
            update_work=recommenders.retrain,
            adds=recommenders.metrics,
            ignores_unchanged=True,
            moves={
                "StopRecommender": Move(
                    "recommender_stop", {"ACTIVE": ("STOP PENDING", "STOP IN_PROGRESS", "INACTIVE")}
                ),
                "StartRecommender": Move(
                    "recommender_start", {"INACTIVE": ("START PENDING", "START IN_PROGRESS", "ACTIVE")}
                ),
            },
        ),
        Kind(
            resources.EVENT_TRACKER,
            complete=trackers.complete,
            path=trackers.path,
            one_per_group=True,
        ),
        Kind(
            resources.FILTER,
            faults=filtering.faults,
            held=(
                Hold("batch_inference_job", "filterArn", _under_way),
                Hold("batch_segment_job", "filterArn", _under_way),
                Hold("campaign", "datasetGroupArn", _may_filter),
            ),
        ),
        Kind(
            resources.BATCH_INFERENCE_JOB,
            complete=batch.complete_inference,
            faults=batch.inference_faults,
            work=batch.infer,
            ended=batch.bring,
        ),
        Kind(
            resources.BATCH_SEGMENT_JOB,
            complete=batch.complete_segment,
            faults=batch.segment_faults,
            work=batch.segment,
            ended=batch.bring,
        ),
        Kind(
            resources.METRIC_ATTRIBUTION,
            faults=attribution.faults,
            update_faults=attribution.update_faults,
            apply=attribution.apply,
            one_per_group=True,
            taggable=False,
        ),
    )
}
