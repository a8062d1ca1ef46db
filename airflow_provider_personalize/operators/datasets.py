"""Bring data into Amazon Personalize."""

from __future__ import annotations

import hashlib
import itertools
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from airflow_provider_personalize.comparison import differences
from airflow_provider_personalize.exceptions import ResourceDiffersError, ResourceExistsError
from airflow_provider_personalize.links import DatasetImportJobLink
from airflow_provider_personalize.operators.base import PersonalizeOperator
from airflow_provider_personalize.resources import DATASET_IMPORT_JOB
from airflow_provider_personalize.task import PersonalizeTask
from airflow_provider_personalize.validation import parse
from airflow_provider_personalize.waiting import REACHED, Wait

if TYPE_CHECKING:
    from airflow.utils.context import Context

_LINK: Final = DatasetImportJobLink()


class CreateDatasetImportJobOperator(PersonalizeOperator):
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
    operator_extra_links = (_LINK,)

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

    def execute(self, context: Context) -> str:
        """Create the job or find the one that an earlier try created, and wait for it."""
        arn = self._create(context)
        wait = Wait(DATASET_IMPORT_JOB.name, arn)
        _LINK.show(context, self, arn, {"datasetArn": self.dataset_arn})
        if self.wait_for_completion:
            self.wait_until(wait, self.deadline(wait))
        return arn

    def _create(self, context: Context) -> str:
        given = parse("string", self.job_name)
        for name in [given] if given else _names_of(context, self.dataset_arn):
            request = self.request(job_name=name)
            if arn := self._create_or_adopt(context, request, is_derived=not given):
                return arn
        raise AssertionError("the derived names never end")

    def _create_or_adopt(self, context: Context, request: dict[str, Any], *, is_derived: bool) -> str | None:
        """Return the ARN of a job with this name, new or found; None where another derived name is to be tried."""
        client = self.hook.conn
        try:
            arn: str = client.create_dataset_import_job(**request)["datasetImportJobArn"]
        except client.exceptions.ResourceAlreadyExistsException:
            arn = _arn_of(request)
            return arn if self._adopt(context, arn, request, is_derived=is_derived) else None
        self.log.info("Created the dataset import job %s", arn)
        return arn

    def _adopt(self, context: Context, arn: str, request: dict[str, Any], *, is_derived: bool) -> bool:
        """Tell whether a job that exists is the one to wait for."""
        wait = Wait(DATASET_IMPORT_JOB.name, arn)
        job = self.hook.describe(DATASET_IMPORT_JOB, arn)
        verdict = wait.judge(job)
        over = verdict.outcome == REACHED and not self.is_of_this_run(context, job)
        if is_derived and (verdict.failed or over):
            self.log.info("The dataset import job %s is over, %s: another is made", arn, verdict)
            return False
        # a description shows no tags
        if changed := differences({k: v for k, v in request.items() if k != "tags"}, job):
            raise ResourceDiffersError(DATASET_IMPORT_JOB.title, arn, changed)
        if verdict.failed:
            raise wait.error(verdict)
        if over:
            raise ResourceExistsError(
                f"Nothing was imported: the dataset import job {arn} is from before this run, of "
                f"{job['creationDateTime']}. The name of a job is never freed: leave job_name out, or put something of "
                "the run into it."
            )
        self.log.info("The dataset import job %s was started before in this run: %s. No other is made", arn, verdict)
        return True


def _arn_of(request: dict[str, Any]) -> str:
    owner = request["datasetArn"].split(":dataset/")[0]
    return f"{owner}:{DATASET_IMPORT_JOB.arn_kind}/{request['jobName']}"


def _names_of(context: Context, dataset_arn: str) -> itertools.chain[str]:
    """Derive names for the jobs of one task instance: the same in each try, others in each run and mapped instance."""
    ti = context["ti"]
    identity = "/".join(map(str, (ti.dag_id, ti.task_id, ti.run_id, ti.map_index, dataset_arn)))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    readable = re.sub(r"[^a-zA-Z0-9]+", "-", f"{ti.dag_id}-{ti.task_id}").strip("-")[:40].strip("-")
    name = f"{readable or 'import'}-{digest}"
    return itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
