from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from airflow_provider_personalize.links import DatasetGroupLink
from airflow_provider_personalize.links import personalize as module
from airflow_provider_personalize.operators import CreateDatasetGroupOperator


class Store:
    """The content of XCom."""

    asked = 0

    @classmethod
    def get_value(cls, *, key, ti_key):
        cls.asked += 1
        return f"{key} of {ti_key}"


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(Store, "asked", 0)
    monkeypatch.setattr(module, "XCom", Store)
    return Store


@pytest.fixture
def make_group():
    return CreateDatasetGroupOperator(task_id="group", name="shop", waiter_delay=0.1)


@pytest.mark.local_personalize(speed=600)
def test_airflow_finds_the_link_of_a_task_without_reading_xcom(local_personalize, store, make_group):
    make_group.execute(context={})
    assert DatasetGroupLink().get_link(make_group, ti_key="k").startswith("https://us-east-1.console.aws.amazon.com/")
    assert store.asked == 0


def test_a_link_that_was_never_set_is_not_looked_up(local_personalize, store, make_group):
    """Airflow 3 logs "XCom not found" as an error where that is done, below the one that the task failed with."""
    local_personalize.faults.error_next("CreateDatasetGroup", "AccessDeniedException")
    with pytest.raises(ClientError):
        make_group.execute(context={})
    assert DatasetGroupLink().get_link(make_group, ti_key="k") == ""
    assert store.asked == 0


def test_a_link_that_another_process_showed_is_looked_up(store, make_group):
    assert DatasetGroupLink().get_link(make_group, ti_key="k") == f"{DatasetGroupLink.key} of k"
