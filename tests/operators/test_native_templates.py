"""Rendered templates reach the service unchanged, as text and as native objects."""

from __future__ import annotations

from typing import Any

import pytest
from shop import PREFIX, SOLUTION
from task_runs import Run

from airflow_provider_personalize.exceptions import InvalidRequestError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import (
    CreateSolutionOperator,
    GetRecommendationsOperator,
    TagResourceOperator,
)

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

either_way = pytest.mark.parametrize("native", [False, True], ids=["texts", "native"])


def rendered(operator: type, given: dict[str, Any], *, native: bool, **params: Any) -> Run:
    def make() -> Any:
        with DAG("templates", schedule=None, render_template_as_native_obj=native):
            return operator(task_id="task", **given)

    return Run(make, params=params)


@pytest.fixture
def asked(personalize, monkeypatch) -> list[dict[str, Any]]:
    """The requests for recommendations."""
    requests: list[dict[str, Any]] = []

    def answer(hook: PersonalizeHook, method: str, **request: Any) -> dict[str, Any]:
        requests.append(request)
        return {"itemList": [], "recommendationId": "r"}

    monkeypatch.setattr(PersonalizeHook, "call", answer)
    return requests


def recommend(native: bool, given: dict[str, Any], **params: Any) -> None:
    usual = {"campaign_arn": f"{PREFIX}campaign/shop", "filter_arn": f"{PREFIX}filter/f", "min_results": 0}
    rendered(GetRecommendationsOperator, {**usual, **given}, native=native, **params)()


# The form: https://docs.aws.amazon.com/personalize/latest/dg/filter-real-time.html
@either_way
@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ('"comedy"', '"comedy"'),
        ('"comedy","drama"', '"comedy","drama"'),
        ('"{{ params.one }}"', '"sci-fi, new"'),
        ("{{ params.one }}", '"sci-fi, new"'),
        ("{{ params.several }}", '"comedy","drama"'),
        (["comedy", "{{ params.one }}"], '"comedy","sci-fi, new"'),
        (["comedy", 7, 0.5], '"comedy",7,0.5'),
        ("{{ params.mixed }}", '"2024",7'),
        ('"2023","2024"', '"2023","2024"'),
        ("20", "20"),
        ("{{ params.number }}", "20"),
        ("20,30.5", "20,30.5"),
        (20, "20"),
        (True, '"True"'),
        ("True", '"True"'),
        ('"say \\"hi\\""', '"say \\"hi\\""'),
        ("größe", '"größe"'),
        ("2024-01-31", '"2024-01-31"'),
    ],
)
def test_values_of_a_filter_are_quoted_and_joined(asked, native, given, sent):
    params = {"one": "sci-fi, new", "several": ["comedy", "drama"], "number": 20, "mixed": ["2024", 7]}
    promotion = {
        "name": "p",
        "percentPromotedItems": 20,
        "filterArn": f"{PREFIX}filter/f",
        "filterValues": {"A": given},
    }
    recommend(native, {"filter_values": {"A": given}, "promotions": [promotion]}, **params)
    (request,) = asked
    assert request["filterValues"] == request["promotions"][0]["filterValues"] == {"A": sent}


@either_way
@pytest.mark.parametrize("given", [None, "{{ params.none }}", ["comedy", "{{ params.none }}"], [], "{{ [] }}"])
def test_a_value_of_a_filter_that_is_missing_is_refused_and_not_sent_as_a_text(asked, native, given):
    """No item has the genre None, so that a filter on it leaves out nothing, or all."""
    with pytest.raises(InvalidRequestError, match=r"filter_values\.A is "):
        recommend(native, {"filter_values": {"A": given}}, none=None)
    assert not asked


@either_way
def test_a_whole_map_of_values_may_come_out_of_a_template(asked, native):
    recommend(native, {"filter_values": "{{ params.genres }}"}, genres={"A": ["x", "y"], "B": 3, "C": '"z"'})
    assert asked[0]["filterValues"] == {"A": '"x","y"', "B": "3", "C": '"z"'}


@either_way
@pytest.mark.parametrize(
    ("given", "sent"), [("True", "True"), ("{{ params.x }}", "True"), (False, "False"), ("007", "007")]
)
def test_a_boolean_is_a_text_where_the_service_takes_one(asked, native, given, sent):
    recommend(native, {"user_id": given, "item_id": given, "context": {"DEVICE": given}}, x=True)
    assert (asked[0]["userId"], asked[0]["itemId"], asked[0]["context"]) == (sent, sent, {"DEVICE": sent})


@pytest.mark.parametrize("changed", ["1e5", "0xFF", "1_000"])
def test_an_id_in_quotes_survives_native_rendering(asked, changed):
    """As the docstrings of ``user_id`` and ``item_id`` advise; without quotes it arrives as another."""
    recommend(True, {"user_id": "'{{ params.id }}'", "item_id": "{{ params.id }}"}, id=changed)
    assert asked[0]["userId"] == changed
    assert asked[0].get("itemId") != changed


@either_way
def test_a_tag_may_be_a_boolean(personalize, native):
    tags = [{"tagKey": "live", "tagValue": "True"}, {"tagKey": "on", "tagValue": "{{ params.on }}"}]
    rendered(TagResourceOperator, {"resource_arn": SOLUTION, "tags": tags}, native=native, on=False)()
    found = personalize.list_tags_for_resource(resourceArn=SOLUTION)["tags"]
    assert {tag["tagKey"]: tag["tagValue"] for tag in found} == {"live": "True", "on": "False"}


@either_way
@pytest.mark.parametrize("mask", [True, "true"])
def test_a_hyperparameter_is_written_as_the_guide_does(personalize, native, mask):
    """https://docs.aws.amazon.com/personalize/latest/dg/customizing-solution-config-hpo.html"""
    ranges = {"categoricalHyperParameterRanges": [{"name": "recency_mask", "values": [True, False]}]}
    config = {
        "algorithmHyperParameters": {"recency_mask": mask, "bptt": 32},
        "hpoConfig": {"algorithmHyperParameterRanges": ranges},
    }
    given = {
        "name": "tuned",
        "dataset_group_arn": f"{PREFIX}dataset-group/shop",
        "recipe_arn": "arn:aws:personalize:::recipe/aws-user-personalization",
        "perform_auto_training": False,
        "solution_config": config,
    }
    arn = rendered(CreateSolutionOperator, given, native=native)()
    assert rendered(CreateSolutionOperator, given, native=native)() == arn
    shown = personalize.describe_solution(solutionArn=arn)["solution"]["solutionConfig"]
    assert shown["algorithmHyperParameters"] == {"recency_mask": "true", "bptt": "32"}
    (tuned,) = shown["hpoConfig"]["algorithmHyperParameterRanges"]["categoricalHyperParameterRanges"]
    assert tuned["values"] == ["true", "false"]
