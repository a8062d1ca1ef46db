"""
Send items and events in real time, filter recommendations by them, export the data, and delete what is charged.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_real_time.py

A user buys an item, and the filter takes it out of the user's recommendations. Your application sends events itself,
as they happen; the operators are for those that arrive in a file or a queue. The file of interactions is checked in S3
beside the import. The teardown deletes the campaign, also if a task before it fails.

## In an AWS account

Set the parameters ``name``, which is also the name of the bucket, and ``role_arn``, the role with
which Amazon Personalize reads and writes the bucket
(https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html). An import is charged by the GB,
and so are items and events; the training by the hour. The campaign is charged by the hour from its creation to its
deletion. The DAG trains; automatic training is off (``perform_auto_training=False``).
"""

from __future__ import annotations

from datetime import datetime, timezone

try:
    from airflow.sdk import DAG, Param
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.models import Param
from made_up_shop import INTERACTIONS, ROLE, made_up_shop, trained_solution

from airflow_provider_personalize.operators import (
    CheckDatasetOperator,
    CreateCampaignOperator,
    CreateDatasetExportJobOperator,
    CreateDatasetOperator,
    CreateEventTrackerOperator,
    CreateFilterOperator,
    CreateSchemaOperator,
    DeleteCampaignOperator,
    GetRecommendationsOperator,
    PutEventsOperator,
    PutItemsOperator,
    TagResourceOperator,
    UpdateCampaignOperator,
)

ITEMS = {
    "type": "record",
    "name": "Items",
    "namespace": "com.amazonaws.personalize.schema",
    "version": "1.0",
    "fields": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "CATEGORY", "type": ["null", "string"], "categorical": True},
    ],
}

with DAG(
    dag_id="example_real_time",
    description="Send items and events, and filter recommendations by them",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param(
            "example-real-time", type="string", description="The name of all resources of this example, and the bucket."
        ),
        "role_arn": Param(
            ROLE,
            type="string",
            description="The IAM role with which Amazon Personalize reads and writes the bucket.",
        ),
    },
    tags=["example", "personalize"],
):
    NAME, ROLE_ARN = "{{ params.name }}", "{{ params.role_arn }}"

    shop = made_up_shop(NAME, ROLE_ARN)
    version = trained_solution(NAME, "aws-user-personalization-v2", shop["dataset_group_arn"])
    shop["imported"] >> version

    # [START put_items]
    items_schema = CreateSchemaOperator(task_id="items_schema", name=f"{NAME}-items", schema=ITEMS)

    items = CreateDatasetOperator(
        task_id="items",
        name=f"{NAME}-items",
        schema_arn=items_schema.output,
        dataset_group_arn=shop["dataset_group_arn"],
        dataset_type="ITEMS",
    )

    put_items = PutItemsOperator(
        task_id="put_items",
        dataset_arn=items.output,
        items=[{"itemId": f"item-{number:05}", "properties": {"category": "shoes"}} for number in range(1, 26)],
    )
    # [END put_items]

    # [START create_campaign]
    campaign = CreateCampaignOperator(
        task_id="campaign",
        name=NAME,
        solution_version_arn=version,
        min_provisioned_tps=1,
        ignore_changes=["solution_version_arn", "campaign_config"],
        deferrable=True,
    )
    # [END create_campaign]

    # [START update_campaign]
    explore_less = UpdateCampaignOperator(
        task_id="explore_less",
        campaign_arn=campaign.output,
        campaign_config={"itemExplorationConfig": {"explorationWeight": "0.1"}},
        deferrable=True,
    )
    # [END update_campaign]

    # [START put_events]
    event_tracker = CreateEventTrackerOperator(
        task_id="event_tracker", name=NAME, dataset_group_arn=shop["dataset_group_arn"]
    )

    buy = PutEventsOperator(
        task_id="buy",
        tracking_id=event_tracker.output["tracking_id"],
        user_id="user-00001",
        session_id="visit-1",
        event_list=[{"eventType": "purchase", "itemId": "item-00001", "sentAt": "{{ ts }}"}],
    )
    # [END put_events]

    # [START create_filter]
    not_bought_yet = CreateFilterOperator(
        task_id="not_bought_yet",
        name=NAME,
        dataset_group_arn=shop["dataset_group_arn"],
        filter_expression='EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
    )
    # [END create_filter]

    # [START get_recommendations]
    recommend = GetRecommendationsOperator(
        task_id="recommend",
        campaign_arn=explore_less.output,
        user_id="user-00001",
        filter_arn=not_bought_yet.output,
        min_results=10,
    )
    # [END get_recommendations]

    # [START check_dataset]
    check_interactions = CheckDatasetOperator(
        task_id="check_interactions",
        data_location=f"s3://{NAME}/interactions.csv",
        schema=INTERACTIONS,
    )
    # [END check_dataset]

    # [START create_dataset_export_job]
    export_items = CreateDatasetExportJobOperator(
        task_id="export_items",
        dataset_arn=items.output,
        ingestion_mode="PUT",
        job_output={"s3DataDestination": {"path": f"s3://{NAME}/exports/{{{{ run_id }}}}/"}},
        role_arn=ROLE_ARN,
        deferrable=True,
    )
    # [END create_dataset_export_job]

    # [START tag_resource]
    tag_campaign = TagResourceOperator(
        task_id="tag_campaign",
        resource_arn=campaign.output,
        tags=[{"tagKey": "team", "tagValue": "shop"}],
    )
    # [END tag_resource]

    # [START delete_campaign]
    delete_campaign = DeleteCampaignOperator(
        task_id="delete_campaign",
        campaign_arn=campaign.output,
        deferrable=True,
    ).as_teardown(setups=campaign)
    # [END delete_campaign]

    shop["imported"] >> [items, event_tracker, check_interactions]
    [buy, put_items] >> not_bought_yet
    put_items >> export_items
    [recommend, tag_campaign] >> delete_campaign
