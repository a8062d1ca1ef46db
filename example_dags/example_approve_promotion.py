"""
Train a version, show its metrics beside those of the live one, and promote it if a person approves.

## Try it

On your machine, without an AWS account:

    python -m airflow_provider_personalize.emulator run example_dags/example_approve_promotion.py

On Airflow 3.1 and newer, ``approve`` asks a person, and the command prints the address of a web UI in which to answer.
If nobody answers within two minutes, the answer is Reject: the campaign keeps its version, and the run succeeds. Older
versions of Airflow have no such operator; there, ``approve`` rejects at once. The standard provider must be 1.12 or
newer.

The live and the new version are trained on the same data, so their metrics can be compared. The new one weighs clicks
and purchases more than views.

## In an AWS account

Give people more time to answer (``ANSWER_WITHIN``), and set the parameter ``role_arn`` to a role
that may read the bucket. An import is charged by the GB, each of the two trainings by the hour. The campaign is charged
by the hour from its creation to its deletion. The DAG trains; automatic training is off
(``perform_auto_training=False``).
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from airflow.exceptions import AirflowOptionalProviderFeatureException

try:
    from airflow.sdk import DAG, Asset, Param, task
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.datasets import Dataset as Asset
    from airflow.decorators import task
    from airflow.models import Param
try:
    from airflow.providers.standard.operators.hitl import ApprovalOperator
except (ImportError, AirflowOptionalProviderFeatureException):  # before Airflow 3.1
    ApprovalOperator = None
from made_up_shop import ROLE, made_up_shop

from airflow_provider_personalize.operators import (
    CompareSolutionVersionsOperator,
    CreateCampaignOperator,
    CreateSolutionOperator,
    CreateSolutionVersionOperator,
    PromoteSolutionVersionOperator,
    UpdateSolutionOperator,
)

ANSWER_WITHIN = timedelta(minutes=2)

with DAG(
    dag_id="example_approve_promotion",
    description="Ask a person before a new version goes live",
    doc_md=__doc__,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    schedule=None,
    catchup=False,
    max_active_runs=1,
    # for the accelerated local clock; in an AWS account, omit it to use the default of 15 to 60 seconds
    default_args={"waiter_delay": 5},
    params={
        "name": Param(
            "example-approve-promotion",
            type="string",
            description="The name of all resources of this example, and of the bucket.",
        ),
        "role_arn": Param(
            ROLE, type="string", description="The IAM role with which Amazon Personalize reads the bucket."
        ),
    },
    tags=["example", "personalize"],
):
    NAME = "{{ params.name }}"

    shop = made_up_shop(NAME, "{{ params.role_arn }}")

    # The update below changes the configuration.
    solution = CreateSolutionOperator(
        task_id="solution",
        name=NAME,
        dataset_group_arn=shop["dataset_group_arn"],
        recipe_arn="arn:aws:personalize:::recipe/aws-user-personalization-v2",
        perform_auto_training=False,
        ignore_changes=["solution_config"],
    )

    # Your campaign has a version already: then leave out these two, and name that version in `compare`.
    train_live = CreateSolutionVersionOperator(task_id="train_live", solution_arn=solution.output, deferrable=True)

    campaign = CreateCampaignOperator(
        task_id="campaign",
        name=NAME,
        solution_version_arn=train_live.output,
        min_provisioned_tps=1,
        ignore_changes=["solution_version_arn"],
        deferrable=True,
    )

    weigh_events = UpdateSolutionOperator(
        task_id="weigh_events",
        solution_arn=solution.output,
        solution_update_config={
            "eventsConfig": {
                "eventParametersList": [
                    {"eventType": "view", "weight": 0.1},
                    {"eventType": "click", "weight": 0.5},
                    {"eventType": "purchase", "weight": 1.0},
                ]
            }
        },
        deferrable=True,
    )

    train_candidate = CreateSolutionVersionOperator(
        task_id="train_candidate", solution_arn=solution.output, deferrable=True
    )

    # The live version comes first: with an equal value, it stays the best. The table is in the asset's event, too.
    compare = CompareSolutionVersionsOperator(
        task_id="compare",
        solution_version_arns={"live": train_live.output, "candidate": train_candidate.output},
        best_by="precision_at_5",
        outlets=[Asset("example-approve-promotion")],
    )

    if ApprovalOperator:
        approve = ApprovalOperator(
            task_id="approve",
            subject=f"Promote the candidate to the campaign {NAME}?",
            body="{{ ti.xcom_pull(task_ids='compare')['markdown'] }}",
            defaults="Reject",
            response_timeout=ANSWER_WITHIN,
        )
    else:

        @task.short_circuit(task_id="approve")
        def reject() -> bool:
            """Promote nothing that nobody can approve."""
            print("Rejected: before Airflow 3.1, no operator can ask a person")
            return False

        approve = reject()

    promote = PromoteSolutionVersionOperator(
        task_id="promote",
        campaign_arn=campaign.output,
        solution_version_arn=train_candidate.output,
        verify_user_ids=["user-00001"],
        deferrable=True,
    )

    [shop["imported"], solution] >> train_live >> weigh_events >> train_candidate
    [compare, campaign] >> approve >> promote
