"""``check``: what is wrong with literal parameters, found without a run, a database or AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from every_task import ENDS, STEPS, task_of

import airflow_provider_personalize.cli.check  # noqa: F401 - Airflow logs its import, which is not to be captured
from airflow_provider_personalize.cli.literals import literal_errors
from airflow_provider_personalize.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "example_dags"
HEAD = """
from airflow_provider_personalize._compat import BaseOperator
try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
from airflow_provider_personalize.operators import *
from airflow_provider_personalize.sensors import *

A = "arn:aws:personalize:us-east-1:123456789012:"
ROLE = "arn:aws:iam::123456789012:role/personalize"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d"
RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
EVERY = lambda rate: {"autoTrainingConfig": {"schedulingExpression": rate}}
TEMPLATE = "{{ var.value.x }}"
"""
WRONG = (
    HEAD
    + """
with DAG("shop", schedule=None):
    group = CreateDatasetGroupOperator(task_id="key_without_role", name=TEMPLATE, kms_key_arn=KEY)
    UpdateSolutionOperator(task_id="arn", solution_arn=A + "campaign/shop", perform_auto_training=TEMPLATE)
    UpdateSolutionOperator(task_id="rate", solution_arn=group.output, solution_update_config=EVERY("rate(31 days)"))
    UpdateSolutionOperator(task_id="key", solution_arn=TEMPLATE,
        solution_update_config={"autoTrainingConfig": {"every": TEMPLATE}})
    UpdateSolutionOperator(task_id="nothing", solution_arn=TEMPLATE)
    CreateSolutionOperator(task_id="both", name="shop", dataset_group_arn=group.output, recipe_arn=RECIPE,
        perform_auto_ml=True, perform_auto_training=False)
    CreateDatasetImportJobOperator(task_id="role", dataset_arn=TEMPLATE,
        data_source={"dataLocation": TEMPLATE}, role_arn=None)
    CreateDatasetImportJobOperator.partial(task_id="mapped", role_arn=ROLE, import_mode="HALF").expand(
        dataset_arn=group.output)
    DeleteCampaignOperator(task_id="region", campaign_arn=A + "campaign/shop", region_name="eu-west-1")
    DeleteCampaignOperator(task_id="config", campaign_arn=A + "campaign/shop",
        botocore_config={"proxies": {"https": "http://u:SECRET@proxy"}})
    GetRecommendationsOperator(task_id="too_many", campaign_arn=TEMPLATE, num_results=5, min_results=6)
    PutItemsOperator(task_id="records", dataset_arn=TEMPLATE,
        items=[{"itemId": TEMPLATE}] * 11 + [{"itemId": "x", "colour": "red"}])
    SolutionUpdateSensor(task_id="time", solution_arn=TEMPLATE, created="yesterday")
    CreateSchemaOperator(task_id="schema", name="a b", schema={"type": "record", "fields": group.output})
    CreateSchemaOperator(task_id="dry", name="a", schema=TEMPLATE, dry_run="maybe")
    EvolveDatasetSchemaOperator(task_id="evolve", dataset_arn=TEMPLATE, schema=TEMPLATE, dry_run="maybe")
    DeleteDatasetGroupOperator(task_id="switch", dataset_group_arn=TEMPLATE, cascade="maybe")
    CheckDatasetOperator(task_id="rule", dataset_arn=TEMPLATE, data_location=TEMPLATE, ignore_rules=["typo"])
"""
)
#: The parameter and words of the message, for each task above.
EXPECTED = {
    "key_without_role": [("kms_key_arn", "is given without role_arn")],
    "arn": [("solution_arn", "is 'arn:aws:personalize:us-east-1:123456789012:campaign/shop': it must be the ARN of a")],
    "rate": [("solution_update_config", "'rate(31 days)': it must be a rate from rate(1 day)")],
    "key": [("solution_update_config", '"every", must be one of: schedulingExpression')],
    "nothing": [(None, "nothing to change: give at least one of perform_auto_training")],
    "both": [("recipe_arn", "perform_auto_ml is True: leave out one of them")],
    "role": [("role_arn", "is missing or None: it must be the ARN of an IAM role")],
    "mapped": [("import_mode", "is 'HALF': allowed are FULL, INCREMENTAL")],
    "region": [("campaign_arn", "another region than eu-west-1")],
    "config": [("botocore_config", "put the proxy in the connection")],
    "too_many": [("min_results", "is 6, and no more than 5 are asked for")],
    "records": [("items", '[11]: "colour", must be one of: itemId, properties')],
    "time": [("created", "'yesterday': allowed are a datetime")],
    "schema": [("name", "is 'a b': it must be a name of letters")],
    "dry": [("dry_run", "is 'maybe': allowed are True and False")],
    "evolve": [("dry_run", "is 'maybe': allowed are True and False")],
    "switch": [("cascade", "is 'maybe': allowed are True and False")],
    "rule": [("ignore_rules", "has ['typo']: allowed are names of location")],
}
RIGHT = (
    HEAD
    + """
