"""The lines that batch jobs read and write, and the CSVs of exports and deletions."""

from __future__ import annotations

import csv
import json

import pytest

from airflow_provider_personalize.emulator.engine import batch
from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import Unfit
from airflow_provider_personalize.emulator.engine.filters import parse
from airflow_provider_personalize.emulator.engine.training import train


def answers(lines):
    return [json.loads(line) for line in lines]


def test_users_get_recommendations_with_scores(model):
    (line,) = batch.infer(['{"userId": "user-00001"}'], model)
    answer = json.loads(line)
    assert list(answer) == ["input", "output", "error"]
    assert answer["input"] == {"userId": "user-00001"}
    assert answer["error"] is None
    assert answer["output"]["recommendedItems"] == [item for item, _ in model.recommend(user_id="user-00001")]
    assert len(answer["output"]["scores"]) == 25
    assert all(score == round(score, 7) for score in answer["output"]["scores"])


def test_items_get_similar_items(interactions):
    similar = train("aws-similar-items", interactions)
    (answer,) = answers(batch.infer(['{"itemId": "item-00001"}'], similar, count=3))
    assert len(answer["output"]["recommendedItems"]) == 3
    assert "item-00001" not in answer["output"]["recommendedItems"]


def test_similar_items_come_without_scores_or_under_a_theme(interactions):
    similar = train("aws-similar-items", interactions)
    lines = ['{"itemId": "item-00001"}', '{"itemId": "item-00002"}']
    for answer in answers(batch.infer(lines, similar, count=3, write=batch.items)):
        assert set(answer["output"]) == {"recommendedItems"}
    named, unnamed = answers(
        batch.infer(lines, similar, count=3, write=batch.items_and_theme({"item-00001": "Hard candy"}))
    )
    assert named["output"]["theme"] == "Goes with Hard candy"
    assert unnamed["output"]["theme"] == "Goes with item-00002"
    assert len(named["output"]["itemsThemeRelevanceScores"]) == len(named["output"]["recommendedItems"]) == 3


def test_lists_get_ranked(model):
    (answer,) = answers(batch.infer(['{"userId": "user-00001", "itemList": ["unknown", "item-00001"]}'], model))
    assert answer["output"] == {"recommendedItems": ["item-00001", "unknown"], "scores": [1.0, 0.0]}


def test_items_get_segments(interactions):
    model = train("aws-item-affinity", interactions)
    (answer,) = answers(batch.segment(['{"itemId": "item-00001"}'], model, count=7))
    assert answer["input"] == {"itemId": "item-00001"}
    assert answer["error"] is None
    assert len(set(answer["output"]["usersList"])) == 7


def test_attributes_get_segments(interactions):
    items = DatasetData("Items")
    items.replace_bulk([{"ITEM_ID": "item-00001", "GENRES": "Comedy|Action"}])
    model = train("aws-item-attribute-affinity", interactions, items)
    lines = [
        '{"itemAttributes": "ITEMS.GENRES = \\"Comedy\\" AND ITEMS.GENRES = \\"Action\\""}',
        '{"itemAttributes": "x"}',
    ]
    good, bad = answers(batch.segment(lines, model, count=5))
    assert good["output"]["usersList"] == model.segment(item_id="item-00001", count=5)
    assert bad["output"] is None
    assert "Invalid Expression" in bad["error"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense", "Invalid JSON"),
        ('"text"', "expected userId or itemId or userId and itemList"),
        ("{}", "expected userId"),
        ('{"userId": 12}', "userId must be a text"),
        ('{"userId": ""}', "userId must be a text"),
        ('{"user": "12"}', "expected userId"),
        ('{"userId": "1", "itemList": "2"}', "itemList must be a list"),
        ('{"userId": "1", "itemList": []}', "itemList must be a list"),
        ('{"userId": "1", "filterValues": 5}', "filterValues must be an object of texts"),
        ('{"userId": "1", "filterValues": {"PRICE": 5}}', "filterValues must be an object of texts"),
    ],
)
def test_a_bad_line_gets_an_error_and_the_next_one_an_answer(model, line, why):
    bad, good = answers(batch.infer([line, '{"userId": "user-00001"}'], model))
    assert why in bad["error"]
    assert bad["output"] is None
    assert good["error"] is None


def test_blank_lines_are_passed_over(model):
    assert len(list(batch.infer(["", '{"userId": "1"}\n', "  \n"], model))) == 1


def test_each_line_has_filter_values_of_its_own(model, interactions):
    items = DatasetData("Items")
    items.replace_bulk([{"ITEM_ID": item, "PRICE": number} for number, item in enumerate(sorted(model.items))])
    cheap = parse("INCLUDE ItemID WHERE Items.PRICE < $PRICE")
    lines = [
        '{"userId": "user-00001", "filterValues": {"PRICE": "3"}}',
        '{"userId": "user-00001", "filterValues": {"PRICE": "5"}}',
        '{"userId": "user-00001"}',
    ]
    found = answers(
        batch.infer(
            lines,
            model,
            keep_for=lambda asked: cheap.keep(
                user_id=asked.get("userId"), items=items, values=asked.get("filterValues", {})
            ),
        )
    )
    assert [len(answer["output"]["recommendedItems"]) for answer in found[:2]] == [3, 5]
    assert "no value for the placeholder $PRICE" in found[2]["error"]


def test_an_export_is_a_csv_of_what_was_put_unless_asked_for_more():
    data = DatasetData("Items")
    data.replace_bulk([{"ITEM_ID": "1", "TITLE": 'a, "b"', "PRICE": 1.5}])
    data.put([{"ITEM_ID": "2", "TITLE": None, "PRICE": 2}])
    header = ["ITEM_ID", "TITLE", "PRICE"]
    assert list(csv.reader(batch.export_rows(data))) == [header, ["2", "", "2"]]
    assert list(csv.reader(batch.export_rows(data, "BULK"))) == [header, ["1", 'a, "b"', "1.5"]]
    assert len(list(batch.export_rows(data, "ALL"))) == 3


def test_deletions_are_a_csv_of_user_ids():
    assert list(batch.read_deletions(["USER_ID\n", "a\n", "\n", "b\n"])) == ["a", "b"]


@pytest.mark.parametrize("lines", [[], ["a\n"], ["USER_ID,AGE\n", "a,1\n"], ["USER_ID\n", "a,b\n"]])
def test_deletions_of_another_form_are_refused(lines):
    with pytest.raises(Unfit, match="one column USER_ID"):
        list(batch.read_deletions(lines))
