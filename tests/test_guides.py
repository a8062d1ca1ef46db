"""The guides: quoted messages are the package's, and a DAG before and after its migration behaves as said."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from task_runs import Run

import airflow_provider_personalize
from airflow_provider_personalize.emulator import faults

GUIDES = Path(__file__).parents[1] / "docs" / "guides"


def python_blocks(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def dag_of(block: str) -> Any:
    """Run a block, and return the DAG that it defines, or one with the operators that it creates."""
    from airflow.sdk import DAG

    with DAG("block", schedule=None) as outer:
        exec(block, namespace := {})
    return namespace.get("dag", outer)


def messages_of(source: str) -> set[str]:
    """Return the texts in a module, with … for what differs."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        found.add(re.sub("…+", "…", re.sub(r"%[sdr]", "…", text)))
    return found


def test_every_message_that_the_guide_quotes_is_one_of_the_package():
    package = Path(airflow_provider_personalize.__file__).parent
    messages = set().union(*(messages_of(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")))
    quoted = re.findall(r"\*\*`(.+?)`\*\*", (GUIDES / "troubleshooting.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(quoted) > 30
    assert not [quote for quote in quoted if not any(" ".join(quote.split()) in message for message in messages)]


@pytest.fixture
def migration(personalize, passing_time, monkeypatch):
    """The tasks of the DAG before and after the migration, each as a function that runs one attempt."""
    before, after = map(dag_of, python_blocks(GUIDES / "from-boto3.md"))
    monkeypatch.setitem(
        before.get_task("update_solution").python_callable.__globals__,
        "time",
        SimpleNamespace(sleep=passing_time.sleep),
    )

    def attempt(task_id: str, *, migrated: bool, number: int = 1) -> Any:
        if not migrated:
            return before.get_task(task_id).python_callable()
        run = Run(lambda: after.get_task(task_id))
        run.ti.task_id, run.ti.try_number = task_id, number
        return run()

    return attempt


def test_a_failed_update_fails_only_the_migrated_dag(personalize, migration):
    faults.fail_next("UpdateSolution", reason="Because.", times=2)
    migration("update_solution", migrated=False)
    with pytest.raises(Exception, match=r"CREATE FAILED: Because\."):
        migration("update_solution", migrated=True)


def test_a_lost_answer_is_paid_twice_only_before_the_migration(personalize, migration):
    faults.reset_next("CreateDatasetImportJob", done=True)
    with pytest.raises(ClientError, match="already exists"):  # boto3 has sent it again
        migration("import_interactions", migrated=False)
    migration("import_interactions", migrated=False, number=2)
    assert len(personalize.list_dataset_import_jobs()["datasetImportJobs"]) == 2

    faults.reset_next("CreateDatasetImportJob", done=True)
    migration("import_interactions", migrated=True)
    assert len(personalize.list_dataset_import_jobs()["datasetImportJobs"]) == 3
