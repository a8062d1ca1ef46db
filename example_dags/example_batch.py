"""
Recommend items to many users, and find users for items, with batch jobs that read and write files in S3.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_batch.py --speed 240

Each run starts its own jobs; a retry waits for the job of the earlier attempt. Job names are derived from the task
instance, so they never collide. Each run writes its results to a folder of its own.

## In an AWS account

Set the parameters ``name``, which is also the name of the bucket, and ``role_arn``, the role with
which Amazon Personalize reads and writes the bucket
(https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). Replace ``made_up_shop`` and
``trained_solution``, which train two versions per run, with the ARNs of your own versions. Trainings are charged by the
hour; batch jobs are charged, too: see the price page. Automatic training is off.
"""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param
from made_up_shop import ROLE, made_up_shop, trained_solution, upload

from airflow_provider_personalize.operators import CreateBatchInferenceJobOperator, CreateBatchSegmentJobOperator

USERS = '{"userId": "user-00001"}\n{"userId": "user-00002"}\n{"userId": "user-00003"}\n'
ITEMS = '{"itemId": "item-00001"}\n{"itemId": "item-00002"}\n'

with DAG(
    dag_id="example_batch",
    description="Recommend items to many users, find users for items, and read the results",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param("example-batch", type="string", description="The name of all resources of this example."),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role with which Amazon Personalize reads and writes the bucket."
        ),
    },
    tags=["example", "personalize"],
):
    NAME = "{{ params.name }}"
    OUTPUT = {"s3DataDestination": {"path": f"s3://{NAME}/results/{{{{ run_id }}}}/"}}

    @task
    def read(where: str, file: str) -> list[dict[str, object]]:
        """Read the output file of a job: each line has the input, and the output or an error."""
        import json

        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        bucket, _, folder = where.removeprefix("s3://").partition("/")
        lines = [json.loads(line) for line in S3Hook().read_key(f"{folder}{file}.out", bucket).splitlines()]
        for line in lines:
            print(line)
        if failed := [line for line in lines if line.get("error")]:
            raise ValueError(f"{len(failed)} of {len(lines)} lines have an error; first: {failed[0]}")
        return lines

    shop = made_up_shop(NAME, "{{ params.role_arn }}")
    for_users = trained_solution.override(group_id="for_users")(
        f"{NAME}-for-users", "aws-user-personalization-v2", shop["dataset_group_arn"]
    )
    for_items = trained_solution.override(group_id="for_items")(
        f"{NAME}-for-items", "aws-item-affinity", shop["dataset_group_arn"]
    )
    shop["imported"] >> for_users
    shop["imported"] >> for_items

    # [START create_batch_inference_job]
    recommend_to_many = CreateBatchInferenceJobOperator(
        task_id="recommend_to_many",
        solution_version_arn=for_users,
        job_input={"s3DataSource": {"path": upload.override(task_id="users")(NAME, "users.json", USERS)}},
        job_output=OUTPUT,
        role_arn="{{ params.role_arn }}",
        num_results=10,
        deferrable=True,
    )
    # [END create_batch_inference_job]

    # [START create_batch_segment_job]
    find_users = CreateBatchSegmentJobOperator(
        task_id="find_users",
        solution_version_arn=for_items,
        job_input={"s3DataSource": {"path": upload.override(task_id="items")(NAME, "items.json", ITEMS)}},
        job_output=OUTPUT,
        role_arn="{{ params.role_arn }}",
        num_results=10,
        deferrable=True,
    )
    # [END create_batch_segment_job]

    where = OUTPUT["s3DataDestination"]["path"]
    recommend_to_many >> read.override(task_id="recommendations")(where, "users.json")
    find_users >> read.override(task_id="segments")(where, "items.json")
