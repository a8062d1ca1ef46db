"""The hook: boto3 through an Airflow connection, and what all resource types have in common."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from shop import DATASET, PREFIX, SOLUTION
from task_runs import signing_keys

from airflow_provider_personalize.emulator import assumptions, calls, faults
from airflow_provider_personalize.exceptions import (
    ConnectionMissingError,
    IncompleteAnswerError,
    ResourceFailedError,
    UnknownRegionError,
    WaitTimeoutError,
)
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.hooks import personalize as hook_module
from airflow_provider_personalize.resources import RESOURCE_TYPES
from airflow_provider_personalize.resources import SOLUTION as SOLUTION_TYPE
from airflow_provider_personalize.status import WaitCondition


def test_any_method_of_boto3_is_at_hand(personalize):
    assert PersonalizeHook().conn.describe_solution(solutionArn=SOLUTION)["solution"]["name"] == "shop"


@pytest.mark.parametrize("other", ["x", None, {"endpoint_url": "http://user:secret@127.0.0.1"}])
def test_connection_settings_of_other_services_are_ignored(personalize, monkeypatch, other):
    extra = {"region_name": "us-east-1", "service_config": {"s3": other}}
    monkeypatch.setenv("AIRFLOW_CONN_SHARED", json.dumps({"conn_type": "aws", "extra": extra}))
    assert PersonalizeHook("shared").conn.describe_solution(solutionArn=SOLUTION)


@pytest.mark.parametrize("resource", ["solution", SOLUTION_TYPE])
def test_a_resource_is_described_by_its_type(personalize, resource):
    assert PersonalizeHook().describe(resource, SOLUTION)["solutionArn"] == SOLUTION


def test_an_unknown_resource_type_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="'solutoin': allowed are schema, dataset_group"):
        PersonalizeHook().describe("solutoin", SOLUTION)


def test_all_pages_are_listed(personalize):
    for number in range(7):
        personalize.create_schema(name=f"s{number}", schema=_schema(personalize))
    listed = [schema["name"] for schema in PersonalizeHook().list_all("schema", maxResults=3)]
    assert sorted(listed) == ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "shop"]
    assert len(calls.of("ListSchemas")) == 3


def _schema(client) -> str:
    return client.describe_schema(schemaArn=f"{PREFIX}schema/shop")["schema"]["schema"]


def test_a_list_may_be_narrowed(personalize):
    (dataset,) = PersonalizeHook().list_all("dataset", datasetGroupArn=f"{PREFIX}dataset-group/shop")
    assert dataset["datasetArn"] == DATASET


@pytest.mark.parametrize("resource_type", RESOURCE_TYPES.values(), ids=list(RESOURCE_TYPES))
def test_the_client_has_the_methods_that_the_table_implies(resource_type):
    client = PersonalizeHook(region_name="us-east-1").conn
    assert callable(getattr(client, f"describe_{resource_type.name}"))
    assert callable(getattr(client, f"list_{resource_type.name}s"))


def test_a_wait_returns_what_the_service_said_last(personalize):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    evaluated = PersonalizeHook().wait(WaitCondition("solution", SOLUTION, "updated"))
    assert evaluated.description["latestSolutionUpdate"]["status"] == "ACTIVE"


def test_a_wait_for_what_fails_says_why(personalize):
    faults.fail_next("CreateDatasetGroup", "no more room")
    arn = personalize.create_dataset_group(name="other")["datasetGroupArn"]
    with pytest.raises(ResourceFailedError, match="no more room") as failure:
        PersonalizeHook().wait(WaitCondition("dataset_group", arn))
    assert (failure.value.arn, failure.value.status) == (arn, "CREATE FAILED")


def test_a_wait_ends_by_its_deadline(personalize, passing_time):
    with pytest.raises(WaitTimeoutError, match="no update has been made"):
        PersonalizeHook().wait(WaitCondition("solution", SOLUTION, "updated"), deadline=passing_time.time() + 100)
    assert sum(passing_time.slept) == 100


def test_a_wait_pauses_longer_while_it_is_throttled_and_as_before_after_that(personalize, passing_time):
    personalize.update_solution(solutionArn=SOLUTION, performAutoTraining=True)
    assumptions.seconds["solution_update"] = 600
    faults.error_next("DescribeSolution", "ThrottlingException", times=6)
    PersonalizeHook().wait(WaitCondition("solution", SOLUTION, "updated"), delay=10)
    assert passing_time.slept[:8] == [10, 20, 40, 80, 80, 80, 10, 10]


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("InternalFailure", 500), ("Slow", 429)])
def test_a_transient_error_is_not_an_answer(personalize, code, status):
    faults.error_next("DescribeSolution", code, status=status, times=None)
    evaluated = PersonalizeHook().poll(WaitCondition("solution", SOLUTION))
    assert evaluated.outcome == "in progress"
    assert code in evaluated.reason


@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidInputException", "ResourceNotFoundException"])
def test_a_refusal_is_an_answer(personalize, code):
    faults.error_next("DescribeSolution", code)
    with pytest.raises(ClientError, match=code):
        PersonalizeHook().poll(WaitCondition("solution", SOLUTION))


def test_an_unreachable_endpoint_is_transient(monkeypatch):
    extra = '{"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:9"}'
    monkeypatch.setenv(
        "AIRFLOW_CONN_NOWHERE",
        f'{{"conn_type": "aws", "login": "a", "password": "b", "extra": {extra}}}',
    )
    hook = PersonalizeHook("nowhere", config={"retries": {"total_max_attempts": 1}})
    evaluated = hook.poll(WaitCondition("solution", SOLUTION))
    assert (evaluated.outcome, evaluated.status) == ("in progress", None)
    assert "EndpointConnectionError" in evaluated.reason


@pytest.fixture
def names(monkeypatch) -> Callable[[int], None]:
    """Control what the DNS answers."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")

    def answer(code: int) -> None:
        def look_up(*_: object, **__: object) -> None:
            raise socket.gaierror(code, "said the DNS")

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return answer


