"""README and the guide to the local Personalize: their tests pass, and they name everything; see also test_docs.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from task_runs import Run

from airflow_provider_personalize.emulator import faults
from airflow_provider_personalize.exceptions import ResourceFailedError

pytest_plugins = "pytester"

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "emulator" / "local-personalize.md").read_text(encoding="utf-8")


def python_blocks(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


TESTS = [block for block in python_blocks(GUIDE) if "def test_" in block]


def test_only_the_second_example_notices_that_its_update_failed(personalize, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    before, after = python_blocks(README)
    faults.fail_next("UpdateSolution", reason="Because.", times=2)
    exec(before, namespace := {})
    namespace["update_solution"]()
    exec(after.replace("\nUpdate", "\ntask = Update"), namespace := {})
    with pytest.raises(ResourceFailedError, match=r"CREATE FAILED: Because\."):
        Run(lambda: namespace["task"])()


@pytest.mark.slow
@pytest.mark.parametrize("example", TESTS)
def test_every_example_of_a_test_passes(pytester: pytest.Pytester, example):
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=1)


def test_the_guide_mentions_every_fault():
    assert {name for name in dir(faults) if name.endswith("_next")} <= set(re.findall(r"faults\.(\w+)", GUIDE))


def test_every_example_is_linked():
    examples = {f"example_dags/{path.name}" for path in (ROOT / "example_dags").glob("example_*.py")}
    page = (ROOT / "docs" / "start" / "examples.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(../../(example_dags/\w+\.py)\)", page)) == examples
