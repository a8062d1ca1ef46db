"""Dataset groups and datasets; jobs that import and export data, or delete users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_personalize.operators.creating import CreateOperator, JobOperator, find_by_name
from airflow_provider_personalize.operators.deleting import DeleteOperator
from airflow_provider_personalize.operators.updating import UpdateOperator
from airflow_provider_personalize.resources import (
    DATA_DELETION_JOB,
    DATASET,
    DATASET_EXPORT_JOB,
    DATASET_GROUP,
    DATASET_IMPORT_JOB,
    ResourceType,
)
from airflow_provider_personalize.task import switch

if TYPE_CHECKING:
    from airflow.utils.context import Context
    from typing_extensions import Unpack

    from airflow_provider_personalize.hooks import PersonalizeHook
    from airflow_provider_personalize.options import CreateOptions, UpdateOptions, WaitingOptions
    from airflow_provider_personalize.plans.steps import Call, Memory, Step


def _find_dataset(
    hook: PersonalizeHook, resource_type: ResourceType, request: Mapping[str, Any], _: Callable[[], datetime | None]
) -> dict[str, Any] | None:
    """Describe the group's dataset of this type: its ARN is that of its group, and its type."""
    group = request["datasetGroupArn"].replace(f":{DATASET_GROUP.arn_type}/", f":{DATASET.arn_type}/")
    return hook.find(resource_type, f"{group}/{request['datasetType']}")


