"""What a client sees of injected faults, over HTTP and in the same process."""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.request

import boto3
import pytest
from asking import ask, outcome, refusal
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from moto import mock_aws
from shop import KEYS, PREFIX

from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.emulator.control.calls import Calls
from airflow_provider_personalize.emulator.server import Server

ONE_TRY = Config(retries={"total_max_attempts": 1})
GROUP = f"{PREFIX}dataset-group/a"


@pytest.fixture(params=["in the same process", "over HTTP"])
def client(request):
    """A client that tries once; time stands still."""
    clock.freeze()
    if request.param == "over HTTP":
        with Server() as server:
            yield boto3.client("personalize", endpoint_url=server.url, config=ONE_TRY, **KEYS)
            faults.clear()
    else:
        with mock_aws():
            yield boto3.client("personalize", config=ONE_TRY, **KEYS)


def impatient(url: str):
    """A client that tries once, and gives up so soon that only what gets no answer is to be asked."""
    return boto3.client("personalize", endpoint_url=url, config=ONE_TRY.merge(Config(read_timeout=0.3)), **KEYS)


def names(client) -> list[str]:
    return [group["name"] for group in client.list_dataset_groups()["datasetGroups"]]


def test_faults_may_leave_the_first_calls_alone(client):
    for skip, code in ((1, "Second"), (3, "Fourth")):
        faults.error_next("ListDatasetGroups", code, skip=skip)
    outcomes = [outcome(client.list_dataset_groups) for _ in range(5)]
    assert outcomes == ["accepted", "Second", "accepted", "Fourth", "accepted"]


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_comes_as_json(client, status):
    faults.unavailable_next("ListDatasetGroups", status=status)
    with pytest.raises(ClientError, match="Told to fail") as caught:
        names(client)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert names(client) == []


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_comes_as_the_page_of_a_proxy(client, status):
    faults.unavailable_next(html=True, status=status)
    with pytest.raises(ClientError) as caught:
        names(client)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["content-type"].startswith("text/html")
    assert caught.value.response["Error"]["Code"] == str(status)


def test_credentials_run_out(client):
    faults.expired_next()
    assert refusal(client.list_schemas) == (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    )


def test_a_connection_breaks_off(client):
    faults.reset_next("CreateDatasetGroup")
    with pytest.raises(ConnectionClosedError):
        client.create_dataset_group(name="a")
    assert names(client) == []


def test_a_connection_breaks_off_when_all_is_done(client):
    faults.reset_next("CreateDatasetGroup", done=True)
    with pytest.raises(ConnectionClosedError):
        client.create_dataset_group(name="a")
    assert names(client) == ["a"]


def test_a_call_hangs_until_the_client_gives_up(client):
    faults.hang_next("CreateDatasetGroup")
    with pytest.raises(ReadTimeoutError):
        impatient(client.meta.endpoint_url).create_dataset_group(name="a")
    assert names(client) == []


def test_an_answer_that_ends_in_its_middle_cannot_be_read_and_the_work_is_done(client):
    faults.cut_next("CreateDatasetGroup")
    # which of them depends on whether this botocore looks at the announced length
    with pytest.raises((ResponseParserError, HTTPClientError, KeyError)):
        client.create_dataset_group(name="a")["datasetGroupArn"]
    assert names(client) == ["a"]


def test_an_answer_that_is_not_json_has_no_members_and_the_work_is_done(client):
    faults.garbled_next("CreateDatasetGroup")
    with pytest.raises((ResponseParserError, KeyError)):
        client.create_dataset_group(name="a")["datasetGroupArn"]
    assert names(client) == ["a"]


def test_every_call_within_a_time_fails_and_none_after_it(client):
    faults.error_next("ListSchemas", "AccessDeniedException", seconds=60)
    for _ in range(3):
        refusal(client.list_schemas)
    clock.advance(60)
    client.list_schemas()
    assert faults.told() == []


def test_a_fault_of_so_many_times_ends_with_its_time_too(client):
    faults.error_next("ListSchemas", "AccessDeniedException", times=2, seconds=60)
    refusal(client.list_schemas)
    clock.advance(60)
    client.list_schemas()


def test_a_fault_for_a_resource_is_for_all_that_is_asked_of_it(client):
    client.create_dataset_group(name="a")
    clock.advance(60)
    faults.error_next(None, "AccessDeniedException", arn=GROUP, times=2)
    names(client)
    refusal(client.describe_dataset_group, datasetGroupArn=GROUP)
    refusal(client.delete_dataset_group, datasetGroupArn=GROUP)
    client.describe_dataset_group(datasetGroupArn=GROUP)


def test_calls_above_a_rate_are_throttled_on_the_services_clock(client):
    faults.throttle(2, "ListSchemas")
    for _ in range(2):
        client.list_schemas()
    assert refusal(client.list_schemas) == ("ThrottlingException", "Rate exceeded")
    names(client)
    clock.advance(0.5)
    client.list_schemas()
    refusal(client.list_schemas)


