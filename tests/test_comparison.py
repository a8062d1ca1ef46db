"""Differences between the requested and the existing configuration."""

from __future__ import annotations

import pytest

from airflow_provider_personalize.comparison import configuration, differences, exact_differences
from airflow_provider_personalize.resources import CAMPAIGN, SOLUTION

CLICK = {"eventType": "click", "eventValueThreshold": 0.5, "weight": 0.8}
BUY = {"eventType": "buy", "weight": 1.0}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, {"anything": 1}),
        ({"a": 1}, {"a": 1.0, "b": 2}),
        ({"a": 0.1 + 0.2}, {"a": 0.3}),
        ({"schedulingExpression": "rate(1 days)"}, {"schedulingExpression": "rate(1 day)"}),
        ({"events": [CLICK, BUY]}, {"events": [{**BUY, "eventValueThreshold": 0}, CLICK]}),
        ({"events": [{"eventType": "buy"}]}, {"events": [BUY]}),
        ({"events": [BUY]}, {"events": [{"eventType": "buy", "weight": 1, "eventValueThreshold": None}]}),
        ({"events": []}, {}),
        ({"excludedDatasetColumns": {"ITEMS": ["A"], "USERS": []}}, {"excludedDatasetColumns": {"ITEMS": ["A"]}}),
        (
            {"itemExplorationConfig": {"explorationWeight": "0.3"}},
            {"itemExplorationConfig": {"explorationWeight": "0.3", "explorationItemAgeCutOff": "30"}},
        ),
        ({"min_user_history_length_percentile": "0.1"}, {"min_hist_length_percentile": "0.1"}),
        ({"max_hist_length_percentile": "0.9"}, {"max_user_history_length_percentile": "0.9"}),
        ({"performIncrementalUpdate": False, "publishAttributionMetricsToS3": False}, {}),
        ({"solutionConfig": {}}, {"solutionConfig": {"eventsConfig": {"eventParametersList": [CLICK]}}}),
        ({"algorithmHyperParameters": {"a": "1"}}, {"algorithmHyperParameters": {"a": "1", "b": "2"}}),
    ],
)
def test_equal_configurations_have_no_differences(wanted, found):
    assert differences(wanted, found) == []


@pytest.mark.parametrize(
    ("wanted", "found", "named"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b: wanted 1, found 2"),
        ({"a": True}, {}, "a: wanted True, found None"),
        ({"performAutoTraining": False}, {}, "performAutoTraining: wanted False, found None"),
        ({"a": True}, {"a": 1}, "a: wanted True, found 1"),
        ({"a": {"b": 1}}, {"a": None}, "a.b: wanted 1, found None"),
        ({"schedulingExpression": "rate(2 days)"}, {"schedulingExpression": "rate(3 days)"}, "schedulingExpression"),
        ({"events": [CLICK]}, {"events": [CLICK, BUY]}, "events"),
        (
            {"excludedDatasetColumns": {"ITEMS": ["A"]}},
            {"excludedDatasetColumns": {"ITEMS": ["A"], "USERS": ["B"]}},
            "excludedDatasetColumns.USERS",
        ),
        ({"excludedDatasetColumns": {}}, {"excludedDatasetColumns": {"ITEMS": ["A"]}}, "excludedDatasetColumns.ITEMS"),
        ({"events": [CLICK, CLICK]}, {"events": [CLICK]}, "events"),
        ({"events": [{**CLICK, "weight": 0.7}]}, {"events": [CLICK]}, "events"),
        ({"events": [{"eventType": "click", "weight": 0.8}]}, {"events": [CLICK]}, "events"),
        ({"events": [{"eventType": "click", "eventValueThreshold": 0.5}]}, {"events": [CLICK]}, "events"),
        ({"eventsConfig": {}}, {"eventsConfig": {"eventParametersList": [CLICK]}}, "eventsConfig.eventParametersList"),
        (
            {"rankingInfluence": {"POPULARITY": 0.5}},
            {"rankingInfluence": {"POPULARITY": 0.5, "FRESHNESS": 0.3}},
            "rankingInfluence.FRESHNESS: wanted nothing, found 0.3",
        ),
    ],
)
def test_each_difference_is_named_with_what_was_wanted_and_found(wanted, found, named):
    (difference,) = differences(wanted, found)
    assert difference.startswith(named)


