"""
What type checkers and editors know of the parameters that reach a class as ``**kwargs``; nothing of it runs.

One type for each base class: what that base and its own bases take. The parameters are documented where they are
defined, at the bases; ``signatures.py`` shows them at run time.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal, TypedDict


class _TaskId(TypedDict):
    task_id: str


class AirflowOptions(_TaskId, total=False):
    """Parameters of Airflow's ``BaseOperator``, of all versions."""

    allow_nested_operators: bool
    dag: Any
    default_args: dict[str, Any] | None
    depends_on_past: bool
    do_xcom_push: bool
    doc: str | None
    doc_json: str | None
    doc_md: str | None
    doc_rst: str | None
    doc_yaml: str | None
    email: str | Collection[str] | None
    email_on_failure: bool
    email_on_retry: bool
    end_date: datetime | None
    execution_timeout: timedelta | None
    executor: str | None
    executor_config: dict[str, Any] | None
    ignore_first_depends_on_past: bool
    inlets: Any
    logger_name: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    max_retry_delay: timedelta | float | None
    multiple_outputs: bool
    on_execute_callback: Any
    on_failure_callback: Any
    on_retry_callback: Any
    on_skipped_callback: Any
    on_success_callback: Any
    outlets: Any
    owner: str
    params: Any
    pool: str | None
    pool_slots: int
    post_execute: Any
    pre_execute: Any
    priority_weight: int
    queue: str
    render_template_as_native_obj: bool | None
    resources: dict[str, Any] | None
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: bool | float
    retry_policy: Any
    run_as_user: str | None
    sla: timedelta | None
    start_date: datetime | None
    task_concurrency: int | None
    task_display_name: str | None
    task_group: Any
    trigger_rule: str
    wait_for_downstream: bool
    wait_for_past_depends_before_skipping: bool
    weight_rule: Any


class _Aws(TypedDict, total=False):
    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None


class TaskOptions(AirflowOptions, _Aws, total=False):
    """Parameters of ``PersonalizeTask`` and its bases."""


class ChangingOptions(TaskOptions, total=False):
    """Parameters of ``ChangingOperator`` and its bases."""

    dry_run: bool | str


class WaitingOptions(ChangingOptions, total=False):
    """Parameters of ``WaitingOperator`` and its bases."""

    wait_for_completion: bool
    deferrable: bool
    waiter_delay: float | timedelta | None
    timeout: float | timedelta | None


class CreateOptions(WaitingOptions, total=False):
    """Parameters of ``CreateOperator`` and its bases."""

    if_exists: Literal["reuse", "fail"]
    ignore_changes: Collection[str]


class UpdateOptions(WaitingOptions, total=False):
    """Parameters of ``UpdateOperator`` and its bases."""

    if_unchanged: Literal["skip", "update"]


class AirflowSensorOptions(AirflowOptions, total=False):
    """Parameters of Airflow's ``BaseSensorOperator``, but for ``poke_interval``."""

    timeout: float | timedelta
    soft_fail: bool
    mode: Literal["poke", "reschedule"]
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


class SensorTaskOptions(AirflowSensorOptions, _Aws, total=False):
    """Parameters of the bases of ``PersonalizeSensor``."""


class SensorOptions(SensorTaskOptions, total=False):
    """Parameters of ``PersonalizeSensor`` and its bases."""

    deferrable: bool
    poke_interval: float | timedelta | None


class UpdateSensorOptions(SensorOptions, total=False):
    """Parameters of ``UpdateSensor`` and its bases."""

    created: datetime | str | None
    require_update: bool
