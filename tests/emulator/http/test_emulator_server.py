from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.error
import urllib.request
from contextlib import closing

import boto3
import pytest
from asking import JSON, ask
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from everything import Everything
from response_contract import watched
from shop import KEYS, PREFIX, ROLE

from airflow_provider_personalize.emulator import assumptions, clock, faults
from airflow_provider_personalize.emulator.control.durations import SECONDS
from airflow_provider_personalize.emulator.server import Server


@pytest.fixture
def server():
    clock.freeze()
    with Server() as running:
        yield running


@pytest.fixture
def client(server):
    return watched(boto3.client("personalize", endpoint_url=server.url, **KEYS))


SIGNED = {
    "X-Amz-Target": "AmazonPersonalize.ListSchemas",
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/personalize/aws4_request, Signature=x",
    "Content-Type": "application/x-amz-json-1.1",
}


def send(server, method="POST", path="/", headers=None, body=b"{}"):
    """Send what no client sends; return the status and the code of the error, or the message of a control."""
    port = int(server.url.rpartition(":")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, {**SIGNED, **(headers or {})})
        answer = connection.getresponse()
        answered = json.loads(answer.read() or b"{}") if "json" in answer.headers["Content-Type"] else {}
    return answer.status, answered.get("__type") or answered.get("error")


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


def test_faults_are_injected_over_http(client, server):
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


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"Host": "shop.example"}, "Host header is 'shop.example'"),  # a name that now leads here
        ({"Host": "10.0.0.1"}, "Host header is '10.0.0.1'"),
        ({"Host": "localhost.shop.example"}, "Host header"),
        ({"Host": "[::"}, "Host header"),
        ({"Origin": "http://shop.example"}, "Origin header is 'http://shop.example'"),
        ({"Origin": "http://localhost:1"}, "Origin header"),
        ({"Origin": "null"}, "Origin header is 'null'"),
        ({"Sec-Fetch-Site": "cross-site"}, "Sec-Fetch-Site header is 'cross-site'"),
        ({"Sec-Fetch-Site": "same-site"}, "Sec-Fetch-Site"),
    ],
)
def test_a_page_of_another_origin_cannot_use_it(server, headers, named):
    status, message = send(server, path="/_personalize/clock", headers=JSON | headers, body=b'{"advance": 1}')
    assert (status, named in message) == (403, True)
    assert send(server, headers=headers) == (403, "AccessDeniedException")
    assert send(server, "GET", "/_personalize/calls", headers)[0] == 403


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "shop.localhost", "LOCALHOST"])
@pytest.mark.parametrize("port", ["", ":5000"])
def test_every_name_of_this_machine_is_served_and_so_are_its_own_pages(server, host, port):
    headers = {"Host": host + port, "Origin": f"http://{host}{port}", "Sec-Fetch-Site": "same-origin"}
    assert send(server, headers=headers) == (200, None)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("emulator:5000", 200),  # a service of Docker's compose
        ("host.docker.internal:5000", 200),
        ("emulator.default.svc.cluster.local", 200),
        ("192.168.0.7:5000", 200),
        ("shop.example", 403),
        ("127.0.0.1.nip.io", 403),
    ],
)
def test_beyond_this_machine_addresses_and_names_that_no_stranger_owns_are_served(host, status):
    with Server("0.0.0.0") as server:
        assert send(server, headers={"Host": host})[0] == status


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.parametrize("path", ["/_personalize/clock", "/moto-api/state-manager/set-transition"])
def test_a_control_takes_no_body_that_a_page_could_send_unasked(server, content_type, path):
    before = clock.now()
    assert send(server, path=path, headers={"Content-Type": content_type}, body=b'{"advance": 9}')[0] == 415
    assert clock.now() == before


@pytest.mark.parametrize("path", [
    "recorder/start-recording", "/recorder/upload-recording", "recorder/replay-recording", "config",
    "proxy/passthrough", "reset-auth", "recorder/download-recording", "",
])  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_motos_recorder_and_other_controls_beyond_the_server_are_refused(server, tmp_path, monkeypatch, path, method):
    monkeypatch.chdir(tmp_path)
    status, code = send(server, method, f"/moto-api/{path}", JSON)
    assert (status, code) == ((403, "AccessDeniedException") if path else (200, None))
    assert not list(tmp_path.iterdir())


