"""Credentials that run out, rotate, or cannot be had for a while."""

from __future__ import annotations

import json
import os
import socket
import stat
import traceback
from datetime import datetime, timezone
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from shop import DATASET, LOCATION, ROLE, SOLUTION
from task_runs import Run, signing_keys

from airflow_provider_personalize.emulator import calls, clock, faults, service_model
from airflow_provider_personalize.exceptions import CredentialsMissingError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import (
    CreateSolutionVersionOperator,
    DeleteDatasetGroupOperator,
    TagResourceOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.sensors import SolutionSensor, SolutionUpdateSensor
from airflow_provider_personalize.status import WaitCondition

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
GIVEN = '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b"}'


def task(operator: type, **parameters: object) -> Run:
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    return Run(lambda: operator(task_id="task", **parameters), began=began)


TAGS = [{"tagKey": "team", "tagValue": "shop"}]
TASKS = {
    "a sensor": lambda **way: task(SolutionSensor, solution_arn=SOLUTION, **way),
    "an update": lambda **way: task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True, **way),
    "a training": lambda **way: task(CreateSolutionVersionOperator, solution_arn=SOLUTION, **way),
    "a tag": lambda deferrable=False, **way: task(TagResourceOperator, resource_arn=SOLUTION, tags=TAGS, **way),
    "a teardown": lambda **way: task(
        DeleteDatasetGroupOperator, dataset_group_arn=SOLUTION.replace("solution", "dataset-group"), cascade=True, **way
    ),
}


@pytest.fixture(autouse=True)
def shop(personalize):
    """A shop with data to train on."""
    source = {"dataLocation": LOCATION}
    personalize.create_dataset_import_job(jobName="data", datasetArn=DATASET, dataSource=source, roleArn=ROLE)
    clock.advance(3600)
    calls.clear()
    return personalize


@pytest.mark.parametrize("deferrable", [False, True], ids=["on the worker", "deferred"])
@pytest.mark.parametrize("case", TASKS)
def test_credentials_that_expire_at_every_step_are_renewed_each_time(case, deferrable):
    for operation in service_model.operations():
        faults.expired_next(operation)
    TASKS[case](deferrable=deferrable)()
    assert "ExpiredTokenException" in {call.error for call in calls}


@pytest.mark.parametrize("case", ["an update", "a training", "a tag"])
def test_credentials_rejected_after_renewal_fail_the_task(case, passing_time):
    faults.expired_next(times=None)
    with pytest.raises(ClientError, match="ExpiredToken"):
        TASKS[case]()()
    assert len(calls) == 2
    assert passing_time.slept == []


def test_keys_that_were_changed_in_the_connection_sign_from_then_on(monkeypatch):
    def give(key: str) -> None:
        given = {"conn_type": "aws", "login": key, "password": "secret", "extra": {"region_name": "us-east-1"}}
        monkeypatch.setenv("AIRFLOW_CONN_ROTATED", json.dumps(given))

    give("before")
    hook = PersonalizeHook("rotated")
    hook.poll(WaitCondition("solution", SOLUTION))
    give("after")
    faults.expired_next("DescribeSolution")
    assert hook.poll(WaitCondition("solution", SOLUTION)).outcome == "succeeded"
    keys = signing_keys(hook)
    assert hook.poll(WaitCondition("solution", SOLUTION)).outcome == "succeeded"
    assert keys == ["after"]


@pytest.fixture
def process(tmp_path: Path, monkeypatch) -> Path:
    """Get credentials from a program; return a function that sets how often it fails first."""
    failures, program = tmp_path / "failures", tmp_path / "credentials"
    program.write_text(
        f"#!/bin/sh\nn=$(cat {failures})\nif [ $n -gt 0 ]; then echo $((n - 1)) > {failures}; exit 1; fi\n"
        f"echo '{GIVEN}'\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    config = tmp_path / "config"
    config.write_text(f"[profile program]\nregion = us-east-1\ncredential_process = {program}\n")
    extra = {"profile_name": "program", "config_kwargs": {"retries": {"total_max_attempts": 1}}}
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AIRFLOW_CONN_PROGRAM", json.dumps({"conn_type": "aws", "extra": extra}))
    failures.write_text("0")
    return failures


@pytest.mark.parametrize("case", TASKS)
def test_the_credentials_provider_may_be_unavailable_for_a_while(case, process, passing_time):
    process.write_text("3")
    TASKS[case](aws_conn_id="program")()
    assert process.read_text().strip() == "0"
    assert sum(passing_time.slept) > 3


def test_a_wait_in_the_triggerer_outlasts_it_too(process, shop):
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    run = task(SolutionUpdateSensor, solution_arn=SOLUTION, deferrable=True, aws_conn_id="program")
    run.between = lambda: process.write_text("3") and None
    run()
    assert process.read_text().strip() == "0"


@pytest.fixture
def machine(shop):
    """A machine whose credentials can be taken away; they are back before the shop closes."""
    with pytest.MonkeyPatch.context() as environment:
        yield environment


def without_keys(machine: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        machine.delenv(key, raising=False)


@pytest.mark.parametrize("case", TASKS)
def test_a_task_that_never_had_credentials_fails_at_once(case, machine, passing_time):
    without_keys(machine)
    with pytest.raises(CredentialsMissingError, match="'aws_default' gives no credentials"):
        TASKS[case]()()
    assert passing_time.slept == []


@pytest.mark.parametrize("keys", [{"aws_session_token": "canary\n"}, {"aws_access_key_id": "canary\n"}], ids=str)
@pytest.mark.parametrize("case", TASKS)
def test_a_line_break_in_the_credentials_fails_at_once_and_shows_none_of_them(case, keys, monkeypatch, passing_time):
    given = {"region_name": "us-east-1", "aws_access_key_id": "key", "aws_secret_access_key": "secret", **keys}
    with socket.create_server(("127.0.0.1", 0)) as service:
        extra = {**given, "endpoint_url": f"http://127.0.0.1:{service.getsockname()[1]}"}
        monkeypatch.setenv("AIRFLOW_CONN_BROKEN", json.dumps({"conn_type": "aws", "extra": extra}))
        with pytest.raises(CredentialsMissingError, match="'broken' gives credentials with a line break") as refusal:
            TASKS[case](aws_conn_id="broken")()
    assert "canary" not in "".join(traceback.format_exception(refusal.value))
    assert passing_time.slept == []


def test_credentials_lost_for_a_moment_are_transient(machine):
    hook, wait = PersonalizeHook(), WaitCondition("solution", SOLUTION)
    hook.poll(wait)
    keys = {key: value for key in KEYS if (value := os.environ.get(key))}
    without_keys(machine)
    hook.renew()
    assert "NoCredentialsError" in hook.poll(wait).reason
    for key, value in keys.items():
        machine.setenv(key, value)
    assert hook.poll(wait).outcome == "succeeded"


def test_a_triggerer_without_credentials_reports_it_after_a_while(machine, shop, passing_time):
    shop.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    run = task(SolutionUpdateSensor, solution_arn=SOLUTION, deferrable=True)
    run.between = lambda: without_keys(machine)
    with pytest.raises(CredentialsMissingError):
        run()
    assert "NoCredentialsError" in run.events[0]["reason"]
    assert 900 < sum(passing_time.slept) < 1500
