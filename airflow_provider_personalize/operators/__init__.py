"""Change Amazon Personalize from a DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_personalize.lazy import lazy_exports

if TYPE_CHECKING:
    from airflow_provider_personalize.operators.attribution import (
        CreateMetricAttributionOperator as CreateMetricAttributionOperator,
        DeleteMetricAttributionOperator as DeleteMetricAttributionOperator,
        UpdateMetricAttributionOperator as UpdateMetricAttributionOperator,
    )
    from airflow_provider_personalize.operators.batch import (
        CreateBatchInferenceJobOperator as CreateBatchInferenceJobOperator,
        CreateBatchSegmentJobOperator as CreateBatchSegmentJobOperator,
    )
    from airflow_provider_personalize.operators.checking import CheckDatasetOperator as CheckDatasetOperator
    from airflow_provider_personalize.operators.comparing import (
        CompareSolutionVersionsOperator as CompareSolutionVersionsOperator,
    )
    from airflow_provider_personalize.operators.datasets import (
        CreateDataDeletionJobOperator as CreateDataDeletionJobOperator,
        CreateDatasetExportJobOperator as CreateDatasetExportJobOperator,
        CreateDatasetGroupOperator as CreateDatasetGroupOperator,
        CreateDatasetImportJobOperator as CreateDatasetImportJobOperator,
        CreateDatasetOperator as CreateDatasetOperator,
        DeleteDatasetOperator as DeleteDatasetOperator,
        UpdateDatasetOperator as UpdateDatasetOperator,
    )
    from airflow_provider_personalize.operators.promoting import (
        PromoteSolutionVersionOperator as PromoteSolutionVersionOperator,
        RollbackCampaignOperator as RollbackCampaignOperator,
    )
    from airflow_provider_personalize.operators.schemas import (
        CreateSchemaOperator as CreateSchemaOperator,
        DeleteSchemaOperator as DeleteSchemaOperator,
        EvolveDatasetSchemaOperator as EvolveDatasetSchemaOperator,
    )
    from airflow_provider_personalize.operators.serving import (
        CreateCampaignOperator as CreateCampaignOperator,
        CreateEventTrackerOperator as CreateEventTrackerOperator,
        CreateFilterOperator as CreateFilterOperator,
        CreateRecommenderOperator as CreateRecommenderOperator,
        DeleteCampaignOperator as DeleteCampaignOperator,
        DeleteEventTrackerOperator as DeleteEventTrackerOperator,
        DeleteFilterOperator as DeleteFilterOperator,
        DeleteRecommenderOperator as DeleteRecommenderOperator,
        StartRecommenderOperator as StartRecommenderOperator,
        StopRecommenderOperator as StopRecommenderOperator,
        UpdateCampaignOperator as UpdateCampaignOperator,
        UpdateRecommenderOperator as UpdateRecommenderOperator,
    )
    from airflow_provider_personalize.operators.solution_update import (
        UpdateSolutionOperator as UpdateSolutionOperator,
    )
    from airflow_provider_personalize.operators.streaming import (
        GetRecommendationsOperator as GetRecommendationsOperator,
        PutActionInteractionsOperator as PutActionInteractionsOperator,
        PutActionsOperator as PutActionsOperator,
        PutEventsOperator as PutEventsOperator,
        PutItemsOperator as PutItemsOperator,
        PutUsersOperator as PutUsersOperator,
    )
    from airflow_provider_personalize.operators.tags import (
        TagResourceOperator as TagResourceOperator,
        UntagResourceOperator as UntagResourceOperator,
    )
    from airflow_provider_personalize.operators.teardown import (
        DeleteDatasetGroupOperator as DeleteDatasetGroupOperator,
    )
    from airflow_provider_personalize.operators.training import (
        CreateSolutionOperator as CreateSolutionOperator,
        CreateSolutionVersionOperator as CreateSolutionVersionOperator,
        DeleteSolutionOperator as DeleteSolutionOperator,
        GetSolutionMetricsOperator as GetSolutionMetricsOperator,
        StopSolutionVersionCreationOperator as StopSolutionVersionCreationOperator,
    )

_MODULES = {
    "CheckDatasetOperator": "checking",
    "CompareSolutionVersionsOperator": "comparing",
    "CreateBatchInferenceJobOperator": "batch",
    "CreateBatchSegmentJobOperator": "batch",
    "CreateCampaignOperator": "serving",
    "CreateDataDeletionJobOperator": "datasets",
    "CreateDatasetExportJobOperator": "datasets",
    "CreateDatasetGroupOperator": "datasets",
    "CreateDatasetImportJobOperator": "datasets",
    "CreateDatasetOperator": "datasets",
    "CreateEventTrackerOperator": "serving",
    "CreateFilterOperator": "serving",
    "CreateMetricAttributionOperator": "attribution",
    "CreateRecommenderOperator": "serving",
    "CreateSchemaOperator": "schemas",
    "CreateSolutionOperator": "training",
    "CreateSolutionVersionOperator": "training",
    "DeleteCampaignOperator": "serving",
    "DeleteDatasetGroupOperator": "teardown",
    "DeleteDatasetOperator": "datasets",
    "DeleteEventTrackerOperator": "serving",
    "DeleteFilterOperator": "serving",
    "DeleteMetricAttributionOperator": "attribution",
    "DeleteRecommenderOperator": "serving",
    "DeleteSchemaOperator": "schemas",
    "DeleteSolutionOperator": "training",
    "EvolveDatasetSchemaOperator": "schemas",
    "GetRecommendationsOperator": "streaming",
    "GetSolutionMetricsOperator": "training",
    "PromoteSolutionVersionOperator": "promoting",
    "PutActionInteractionsOperator": "streaming",
    "PutActionsOperator": "streaming",
    "PutEventsOperator": "streaming",
    "PutItemsOperator": "streaming",
    "PutUsersOperator": "streaming",
    "RollbackCampaignOperator": "promoting",
    "StartRecommenderOperator": "serving",
    "StopRecommenderOperator": "serving",
    "StopSolutionVersionCreationOperator": "training",
    "TagResourceOperator": "tags",
    "UntagResourceOperator": "tags",
    "UpdateCampaignOperator": "serving",
    "UpdateDatasetOperator": "datasets",
    "UpdateMetricAttributionOperator": "attribution",
    "UpdateRecommenderOperator": "serving",
    "UpdateSolutionOperator": "solution_update",
}
__all__ = list(_MODULES)
__getattr__, __dir__ = lazy_exports(__name__, _MODULES)