with DAG("shop", schedule=None):
    group = CreateDatasetGroupOperator(task_id="group", name=TEMPLATE, kms_key_arn=TEMPLATE)
    for number in range(2):
        CreateSolutionOperator(task_id=f"solution{number}", name="shop", dataset_group_arn=group.output,
            perform_auto_ml=[TEMPLATE, False][number], recipe_arn=[None, TEMPLATE][number],
            perform_auto_training=TEMPLATE, solution_config=EVERY(["rate(3 days)", TEMPLATE][number]))
    GetRecommendationsOperator(task_id="get", campaign_arn=TEMPLATE, recommender_arn=TEMPLATE,
        num_results=100, min_results=99, metadata_columns=TEMPLATE)
    CreateCampaignOperator(task_id="campaign", name="{% if x %}a{% endif %}", solution_version_arn=group.output,
        campaign_config={"syncWithLatestSolutionVersion": True, "itemExplorationConfig": {"a": TEMPLATE}})
    CreateSchemaOperator(task_id="schema", name="a", schema={"type": "record", "name": "x", "fields": [TEMPLATE]})
    CreateSolutionVersionOperator.partial(task_id="train", wait_for_completion=False).expand_kwargs(group.output)
    CreateSolutionVersionOperator.partial(task_id="idle", ignore_real_time_data=True).expand_kwargs(group.output)
    UpdateCampaignOperator.partial(task_id="move", campaign_arn=A + "campaign/shop").expand(solution_version_arn=["x"])
    PutEventsOperator(task_id="put", tracking_id=TEMPLATE, session_id="s", event_list=[
        {"eventType": "x", "sentAt": TEMPLATE, "properties": {"price": TEMPLATE}}] * 12)
    AutomaticSolutionVersionSensor(task_id="wait", solution_arn=group.output, after=TEMPLATE)
    CheckDatasetOperator(task_id="check", schema="{{ x }}", data_location="s3://shop/", import_mode=TEMPLATE)
    CheckDatasetOperator(task_id="check2", schema="s3://shop/x.avsc", data_location=TEMPLATE)
    DeleteCampaignOperator(task_id="delete", campaign_arn=A + "campaign/shop", region_name=TEMPLATE,
        botocore_config={"read_timeout": TEMPLATE}, aws_conn_id="none-such")
"""
)


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_each_wrong_literal_is_reported_with_file_task_and_parameter(tmp_path, capsys):
    path = written(tmp_path, "shop.py", WRONG)
    assert main(["check", path, "--format", "json"]) == 1
    out = capsys.readouterr().out
    report = json.loads(out)
    found: dict[str, list[tuple[str | None, str]]] = {}
    for each in report["findings"]:
        assert (each["file"], each["dag_id"]) == (path, "shop")
        found.setdefault(each["task_id"], []).append((each["parameter"], each["message"]))
    assert found.keys() == EXPECTED.keys()
    for task_id, expected in EXPECTED.items():
        assert len(found[task_id]) == len(expected), found[task_id]
        for (parameter, words), (named, message) in zip(expected, found[task_id], strict=True):
            assert named == parameter, (task_id, message)
            assert words in message
    assert "SECRET" not in out
    assert main(["check", path]) == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"{path}: shop.arn: solution_arn is 'arn:") for line in lines)
    assert last == "18 tasks checked, 18 errors"


def test_what_only_a_run_knows_is_not_reported(tmp_path, capsys, monkeypatch):
    """Nor is anything in the examples. Nothing asks AWS: the machine has no credentials and no region."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "")
    paths = [written(tmp_path, "shop.py", RIGHT), str(EXAMPLES)]
    assert main(["check", *paths]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.endswith(" tasks checked, 0 errors\n")


def test_nothing_is_wrong_with_what_every_task_is_given_in_other_tests():
    for name, given in [*STEPS, *ENDS]:
        known = {parameter: "{{ x }}" if str(value)[:1] == "<" else value for parameter, value in given.items()}
        assert literal_errors(task_of(name)(task_id="task", **known)) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{HEAD}\nPASSWORD = 'SECRET'; raise ValueError(\n'no shop')", "line 17: ValueError: no shop"),
        (f"{HEAD}\nwith DAG('shop'):\n    DeleteCampaignOperator(task_id='x')", "campaign_arn"),
        ("from airflow import DAG; (", "SyntaxError"),
        (
            f"{HEAD}\nCreateSolutionVersionOperator(task_id='x', solution_arn='x', ignore_real_time_data=True)",
            "IdleOptionError: ignore_real_time_data is True: it has no effect without skip_if_no_new_data",
        ),
    ],
    ids=["an error", "a parameter is missing", "no Python", "an option without effect"],
)
def test_a_file_that_cannot_be_loaded_ends_with_status_1_and_its_message(tmp_path, capsys, text, reason):
    path = written(tmp_path, "broken.py", text)
    assert main(["check", path, "--format", "json"]) == 1
    (error,) = json.loads(capsys.readouterr().out)["import_errors"]
    assert error["file"] == path
    assert reason in error["message"]
    assert "SECRET" not in error["message"]


@pytest.mark.slow
def test_a_process_needs_neither_a_database_nor_aws(tmp_path):
    path = written(tmp_path, "shop.py", WRONG)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "AWS_"))}
    environment |= {"AIRFLOW_HOME": str(tmp_path / "home"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite:////none/x"}
    command = [sys.executable, "-m", "airflow_provider_personalize", "check", path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert done.stdout.endswith("18 tasks checked, 18 errors\n")
