"""
Start when a solution has a new version, and promote it if it is not worse than the live one.

To run it on your machine, without an AWS account::

    python -m airflow_provider_personalize.emulator run example_dags/example_new_version.py

On Airflow 3, the watcher of the asset polls the solution's versions once a minute, in the triggerer. It starts
``example_new_version`` when one becomes ACTIVE, whether automatic training, a DAG or a person trained it. A run that a
person starts has no event, and takes the newest version. The command above makes such a run, after one of
``example_made_up_shop``, which makes what your account has already: a shop, a solution and a campaign.

In an AWS account, leave out ``example_made_up_shop``, and set ``SOLUTION`` and ``CAMPAIGN``. Watching and promoting
are not charged. The import of the shop is charged by the GB, each training by the hour, and the campaign by the hour
from its creation to its deletion.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from made_up_shop import ROLE, made_up_shop

from airflow_provider_personalize.operators import (
    CreateCampaignOperator,
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
    PromoteSolutionVersionOperator,
)

NAME = "example-new-version"
SOLUTION = f"arn:aws:personalize:us-east-1:123456789012:solution/{NAME}"
CAMPAIGN = f"arn:aws:personalize:us-east-1:123456789012:campaign/{NAME}"

try:
    from airflow.sdk import DAG, AssetWatcher, Param, task
except ImportError:  # Airflow 2 has no watchers
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param

    new_version = None
else:
    from airflow_provider_personalize.assets import personalize_asset
    from airflow_provider_personalize.triggers import SolutionVersionTrigger

    new_version = personalize_asset(
        SOLUTION,
        watchers=[AssetWatcher(name="new-version", trigger=SolutionVersionTrigger(solution_arn=SOLUTION))],
    )

with DAG(
    dag_id="example_made_up_shop",
    description="Make a shop, a solution and a campaign to try the other DAG with",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    default_args={"waiter_delay": 5},
    params={
        "role_arn": Param(
            ROLE, type="string", description="The IAM role with which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):
    shop = made_up_shop(NAME, "{{ params.role_arn }}")
    solution = CreateSolutionOperator(
        task_id="solution",
        name=NAME,
        dataset_group_arn=shop["dataset_group_arn"],
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
    )
    train = CreateSolutionVersionOperator(task_id="train", solution_arn=solution.output, deferrable=True)
    campaign = CreateCampaignOperator(
        task_id="campaign",
        name=NAME,
        solution_version_arn=train.output,
        min_provisioned_tps=1,
        ignore_changes=["solution_version_arn"],  # the other DAG promotes other versions
        deferrable=True,
    )
    # Your solution trains by itself: this stands for its next training.
    train_next = CreateSolutionVersionOperator(task_id="train_next", solution_arn=solution.output, deferrable=True)
    [shop["imported"], solution] >> train >> campaign >> train_next


with DAG(
    dag_id="example_new_version",
    description="Promote each new version of a solution that is good enough",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=[new_version] if new_version else None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={"campaign_arn": Param(CAMPAIGN, type="string", description="The campaign that gets the new version.")},
    tags=["example", "personalize"],
):

    @task
    def newest_version(triggering_asset_events: Any = None) -> str:
        """Return the newest version of the events; in a run without events, the solution's newest one."""
        events = triggering_asset_events[new_version] if new_version and triggering_asset_events else []
        if events:
            payloads = [event.extra["payload"] for event in events]
            return max(payloads, key=lambda payload: payload["creationDateTime"])["arn"]

        from airflow_provider_personalize.hooks import PersonalizeHook

        versions = PersonalizeHook().list_versions(SOLUTION)
        return next(version["solutionVersionArn"] for version in versions if version["status"] == "ACTIVE")

    PromoteSolutionVersionOperator(
        task_id="promote",
        campaign_arn="{{ params.campaign_arn }}",
        solution_version_arn=newest_version(),
        # two trainings on the same data differ a little
        not_worse_than="live",
        tolerance="10%",
        if_gate_fails="skip",
        deferrable=True,
    )