class CreateDatasetGroupOperator(CreateOperator):
    """
    Create a dataset group, or reuse the one that exists. It contains all other resources.

    Calls ``CreateDatasetGroup`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDatasetGroup.html).

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param domain: ``"ECOMMERCE"`` or ``"VIDEO_ON_DEMAND"``, for recommenders; None is a custom group. (templated)
    :param kms_key_arn: The ARN of a key of your own that encrypts the datasets. (templated)
    :param role_arn: The ARN of the IAM role that may use the key: with ``kms_key_arn``, and only with it. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the dataset group.
    """

    operation = "CreateDatasetGroup"
    finder = staticmethod(find_by_name)
    resource_type = DATASET_GROUP
    unless_given: ClassVar[Mapping[str, Any]] = {"domain": None}

    def __init__(
        self,
        *,
        name: str,
        domain: str | None = None,
        kms_key_arn: str | None = None,
        role_arn: str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.domain = domain
        self.kms_key_arn = kms_key_arn
        self.role_arn = role_arn
        self.tags = tags


class CreateDatasetOperator(CreateOperator):
    """
    Create an empty dataset in a dataset group, or reuse the one that exists.

    Calls ``CreateDataset`` (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDataset.html). A group has one
    dataset of each type, which is found by that type: one of another name is a difference.

    :param name: The name, at most 63 letters, digits, hyphens and underscores. (templated)
    :param schema_arn: The ARN of the schema. (templated)
    :param dataset_group_arn: The ARN of the dataset group, which must be ACTIVE. (templated)
    :param dataset_type: ``"INTERACTIONS"``, ``"ITEMS"``, ``"USERS"``, ``"ACTIONS"`` or ``"ACTION_INTERACTIONS"``, in
        capitals or not. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``. (templated)
    :return: The ARN of the dataset.
    :raises ResourceDiffersError: A dataset of this type exists in the group and is not as wanted.
    """

    operation = "CreateDataset"
    finder = staticmethod(_find_dataset)
    resource_type = DATASET

    def __init__(
        self,
        *,
        name: str,
        schema_arn: str,
        dataset_group_arn: str,
        dataset_type: str,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[CreateOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.schema_arn = schema_arn
        self.dataset_group_arn = dataset_group_arn
        self.dataset_type = dataset_type
        self.tags = tags


class UpdateDatasetOperator(UpdateOperator):
    """
    Change the schema of a dataset, and wait until the update is ACTIVE.

    Calls ``UpdateDataset`` (https://docs.aws.amazon.com/personalize/latest/dg/API_UpdateDataset.html), for datasets of
    items and users only. The new schema must keep all fields as they are; what it adds must accept null, and no
    existing solution trains on it (https://docs.aws.amazon.com/personalize/latest/dg/updating-dataset-schema.html).

    :param dataset_arn: The ARN of the dataset. (templated)
    :param schema_arn: The ARN of the new schema. (templated)
    """

    operation = "UpdateDataset"
    resource_type = DATASET
    unchanged = "has this schema already"

    def __init__(self, *, dataset_arn: str, schema_arn: str, **kwargs: Unpack[UpdateOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.schema_arn = schema_arn


class DeleteDatasetOperator(DeleteOperator):
    """
    Delete a dataset with all its data, and wait until it is gone.

    Calls ``DeleteDataset`` (https://docs.aws.amazon.com/personalize/latest/dg/API_DeleteDataset.html). The task waits
    for an update in progress. The service refuses while there is a job or training in progress, a campaign, a filter, a
    metric attribution or, for interactions, an event tracker
    (https://docs.aws.amazon.com/personalize/latest/dg/deleting-resources.html).

    :param dataset_arn: The ARN of the dataset. (templated)
    """

    operation = "DeleteDataset"
    resource_type = DATASET

    def __init__(self, *, dataset_arn: str, **kwargs: Unpack[WaitingOptions]) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn


class CreateDatasetImportJobOperator(JobOperator):
    """
    Import CSV files from S3 into a dataset, and wait until they are imported.

    Calls ``CreateDatasetImportJob``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDatasetImportJob.html). Imports are charged by the GB,
    and the name of a job is never freed. So a name that is not given is derived from the task instance and the dataset:
    a retry finds the job of an earlier attempt and waits for it, a new run starts a new job, and after a job that
    failed a retry starts another. If you clear a run that has ended, the data is imported again.

    :param dataset_arn: The ARN of the dataset. (templated)
    :param data_source: ``{"dataLocation": "s3://bucket/interactions.csv"}``; a folder ends in ``/``. (templated)
    :param role_arn: The ARN of the IAM role by which the service reads the data. Since boto3 1.41.6 the API no
        longer requires it, but does not document what happens without; here it is required. (templated)
    :param job_name: A name for the job, at most 63 letters, digits, hyphens and underscores. None derives one. The
        name of a job from before this run is refused; so a name of your own must contain something of the run, such as
        ``{{ ts_nodash }}``. (templated)
    :param import_mode: ``"FULL"`` replaces the bulk data of the dataset, ``"INCREMENTAL"`` adds to it; None is FULL.
        The first import of a dataset must be FULL. (templated)
    :param publish_attribution_metrics_to_s3: Whether to write metric attribution reports. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``, for the job. (templated)
    :param skip_if_unchanged: Whether to import nothing if the dataset is as this import would leave it: the last import
        into it had the same location, mode and objects, and nothing has changed the dataset since. The digest of the
        objects is kept in a tag of each job, so the first import with this parameter is never skipped, and ``tags`` has
        at most 49 entries. See docs/guides/freshness.md.
    :param if_skipped: How the task ends then: ``"skip"`` marks it as skipped, and with it what follows by the default
        trigger rule; ``"succeed"`` succeeds and returns the ARN of the earlier job.
    :param check_data: Whether to check all of the data first, as :class:`CheckDatasetOperator` does, right before the
        job is created. A retry that finds the job of an earlier attempt checks nothing. Nothing else changes.
    :return: The ARN of the job. With ``check_data``, the summary of the check is in XCom as ``data_check``.
    :raises AirflowSkipException: The import is skipped.
    :raises DataCheckError: With ``check_data``: the data does not fit. No job was created.
    :raises DataNotReadableError: With ``check_data``: the data cannot be read with Airflow's AWS connection.
    """

    operation = "CreateDatasetImportJob"
    resource_type = DATASET_IMPORT_JOB
    unless_given: ClassVar[Mapping[str, Any]] = {"importMode": "FULL"}
    not_in_request = frozenset({"skip_if_unchanged", "if_skipped", "check_data"})
    idle_without: ClassVar[Mapping[str, tuple[str, ...]]] = {"if_skipped": ("skip_if_unchanged",)}

    def __init__(
        self,
        *,
        dataset_arn: str,
        data_source: dict[str, str] | str,
        role_arn: str,
        job_name: str | None = None,
        import_mode: str | None = None,
        publish_attribution_metrics_to_s3: bool | str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        skip_if_unchanged: bool = False,
        if_skipped: Literal["skip", "succeed"] = "skip",
        check_data: bool = False,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.data_source = data_source
        self.role_arn = role_arn
        self.job_name = job_name
        self.import_mode = import_mode
        self.publish_attribution_metrics_to_s3 = publish_attribution_metrics_to_s3
        self.tags = tags
        self.skip_if_unchanged = switch("skip_if_unchanged", skip_if_unchanged)
        self.if_skipped = if_skipped
        self.check_data = switch("check_data", check_data)
        self.check_if_skipped()
        self.check_options()

    def next_step(self, context: Context, memory: Memory) -> Step:
        """Return the next step. Before the one that creates a job, ask whether it helps, then check the data."""
        from airflow_provider_personalize.plans.steps import Call, wait_for_consistency
        from airflow_provider_personalize.status import WaitCondition

        step = super().next_step(context, memory)
        if self.skip_if_unchanged and isinstance(step, Call):
            step = self._import_or_skip(step, memory)
        if not (self.check_data and isinstance(step, Call)) or memory.is_data_checked:
            return step
        if memory.is_retry and not memory.waited_for_consistency:  # a job of an earlier attempt needs no check
            condition = WaitCondition(self.resource_type.name, step.request["jobName"], self.goal)
            return wait_for_consistency(self.operation, condition, memory)
        self._check(context, step.request)
        return replace(step, memory=replace(step.memory, is_data_checked=True))

    def further_facts(self, context: Context, description: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return whether the task changed anything, and what the check of the data counted."""
        from airflow_provider_personalize.operators.checking import counts_known

        counted = counts_known(self, context) if self.check_data else {}
        return {**super().further_facts(context, description), **counted}

    def _import_or_skip(self, call: Call, memory: Memory) -> Step:
        from airflow_provider_personalize.exceptions import InvalidRequestError
        from airflow_provider_personalize.operators.freshness import observe_imports
        from airflow_provider_personalize.plans.freshness import MOST_TAGS, import_or_skip, other_tags

        if (count := len(other_tags(call.request))) >= MOST_TAGS:
            said = f"tags has {count} entries: at most {MOST_TAGS - 1} are allowed, since skip_if_unchanged adds one"
            raise InvalidRequestError(self.operation, [said])
        observed = observe_imports(self.hook, self.s3_hook.conn, call.request)
        return import_or_skip(
            call, observed, memory, succeeds=self.if_skipped == "succeed", waits=self.wait_for_completion
        )

    def _check(self, context: Context, request: Mapping[str, Any]) -> None:
        from airflow_provider_personalize.operators.checking import check_data, dataset_schema

        check_data(
            self,
            context,
            dataset_schema(self, request["datasetArn"]),
            request["dataSource"]["dataLocation"],
            is_incremental=request.get("importMode") == "INCREMENTAL",
        )


class CreateDatasetExportJobOperator(JobOperator):
    """
    Export a dataset to S3 as CSV, and wait until it is written.

    Calls ``CreateDatasetExportJob``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDatasetExportJob.html).

    :param dataset_arn: The ARN of the dataset. (templated)
    :param job_output: ``{"s3DataDestination": {"path": "s3://bucket/folder/", "kmsKeyArn": …}}``, without a key for the
        bucket's own encryption. (templated)
    :param role_arn: The ARN of the IAM role by which the service writes. (templated)
    :param ingestion_mode: ``"BULK"`` exports what was imported, ``"PUT"`` what came in real time, ``"ALL"`` both; None
        is PUT. (templated)
    :param job_name: A name for the job, at most 63 letters, digits, hyphens and underscores. None derives one; one of
        your own must contain something of the run, such as ``{{ ts_nodash }}``. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``, for the job. (templated)
    :return: The ARN of the job.
    """

    operation = "CreateDatasetExportJob"
    resource_type = DATASET_EXPORT_JOB
    unless_given: ClassVar[Mapping[str, Any]] = {"ingestionMode": "PUT"}

    def __init__(
        self,
        *,
        dataset_arn: str,
        job_output: dict[str, Any] | str,
        role_arn: str,
        ingestion_mode: str | None = None,
        job_name: str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.job_output = job_output
        self.role_arn = role_arn
        self.ingestion_mode = ingestion_mode
        self.job_name = job_name
        self.tags = tags


class CreateDataDeletionJobOperator(JobOperator):
    """
    Delete users from all datasets of a group, and wait until they are deleted. This cannot be undone.

    Calls ``CreateDataDeletionJob``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDataDeletionJob.html). It can take up to a day until
    datasets and models have no references to them any more; until then the service trains on their data.

    :param dataset_group_arn: The ARN of the dataset group. (templated)
    :param data_source: ``{"dataLocation": "s3://bucket/users.csv"}``: a CSV with the one column USER_ID. A folder ends
        in ``/``, and unlike an import the job reads the CSVs of all its subfolders, too. (templated)
    :param role_arn: The ARN of the IAM role by which the service reads the files. (templated)
    :param job_name: A name for the job, at most 63 letters, digits, hyphens and underscores. None derives one; one of
        your own must contain something of the run, such as ``{{ ts_nodash }}``. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``, for the job. (templated)
    :return: The ARN of the job. ``DescribeDataDeletionJob`` tells of how many users data was deleted.
    """

    operation = "CreateDataDeletionJob"
    resource_type = DATA_DELETION_JOB

    def __init__(
        self,
        *,
        dataset_group_arn: str,
        data_source: dict[str, str] | str,
        role_arn: str,
        job_name: str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_group_arn = dataset_group_arn
        self.data_source = data_source
        self.role_arn = role_arn
        self.job_name = job_name
        self.tags = tags
