"""
What tells one task instance of Airflow's from another: all of it is part of the names that the package derives.

Airflow 3.4 added loops, whose iterations no member told apart that older versions had. A member that is new here makes
these tests fail until somebody decides whether it does.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import UniqueConstraint

from airflow_provider_personalize.operators.task_state import identity_of

task_runner = pytest.importorskip("airflow.sdk.execution_time.task_runner", reason="Airflow 2 runs the model itself")
sdk = pytest.importorskip("airflow.sdk")

# What `identity_of` has in it.
IDENTIFYING = {"dag_id", "task_id", "run_id", "map_index", "loop"}
# The map index, or the iteration where a task is in a loop and not mapped; and one execution of a loop or an expansion,
# another after a clear. The map index and the context's `loop` tell of both what lasts.
TOLD_BY_THOSE = {"region_id", "region_index"}
# Each try has others, of the same task instance.
OF_A_TRY = {"id", "try_number", "working_set", "archived_reason"}
# How it runs, and what is shown of it.
OF_ITS_MEMBERS = {
    *("bundle_instance", "context_carrier", "custom_operator_name", "dag_version_id", "duration", "end_date"),
    *("executor", "executor_config", "external_executor_id", "hostname", "is_mapped", "last_heartbeat_at", "max_tries"),
    *("next_kwargs", "next_method", "operator", "pid", "pool", "pool_slots", "priority_weight", "queue"),
    *("queued_by_job_id", "queued_dttm", "rendered_map_index", "retry_delay_override", "retry_reason"),
    *("scheduled_dttm", "sentry_integration", "span_status", "start_date", "state", "task", "task_display_name"),
    *("trigger_id", "trigger_timeout", "unixname", "updated_at"),
}
# What a run tells, or a task, or a try, and what a task may use.
OF_THE_CONTEXT = {
    *("asset_state_store", "conn", "dag", "dag_run", "data_interval_end", "data_interval_start", "ds", "ds_nodash"),
    *("exception", "expanded_ti_count", "inlet_events", "inlets", "logical_date", "macros", "map_index_template"),
    *("outlet_events", "outlets", "params", "partition_date", "partition_key", "prev_data_interval_end_success"),
    *("prev_data_interval_start_success", "prev_end_date_success", "prev_start_date_success", "reason", "run_id"),
    *("task", "task_instance", "task_instance_key_str", "task_reschedule_count", "task_state_store", "templates_dict"),
    *("test_mode", "ti", "triggering_asset_events", "try_number", "ts", "ts_nodash", "ts_nodash_with_tz", "var"),
}
_ADVICE = "decide whether it tells task instances apart: then it belongs in identity_of, and in IDENTIFYING"


def test_no_member_of_a_task_instance_is_new():
    members = {*TaskInstance.__table__.columns.keys(), *task_runner.RuntimeTaskInstance.model_fields}
    new = members - IDENTIFYING - TOLD_BY_THOSE - OF_A_TRY - OF_ITS_MEMBERS
    assert not new, _ADVICE


def test_nothing_that_a_task_is_told_is_new():
    new = set(sdk.Context.__annotations__) - IDENTIFYING - OF_THE_CONTEXT
    assert not new, _ADVICE


def test_what_airflows_database_tells_task_instances_by_is_in_the_identity():
    keys = [key.columns.keys() for key in TaskInstance.__table__.constraints if isinstance(key, UniqueConstraint)]
    assert keys
    for key in keys:
        assert set(key) <= IDENTIFYING | TOLD_BY_THOSE | OF_A_TRY


@pytest.mark.skipif("loop" not in sdk.Context.__annotations__, reason="Airflow has task loops from 3.4")
def test_no_loop_is_inside_another_or_mapped():
    """If one can be, ``loop.index`` alone does not tell an iteration from all others."""

    def innermost() -> None:
        sdk.task(lambda: None, task_id="one")()

    @sdk.task_group
    def outer(number: int = 0) -> None:
        sdk.task_group(innermost).loop(max_iterations=2)

    for nest in (lambda: outer.loop(max_iterations=2), lambda: outer.expand(number=[1, 2])):
        with sdk.DAG("nested", schedule=None), pytest.raises(NotImplementedError):
            nest()


@pytest.mark.parametrize("member", sorted(IDENTIFYING))
def test_each_of_those_makes_another_identity(member):
    ti = {"dag_id": "d", "task_id": "t", "run_id": "r", "map_index": -1}
    context = {"ti": SimpleNamespace(**ti), "loop": SimpleNamespace(index=0)}
    other = {"ti": SimpleNamespace(**ti), "loop": SimpleNamespace(index=0)}
    if member == "loop":
        other["loop"].index = 1
    else:
        setattr(other["ti"], member, 1)
    assert identity_of(context) != identity_of(other)
