"""An option that has no effect without another is an error that names both, before anything runs."""

from __future__ import annotations

from importlib import import_module

import pytest

from airflow_provider_personalize import operators, sensors

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG

A = "arn:aws:personalize:us-east-1:123456789012:"
VERSION = A + "solution/shop/0a1b2c3d"
TRAIN = {"solution_arn": A + "solution/shop"}
IMPORT = {"dataset_arn": A + "dataset/shop/ITEMS", "data_source": {}, "role_arn": "arn:aws:iam::123456789012:role/x"}
PROMOTE = {"campaign_arn": A + "campaign/shop", "solution_version_arn": VERSION}
COMPARE = {"solution_version_arns": [VERSION]}
# the operator, the option without effect, and what gives it one
CASES = [
    ("CreateSolutionVersionOperator", TRAIN, {"ignore_real_time_data": True}, {"skip_if_no_new_data": True}),
    ("CreateSolutionVersionOperator", TRAIN, {"if_skipped": "succeed"}, {"skip_if_younger_than": 60}),
    ("CreateDatasetImportJobOperator", IMPORT, {"if_skipped": "succeed"}, {"skip_if_unchanged": True}),
    ("PromoteSolutionVersionOperator", PROMOTE, {"if_gate_fails": "skip"}, {"min_metrics": "{{ x }}"}),
    ("PromoteSolutionVersionOperator", PROMOTE, {"min_recommendations": 5}, {"verify_user_ids": ["u"]}),
    ("CompareSolutionVersionsOperator", COMPARE, {"best_is": "lowest"}, {"best_by": "coverage"}),
    ("CompareSolutionVersionsOperator", {}, {"newest": 3}, TRAIN),
    ("GetRecommendationsOperator", {"user_id": "u"}, {"filter_values": {"X": "y"}}, {"filter_arn": A + "filter/x"}),
]


@pytest.mark.parametrize(("name", "needed", "option", "other"), CASES)
def test_it_is_refused_alone_and_taken_with_the_other(name, needed, option, other):
    make = getattr(operators, name)
    with pytest.raises(ValueError, match=f"^{next(iter(option))} is .* no effect without .*{next(iter(other))}"):
        make(task_id="task", **needed, **option)
    make(task_id="task", **needed, **option, **other)
    make(task_id="task", **needed)
    with DAG("shop", schedule=None, default_args=option):  # which are for other tasks too
        make(task_id="task", **needed)


def test_every_one_is_tested_above():
    named = {
        (name, option)
        for module in (operators, sensors)
        for name in module.__all__
        for option in getattr(getattr(import_module(module.__name__), name), "idle_without", {})
    }
    assert named == {(name, option) for name, _, given, _ in CASES for option in given}


def test_changes_are_not_ignored_where_nothing_is_reused():
    given = {"task_id": "task", "name": "x", "solution_version_arn": VERSION, "if_exists": "fail"}
    ignored = ["campaign_config"]
    with pytest.raises(ValueError, match="^ignore_changes is .* no effect if if_exists is 'fail'"):
        operators.CreateCampaignOperator(**given, ignore_changes=ignored)
    with DAG("shop", schedule=None, default_args={"ignore_changes": ignored}):
        operators.CreateCampaignOperator(**given)
