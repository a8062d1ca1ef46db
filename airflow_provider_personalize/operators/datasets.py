"""Bring data into Amazon Personalize."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from airflow_provider_personalize.links import DatasetGroupLink
from airflow_provider_personalize.operators.creating import RunOperator
from airflow_provider_personalize.resources import DATASET_IMPORT_JOB
from airflow_provider_personalize.task import PersonalizeTask

_LINK: Final = DatasetGroupLink()


class CreateDatasetImportJobOperator(RunOperator):
    """
    Import a CSV from S3 into a dataset, and go on when it is in.

    Calls ``CreateDatasetImportJob``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDatasetImportJob.html). Imports are charged by the GB,
    and the name of a job is never freed. So a name that is not given is derived from the task instance and the dataset:
    a retry finds the job that an earlier try started and waits for it, a new run makes a new job, and after a job that
    failed a retry makes another. Clearing a run that had ended starts it anew: the data is imported again.

    :param dataset_arn: The ARN of the dataset. (templated)
    :param data_source: ``{"dataLocation": "s3://bucket/interactions.csv"}``; a folder ends in ``/``. (templated)
    :param role_arn: The ARN of the IAM role by which the service reads the data. The API lets it out since boto3
        1.41.6 without saying what happens then; here it is required. (templated)
    :param job_name: A name for the job, at most 63 letters, digits, hyphens and underscores. None derives one. A name
        that a job from before this run has is refused; so one of your own needs something of the run in it, such as
        ``{{ ts_nodash }}``. (templated)
    :param import_mode: ``"FULL"`` replaces the bulk data of the dataset, ``"INCREMENTAL"`` adds to it; None is FULL.
        The first import of a dataset must be FULL. (templated)
    :param publish_attribution_metrics_to_s3: Whether to write metric attribution reports. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``, for the job. (templated)
    :return: The ARN of the job.
    :raises InvalidRequestError: Parameters are wrong; nothing was sent.
    :raises ResourceDiffersError: A job of this name exists and imports something else.
    :raises ResourceExistsError: A job of this name was there before this run began.
    :raises ResourceFailedError: The import failed, with the service's reason.
    :raises WaitTimeoutError: It is not over in time, with the status seen last.
    """

    operation = "CreateDatasetImportJob"
    resource = DATASET_IMPORT_JOB
    link = _LINK
    members = (
        "job_name",
        "dataset_arn",
        "data_source",
        "role_arn",
        "tags",
        "import_mode",
        "publish_attribution_metrics_to_s3",
    )
    template_fields: ClassVar[tuple[str, ...]] = (*members, *PersonalizeTask.template_fields)
    template_fields_renderers: ClassVar[dict[str, str]] = {"data_source": "json", "tags": "json"}
    operator_extra_links = (link,)

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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset_arn = dataset_arn
        self.data_source = data_source
        self.role_arn = role_arn
        self.job_name = job_name
        self.import_mode = import_mode
        self.publish_attribution_metrics_to_s3 = publish_attribution_metrics_to_s3
        self.tags = tags
