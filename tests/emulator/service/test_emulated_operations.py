"""Every operation of the three services, in the same process and over HTTP; botocore's model is the witness."""

from __future__ import annotations

import boto3
import pytest
from everything import Everything, use_everything
from moto import mock_aws
from response_contract import watched
from shop import KEYS

from airflow_provider_personalize.emulator import calls, clock, service_model
from airflow_provider_personalize.emulator.server import Server


def client(name, **more):
    made = boto3.client(name, **KEYS, **more)
    return watched(made) if name in service_model.SERVICES else made


@pytest.fixture(params=["in the same process", "over HTTP"])
def shop(request):
    clock.freeze()
    if request.param == "over HTTP":
        with Server() as server:
            yield Everything(lambda name: client(name, endpoint_url=server.url))
    else:
        with mock_aws():
            yield Everything(client)


def test_every_operation_is_answered_as_the_model_says(shop):
    use_everything(shop)
    assert [(call.operation, call.error) for call in calls if call.error] == []
    assert {call.operation for call in calls} == set(service_model.operations())
    for resource_type in ("dataset_group", "schema", "solution", "campaign", "filter"):
        answer = getattr(shop.api, f"list_{resource_type}s")()
        assert [value for value in answer.values() if isinstance(value, list)] == [[]]
