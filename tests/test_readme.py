"""README's examples, as a reader would run them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_first_example_is_a_dag():
    from datetime import datetime, timezone

    from airflow.sdk import DAG

    with DAG("readme", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), schedule=None) as dag:
        exec(python_blocks()[0], {})
    assert dag.task_ids == ["import_interactions", "train_every_three_days"]


def test_every_fault_of_the_example_can_be_told(personalize):
    (example,) = (block for block in python_blocks() if "faults.clear()" in block)
    exec(example, {})


def test_the_example_test_passes(pytester: pytest.Pytester):
    (example,) = (block for block in python_blocks() if "local_personalize" in block)
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=1)


def test_every_operator_and_sensor_is_in_the_tables():
    from airflow_provider_personalize import operators, sensors

    rows = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    assert rows == {*operators.__all__, *sensors.__all__}


def test_every_example_is_linked():
    examples = {f"example_dags/{path.name}" for path in (ROOT / "example_dags").glob("example_*.py")}
    assert set(re.findall(r"\]\((example_dags/\w+\.py)\)", README)) == examples