@pytest.mark.parametrize(
    ("found", "named"),
    [
        ({"b": {"d": 1}}, "a.b.d: wanted nothing, found 1"),
        ({"b": {}, "e": {"f": ["x"]}}, "a.e: wanted nothing, found {'f': ['x']}"),
        ({"minRecommendationRequestsPerSecond": 2}, "a.minRecommendationRequestsPerSecond: wanted nothing, found 2"),
    ],
)
def test_in_a_structure_that_is_compared_as_a_whole_nothing_more_may_be_set(found, named):
    assert differences({"a": {"b": {}}}, {"a": found}) == []
    assert differences({"a": {"b": {}}}, {"a": found}, {"a"}) == [named]


@pytest.mark.parametrize(
    "more",
    [
        None,
        {"b": None, "enableMetadataWithRecommendations": False, "excludedDatasetColumns": {"ITEMS": []}},
        {"minRecommendationRequestsPerSecond": 1, "autoTrainingConfig": {"schedulingExpression": "rate(7 day)"}},
        {"itemExplorationConfig": {"explorationWeight": "0.30", "explorationItemAgeCutOff": "30.0"}},
    ],
)
def test_in_such_a_structure_empty_members_and_documented_defaults_count_as_not_set(more):
    assert differences({"a": {}}, {"a": more}, {"a"}) == []


def test_an_update_in_progress_counts_in_what_will_be():
    campaign = {"minProvisionedTPS": 1, "latestCampaignUpdate": {"minProvisionedTPS": 2, "status": "CREATE PENDING"}}
    assert configuration(CAMPAIGN, campaign)["minProvisionedTPS"] == 1
    assert configuration(CAMPAIGN, campaign, ahead=True)["minProvisionedTPS"] == 2
    campaign["latestCampaignUpdate"]["status"] = "CREATE FAILED"
    assert configuration(CAMPAIGN, campaign, ahead=True)["minProvisionedTPS"] == 1


def test_an_update_counts_once_it_is_active():
    solution = {
        "performAutoTraining": True,
        "solutionConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(7 days)"}},
        "latestSolutionUpdate": {
            "status": "CREATE IN_PROGRESS",
            "performAutoTraining": False,
            "solutionUpdateConfig": {"eventsConfig": {"eventParametersList": [CLICK]}},
        },
    }
    before = {"performAutoTraining": True, "solutionUpdateConfig": solution["solutionConfig"]}
    assert differences(before, configuration(SOLUTION, solution)) == []
    solution["latestSolutionUpdate"]["status"] = "ACTIVE"
    after = {
        "performAutoTraining": False,
        "solutionUpdateConfig": {
            "autoTrainingConfig": {"schedulingExpression": "rate(7 days)"},
            "eventsConfig": {"eventParametersList": [CLICK]},
        },
    }
    assert differences(after, configuration(SOLUTION, solution)) == []


ITEM = {"name": "ITEM_ID", "type": "string"}
PRICE = {"name": "PRICE", "type": ["null", "float"]}


@pytest.mark.parametrize(
    ("wanted", "found", "named"),
    [
        ({"fields": [ITEM, PRICE], "a": {}}, {"a": {}, "fields": [ITEM, {**PRICE, "type": ["float", "null"]}]}, []),
        ({"a": 1}, {}, ["x.a: wanted 1, found None"]),
        ({}, {"a": 1}, ["x.a: wanted None, found 1"]),
        ({"fields": [ITEM]}, {"fields": [ITEM, PRICE]}, ["x.fields.PRICE: wanted None, found {"]),
        ({"fields": [ITEM, PRICE]}, {"fields": [PRICE, ITEM]}, ["x.fields: wanted in the order ITEM_ID, PRICE, found"]),
        (
            {"fields": [ITEM]},
            {"fields": [{**ITEM, "categorical": True}]},
            ["x.fields.ITEM_ID.categorical: wanted None"],
        ),
        ("no JSON", {"fields": [ITEM]}, ["x: wanted 'no JSON', found {"]),
        ({"fields": []}, {"fields": [ITEM]}, ["x.fields: wanted [], found [{"]),
    ],
)
def test_documents_differ_in_what_only_one_of_them_has_too(wanted, found, named):
    listed = exact_differences(wanted, found, "x")
    assert len(listed) == len(named)
    assert all(line.startswith(start) for line, start in zip(listed, named, strict=True))
