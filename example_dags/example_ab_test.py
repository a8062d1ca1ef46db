"""
Serve two recipes side by side, a campaign each, and count what users do with the recommendations of each.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_ab_test.py

A is a baseline that recommends the most popular items, B recommends for each user. A table in the log of ``compare``
shows their offline metrics. A metric attribution then counts clicks and purchases by campaign, in Amazon CloudWatch:
``visits`` shows what your application does for that. The local Personalize keeps events and writes no reports.

``docs/guides/ab-testing.md`` explains how to split users, read the reports and end the test.

## In an AWS account

Set the parameter ``role_arn`` to a role that may read the bucket and write metrics
(https://docs.aws.amazon.com/personalize/latest/dg/metric-attribution-requirements.html). An import is charged by the
GB, each of the two trainings by the hour, and CloudWatch by the metric. Both campaigns are charged by the hour from
their creation to their deletion. The DAG trains; automatic training is off (``perform_auto_training=False``).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

try:
    from airflow.sdk import DAG, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.models import Param
from made_up_shop import ROLE, made_up_shop, trained_solution

from airflow_provider_personalize.operators import (
    CompareSolutionVersionsOperator,
    CreateCampaignOperator,
    CreateEventTrackerOperator,
    CreateMetricAttributionOperator,
)

with DAG(
    dag_id="example_ab_test",
    description="Serve two recipes side by side and count what users do with each",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param(
            "example-ab-test", type="string", description="The name of all resources of this example, and the bucket."
        ),
        "role_arn": Param(
            ROLE,
            type="string",
            description="The IAM role with which Amazon Personalize reads the bucket and writes metrics.",
        ),
    },
    tags=["example", "personalize"],
):
    NAME, ROLE_ARN = "{{ params.name }}", "{{ params.role_arn }}"

    @task
    def visits(campaign_a: str, campaign_b: str, tracking_id: str) -> dict[str, int]:
        """Do what your application does: choose a campaign by user, show recommendations, record the click."""
        from collections import Counter
        from hashlib import sha256

        from airflow_provider_personalize.hooks import PersonalizeHook

        runtime = PersonalizeHook(client_type="personalize-runtime").conn
        events = PersonalizeHook(client_type="personalize-events").conn
        clicks: Counter[str] = Counter()
        for number in range(1, 21):
            user = f"user-{number:05}"
            # the same user is always in the same group; another test needs another name
            group = "ab"[sha256(f"recipe-test/{user}".encode()).digest()[0] % 2]
            campaign = {"a": campaign_a, "b": campaign_b}[group]
            shown = runtime.get_recommendations(campaignArn=campaign, userId=user, numResults=5)
            events.put_events(
                trackingId=tracking_id,
                userId=user,
                sessionId=f"visit-of-{user}",
                eventList=[
                    {
                        "eventType": "click",
                        "itemId": shown["itemList"][0]["itemId"],
                        "sentAt": datetime.now(timezone.utc),
                        # tells which campaign the click is counted for
                        "recommendationId": shown["recommendationId"],
                    }
                ],
            )
            clicks[group] += 1
        return dict(clicks)

    def serve(group: str, version: Any) -> CreateCampaignOperator:
        return CreateCampaignOperator(
            task_id=f"campaign_{group}",
            name=f"{NAME}-{group}",
            solution_version_arn=version,
            min_provisioned_tps=1,
            ignore_changes=["solution_version_arn"],
            deferrable=True,
        )

    shop = made_up_shop(NAME, ROLE_ARN)

    version_a = trained_solution.override(group_id="a")(f"{NAME}-a", "aws-popularity-count", shop["dataset_group_arn"])
    version_b = trained_solution.override(group_id="b")(
        f"{NAME}-b", "aws-user-personalization-v2", shop["dataset_group_arn"]
    )
    shop["imported"] >> [version_a, version_b]

    # [START compare_solution_versions]
    # Both are trained on the same data, so their offline metrics can be compared. They do not decide the test.
    compare = CompareSolutionVersionsOperator(
        task_id="compare",
        solution_version_arns={"A, most popular": version_a, "B, personalized": version_b},
        best_by="precision_at_5",
    )
    # [END compare_solution_versions]

    # [START create_metric_attribution]
    # Counts events that are recorded after its creation.
    metric_attribution = CreateMetricAttributionOperator(
        task_id="metric_attribution",
        name=NAME,
        dataset_group_arn=shop["dataset_group_arn"],
        metrics=[
            {"eventType": "click", "metricName": "clicks", "expression": "SAMPLECOUNT()"},
            {"eventType": "purchase", "metricName": "purchases", "expression": "SAMPLECOUNT()"},
        ],
        metrics_output_config={"roleArn": ROLE_ARN},
    )
    # [END create_metric_attribution]

    event_tracker = CreateEventTrackerOperator(
        task_id="event_tracker", name=NAME, dataset_group_arn=shop["dataset_group_arn"]
    )

    visited = visits(serve("a", version_a).output, serve("b", version_b).output, event_tracker.output["tracking_id"])
    shop["imported"] >> [metric_attribution, event_tracker]
    [metric_attribution, compare] >> visited
