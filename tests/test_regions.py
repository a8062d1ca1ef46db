"""No region anywhere: said at once, with what is missing and what would do; no traceback of botocore's."""

from __future__ import annotations

import json
import traceback

import pytest
from botocore.exceptions import NoRegionError
from every_task import ENDS, STEPS, task_of
from shop import PREFIX, SOLUTION
from task_runs import Run

from airflow_provider_personalize.exceptions import RegionMissingError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.sensors import SolutionSensor
from airflow_provider_personalize.triggers import PersonalizeTrigger

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, passing_time):
    """A connection without a region, on a machine without one."""
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps({"conn_type": "aws", "extra": KEYS}))
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")


def _made_before(member: str, value: object) -> object:
    """Put an ARN in the place of what another task returned."""
    if not str(value).startswith("<") or not member.endswith("_arn"):
        return value
    resource_type = member.removesuffix("_arn").replace("_", "-")
    return f"{PREFIX}{'solution/a' if resource_type == 'solution-version' else resource_type}/0a1b2c3d"


@pytest.mark.parametrize(("name", "given"), dict([*STEPS, *ENDS]).items())
def test_every_task_fails_at_once_and_says_what_is_missing(name, given, passing_time):
    task, given = task_of(name), {member: _made_before(member, value) for member, value in given.items()}
    with pytest.raises(RegionMissingError, match="No AWS region is known") as end:
        Run(lambda: task(task_id="a", aws_conn_id="nowhere", **given))()
    assert "the AWS connection 'nowhere' has no region_name" in str(end.value)
    assert "AWS_DEFAULT_REGION" in str(end.value)
    known = any(str(value).startswith(PREFIX) for value in given.values())
    assert ("Give region_name='us-east-1', the region of the ARN" in str(end.value)) == known
    assert len(str(end.value)) < 400
    assert passing_time.slept == []


def test_no_traceback_of_botocores_comes_with_it():
    with pytest.raises(RegionMissingError) as end:
        PersonalizeHook("nowhere").describe("solution", SOLUTION)
    assert "NoRegionError" not in "".join(traceback.format_exception(end.value))


def test_the_hook_suggests_the_region_of_the_arn_that_it_is_asked_for():
    arn = SOLUTION.replace("us-east-1", "eu-west-1")
    with pytest.raises(RegionMissingError, match="Give region_name='eu-west-1', the region of the ARN"):
        PersonalizeHook("nowhere").describe("solution", arn)
    with pytest.raises(RegionMissingError, match="Give region_name, such as 'us-east-1'"):
        _ = PersonalizeHook("nowhere").conn


@pytest.mark.parametrize("missing", ["aws_default", None])
def test_where_there_is_no_connection_that_is_said(monkeypatch, missing):
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    with pytest.raises(RegionMissingError, match="region_name is not given, there is no AWS connection, and neither"):
        _ = PersonalizeHook(missing).conn


def test_a_triggerer_without_a_region_says_so(personalize, monkeypatch):
    """Where the worker's comes from its environment."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    wait = PersonalizeTrigger.wait_until_over

    async def elsewhere(trigger):
        with pytest.MonkeyPatch.context() as triggerer:
            triggerer.delenv("AWS_DEFAULT_REGION")
            return await wait(trigger)

    monkeypatch.setattr(PersonalizeTrigger, "wait_until_over", elsewhere)
    sensor = task_of("SolutionUpdateSensor")
    with pytest.raises(Exception, match="could not poll, 6 times: RegionMissingError: No AWS region is known"):
        Run(lambda: sensor(task_id="a", solution_arn=SOLUTION, aws_conn_id="nowhere", deferrable=True))()


@pytest.mark.parametrize("given", [{"region_name": "us-east-1"}, {}])
def test_one_that_is_given_anywhere_will_do(personalize, monkeypatch, given):
    if not given:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    Run(lambda: SolutionSensor(task_id="a", solution_arn=SOLUTION, aws_conn_id="nowhere", **given))()


def test_botocores_own_error_is_the_one_that_is_meant():
    """It is what a client without any region raises, whatever the service."""
    import boto3

    with pytest.raises(NoRegionError):
        boto3.client("personalize", **KEYS)
