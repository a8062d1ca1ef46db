"""README and the guide to the local Personalize: their tests pass, and they name everything; see also test_docs.py."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "emulator" / "local-personalize.md").read_text(encoding="utf-8")


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


TESTS = [block for text in (README, GUIDE) for block in python_blocks(text) if "def test_" in block]


def test_the_first_example_is_a_dag():
    exec(python_blocks(README)[0], namespace := {})
    assert namespace["dag"].task_ids == ["import_interactions", "update", "update_is_active"]


@pytest.mark.slow
@pytest.mark.parametrize("example", TESTS)
def test_every_example_of_a_test_passes(pytester: pytest.Pytester, example):
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=1)


def test_the_guide_mentions_every_fault():
    from airflow_provider_personalize.emulator import faults

    assert {name for name in dir(faults) if name.endswith("_next")} <= set(re.findall(r"faults\.(\w+)", GUIDE))


def test_every_operator_and_sensor_is_in_the_tables():
    from airflow_provider_personalize import operators, sensors

    rows = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    assert rows == {*operators.__all__, *sensors.__all__}


def test_every_example_is_linked():
    examples = {f"example_dags/{path.name}" for path in (ROOT / "example_dags").glob("example_*.py")}
    assert set(re.findall(r"\]\((example_dags/\w+\.py)\)", README)) == examples


@pytest.mark.parametrize("page", ["operators", "sensors"])
def test_the_reference_documents_every_operator_and_sensor(page):
    package = import_module(f"airflow_provider_personalize.{page}")
    documented = re.findall(r"automodule:: (\S+)", (ROOT / "docs" / "reference" / f"{page}.md").read_text("utf-8"))
    assert set(documented) == {getattr(package, name).__module__ for name in package.__all__}
