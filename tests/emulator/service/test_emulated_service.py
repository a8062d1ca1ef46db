from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import boto3
import pytest
from asking import refusal
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_api import state_manager
from shop import PREFIX

from airflow_provider_personalize.emulator import assumptions, calls, clock, faults, quotas, service_model
from airflow_provider_personalize.emulator.control.durations import SECONDS
from airflow_provider_personalize.emulator.service.personalize import OPERATIONS, OTHERS
from airflow_provider_personalize.emulator.service.records import GONE
from airflow_provider_personalize.emulator.service.table import RESOURCE_TYPES as EMULATED
from airflow_provider_personalize.resources import RESOURCE_TYPES

NAMES = [f"group-{number:03}" for number in range(105)]


def groups(client):
    quotas.set("dataset_group", None)
    for name in NAMES:
        client.create_dataset_group(name=name)


def test_every_operation_of_the_three_services_is_emulated():
    assert len(service_model.service().operation_names) == 71
    assert {*OPERATIONS, *OTHERS} == set(service_model.operations())
    assert not set(OPERATIONS) & set(OTHERS)


@pytest.mark.parametrize("emulated", EMULATED.values(), ids=lambda emulated: emulated.name)
def test_a_resource_type_ends_in_statuses_of_the_table(emulated):
    definition = emulated.definition
    assert definition is RESOURCE_TYPES[emulated.name]
    assert emulated.success in definition.ready
    assert emulated.failure in definition.failed
    assert not {*emulated.creating, *emulated.deleting, GONE} & (definition.ready | definition.failed)


def test_moto_knows_how_long_everything_takes(client):
    named = {f"personalize::{name}" for name in SECONDS}
    assert named <= set(state_manager.get_registered_models())
    transitions = [transition for emulated in EMULATED.values() for transition in emulated.transitions.values()]
    expected = {name for name, emulated in EMULATED.items() if emulated.definition.has_status}
    expected |= {transition.progress for transition in transitions}
    expected |= {f"{name}_update" for name, emulated in EMULATED.items() if emulated.apply}
    assert expected <= set(SECONDS)
    assert {name.removesuffix("_delete") for name in set(SECONDS) - expected} <= set(EMULATED)


@pytest.fixture
def careless():
    """A client that sends whatever it is given."""
    with mock_aws():
        yield boto3.client("personalize", region_name="us-east-1", config=Config(parameter_validation=False))


def send(client, operation, **request):
    method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    return getattr(client, method)(**request)


@pytest.mark.parametrize("service", service_model.SERVICES)
def test_every_required_member_is_required(service):
    with mock_aws():
        config = Config(parameter_validation=False)
        careless = boto3.client(service, region_name="us-east-1", config=config)
        for operation in service_model.service(service).operation_names:
            for member in service_model.request_shape(operation).required_members:
                with pytest.raises(ClientError, match=rf"(?s)InvalidInputException.*\b{member}\b"):
                    send(careless, operation)


def test_the_error_for_a_broken_constraint_can_be_another(careless):
    assumptions.constraint_error = "ValidationException"
    with pytest.raises(ClientError, match="ValidationException"):
        send(careless, "ListSolutions", maxResults=1000)


def test_every_errors_code_is_one_that_the_model_names(client, solution, group):
    code, _ = refusal(client.create_dataset_group, name="shop")
    assert code in service_model.errors("CreateDatasetGroup")
    code, _ = refusal(client.delete_dataset_group, datasetGroupArn=group)
    assert code in service_model.errors("DeleteDatasetGroup")


def test_a_list_comes_in_pages_and_each_resource_once(client):
    groups(client)
    first = client.list_dataset_groups()
    assert len(first["datasetGroups"]) == 100
    pages = client.get_paginator("list_dataset_groups").paginate(PaginationConfig={"PageSize": 10})
    assert [group["name"] for page in pages for group in page["datasetGroups"]] == NAMES


def test_a_page_goes_on_where_the_last_one_ended_even_if_that_one_was_deleted(client):
    groups(client)
    clock.advance(60)
    token = client.list_dataset_groups(maxResults=3)["nextToken"]
    client.delete_dataset_group(datasetGroupArn=f"{PREFIX}dataset-group/{NAMES[2]}")
    clock.advance(60)
    assert client.list_dataset_groups(maxResults=1, nextToken=token)["datasetGroups"][0]["name"] == NAMES[3]


def test_a_list_can_be_narrowed_to_a_parent(client, solution, group):
    assert [each["name"] for each in client.list_solutions(datasetGroupArn=group)["solutions"]] == ["shop"]
    assert client.list_solutions(datasetGroupArn=f"{PREFIX}dataset-group/other")["solutions"] == []


@pytest.mark.parametrize("token", ["x", "bm8gMQ=="])
def test_a_token_of_no_list_is_refused(client, token):
    assert refusal(client.list_schemas, nextToken=token)[0] == "InvalidNextTokenException"


