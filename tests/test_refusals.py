"""Refusals name the parameter as the user wrote it, the value, and the accepted values in words."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import DenormalizedStructureBuilder
from every_task import ENDS, STEPS, task_of
from task_runs import Run

from airflow_provider_personalize.emulator import calls
from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.operators import (
    CreateDatasetImportJobOperator,
    CreateSolutionOperator,
    PutEventsOperator,
    UpdateMetricAttributionOperator,
    UpdateSolutionOperator,
)
from airflow_provider_personalize.request_rules import use_parameter_names, validation_errors
from airflow_provider_personalize.resources import RESOURCE_TYPES

PREFIX: Final = "arn:aws:personalize:us-east-1:123456789012:"
SOLUTION: Final = f"{PREFIX}solution/shop"
ROLE: Final = "arn:aws:iam::123456789012:role/personalize"


def required(task: type) -> list[str]:
    """The parameters that have no default in the signature."""
    parameters = inspect.signature(task.__init__).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]


@pytest.mark.parametrize("unset", [None, "{{ params.unset }}"], ids=["None", "a template that yields None"])
def test_no_required_parameter_may_come_to_none(life, unset):
    """As where a Variable is not set: nothing is sent, and a retry is of no use."""
    calls.clear()
    checked = 0
    for name, usual in dict([*STEPS, *ENDS]).items():
        task = task_of(name)
        for parameter in required(task):
            given = {**usual, parameter: unset}
            run = Run(lambda task=task, given=given: task(task_id="task", **given), params={"unset": None})
            with pytest.raises(
                InvalidRequestError, match=rf"(?s)^\w+ was not called.*\n  - {parameter} (is|.* or) '?None'?: it "
            ):
                run()
            checked += 1
    assert list(calls) == []
    assert checked > len(dict([*STEPS, *ENDS]))


def solution(**given: Any) -> Run:
    usual = {
        "name": "a",
        "dataset_group_arn": f"{PREFIX}dataset-group/a",
        "recipe_arn": "arn:aws:personalize:::recipe/aws-sims",
    }
    return Run(lambda: CreateSolutionOperator(task_id="t", **{**usual, "perform_auto_training": True, **given}))


def update(**given: Any) -> Run:
    return Run(lambda: UpdateSolutionOperator(task_id="t", **{"solution_arn": SOLUTION, **given}))


def load(**given: Any) -> Run:
    usual = {
        "dataset_arn": f"{PREFIX}dataset/a/ITEMS",
        "data_source": {"dataLocation": "s3://b/a.csv"},
        "role_arn": ROLE,
    }
    return Run(lambda: CreateDatasetImportJobOperator(task_id="t", **{**usual, **given}))


SCHEDULE: Final = "solution_update_config.autoTrainingConfig.schedulingExpression"
A_RATE: Final = "it must be a rate from rate(1 day) to rate(30 days), such as rate(3 days)"
NAMING: Final = (
    "it must be a name of letters, digits, hyphens and underscores, a letter or a digit first, such as shop-2026_01"
)


ALL_OF_THEM: Final = "perform_auto_training, perform_incremental_update, solution_update_config"
WHO_TRAINS: Final = "True or False. With True the service trains each week, charged"
RECIPES: Final = "arn:aws:personalize:::recipe/"


def put(**given: Any) -> Run:
    return Run(lambda: PutEventsOperator(task_id="t", tracking_id="a", **given))


def measure(**given: Any) -> Run:
    return Run(lambda: UpdateMetricAttributionOperator(task_id="t", **given))


def every(rate: Any) -> dict[str, Any]:
    return {
        "perform_auto_training": True,
        "solution_update_config": {"autoTrainingConfig": {"schedulingExpression": rate}},
    }


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (update(**every("rate(31 days)")), [f"{SCHEDULE} is 'rate(31 days)': {A_RATE}"]),
        (update(**every("hourly")), [f"{SCHEDULE} is 'hourly': {A_RATE}"]),
        (
            update(**every("cron(0 0 * * ? *)")),
            [f"{SCHEDULE} has 17 characters and is 'cron(0 0 * * ? *)': at most 16 are allowed; {A_RATE}"],
        ),
        (update(**every([3])), [f"{SCHEDULE} is [3], of type list: allowed types: str"]),
        (
            update(solution_arn="shop", perform_auto_training=True),
            [f"solution_arn is 'shop': it must be the ARN of a solution, such as {SOLUTION}"],
        ),
        (
            update(solution_arn=f"{PREFIX}campaign/shop", perform_auto_training="maybe"),
            [
                "perform_auto_training is 'maybe', of type str: allowed types: bool",
                f"solution_arn is '{PREFIX}campaign/shop': it must be the ARN of a solution, such as {SOLUTION}",
            ],
        ),
        (
            update(),
            [f"nothing to change: give at least one of {ALL_OF_THEM}"],
        ),
        (solution(name="a b"), [f"name is 'a b': {NAMING}"]),
        (solution(name=""), ["name has a length of 0, and must have at least 1", f"name is '': {NAMING}"]),
        (
            solution(recipe_arn="sims"),
            [f"recipe_arn is 'sims': it must be the ARN of a recipe, such as {RECIPES}aws-user-personalization-v2"],
        ),
        (
            solution(perform_auto_training=None),
            [f"perform_auto_training is missing or None: it must be {WHO_TRAINS}"],
        ),
        (
            solution(perform_auto_ml=True),
            [f"recipe_arn is '{RECIPES}aws-sims' and perform_auto_ml is True: leave out one of them"],
        ),
        (load(role_arn="me"), [f"role_arn is 'me': it must be the ARN of an IAM role, such as {ROLE}"]),
        (load(role_arn=None), [f"role_arn is missing or None: it must be the ARN of an IAM role, such as {ROLE}"]),
        (
            load(data_source={"dataLocation": "b/a.csv"}),
            ["data_source.dataLocation is 'b/a.csv': it must be a location in S3, such as s3://bucket/folder/file.csv"],
        ),
        (load(tags=[{"tagKey": "a"}]), ["tags[0].tagValue is missing: it is required"]),
        (
            load(import_mode="HALF"),
            ["import_mode is 'HALF': allowed are FULL, INCREMENTAL"],
        ),
        (
            put(session_id=None, event_list=[{"eventType": "a"}]),
            ["session_id is missing or None: it is required", "event_list[0].sentAt is missing: it is required"],
        ),
        (
            measure(metric_attribution_arn=None, remove_metrics=["a"]),
            [f"metric_attribution_arn is missing or None: it must be {RESOURCE_TYPES['metric_attribution'].arn_form}"],
        ),
    ],
    ids=range(19),
)
def test_a_refusal_names_the_parameter_what_was_given_and_what_is_allowed(personalize, run, said):
    with pytest.raises(InvalidRequestError) as refusal:
        run()
    assert refusal.value.faults == said


def test_the_emulator_names_members_of_the_api_as_the_service_does(personalize):
    config = {"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}}
    with pytest.raises(
        ClientError,
        match=re.escape(f"solutionUpdateConfig.autoTrainingConfig.schedulingExpression is 'rate(31 days)': {A_RATE}"),
    ):
        personalize.update_solution(solutionArn=SOLUTION, solutionUpdateConfig=config)


def patterned() -> dict[str, Any]:
    session = botocore.session.get_session()
    models = map(session.get_service_model, ("personalize", "personalize-events", "personalize-runtime"))
    shapes = [model.shape_for(name) for model in models for name in model.shape_names]
    return {shape.name: shape for shape in shapes if shape.metadata.get("pattern")}


@pytest.mark.parametrize("shape", patterned().values(), ids=patterned())
def test_no_pattern_is_shown_and_the_example_is_one_that_the_service_takes(shape):
    member = {"type": "string", "shape_name": shape.name, **shape.metadata}
    request = DenormalizedStructureBuilder().with_members({"value": member}).build_model()
    (fault,) = validation_errors("None", request, {"value": "\u20ac"})
    assert fault.startswith("value is '\u20ac': it must be ")
    assert shape.metadata["pattern"] not in fault
    example = fault.rpartition("such as ")[2]
    assert len(example) <= shape.metadata["max"]
    assert validation_errors("None", request, {"value": example}) == []


@pytest.mark.parametrize("row", RESOURCE_TYPES.values(), ids=RESOURCE_TYPES)
def test_the_example_of_an_arn_is_one(row):
    assert row.is_arn(row.arn_form.rpartition("such as ")[2])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("filterArn is 'filterArn': no", "filter_arn is 'filterArn': no"),
        ("promotions[0].filterArn is missing", "promotions[0].filterArn is missing"),
        ('filterArn is "it\'s filterArn", and filterArn', 'filter_arn is "it\'s filterArn", and filter_arn'),
        ("the filter's filterArn is 'a\\'filterArn'", "the filter's filter_arn is 'a\\'filterArn'"),
    ],
)
def test_what_was_given_is_not_mistaken_for_a_name(text, written):
    assert use_parameter_names(text, {"filterArn": "filter_arn"}) == written
