"""An operator and a trigger made the Amazon provider's own way, as one would contribute them today."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger


class TwinHook(AwsBaseHook):
    """A client of Personalize, with a waiter."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, client_type="personalize", **kwargs)

    @cached_property
    def waiter_path(self) -> Path:
        return Path(__file__).with_suffix(".json")


class TwinTrigger(AwsBaseWaiterTrigger):
    """Wait for a solution's update."""

    aws_hook_class = TwinHook

    def __init__(self, *, solution_arn: str, waiter_delay: int, waiter_max_attempts: int, **connection: Any) -> None:
        super().__init__(
            serialized_fields={"solution_arn": solution_arn},
            waiter_name="solution_update_active",
            waiter_args={"solutionArn": solution_arn},
            failure_message="The update of the solution failed",
            status_message="The status of the solution's update is",
            status_queries=["solution.latestSolutionUpdate.status"],
            return_key="solution_arn",
            return_value=solution_arn,
            waiter_delay=waiter_delay,
            waiter_max_attempts=waiter_max_attempts,
            **connection,
        )


class TwinOperator(AwsBaseOperator[TwinHook]):
    """Update a solution."""

    aws_hook_class = TwinHook
    template_fields = ("solution_arn", *AwsBaseOperator.template_fields)

    def __init__(self, *, solution_arn: str, perform_auto_training: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.solution_arn = solution_arn
        self.perform_auto_training = perform_auto_training

    def execute(self, context: Any) -> None:
        self.hook.conn.update_solution(solutionArn=self.solution_arn, performAutoTraining=self.perform_auto_training)
        self.defer(
            trigger=TwinTrigger(solution_arn=self.solution_arn, waiter_delay=30, waiter_max_attempts=120),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Any, event: dict[str, Any]) -> str:
        return str(event["solution_arn"])
