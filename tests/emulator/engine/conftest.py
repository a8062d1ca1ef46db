"""One sample and one model for all tests of the engine."""

from __future__ import annotations

import pytest
from engine_data import sample

from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.training import train


@pytest.fixture(scope="session")
def rows():
    return sample(interactions=5_000, users=300, items=200)


@pytest.fixture(scope="session")
def interactions(rows):
    """Not to be changed by a test: it is everybody's."""
    data = DatasetData("Interactions")
    data.replace_bulk(rows)
    return data


@pytest.fixture(scope="session")
def model(interactions):
    return train("aws-user-personalization-v2", interactions)