def test_a_rate_below_one_a_second_lets_single_calls_through(client):
    faults.throttle(0.1)
    client.list_schemas()
    clock.advance(9)
    refusal(client.list_schemas)
    clock.advance(1)
    client.list_schemas()


def test_a_new_resource_may_be_hidden_for_a_while(client):
    client.create_dataset_group(name="b")
    faults.stale_next("CreateDatasetGroup", hides=20)
    assert client.create_dataset_group(name="a")["datasetGroupArn"] == GROUP
    assert refusal(client.describe_dataset_group, datasetGroupArn=GROUP)[0] == "ResourceNotFoundException"
    assert names(client) == ["b"]
    clock.advance(20)
    assert client.describe_dataset_group(datasetGroupArn=GROUP)["datasetGroup"]["status"] == "CREATE IN_PROGRESS"
    assert names(client) == ["b", "a"]


def test_a_deleted_resource_may_stay_visible_for_a_while(client):
    for name in "ab":
        client.create_dataset_group(name=name)
    clock.advance(60)
    faults.stale_next(hides=120)
    client.delete_dataset_group(datasetGroupArn=GROUP)
    clock.advance(119)
    assert client.describe_dataset_group(datasetGroupArn=GROUP)["datasetGroup"]["status"] == "ACTIVE"
    assert client.list_dataset_groups()["datasetGroups"][0]["status"] == "ACTIVE"
    assert names(client) == ["a", "b"]
    pages = client.get_paginator("list_dataset_groups").paginate(PaginationConfig={"PageSize": 1})
    assert [group["name"] for page in pages for group in page["datasetGroups"]] == ["a", "b"]
    clock.advance(1)
    assert refusal(client.describe_dataset_group, datasetGroupArn=GROUP)[0] == "ResourceNotFoundException"
    assert names(client) == ["b"]


def test_an_update_is_not_seen_for_a_while(client):
    client.create_dataset_group(name="a")
    clock.advance(60)
    arn = client.create_solution(
        name="a", datasetGroupArn=GROUP, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2"
    )["solutionArn"]
    clock.advance(60)
    faults.stale_next("UpdateSolution", hides=10)
    client.update_solution(solutionArn=arn, performAutoTraining=False)
    assert "latestSolutionUpdate" not in client.describe_solution(solutionArn=arn)["solution"]
    clock.advance(10)
    assert "latestSolutionUpdate" in client.describe_solution(solutionArn=arn)["solution"]


def test_a_hidden_resource_is_missing_only_from_its_parents_lists(client, group, solution):
    faults.stale_next("CreateSolution", hides=10)
    client.create_solution(
        name="new", datasetGroupArn=group, recipeArn="arn:aws:personalize:::recipe/aws-user-personalization-v2"
    )
    faults.stale_next("DeleteSolution", hides=10_000)
    client.delete_solution(solutionArn=solution)
    clock.advance(1000)
    listed = client.list_solutions(datasetGroupArn=group)["solutions"]
    assert [(each["name"], each["status"]) for each in listed] == [("shop", "ACTIVE"), ("new", "ACTIVE")]
    assert client.list_solutions(datasetGroupArn=f"{group}2")["solutions"] == []
    assert client.list_dataset_groups()["datasetGroups"][0]["name"] == "shop"


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("runtime", "get_recommendations", {"campaignArn": f"{PREFIX}campaign/a", "userId": "1"}),
        ("events", "put_items", {"datasetArn": f"{PREFIX}dataset/a/ITEMS", "items": [{"itemId": "1"}]}),
    ],
)
def test_recommendations_and_events_fail_too(client, service, operation, request_):
    other = boto3.client(f"personalize-{service}", endpoint_url=_address(client), config=ONE_TRY, **KEYS)
    faults.unavailable_next(other.meta.method_to_api_mapping[operation])
    with pytest.raises(ClientError, match="Told to fail"):
        getattr(other, operation)(**request_)


def _address(client) -> str | None:
    url = client.meta.endpoint_url
    return url if "127.0.0.1" in url else None


def test_the_log_of_calls_says_what_became_of_each(client):
    faults.reset_next("ListSchemas")
    faults.unavailable_next("ListSchemas", html=True)
    for _ in range(2):
        with pytest.raises((ClientError, ConnectionClosedError)):
            client.list_schemas()
    client.list_schemas()
    assert [call.error for call in calls.of("ListSchemas")] == ["(reset)", "503", None]


def test_the_log_of_calls_forgets_the_oldest(client, monkeypatch):
    monkeypatch.setattr(sys.modules[Calls.__module__], "MOST_KEPT", 10)
    for _ in range(10):
        client.list_schemas()
    assert len(calls) == 10
    client.list_solutions()
    assert [call.operation for call in calls] == [*["ListSchemas"] * 5, "ListSolutions"]


def test_pending_faults_are_shown(client):
    faults.reset_next("ListSchemas", times=2)
    faults.throttle(5)
    with pytest.raises(ConnectionClosedError):
        client.list_schemas()
    assert faults.told() == [
        {"fault": "reset_next", "operation": "ListSchemas", "arn": None, "times": 1, "skip": 0, "seconds": None},
        {"fault": "throttle", "operation": None, "rate_per_second": 5},
    ]


