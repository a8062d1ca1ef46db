"""The AWS command line, as anybody installs it, against the local Personalize: a client that we have not written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path
from typing import Any

import pytest
from shop import PREFIX, ROLE, SCHEMA, SOLUTION

from airflow_provider_personalize.emulator import clock, faults
from airflow_provider_personalize.emulator.server import Server

pytestmark = pytest.mark.slow

GROUP = f"{PREFIX}dataset-group/shop"
RECIPE = "arn:aws:personalize:::recipe/aws-user-personalization-v2"
# https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html; that on PyPI has the second of each two
OK, WRONG_ARGUMENTS, REFUSED = 0, {252, 2}, {254, 255}


@pytest.fixture(scope="module")
def aws(tmp_path_factory) -> str:
    """The path of the command: that which is installed, or one in an environment of its own, as it pins botocore."""
    here = Path(sys.executable).with_name("aws")
    found = str(here) if here.exists() else shutil.which("aws")
    if found:
        return found
    folder = tmp_path_factory.mktemp("awscli")
    venv.create(folder, with_pip=True)
    done = subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "awscli"], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"awscli cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    return str(folder / "bin" / "aws")


class Shell:
    def __init__(self, aws: str, url: str, home: Path) -> None:
        self.url = url
        self._aws = aws
        self._env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": url,
            "AWS_MAX_ATTEMPTS": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._aws, *arguments], capture_output=True, text=True, env=self._env, timeout=300)

    def personalize(self, *arguments: str) -> Any:
        done = self.run("personalize", *arguments)
        assert done.returncode == OK, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *arguments: str) -> str:
        done = self.run("personalize", *arguments)
        assert done.returncode in REFUSED, done.stdout + done.stderr
        return done.stderr

    def later(self, seconds: float) -> None:
        """Advance the clock over HTTP."""
        sent = json.dumps({"advance": seconds}).encode()
        request = urllib.request.Request(f"{self.url}/_personalize/clock", sent, {"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()

    def wait(self, *arguments: str, until: str, step: float = 30) -> list[str]:
        """Describe until a status is shown; return all that were, each once."""
        seen: list[str] = []
        for _ in range(100):
            status = self.run("personalize", *arguments, "--output", "text").stdout.strip()
            seen += [status] if status not in seen[-1:] else []
            if status == until:
                return seen
            self.later(step)
        raise AssertionError(seen)


@pytest.fixture
def shell(aws, tmp_path):
    clock.freeze()
    with Server() as server:
        yield Shell(aws, server.url, tmp_path)


@pytest.fixture
def group(shell) -> str:
    arn = shell.personalize("create-dataset-group", "--name", "shop")["datasetGroupArn"]
    describe = ("describe-dataset-group", "--dataset-group-arn", arn, "--query", "datasetGroup.status")
    assert shell.wait(*describe, until="ACTIVE", step=10) == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]
    return arn


def test_data_is_brought_in_from_a_bucket(shell, group, tmp_path):
    schema = shell.personalize("create-schema", "--name", "shop", "--schema", json.dumps(SCHEMA))["schemaArn"]
    shown = shell.personalize("describe-schema", "--schema-arn", schema)["schema"]
    assert json.loads(shown["schema"]) == SCHEMA
    dataset = shell.personalize(
        "create-dataset", "--name", "shop", "--schema-arn", schema,
        "--dataset-group-arn", group, "--dataset-type", "Interactions",
    )["datasetArn"]  # fmt: skip
    shell.later(60)
    rows = "".join(f"u{number % 50},i{number % 70},{1_700_000_000 + number}\n" for number in range(1000))
    (tmp_path / "interactions.csv").write_text(f"USER_ID,ITEM_ID,TIMESTAMP\n{rows}")
    assert shell.run("s3", "mb", "s3://shop").returncode == OK
    assert shell.run("s3", "cp", str(tmp_path / "interactions.csv"), "s3://shop/").returncode == OK
    job = shell.personalize(
        "create-dataset-import-job", "--job-name", "first", "--dataset-arn", dataset, "--role-arn", ROLE,
        "--data-source", "dataLocation=s3://shop/interactions.csv",
    )["datasetImportJobArn"]  # fmt: skip
    describe = ("describe-dataset-import-job", "--dataset-import-job-arn", job, "--query", "datasetImportJob.status")
    assert shell.wait(*describe, until="ACTIVE")[-1] == "ACTIVE"


def test_a_solution_is_made_updated_and_deleted(shell, group):
    arn = shell.personalize(
        "create-solution", "--name", "shop", "--dataset-group-arn", group, "--recipe-arn", RECIPE,
        "--no-perform-auto-training",
    )["solutionArn"]  # fmt: skip
    assert arn == SOLUTION
    describe = ("describe-solution", "--solution-arn", arn, "--query")
    shell.wait(*describe, "solution.status", until="ACTIVE", step=1)
    config = {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}}
    update = ("update-solution", "--solution-arn", arn, "--perform-auto-training")
    assert shell.personalize(*update, "--solution-update-config", json.dumps(config)) == {"solutionArn": arn}
    statuses = shell.wait(*describe, "solution.latestSolutionUpdate.status", until="ACTIVE")
    assert statuses == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]
    shown = shell.personalize("describe-solution", "--solution-arn", arn)["solution"]
    assert shown["performAutoTraining"] is True
    assert shown["solutionConfig"]["autoTrainingConfig"]["schedulingExpression"] == "rate(3 days)"
    assert shell.personalize("delete-solution", "--solution-arn", arn) is None
    for _ in range(20):
        shell.later(60)
        if shell.run("personalize", "describe-solution", "--solution-arn", arn).returncode != OK:
            break
    assert "ResourceNotFoundException" in shell.refused("describe-solution", "--solution-arn", arn)
    assert shell.personalize("list-solutions", "--dataset-group-arn", group) == {"solutions": []}


def test_the_service_refuses_with_its_own_errors(shell, group):
    assert "ResourceAlreadyExistsException" in shell.refused("create-dataset-group", "--name", "shop")
    assert "InvalidInputException" in shell.refused("create-dataset-group", "--name", "a shop!")
    gone = group.replace("shop", "gone")
    assert "ResourceNotFoundException" in shell.refused("delete-dataset-group", "--dataset-group-arn", gone)
    for number in range(4):
        shell.personalize("create-dataset-group", "--name", f"shop{number}")
    assert "LimitExceededException" in shell.refused("create-dataset-group", "--name", "one-too-many")
    assert shell.run("personalize", "create-dataset-group").returncode in WRONG_ARGUMENTS


@pytest.mark.parametrize(
    ("tell", "said"),
    [
        (faults.expired_next, "ExpiredTokenException"),
        (faults.unavailable_next, "ServiceUnavailable"),
        (lambda: faults.unavailable_next(html=True), "503"),
        (faults.reset_next, "Connection"),
        (lambda: faults.throttle(0.001), "ThrottlingException"),
    ],
    ids=["expired", "unavailable", "html", "reset", "throttled"],
)
def test_injected_faults_are_visible_to_the_command_line_too(shell, tell, said):
    tell()
    first, second = (shell.run("personalize", "list-schemas") for _ in range(2))
    refused = first if first.returncode else second  # the rate lets one through
    assert refused.returncode in REFUSED
    assert said in refused.stderr
