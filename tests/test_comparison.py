"""How what is wanted differs from what is found."""

from __future__ import annotations

import pytest

from airflow_provider_personalize.comparison import configuration, differences
from airflow_provider_personalize.resources import SOLUTION

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
        ({"events": []}, {}),
        ({"excludedDatasetColumns": {"ITEMS": ["A"], "USERS": []}}, {"excludedDatasetColumns": {"ITEMS": ["A"]}}),
        (
            {"itemExplorationConfig": {"explorationWeight": "0.3"}},
            {"itemExplorationConfig": {"explorationWeight": "0.3", "explorationItemAgeCutOff": "30"}},
        ),
        ({"performIncrementalUpdate": False, "publishAttributionMetricsToS3": False}, {}),
    ],
)
def test_what_is_so_does_not_differ(wanted, found):
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
    ],
)
def test_each_difference_is_named_with_what_was_wanted_and_found(wanted, found, named):
    (difference,) = differences(wanted, found)
    assert difference.startswith(named)


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