@pytest.mark.parametrize("region", ["us-esat-1", "eu-west-3", "us-gov-west-1", "cn-northwest-1"])
def test_a_region_without_personalize_fails_at_once(names, region):
    names(socket.EAI_NONAME)
    hook = PersonalizeHook(region_name=region)
    with pytest.raises(UnknownRegionError, match=rf"no Personalize in the region '{region}'.* in ap-northeast-1, .*cn"):
        hook.poll(WaitCondition("solution", SOLUTION))


@pytest.mark.parametrize(
    ("region", "answer"),
    [("us-east-1", socket.EAI_NONAME), ("cn-north-1", socket.EAI_NONAME), ("us-esat-1", socket.EAI_AGAIN)],
)
def test_a_name_that_cannot_be_looked_up_is_transient(names, region, answer):
    names(answer)
    evaluated = PersonalizeHook(region_name=region).poll(WaitCondition("solution", SOLUTION))
    assert evaluated.outcome == "in progress"
    assert "EndpointConnectionError" in evaluated.reason


def test_unreachable_polls_read_the_regions_once(names, monkeypatch):
    """A thousand waits of a triggerer took a minute of CPU and a gigabyte for that, whenever the network was down."""
    made = []
    monkeypatch.setattr(hook_module, "Session", lambda: made.append(1) or botocore.session.Session())
    hook_module.known_regions.cache_clear()
    names(socket.EAI_AGAIN)
    hook = PersonalizeHook(region_name="us-east-1")
    wait = WaitCondition("solution", SOLUTION)
    hook.conn  # noqa: B018 - made in one thread
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda _: hook.poll(wait).outcome, range(32)))
    assert set(outcomes) == {"in progress"}
    assert len(made) == 1