def test_motos_reset_and_state_manager_are_served(client, server):
    client.create_dataset_group(name="a")
    progress = {"model_name": "personalize::dataset_group", "transition": {"progression": "immediate"}}
    body = json.dumps(progress).encode()
    assert send(server, path="/moto-api/state-manager/set-transition", headers=JSON, body=body)[0] == 201
    assert send(server, path="/moto-api/reset", headers=JSON, body=b"")[0] == 200
    assert client.list_dataset_groups()["datasetGroups"] == []
    body = b'{"model_name": "personalize::dataset_group"}'
    assert send(server, path="/moto-api/state-manager/unset-transition", headers=JSON, body=body)[0] == 201


@pytest.mark.parametrize("sent", [{"advance": 400 * 366 * 86400}, {"speed": 1e9}, {"speed": 2, "advance": 1e300}])
def test_the_clock_can_be_moved_by_years_but_not_forever(server, sent):
    before, speed = clock.now(), clock.speed
    assert ask(server, "POST", "clock", sent)[0] == 400
    assert (clock.now(), clock.speed) == (before, speed)
    assert ask(server, "POST", "clock", {"advance": 5 * 366 * 86400})[0] == 200


def scoped(region, service="personalize"):
    return {"Authorization": SIGNED["Authorization"].replace("us-east-1/personalize", f"{region}/{service}")}


@pytest.mark.parametrize(
    ("path", "headers", "body", "code"),
    [
        ("/", {"X-Amz-Target": "AmazonPersonalize.Guess"}, b"{}", "UnknownOperationException"),
        ("/", {"X-Amz-Target": "ListSchemas"}, b"{}", "UnknownOperationException"),
        ("/", {"X-Amz-Target": "DynamoDB_20120810.ListSchemas"}, b"{}", "UnknownOperationException"),
        ("/", {"X-Amz-Target": "AmazonPersonalize.PutEvents"}, b"{}", "UnknownOperationException"),
        ("/", {"X-Amz-Target": ""}, b"{}", "UnknownOperationException"),
        ("/?Action=ListSchemas", {"X-Amz-Target": ""}, b"{}", "UnknownOperationException"),
        ("/", scoped("us-east-1", "no_such_service"), b"{}", "UnknownOperationException"),
        ("/", {}, b'{"maxResults": "\xff"}', "SerializationException"),
        ("/", {}, b"[" * 200_000, "SerializationException"),
        ("/", {}, b'{"a":' * 100_000, "SerializationException"),
        ("/", {"Content-Encoding": "gzip"}, b"{}", "SerializationException"),
        ("/events", {}, b"[" * 200_000, "SerializationException"),
        ("/", scoped("mars-1"), b"{}", "InvalidSignatureException"),
        ("/", scoped(""), b"{}", "InvalidSignatureException"),
        ("/", scoped("eu-west-3"), b"{}", "InvalidSignatureException"),  # a region without Personalize
        ("/", scoped("mars-1", "sts"), b"{}", "InvalidSignatureException"),
        ("/", {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b"}, b"{}", "IncompleteSignatureException"),
        ("/", {"Authorization": "x"}, b"{}", "IncompleteSignatureException"),
        ("/", {"Authorization": "Bearer x"}, b"{}", "IncompleteSignatureException"),
    ],
)
def test_an_invalid_request_is_refused_as_the_service_does_and_not_executed(server, path, headers, body, code):
    """https://docs.aws.amazon.com/personalize/latest/dg/CommonErrors.html has most of the codes."""
    assert send(server, path=path, headers=headers, body=body) == (400, code)
    assert calls_without_error(server) == []


def calls_without_error(server):
    return [call for call in ask(server, "GET", "calls")[1] if call["error"] is None]


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/", {"X-Amz-Target": "AmazonPersonalize.ListSchemas"}),
        ("POST", "/events", {"Content-Type": "application/json"}),
        ("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}),
        ("GET", "/", {}),
    ],
)
def test_a_request_without_a_signature_says_so(server, method, path, headers):
    request = urllib.request.Request(server.url + path, b"{}" if method == "POST" else None, headers, method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert (caught.value.code, json.load(caught.value)["__type"]) == (400, "MissingAuthenticationTokenException")


def test_unsigned_requests_that_aws_serves_are_served(server):
    s3 = boto3.client("s3", endpoint_url=server.url, **KEYS)
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a", Body=b"b")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": "shop", "Key": "b"})
    urllib.request.urlopen(urllib.request.Request(put, b"c", {"Content-Type": "text/csv"}, method="PUT")).close()
    for operation in ("get_object", "list_objects_v2"):
        parameters = {"Bucket": "shop"} | ({"Key": "b"} if operation == "get_object" else {})
        with urllib.request.urlopen(s3.generate_presigned_url(operation, Params=parameters)) as answer:
            assert b"c" in answer.read()
    with urllib.request.urlopen(s3.generate_presigned_url("list_buckets")) as answer:
        assert b"shop" in answer.read()
    anybody = boto3.client("s3", endpoint_url=server.url, config=Config(signature_version=UNSIGNED), **KEYS)
    s3.put_object_acl(Bucket="shop", Key="a", ACL="public-read")
    assert anybody.get_object(Bucket="shop", Key="a")["Body"].read() == b"b"
    sts = boto3.client("sts", endpoint_url=server.url, **KEYS)
    role = {"RoleArn": ROLE, "RoleSessionName": "session", "WebIdentityToken": "token"}
    assert sts.assume_role_with_web_identity(**role)["Credentials"]


