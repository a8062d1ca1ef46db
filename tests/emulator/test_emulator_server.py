from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError
from everything import Everything
from shop import KEYS, PREFIX, ROLE
from witness import watched

from airflow_provider_personalize.emulator import assumptions, clock, faults
from airflow_provider_personalize.emulator.durations import SECONDS
from airflow_provider_personalize.emulator.server import Server


@pytest.fixture
def server():
    clock.freeze()
    with Server() as running:
        yield running


@pytest.fixture
def client(server):
    return watched(boto3.client("personalize", endpoint_url=server.url, **KEYS))


def ask(server, method, path, sent=None):
    data = None if sent is None else json.dumps(sent).encode()
    request = urllib.request.Request(f"{server.url}/_personalize/{path}", data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_solution_is_updated_over_http(client, server):
    client.create_dataset_group(name="shop")
    ask(server, "POST", "clock", {"advance": 60})
    arn = client.create_solution(
        name="shop", datasetGroupArn=f"{PREFIX}dataset-group/shop", recipeArn="arn:aws:personalize:::recipe/aws-sims"
    )["solutionArn"]
    ask(server, "POST", "clock", {"advance": 60})
    client.update_solution(solutionArn=arn, performAutoTraining=False)
    ask(server, "POST", "clock", {"advance": 180})
    assert client.describe_solution(solutionArn=arn)["solution"]["latestSolutionUpdate"]["status"] == "ACTIVE"
    status, calls = ask(server, "GET", "calls?operation=UpdateSolution")
    assert (status, [(call["arn"], call["error"]) for call in calls]) == (200, [(arn, None)])
    ask(server, "DELETE", "calls")
    assert ask(server, "GET", "calls") == (200, [])


def test_a_job_writes_its_file_though_nobody_asks_personalize_again(server):
    shop = Everything(lambda name: boto3.client(name, endpoint_url=server.url, **KEYS))
    shop.open()
    request = {"roleArn": ROLE, "jobOutput": {"s3DataDestination": {"path": "s3://all/export/"}}}
    shop.api.create_dataset_export_job(jobName="a", datasetArn=shop.dataset("Items"), **request)
    assert shop.listed("export/") == []
    clock.advance(3600)
    assert shop.listed("export/") == ["export/a.csv"]


def test_the_rest_of_moto_is_served_too(server):
    s3 = boto3.client("s3", endpoint_url=server.url, **KEYS)
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a", Body=b"b")
    assert s3.head_object(Bucket="shop", Key="a")["ContentLength"] == 1
    assert s3.get_object(Bucket="shop", Key="a")["Body"].read() == b"b"
    s3.delete_object(Bucket="shop", Key="a")
    assert s3.list_objects_v2(Bucket="shop")["KeyCount"] == 0
    assert boto3.client("sts", endpoint_url=server.url, **KEYS).get_caller_identity()["Account"] == "123456789012"


def test_faults_are_told_over_http(client, server):
    fault = {"operation": "ListSchemas", "code": "AccessDeniedException", "status": 403, "times": None}
    assert ask(server, "POST", "faults", {"error_next": fault}) == (200, {})
    with pytest.raises(ClientError, match="AccessDenied"):
        client.list_schemas()
    ask(server, "DELETE", "faults")
    client.list_schemas()
    ask(server, "POST", "faults", {"fail_next": {"operation": "CreateDatasetGroup", "reason": "Because."}})
    arn = client.create_dataset_group(name="a")["datasetGroupArn"]
    clock.advance(60)
    assert client.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["failureReason"] == "Because."


def test_the_clock_and_the_assumptions_are_set_over_http(server):
    assert ask(server, "GET", "health") == (200, {"status": "ok"})
    assert ask(server, "POST", "clock", {"speed": 2})[1]["speed"] == clock.speed == 2
    assert ask(server, "POST", "assumptions", {"unchanged_update": "ignored"})[0] == 200
    assert ask(server, "GET", "assumptions")[1]["unchanged_update"] == assumptions.unchanged_update == "ignored"
    seconds = ask(server, "POST", "assumptions", {"seconds": {"solution_update": 600}})[1]["seconds"]
    assert seconds == {**SECONDS, "solution_update": 600} == assumptions.seconds


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "named"),
    [
        ("GET", "nothing", None, 404, "/_personalize/health"),
        ("DELETE", "clock", None, 405, "GET, POST"),
        ("POST", "clock", None, 400, "speed or advance"),
        ("POST", "clock", {"sped": 1}, 400, "speed or advance"),
        ("POST", "clock", {"speed": "fast"}, 400, "speed is 'fast'"),
        ("POST", "faults", {"fail_next": {"operation": "UpdateSolution"}}, 400, "reason"),
        ("POST", "faults", {"fail_next": "UpdateSolution"}, 400, "object"),
        ("POST", "faults", {"hang_next": {}, "throttle": {"rate_per_second": 1}, "slow_next": {}}, 400, "latency"),
        ("POST", "faults", {"error_next": {"operation": "Updatesolution", "code": "x"}}, 400, "Updatesolution"),
        ("POST", "assumptions", {"unchanged_update": "ignored", "nonsense": 1}, 400, "nonsense"),
        ("POST", "assumptions", {"unchanged_update": []}, 400, "accepted, ignored"),
        ("POST", "assumptions", {"unchanged_update": "ignored", "seconds": {"lunch": 1}}, 400, "lunch"),
    ],
)
def test_a_wrong_control_request_says_what_is_wrong_and_changes_nothing(server, method, path, sent, status, named):
    answered, answer = ask(server, method, path, sent)
    assert answered == status
    assert named in answer["error"]
    assert assumptions.unchanged_update == "accepted"
    assert faults.told() == []


def test_a_stopped_server_leaves_no_thread_and_no_state_even_with_a_client_connected():
    before = set(threading.enumerate())
    for _ in range(2):
        with Server(speed=1) as server:
            client = boto3.client("personalize", endpoint_url=server.url, **KEYS)
            client.create_dataset_group(name="a")
            assert clock.speed == 1
            assert len(set(threading.enumerate()) - before) == 2  # one listens, one serves the client
        assert set(threading.enumerate()) == before


def test_a_connection_is_kept_for_the_next_call(client, server):
    client.list_schemas()
    serving = set(threading.enumerate())
    for _ in range(5):
        client.list_schemas()
    assert set(threading.enumerate()) == serving


def test_a_call_that_moto_cannot_answer_is_answered_500_and_its_reason_logged(server, caplog):
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/personalize/aws4_request, Signature=x"
    headers = {"X-Amz-Target": "AmazonPersonalize.Guess", "Authorization": scope}
    with pytest.raises(urllib.error.HTTPError, match="500"):
        urllib.request.urlopen(urllib.request.Request(server.url, b"{}", headers))
    assert "NotImplementedError" in caplog.text


@pytest.mark.parametrize("body", ["{", "[]", '{"name": NaN}', r'{"name": "\ud800"}', r'{"name": "\ud83d\ude00"}'])
def test_a_body_that_is_not_json_is_refused(server, body):
    scope = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/personalize/aws4_request, Signature=x"
    headers = {
        "X-Amz-Target": "AmazonPersonalize.CreateDatasetGroup",
        "Authorization": scope,
        "Content-Type": "application/x-amz-json-1.1",
    }
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(server.url, body.encode(), headers))
    a_whole_character = "ude00" in body
    code = "InvalidInputException" if a_whole_character else "SerializationException"
    assert (caught.value.code, json.load(caught.value)["__type"]) == (400, code)


def test_no_access_log_is_written(client, capfd):
    client.list_schemas()
    assert capfd.readouterr() == ("", "")
