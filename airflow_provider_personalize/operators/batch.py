"""Batch inference and batch segment jobs: from files in S3 to files in S3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_personalize.operators.creating import JobOperator
from airflow_provider_personalize.resources import BATCH_INFERENCE_JOB, BATCH_SEGMENT_JOB

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_personalize.options import WaitingOptions


class CreateBatchInferenceJobOperator(JobOperator):
    """
    Write recommendations for all users or items in a file to S3.

    Calls ``CreateBatchInferenceJob``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateBatchInferenceJob.html). A job is charged by what it
    answers (https://aws.amazon.com/personalize/pricing/), and its name is never freed. So a name that is not given is
    derived from the task instance and the version: a retry finds the job of an earlier attempt and waits for it, a
    new run starts a new job, and after a job that failed a retry starts another. If you clear a run that has ended, the
    job runs, and is charged, again.

    :param solution_version_arn: The ARN of the version, which is waited for if it is in training; ``$LATEST`` is not
        allowed. (templated)
    :param job_input: ``{"s3DataSource": {"path": "s3://bucket/users.json"}}``: lines of JSON, see
        https://docs.aws.amazon.com/personalize/latest/dg/batch-data-upload.html. (templated)
    :param job_output: ``{"s3DataDestination": {"path": "s3://bucket/recommendations/"}}``; ends in ``/``. (templated)
    :param role_arn: The ARN of the IAM role by which the service reads and writes. (templated)
    :param job_name: A name for the job, at most 63 letters, digits, hyphens and underscores. None derives one. The
        name of a job from before this run is refused; so a name of your own must contain something of the run, such as
        ``{{ ts_nodash }}``. (templated)
    :param filter_arn: The ARN of a filter to apply. (templated)
    :param num_results: How many recommendations to get for each line; None is 25. (templated)
    :param batch_inference_job_config: ``{"itemExplorationConfig": …, "rankingInfluence": …}``, see
        https://docs.aws.amazon.com/personalize/latest/dg/API_BatchInferenceJobConfig.html. (templated)
    :param batch_inference_job_mode: ``"THEME_GENERATION"`` groups the items under themes, at a price of its own; None
        is ``"BATCH_INFERENCE"``. (templated)
    :param theme_generation_config: ``{"fieldsForThemeGeneration": {"itemName": …}}``, for themes. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``, for the job. (templated)
    :return: The ARN of the job.
    """

    operation = "CreateBatchInferenceJob"
    resource_type = BATCH_INFERENCE_JOB
    # the model, and for the number https://docs.aws.amazon.com/personalize/latest/dg/creating-batch-inference-job.html
    unless_given: ClassVar[Mapping[str, Any]] = {
        "batchInferenceJobMode": "BATCH_INFERENCE",
        "numResults": 25,
        "filterArn": None,
    }

    def __init__(
        self,
        *,
        solution_version_arn: str,
        job_input: dict[str, Any] | str,
        job_output: dict[str, Any] | str,
        role_arn: str,
        job_name: str | None = None,
        filter_arn: str | None = None,
        num_results: int | str | None = None,
        batch_inference_job_config: dict[str, Any] | str | None = None,
        batch_inference_job_mode: str | None = None,
        theme_generation_config: dict[str, Any] | str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn
        self.job_input = job_input
        self.job_output = job_output
        self.role_arn = role_arn
        self.job_name = job_name
        self.filter_arn = filter_arn
        self.num_results = num_results
        self.batch_inference_job_config = batch_inference_job_config
        self.batch_inference_job_mode = batch_inference_job_mode
        self.theme_generation_config = theme_generation_config
        self.tags = tags


class CreateBatchSegmentJobOperator(JobOperator):
    """
    Write the users most interested in each item, or attribute, in a file to S3.

    Calls ``CreateBatchSegmentJob``
    (https://docs.aws.amazon.com/personalize/latest/dg/API_CreateBatchSegmentJob.html). A job is charged by what it
    answers (https://aws.amazon.com/personalize/pricing/), and its name is never freed. So a name that is not given is
    derived from the task instance and the version, as by :class:`CreateBatchInferenceJobOperator`: a retry starts no
    second job, except after one that failed.

    :param solution_version_arn: The ARN of the version, of a recipe for segments, which is waited for if it is in
        training; ``$LATEST`` is not allowed. (templated)
    :param job_input: ``{"s3DataSource": {"path": "s3://bucket/items.json"}}``: lines of JSON, see
        https://docs.aws.amazon.com/personalize/latest/dg/prepare-input-data-user-segment.html. (templated)
    :param job_output: ``{"s3DataDestination": {"path": "s3://bucket/segments/"}}``; ends in ``/``. (templated)
    :param role_arn: The ARN of the IAM role by which the service reads and writes. (templated)
    :param job_name: A name for the job, at most 63 letters, digits, hyphens and underscores. None derives one. The
        name of a job from before this run is refused; so a name of your own must contain something of the run, such as
        ``{{ ts_nodash }}``. (templated)
    :param filter_arn: The ARN of a filter to apply. (templated)
    :param num_results: How many users to get for each line; None is 25. (templated)
    :param tags: ``[{"tagKey": …, "tagValue": …}]``, for the job. (templated)
    :return: The ARN of the job.
    """

    operation = "CreateBatchSegmentJob"
    resource_type = BATCH_SEGMENT_JOB
    unless_given: ClassVar[Mapping[str, Any]] = {"numResults": 25, "filterArn": None}

    def __init__(
        self,
        *,
        solution_version_arn: str,
        job_input: dict[str, Any] | str,
        job_output: dict[str, Any] | str,
        role_arn: str,
        job_name: str | None = None,
        filter_arn: str | None = None,
        num_results: int | str | None = None,
        tags: list[dict[str, str]] | str | None = None,
        **kwargs: Unpack[WaitingOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.solution_version_arn = solution_version_arn
        self.job_input = job_input
        self.job_output = job_output
        self.role_arn = role_arn
        self.job_name = job_name
        self.filter_arn = filter_arn
        self.num_results = num_results
        self.tags = tags
