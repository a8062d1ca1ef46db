"""
Erase users: delete all references to them from the data and the models of a dataset group. There is no way back.

On your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_erase_users.py --speed 600

The service takes up to a day for it; the task waits in the triggerer, which costs no worker. The users must be gone
from what you import, too, or the next import brings them back: so it is here, in a second run.

In an AWS account, set the parameters ``name``, which is the bucket's, too, and ``role_arn``: the role by which Amazon
Personalize reads there (https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). In
place of ``made_up_shop``, whose import is charged by the GB, give the ARN of your dataset group, and the users in
``users_to_erase``. Nothing here trains.
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
    # the default is a look each 15 seconds to 5 minutes: leave it out where an hour takes an hour
    default_args={"waiter_delay": 5},
    params={
        "name": Param(
            "example-erase-users", type="string", description="What all resources of this example are named."
        ),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role by which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):

    @task
    def users_to_erase() -> str:
        """Make the CSV: one column of that name."""
        users = ["user-00001", "user-00002"]
        return "\n".join(["USER_ID", *users, ""])

    @task
    def see_how_many(job_arn: str) -> int:
        """Tell how many rows were deleted. None at all would mean that the ids are wrong."""
        from airflow_provider_personalize.hooks import PersonalizeHook

        deleted = PersonalizeHook().describe("data_deletion_job", job_arn)["numDeleted"]
        if not deleted:
            raise ValueError(f"{job_arn} found nothing to delete: are the ids those of the dataset?")
        print(f"{deleted} deleted")
        return int(deleted)

    shop = made_up_shop("{{ params.name }}", "{{ params.role_arn }}")

    # A file of its own in each run: the job is to delete those users, and not others that came meanwhile.
    uploaded = upload("{{ params.name }}", "erase/{{ run_id }}.csv", users_to_erase())

    erase = CreateDataDeletionJobOperator(
        task_id="erase",
        dataset_group_arn=shop["dataset_group_arn"],
        data_source={"dataLocation": uploaded},
        role_arn="{{ params.role_arn }}",
        deferrable=True,
    )

    shop["imported"] >> erase
    see_how_many(erase.output)