def test_latency_in_the_same_process_passes_on_the_emulators_clock():
    clock.freeze()
    with mock_aws():
        began = clock.now()
        faults.slow_next(latency=40)
        boto3.client("personalize", **KEYS).list_schemas()
        assert clock.now() == began + 40


@pytest.fixture
def server():
    clock.freeze()
    with Server() as running:
        yield running


def test_latency_over_http_runs_into_a_clients_time_out(server):
    assert ask(server, "POST", "faults", {"slow_next": {"latency": 0.1, "times": 1}}) == (200, {})
    began = time.monotonic()
    boto3.client("personalize", endpoint_url=server.url, **KEYS).list_schemas()
    assert time.monotonic() - began >= 0.1
    faults.slow_next(latency=30)
    with pytest.raises(ReadTimeoutError):
        impatient(server.url).list_schemas()


def test_a_call_that_hangs_goes_on_when_it_is_cleared(server):
    client = boto3.client("personalize", endpoint_url=server.url, **KEYS)
    ask(server, "POST", "faults", {"hang_next": {"operation": "CreateDatasetGroup"}})
    timer = threading.Timer(0.1, ask, [server, "DELETE", "faults"])
    timer.start()
    assert client.create_dataset_group(name="a")["ResponseMetadata"]["RetryAttempts"] == 0
    timer.join()
    assert names(client) == ["a"]


def test_a_server_stops_while_a_call_hangs():
    before = set(threading.enumerate())
    with Server() as server:
        faults.hang_next(times=None)
        with pytest.raises(ReadTimeoutError):
            impatient(server.url).list_schemas()
    assert set(threading.enumerate()) == before


def test_a_cut_answer_announces_more_than_it_has(server):
    faults.cut_next("ListSchemas")
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/personalize/aws4_request, Signature=x"
    headers = {"X-Amz-Target": "AmazonPersonalize.ListSchemas", "Authorization": scope}
    with urllib.request.urlopen(urllib.request.Request(server.url, b"{}", headers)) as answer:
        body = answer.fp.read()
        assert len(body) < int(answer.headers["Content-Length"])
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(body)


def test_every_fault_can_be_injected_over_http(server):
    told = {
        "fail_next": {"operation": "CreateSolution", "reason": "x"},
        "error_next": {"operation": "ListSchemas", "code": "X"},
        "expired_next": {},
        "unavailable_next": {"html": True, "status": 500},
        "slow_next": {"latency": 1},
        "hang_next": {"seconds": 10},
        "reset_next": {"arn": GROUP},
        "cut_next": {"times": None},
        "garbled_next": {"times": 3},
        "stale_next": {"hides": 5},
        "worse_next": {"factor": 0.5},
        "empty_next": {},
        "broken_next": {"skip": 1},
        "throttle": {"rate_per_second": 1},
    }
    public = {name for name in dir(faults) if name.endswith("_next") or name == "throttle"} - {"call_next"}
    assert set(told) == public
    assert ask(server, "POST", "faults", told) == (200, {})
    assert [each["fault"] for each in ask(server, "GET", "faults")[1]] == list(told)


@pytest.mark.parametrize(
    ("tell", "arguments", "named"),
    [
        (faults.unavailable_next, {"status": 404}, "status is 404"),
        (faults.slow_next, {"latency": 0}, "latency is 0"),
        (faults.slow_next, {"latency": float("nan")}, "latency is nan"),
        (faults.slow_next, {"latency": 1, "times": True}, "times is True"),
        (faults.expired_next, {"arn": "shop"}, "arn is 'shop'"),
        (faults.fail_next, {"operation": "CreateSchema", "reason": "Because."}, "CreateSchema"),
        (faults.fail_next, {"operation": "CreateSolution", "reason": ""}, "reason is ''"),
        (faults.hang_next, {"operation": "Hang"}, "Hang"),
        (faults.reset_next, {"seconds": -1}, "seconds is -1"),
        (faults.stale_next, {"operation": "DescribeSolution", "hides": 1}, "DescribeSolution"),
        (faults.stale_next, {"hides": "long"}, "hides is 'long'"),
        (faults.worse_next, {"operation": "CreateSolution", "factor": 1}, "CreateSolution"),
        (faults.worse_next, {"factor": 0}, "factor is 0"),
        (faults.broken_next, {"skip": -1}, "skip is -1"),
        (faults.empty_next, {"operation": "GetSolutionMetrics"}, "GetSolutionMetrics"),
        (faults.throttle, {"rate_per_second": 0}, "rate_per_second is 0"),
        (faults.throttle, {"rate_per_second": 1, "operation": "Hang"}, "Hang"),
    ],
)
def test_an_invalid_fault_is_refused(tell, arguments, named):
    with pytest.raises(ValueError, match=named):
        tell(**arguments)
    assert faults.told() == []
