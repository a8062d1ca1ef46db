"""A job of an earlier attempt is compared with the documented defaults of omitted parameters."""

from __future__ import annotations

from typing import Any

import pytest
from shop import DATASET, LOCATION, ROLE, SOLUTION
from task_runs import Run, TaskInstance

from airflow_provider_personalize import operators
from airflow_provider_personalize.emulator import calls, clock
from airflow_provider_personalize.exceptions import ResourceDiffersError

IMPORT = {"dataset_arn": DATASET, "data_source": {"dataLocation": LOCATION}, "role_arn": ROLE}
EXPORT = {"dataset_arn": DATASET, "job_output": {"s3DataDestination": {"path": "s3://shop/out/"}}, "role_arn": ROLE}

pytestmark = pytest.mark.usefixtures("personalize")


def run(operator: str, ti: TaskInstance, **given: Any) -> Run:
    made = getattr(operators, f"{operator}Operator")
    return Run(lambda: made(task_id="task", wait_for_completion=False, **given), ti)


@pytest.mark.parametrize(
    ("operator", "given", "other"),
    [
        ("CreateDatasetImportJob", IMPORT, {"import_mode": "INCREMENTAL"}),
        ("CreateDatasetExportJob", EXPORT, {"ingestion_mode": "ALL"}),
    ],
)
def test_a_mode_that_is_not_given_any_more_is_the_default(operator, given, other):
    run("CreateDatasetImportJob", TaskInstance(run_id="first"), **IMPORT)()
    clock.advance(3600)
    ti = TaskInstance()
    run(operator, ti, **given, **other)()
    ti.try_number = 2
    (name, value) = next(iter(other.items()))
    with pytest.raises(ResourceDiffersError, match=f"(?i){name.replace('_', '_?')}.*found '{value}'"):
        run(operator, ti, **given)()


@pytest.mark.parametrize(
    ("operator", "given", "default"),
    [
        ("CreateDatasetImportJob", IMPORT, {"import_mode": "FULL"}),
        ("CreateDatasetExportJob", EXPORT, {"ingestion_mode": "PUT"}),
        ("CreateSolutionVersion", {"solution_arn": SOLUTION}, {"training_mode": "FULL"}),
    ],
)
def test_the_default_and_nothing_are_the_same(operator, given, default):
    run("CreateDatasetImportJob", TaskInstance(run_id="first"), **IMPORT)()
    clock.advance(3600)
    calls.clear()
    ti = TaskInstance()
    first = run(operator, ti, **given, **default)()
    ti.try_number = 2
    assert run(operator, ti, **given)() == first
    assert len(calls.of(operator)) == 1