def test_an_endpoint_of_ones_own_that_is_gone_is_transient(names, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://personalize:8000")
    names(socket.EAI_NONAME)
    assert PersonalizeHook(region_name="local").poll(WaitCondition("solution", SOLUTION)).outcome == "in progress"


def test_an_answer_without_the_resource_is_transient(personalize, monkeypatch):
    hook = PersonalizeHook()
    monkeypatch.setattr(hook.conn, "describe_solution", lambda **_: {"ResponseMetadata": {}})
    with pytest.raises(IncompleteAnswerError, match="DescribeSolution answered without 'solution'"):
        hook.describe("solution", SOLUTION)
    assert hook.poll(WaitCondition("solution", SOLUTION)).outcome == "in progress"


def test_expired_credentials_are_renewed_once(personalize):
    hook = PersonalizeHook()
    before = hook.conn
    faults.error_next("DescribeSolution", "ExpiredTokenException", times=1)
    assert hook.poll(WaitCondition("solution", SOLUTION)).outcome == "succeeded"
    assert hook.conn is not before
    faults.error_next("DescribeSolution", "ExpiredTokenException", times=2)
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        hook.poll(WaitCondition("solution", SOLUTION))


def test_a_connection_that_does_not_exist_is_an_error():
    with pytest.raises(ConnectionMissingError, match="'nobody' does not exist"):
        _ = PersonalizeHook("nobody").conn


@pytest.mark.parametrize("name", ["nobody", "aws_default_2", "AWS_DEFAULT"])
def test_only_airflows_default_name_need_not_exist(monkeypatch, name):
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    with pytest.raises(ConnectionMissingError, match=f"'{name}' does not exist"):
        _ = PersonalizeHook(name).conn


def test_without_aws_default_boto3s_chain_is_used_and_one_line_says_so(personalize, monkeypatch, caplog, capsys):
    """As in the Amazon provider: MWAA's images come with the connection, others do not."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    hook = PersonalizeHook()
    keys = signing_keys(hook)
    assert hook.describe("solution", SOLUTION)["status"] == "ACTIVE"
    assert keys == [os.environ["AWS_ACCESS_KEY_ID"]]
    said = caplog.text + capsys.readouterr().out
    assert len([line for line in said.splitlines() if "'aws_default'" in line]) == 1


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_or_an_empty_one_is_boto3s_chain(monkeypatch, name):
    """As the Amazon provider says of ``aws_conn_id``: "If this is None or empty"."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert PersonalizeHook(name).conn.meta.region_name == "eu-west-1"


def test_aws_default_that_was_there_before_stays_required(personalize, monkeypatch):
    """Other credentials might look into another account, where a resource that is not there would count as deleted."""
    hook = PersonalizeHook()
    hook.describe("solution", SOLUTION)
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    hook.renew()
    with pytest.raises(ConnectionMissingError, match="'aws_default'"):
        hook.describe("solution", SOLUTION)


def test_the_users_configuration_goes_over_ours(monkeypatch):
    ours = PersonalizeHook(region_name="us-east-1").conn.meta.config
    assert (ours.connect_timeout, ours.read_timeout) == (10, 30)
    theirs = PersonalizeHook(region_name="us-east-1", config={"read_timeout": 3}).conn.meta.config
    assert (theirs.connect_timeout, theirs.read_timeout) == (10, 3)
    extra = '{"region_name": "us-east-1", "config_kwargs": {"connect_timeout": 4}}'
    monkeypatch.setenv("AIRFLOW_CONN_SLOW", f'{{"conn_type": "aws", "extra": {extra}}}')
    of_connection = PersonalizeHook("slow").conn.meta.config
    assert (of_connection.connect_timeout, of_connection.read_timeout) == (4, 30)


def test_a_deadline_in_the_past_still_polls_once(personalize, passing_time):
    deadline = passing_time.time() - 1
    assert PersonalizeHook().wait(WaitCondition("solution", SOLUTION), deadline=deadline).status == "ACTIVE"


def _resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _closes(connection: socket.socket) -> None:
    pass


def _cuts_the_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")


def _cuts_a_chunk(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{")


def _is_silent(connection: socket.socket) -> None:
    connection.recv(1)  # until the client leaves


def _sends(body: bytes, status: bytes = b"200 OK") -> Callable[[socket.socket], None]:
    answer = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body)
    return lambda connection: connection.sendall(answer)


@pytest.mark.parametrize(
    "answer",
    [
        _resets,
        _closes,
        _cuts_the_body,
        _cuts_a_chunk,
        _is_silent,
        _sends(b"<html>Service Unavailable</html>", b"503 Service Unavailable"),
        _sends(b"<html>a proxy's page</html>"),
        _sends(b"null"),
        _sends(b"[]"),
        _sends(b'{"solution": "x"}'),
        _sends(b'{"solution": null}'),
        _sends(b'{"solution": {"status": "ACTIVE", "creationDateTime": "yesterday"}}'),
    ],
)
def test_a_broken_connection_is_transient(answer, monkeypatch):
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            answer(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    extra = f'{{"region_name": "us-east-1", "endpoint_url": "{url}"}}'
    monkeypatch.setenv("AIRFLOW_CONN_ROUGH", f'{{"conn_type": "aws", "login": "a", "password": "b", "extra": {extra}}}')
    hook = PersonalizeHook("rough", config={"retries": {"total_max_attempts": 1}, "read_timeout": 0.5})
    evaluated = hook.poll(WaitCondition("solution", SOLUTION))
    thread.join()
    listening.close()
    assert (evaluated.outcome, evaluated.status) == ("in progress", None)
    assert evaluated.reason


def test_a_wrong_certificate_bundle_is_not_transient(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        extra = f'{{"region_name": "us-east-1", "endpoint_url": "{url}"}}'
        monkeypatch.setenv(
            "AIRFLOW_CONN_TLS", f'{{"conn_type": "aws", "login": "a", "password": "b", "extra": {extra}}}'
        )
        hook = PersonalizeHook("tls", verify="/no/such/bundle.pem", config={"retries": {"total_max_attempts": 1}})
        with pytest.raises(Exception, match=r"bundle\.pem|No such file"):
            hook.poll(WaitCondition("solution", SOLUTION))


def test_botocores_stubber_can_answer_in_the_services_place(personalize):
    hook = PersonalizeHook()
    with Stubber(hook.conn) as stub:
        stub.add_response("describe_solution", {"solution": {"status": "ACTIVE"}})
        stub.add_client_error("describe_solution", "AccessDeniedException", "No.")
        assert hook.describe("solution", SOLUTION)["status"] == "ACTIVE"
        with pytest.raises(ClientError, match="No."):
            hook.describe("solution", SOLUTION)


def test_nothing_is_sent_while_moto_answers(personalize):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        hook = PersonalizeHook(config={"proxies": {"https": url}, "read_timeout": 0.1, "connect_timeout": 0.1})
        assert hook.conn.describe_solution(solutionArn=SOLUTION)["solution"]["name"] == "shop"
        with pytest.raises(BlockingIOError):
            proxy.accept()
