"""
Erase users: delete all references to them from the data and the models of a dataset group. This cannot be undone.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_erase_users.py --speed 600

The service takes up to a day; the task waits in the triggerer and occupies no worker. Remove the users from the data
that you import, too: otherwise the next import restores them, as a second run of this example shows.

## In an AWS account

Set the parameters ``name``, which is also the name of the bucket, and ``role_arn``, the role with
which Amazon Personalize reads the bucket
(https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). Replace ``made_up_shop``, whose
import is charged by the GB, with the ARN of your dataset group, and list your users in ``users_to_erase``. Nothing here
trains.
"""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param
from made_up_shop import ROLE, made_up_shop, upload

from airflow_provider_personalize.operators import CreateDataDeletionJobOperator

with DAG(
    dag_id="example_erase_users",
    description="Erase users from a dataset group",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 seconds to 5 minutes
    default_args={"waiter_delay": 5},
    params={
        "name": Param("example-erase-users", type="string", description="The name of all resources of this example."),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role with which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def users_to_erase() -> str:
        """Return the CSV: one column, named USER_ID."""
        users = ["user-00001", "user-00002"]
        return "\n".join(["USER_ID", *users, ""])

    @task
    def count_deleted(job_arn: str) -> int:
        """Return how many rows were deleted; fail if there are none, since the IDs must then be wrong."""
        from airflow_provider_personalize.hooks import PersonalizeHook

        deleted = PersonalizeHook().describe("data_deletion_job", job_arn)["numDeleted"]
        if not deleted:
            raise ValueError(f"{job_arn} deleted nothing: do the user IDs exist in the dataset?")
        print(f"{deleted} deleted")
        return int(deleted)

    shop = made_up_shop("{{ params.name }}", "{{ params.role_arn }}")

    # Each run has its own file, so that the job deletes exactly these users.
    uploaded = upload("{{ params.name }}", "erase/{{ run_id }}.csv", users_to_erase())

    # [START create_data_deletion_job]
    erase = CreateDataDeletionJobOperator(
        task_id="erase",
        dataset_group_arn=shop["dataset_group_arn"],
        data_source={"dataLocation": uploaded},
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )
    # [END create_data_deletion_job]

    shop["imported"] >> erase
    count_deleted(erase.output)
