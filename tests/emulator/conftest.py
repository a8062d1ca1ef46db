"""A client of an empty Personalize, whose every answer is held to botocore's model."""

from __future__ import annotations

from typing import Any

import pytest
from everything import new_shop
from moto import mock_aws
from response_contract import watched_api
from shop import PREFIX

from airflow_provider_personalize.emulator import clock
from airflow_provider_personalize.emulator.control.state import state


@pytest.fixture(autouse=True)
def _as_found():
    yield
    state.reset()


@pytest.fixture
def client():
    """A client of an empty Personalize, in which time stands still."""
    with mock_aws():
        clock.freeze()
        yield watched_api()


@pytest.fixture
def shop():
    """A shop with datasets of all types and rows in them, in which time stands still."""
    with mock_aws():
        made = new_shop()
        made.open()
        made.import_all()
        yield made


@pytest.fixture
def group(client: Any) -> str:
    client.create_dataset_group(name="shop")
    clock.advance(60)
    return f"{PREFIX}dataset-group/shop"


@pytest.fixture
def solution(client: Any, group: str) -> str:
    """An ACTIVE solution that trains every week, which is the service's default."""
    client.create_solution(
        name="shop", datasetGroupArn=group, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2"
    )
    clock.advance(60)
    return f"{PREFIX}solution/shop"