def test_a_token_is_good_for_its_own_list_only(client):
    groups(client)
    token = client.list_dataset_groups(maxResults=1)["nextToken"]
    assert refusal(client.list_schemas, nextToken=token)[0] == "InvalidNextTokenException"


def test_nothing_is_left_for_the_next_mock_aws():
    for _ in range(2):
        with mock_aws():
            client = boto3.client("personalize", region_name="us-east-1")
            assert not calls
            assert client.list_dataset_groups()["datasetGroups"] == []
            client.create_dataset_group(name="a")
            faults.error_next("ListDatasetGroups", "ThrottlingException", times=None)


def test_accounts_and_regions_are_apart(client, group, monkeypatch):
    assert boto3.client("personalize", region_name="eu-west-1").list_dataset_groups()["datasetGroups"] == []
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "111111111111")
    arn = client.create_dataset_group(name="shop")["datasetGroupArn"]
    assert arn == "arn:aws:personalize:us-east-1:111111111111:dataset-group/shop"
    assert DEFAULT_ACCOUNT_ID in group


def test_an_injected_error_is_returned_as_often_as_requested(client):
    faults.error_next("ListSchemas", "AccessDeniedException", status=403, message="Not you.", times=2)
    for _ in range(2):
        with pytest.raises(ClientError, match="Not you") as caught:
            client.list_schemas()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert client.list_schemas()["schemas"] == []


def test_boto3_itself_retries_a_throttled_call(client):
    faults.error_next("ListSchemas", "ThrottlingException")
    assert client.list_schemas()["ResponseMetadata"]["RetryAttempts"] == 1
    assert [call.error for call in calls.of("ListSchemas")] == ["ThrottlingException", None]


def test_a_fault_can_be_for_one_resource_only_and_until_cleared(client, group):
    faults.error_next("DescribeDatasetGroup", "InternalFailure", times=None, arn=group)
    client.create_dataset_group(name="other")
    client.describe_dataset_group(datasetGroupArn=f"{PREFIX}dataset-group/other")
    for _ in range(3):
        refusal(client.describe_dataset_group, datasetGroupArn=group)
    faults.clear()
    client.describe_dataset_group(datasetGroupArn=group)


@pytest.mark.parametrize(
    ("tell", "arguments", "named"),
    [
        (faults.error_next, {"operation": "DescribeSolutions", "code": "X"}, "DescribeSolutions"),
        (faults.error_next, {"operation": "DescribeSolution", "code": "X", "status": 200}, "status"),
        (faults.error_next, {"operation": "DescribeSolution", "code": "X", "times": 0}, "times"),
        (faults.fail_next, {"operation": "DescribeSolution", "reason": "x"}, "DescribeSolution"),
    ],
)
def test_a_fault_that_could_never_happen_is_refused(tell, arguments, named):
    with pytest.raises(ValueError, match=named):
        tell(**arguments)


def test_an_assumption_must_be_one_of_its_choices():
    with pytest.raises(ValueError, match="accepted, ignored"):
        assumptions.unchanged_update = "perhaps"
    with pytest.raises(AttributeError, match="unchanged_update"):
        assumptions.unchanged = "ignored"
    with pytest.raises(ValueError, match="number"):
        assumptions.minimum_interactions = "many"


def test_many_threads_get_one_resource_and_one_update(client, solution, monkeypatch):
    def slowly(*_: object) -> None:
        time.sleep(0.001)  # lets other threads in, where the lock does not keep them out

    monkeypatch.setattr(faults, "take_failure", slowly)

    def update(number: int) -> str | None:
        with suppress(ClientError):
            client.create_dataset_group(name="one")
        try:
            client.update_solution(solutionArn=solution, performAutoTraining=False)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return None

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(update, range(64)))
    assert outcomes.count(None) == 1
    assert set(outcomes) == {None, "ResourceInUseException"}
    assert [call.error for call in calls.of("CreateDatasetGroup")].count(None) == 2


def test_an_operation_with_one_step_takes_its_full_time(client, group, solution):
    version = client.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    clock.advance(1300)
    client.stop_solution_version_creation(solutionVersionArn=version)
    for moment, status in ((119, "CREATE STOPPING"), (2, "CREATE STOPPED")):
        clock.advance(moment)
        assert client.describe_solution_version(solutionVersionArn=version)["solutionVersion"]["status"] == status
    other = client.create_dataset_group(name="other")["datasetGroupArn"]
    clock.advance(60)
    client.delete_dataset_group(datasetGroupArn=other)
    clock.advance(29)
    assert client.describe_dataset_group(datasetGroupArn=other)["datasetGroup"]["status"] == "DELETE PENDING"
    clock.advance(2)
    assert refusal(client.describe_dataset_group, datasetGroupArn=other)[0] == "ResourceNotFoundException"
