"""What a dataset holds after imports, puts and deletions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_personalize.emulator.engine.data import DatasetData


def event(user, item, moment=1, **more):
    return {"USER_ID": user, "ITEM_ID": item, "TIMESTAMP": moment, **more}


def item(key, genre):
    return {"ITEM_ID": key, "GENRE": genre}


def test_a_full_import_replaces_what_was_imported_and_not_what_was_put():
    data = DatasetData("Interactions")
    data.replace_bulk([event("a", "1"), event("a", "2")])
    data.put([event("b", "3")])
    data.replace_bulk([event("c", "4")])
    assert list(data.rows()) == [event("c", "4"), event("b", "3")]
    assert list(data.rows("BULK")) == [event("c", "4")]
    assert list(data.rows("PUT")) == [event("b", "3")]


def test_an_incremental_import_of_interactions_adds_to_them():
    data = DatasetData("Interactions")
    data.replace_bulk([event("a", "1")])
    data.add_bulk([event("a", "1")])
    assert len(data) == 2


@pytest.mark.parametrize("dataset_type", ["Items", "ITEMS", "items"])
def test_an_incremental_import_replaces_items_of_the_same_id(dataset_type):
    data = DatasetData(dataset_type)
    data.replace_bulk([item("1", "drama"), item("2", "drama")])
    data.add_bulk([item("2", "comedy"), item("3", "crime")])
    assert list(data.rows()) == [item("1", "drama"), item("2", "comedy"), item("3", "crime")]


def test_of_an_item_that_was_imported_and_put_the_later_row_holds():
    data = DatasetData("Items")
    data.replace_bulk([item("1", "drama")])
    data.put([item("1", "comedy")])
    assert data.get("1") == item("1", "comedy")
    data.add_bulk([item("1", "crime")])
    assert data.get("1") == item("1", "crime")
    assert list(data.rows()) == [item("1", "crime")]
    assert len(data) == 1


def test_a_column_that_comes_later_is_empty_in_earlier_rows():
    data = DatasetData("Interactions")
    data.replace_bulk([event("a", "1")])
    data.put([event("b", "2", EVENT_TYPE="click")])
    assert [row["EVENT_TYPE"] for row in data.rows()] == [None, "click"]
    assert list(data.values("EVENT_TYPE", "USER_ID", "NOWHERE")) == [(None, "a", None), ("click", "b", None)]
    assert data.columns == ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE")


def test_deleting_users_takes_all_their_rows_and_counts_them():
    data = DatasetData("Interactions")
    data.replace_bulk([event("a", "1"), event("b", "1"), event("a", "2")])
    data.put([event("a", "3"), event("c", "3")])
    assert data.delete_users(["a", "nobody"]) == 3
    assert {row["USER_ID"] for row in data.rows()} == {"b", "c"}
    assert data.of_user("a") == []


def test_deleting_users_leaves_items_alone():
    data = DatasetData("Items")
    data.replace_bulk([item("1", "drama")])
    assert data.delete_users(["1"]) == 0
    assert len(data) == 1


def test_deleting_a_user_from_users_finds_the_row():
    data = DatasetData("Users")
    data.replace_bulk([{"USER_ID": "a", "AGE": 30}, {"USER_ID": "b", "AGE": 40}])
    assert data.delete_users({"a"}) == 1
    assert data.get("a") is None


@pytest.mark.parametrize("change", ["put", "add_bulk", "replace_bulk"])
def test_a_users_rows_are_up_to_date_after_every_change(change):
    data = DatasetData("Interactions")
    data.replace_bulk([event("a", "1", 5)])
    assert [row["ITEM_ID"] for row in data.of_user("a")] == ["1"]
    getattr(data, change)([event("a", "2", 3)])
    assert [row["ITEM_ID"] for row in data.of_user("a")] == (["2"] if change == "replace_bulk" else ["2", "1"])


def test_equal_texts_are_kept_once():
    data = DatasetData("Interactions")
    data.replace_bulk(event("".join(["us", "er"]), "".join(["it", "em"])) for _ in range(2))
    first, second = data.rows()
    assert first["USER_ID"] is second["USER_ID"]


rows_of_items = st.lists(st.builds(item, st.sampled_from("1234"), st.sampled_from("xyz")), max_size=6)


@given(st.lists(st.tuples(st.sampled_from(["replace_bulk", "add_bulk", "put"]), rows_of_items), max_size=6))
def test_however_items_come_there_is_one_row_of_each(changes):
    data = DatasetData("Items")
    for change, rows in changes:
        getattr(data, change)(rows)
    keys = [row["ITEM_ID"] for row in data.rows()]
    assert len(keys) == len(set(keys)) == len(data)
    assert all(data.get(row["ITEM_ID"]) == row for row in data.rows())