def test_a_bucket_in_front_of_the_name_is_served(server):
    """The S3 clients of JavaScript and boto3 put it there where the endpoint is no address."""
    s3 = boto3.client("s3", endpoint_url=server.url, **KEYS)
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="a", Body=b"b")
    headers = scoped("us-east-1", "s3") | {"Host": f"shop.localhost:{server.url.rpartition(':')[2]}"}
    assert send(server, "GET", "/a", headers, body=b"")[0] == 200
    assert send(server, "GET", "/b", headers, body=b"")[0] == 404


def raw(server, text):
    with closing(socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=60)) as connection:
        connection.sendall(text.encode("latin1"))
        connection.shutdown(socket.SHUT_WR)
        return int(connection.makefile("rb").readline().split()[1])


HEAD = "POST / HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"{name}: {value}\r\n" for name, value in SIGNED.items())


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200),
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n9\r\n{}", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: gzip\r\n\r\n{}", 400),
        ("Content-Length: two\r\n\r\n{}", 400),
        ("Content-Length: -2\r\n\r\n{}", 400),
        ("Content-Length: +2\r\n\r\n{}", 400),
        ("Content-Length: 3\r\n\r\n{}", 400),
        (f"Content-Length: 1{'0' * 18}\r\n\r\n{{}}", 400),
        (f"Content-Length: 1{'0' * 5000}\r\n\r\n{{}}", 400),
        ("Content-Length: 2\r\n\r\n{}", 200),
    ],
)
def test_a_body_of_another_length_than_announced_is_refused(server, rest, status):
    assert raw(server, HEAD + rest) == status


def test_a_request_that_moto_cannot_answer_gets_a_status_that_clients_do_not_retry(server, caplog):
    """botocore repeats 500, 502, 503 and 504: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""
    headers = scoped("us-east-1", "dynamodb") | {"X-Amz-Target": "DynamoDB_20120810.Guess"}
    assert send(server, headers=headers) == (501, "NotImplemented")
    assert "moto failed" in caplog.text


def test_a_failure_of_our_own_is_answered_500_and_its_reason_logged(server, caplog, monkeypatch):
    monkeypatch.setattr("airflow_provider_personalize.emulator.service.personalize.Personalize.answer", None)
    assert send(server) == (500, None)
    assert "TypeError" in caplog.text


def test_a_url_of_an_ipv6_address_is_one():
    with Server("::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert boto3.client("personalize", endpoint_url=server.url, **KEYS).list_schemas()["schemas"] == []
