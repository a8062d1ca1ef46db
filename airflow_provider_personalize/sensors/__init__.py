"""Sensors for Amazon Personalize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.lazy import lazy_exports

if TYPE_CHECKING:
    from airflow_provider_personalize.sensors.attribution import (
        MetricAttributionSensor as MetricAttributionSensor,
    )
    from airflow_provider_personalize.sensors.batch import (
        BatchInferenceJobSensor as BatchInferenceJobSensor,
        BatchSegmentJobSensor as BatchSegmentJobSensor,
    )
    from airflow_provider_personalize.sensors.datasets import (
        DataDeletionJobSensor as DataDeletionJobSensor,
        DatasetExportJobSensor as DatasetExportJobSensor,
        DatasetGroupSensor as DatasetGroupSensor,
        DatasetImportJobSensor as DatasetImportJobSensor,
        DatasetSensor as DatasetSensor,
        DatasetUpdateSensor as DatasetUpdateSensor,
    )
    from airflow_provider_personalize.sensors.serving import (
        CampaignSensor as CampaignSensor,
        CampaignUpdateSensor as CampaignUpdateSensor,
        EventTrackerSensor as EventTrackerSensor,
        FilterSensor as FilterSensor,
        RecommenderSensor as RecommenderSensor,
        RecommenderUpdateSensor as RecommenderUpdateSensor,
    )
    from airflow_provider_personalize.sensors.solution_update import (
        SolutionUpdateSensor as SolutionUpdateSensor,
    )
    from airflow_provider_personalize.sensors.training import (
        AutomaticSolutionVersionSensor as AutomaticSolutionVersionSensor,
        SolutionSensor as SolutionSensor,
        SolutionVersionSensor as SolutionVersionSensor,
        StaleSolutionSensor as StaleSolutionSensor,
    )

_MODULES = {
    "AutomaticSolutionVersionSensor": "training",
    "BatchInferenceJobSensor": "batch",
    "BatchSegmentJobSensor": "batch",
    "CampaignSensor": "serving",
    "CampaignUpdateSensor": "serving",
    "DataDeletionJobSensor": "datasets",
    "DatasetExportJobSensor": "datasets",
    "DatasetGroupSensor": "datasets",
    "DatasetImportJobSensor": "datasets",
    "DatasetSensor": "datasets",
    "DatasetUpdateSensor": "datasets",
    "EventTrackerSensor": "serving",
    "FilterSensor": "serving",
    "MetricAttributionSensor": "attribution",
    "RecommenderSensor": "serving",
    "RecommenderUpdateSensor": "serving",
    "SolutionSensor": "training",
    "SolutionUpdateSensor": "solution_update",
    "SolutionVersionSensor": "training",
    "StaleSolutionSensor": "training",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_exports(__name__, _MODULES)
