"""The commands as Airflow's own: ``airflow personalize``, and what they cost each start of ``airflow``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_provider_personalize.cli.commands import COMMANDS
from airflow_provider_personalize.cli.main import main
from airflow_provider_personalize.data.schemas import DATASET_TYPES, DOMAINS

FILE = """
from airflow.sdk import DAG
from airflow_provider_personalize.operators import CreateDatasetGroupOperator, DeleteSchemaOperator

with DAG("shop", schedule=None):
    CreateDatasetGroupOperator(task_id="group", name="shop-{{ ds_nodash }}")
    DeleteSchemaOperator(task_id="end", schema_arn="WRONG")
"""
SCHEMA_ARN = "arn:aws:personalize:us-east-1:123456789012:schema/x"


def test_airflow_imports_nothing_for_them_until_one_is_run():
    script = """
import sys
before = {*sys.modules}
import airflow_provider_personalize.cli.definition
print(*sorted({*sys.modules} - before - {*sys.stdlib_module_names}))
assert not {"airflow", "boto3", "jinja2"} & {name.split(".")[0] for name in sys.modules}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    package = "airflow_provider_personalize"
    assert [name for name in done.stdout.split() if name.startswith(package)] == [
        *(package, f"{package}.cli", f"{package}.cli.commands", f"{package}.cli.definition")
    ]


@pytest.mark.parametrize(
    "arguments",
    [["plan"], ["plan", "none.py"], ["plan", __file__, "--conf", "[]"], ["plan", __file__, "--logical-date", "today"],
     ["check", "none.py"], ["check", __file__, "--format", "yaml"], ["schema", "none.csv", "--type", "ITEMS"], []],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_done_never_ends_with_the_status_of_changes(arguments, capsys):
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = ended.code
    assert status == 1
    assert capsys.readouterr().err


def test_the_help_names_what_a_schema_may_be_for():
    options = {command.name: command.options for command in COMMANDS}["schema"]
    assert all(each in options["--type",]["help"] for each in DATASET_TYPES)
    assert all(each in options["--domain",]["help"] for each in DOMAINS)


@pytest.mark.slow
def test_airflow_runs_them_and_ends_with_their_status(tmp_path):
    """Airflow's own command, against a local Personalize."""
    pytest.importorskip("airflow.cli.cli_parser")
    from airflow.providers_manager import ProvidersManager

    from airflow_provider_personalize.emulator.server import Server

    if not hasattr(ProvidersManager, "cli_command_functions"):
        pytest.skip("this Airflow takes no commands from providers")
    path = tmp_path / "shop.py"
    with Server() as server:
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        env |= {"AIRFLOW_HOME": str(tmp_path), "AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "us-east-1"}
        env |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}

        def airflow(command):
            line = [sys.executable, "-m", "airflow", "personalize", command, str(path), "--format", "json"]
            done = subprocess.run(line, env=env, capture_output=True, text=True)
            return done.returncode, json.loads(done.stdout or "{}"), done.stderr

        path.write_text(FILE)
        status, report, _ = airflow("check")
        assert (status, [each["task_id"] for each in report["findings"]]) == (1, ["end"])
        path.write_text(FILE.replace("WRONG", SCHEMA_ARN))
        status, report, error = airflow("plan")
        assert status == 2, error
        assert [(step["task_id"], step["action"]) for step in report["steps"]] == [("group", "create"), ("end", "none")]
