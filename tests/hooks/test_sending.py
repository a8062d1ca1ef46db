"""How requests are sent, over real sockets and TLS, compared with botocore's own session."""

from __future__ import annotations

import gc
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_personalize.hooks import PersonalizeHook, sending
from airflow_provider_personalize.hooks.sending import LeanSession, send_leanly

SOLUTION = "arn:aws:personalize:us-east-1:123456789012:solution/shop"
Behaviour = Callable[[socket.socket], None]


def certificate(folder: Path, name: str) -> Path:
    """Make one that signs itself, and its key, in one file."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, name)])
    now, of = datetime.now(timezone.utc), x509.IPAddress(ip_address(name))
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([of]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name) for name in ("127.0.0.1", "127.0.0.2")}


class Service:
    """A server that treats each connection alike and records each request as received."""

    def __init__(self, behave: Behaviour | None = None, context: ssl.SSLContext | None = None) -> None:
        self.behave = behave or self.answer
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            self.behave(self._context.wrap_socket(connection, server_side=True) if self._context else connection)

    def read(self, connection: socket.socket) -> bool:
        """Read one request; tell whether there was one."""
        received = b""
        while not (end := re.search(rb"content-length: (\d+).*?\r\n\r\n", received, re.I | re.S)) or len(
            received
        ) < end.end() + int(end[1]):
            if not (part := connection.recv(65536)):
                return False
            received += part
        self.requests.append(received)
        return True

    def answer(self, connection: socket.socket, *, once: bool = False) -> None:
        while self.read(connection):
            connection.sendall(answer(200, {"solution": {"solutionArn": SOLUTION, "status": "ACTIVE"}}))
            if once:
                break

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            connection.close()


def answer(status: int, body: object) -> bytes:
    text = json.dumps(body).encode()
    content_type = "application/x-amz-json-1.1"
    return f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


@contextmanager
def service(behave: Behaviour | None = None, certificate: Path | None = None) -> Iterator[Service]:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    made = Service(behave, context)
    try:
        yield made
    finally:
        made.stop()


def client(
    url: str,
    verify: Path | bool | None = None,
    *,
    api: str = "personalize",
    lean: bool = True,
    token: str | None = None,
    **config: Any,
) -> Any:
    settings = {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 5, **config}
    made = boto3.client(
        api,
        endpoint_url=url,
        region_name="us-east-1",
        verify=str(verify) if isinstance(verify, Path) else verify,
        config=Config(**settings),
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        aws_session_token=token,
    )
    if lean:
        send_leanly(made)
    return made


def outcome(client: Any) -> str:
    try:
        return str(client.describe_solution(solutionArn=SOLUTION)["solution"]["status"])
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except Exception as error:  # noqa: BLE001 - whatever comes is what is compared
        return type(error).__name__


def is_lean(client: Any) -> bool:
    return isinstance(client._endpoint.http_session, LeanSession)


# --- as botocore does it ---------------------------------------------------------------------------------------------


def after_the_request(do: Behaviour) -> Callable[[Service], Behaviour]:
    return lambda service: lambda connection: service.read(connection) and do(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def keep_silent(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.recv(1)


FAULTS: dict[str, Callable[[Service], Behaviour]] = {
    "fine": lambda service: service.answer,
    "refused by the service": after_the_request(
        lambda to: to.sendall(answer(400, {"__type": "InvalidInputException"}))
    ),
    "503": after_the_request(lambda to: to.sendall(answer(503, {"__type": "ServiceUnavailable"}))),
    "no answer": after_the_request(keep_silent),
    "reset": after_the_request(reset),
    "closed": after_the_request(lambda to: to.shutdown(socket.SHUT_RDWR)),
    "not HTTP": after_the_request(lambda to: to.sendall(b"220 mail.example.com ESMTP\r\n\r\n")),
    "cut in the head": after_the_request(lambda to: (to.sendall(b"HTTP/1.1 200"), to.close())),
}


@pytest.mark.parametrize("tls", [False, True], ids=["HTTP", "TLS"])
@pytest.mark.parametrize("fault", FAULTS)
def test_calls_end_as_with_plain_botocore(certificates, fault, tls):
    own = certificates["127.0.0.1"] if tls else None
    with service(certificate=own) as there:
        there.behave = FAULTS[fault](there)
        patience = 0.3 if fault == "no answer" else 5
        ends = [outcome(client(there.url, own, lean=lean, read_timeout=patience)) for lean in (True, False)]
    assert ends[0] == ends[1]
    assert (ends[0] == "ACTIVE") == (fault == "fine")


def test_an_answer_that_is_cut_off_is_a_connection_that_broke():
    """botocore alone takes it for whole."""
    half = answer(200, {"solution": {}})[:-3]
    with service() as there:
        there.behave = lambda to: there.read(to) and (to.sendall(half), to.close())
        assert outcome(client(there.url)) == "ConnectionClosedError"


@pytest.mark.parametrize("tls", [False, True], ids=["HTTP", "TLS"])
@pytest.mark.parametrize("begun", [b"HTTP/1.1 2", b"HTTP/1.1 200 X\r\nContent-Length: 10000\r\n\r\n"])
def test_an_answer_that_drips_is_given_up(certificates, begun, tls):
    """botocore alone waits for its end, and there is none."""
    own = certificates["127.0.0.1"] if tls else None

    def drip(to: socket.socket) -> None:
        there.read(to)
        to.sendall(begun)
        while True:
            to.sendall(b"0")
            time.sleep(0.05)

    with service(drip, own) as there:
        assert outcome(client(there.url, own, read_timeout=0.3)) == "ReadTimeoutError"


def both(url: str, trusted: Path | None = None, **given: Any) -> list[str]:
    return [outcome(client(url, trusted, lean=lean, **given)) for lean in (True, False)]


@pytest.mark.parametrize(
    ("shown", "trusted", "end"),
    [
        ("127.0.0.1", "127.0.0.1", "ACTIVE"),
        ("127.0.0.2", "127.0.0.2", "SSLError"),
        ("127.0.0.1", "127.0.0.2", "SSLError"),
    ],
    ids=["right", "of another's name", "signed by nobody known"],
)
def test_whom_to_trust_is_decided_as_by_botocore_alone(certificates, shown, trusted, end):
    with service(certificate=certificates[shown]) as there:
        assert both(there.url, certificates[trusted]) == [end, end]


def test_a_connection_that_does_not_come_about_is_told_as_by_botocore_alone(certificates):
    own = certificates["127.0.0.1"]
    with service(lambda to: to.sendall(b"220 mail.example.com ESMTP\r\n\r\n" * 9)) as there:
        assert both(there.url.replace("http", "https"), own) == ["SSLError", "SSLError"]
    with service() as there:
        assert both(there.url, token="a\nb") == ["HTTPClientError", "HTTPClientError"]
    assert both(there.url) == ["EndpointConnectionError", "EndpointConnectionError"]


def test_a_handshake_that_is_not_answered_is_a_connection_that_was_not_made(certificates):
    """To botocore alone it is an answer that was not read."""
    with service(keep_silent) as there:
        url = there.url.replace("http", "https")
        assert outcome(client(url, certificates["127.0.0.1"], connect_timeout=0.3)) == "ConnectTimeoutError"


ASKED: dict[str, Callable[[Any], Any]] = {
    "personalize": lambda client: client.describe_solution(solutionArn=SOLUTION),
    "personalize-events": lambda client: client.put_users(datasetArn=SOLUTION, users=[{"userId": "ü"}]),
    "personalize-runtime": lambda client: client.get_recommendations(campaignArn=SOLUTION, userId="ü"),
}


@pytest.mark.parametrize("api", ASKED)
def test_requests_equal_those_of_plain_botocore(api):
    def told(request: bytes) -> tuple[Any, ...]:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *headers = head.decode().split("\r\n")
        changing = ("Authorization", "X-Amz-Date", "amz-sdk-invocation-id")
        return first, sorted(each if not each.startswith(changing) else each.split(":")[0] for each in headers), body

    with service() as there:
        for lean in (True, False):
            made = client(there.url, api=api, lean=lean, user_agent_extra="shop")
            assert [ASKED[api](made)["ResponseMetadata"]["HTTPStatusCode"] for _ in range(2)] == [200, 200]
        assert [told(request) for request in there.requests] == [told(there.requests[-1])] * 4


# --- connections -----------------------------------------------------------------------------------------------------


def test_a_connection_is_used_again_and_the_bundle_of_certificates_read_once(certificates, monkeypatch):
    read = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *given: read.append(given) or load(*given))
    own = certificates["127.0.0.1"]
    with service(certificate=own) as there:
        lean = client(there.url, own)
        waiting, at_once = threading.Barrier(3), []

        def poll() -> None:
            waiting.wait()
            at_once.append(outcome(lean))

        threads = [threading.Thread(target=poll) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(5):
            assert outcome(lean) == "ACTIVE"
        assert at_once == ["ACTIVE"] * 3
        assert len(there.connections) <= 3
        assert len(there.requests) == 8
    assert len(read) == 1


@pytest.mark.parametrize("tls", [False, True], ids=["HTTP", "TLS"])
def test_a_connection_that_the_service_closed_meanwhile_is_not_used_again(certificates, tls):
    own = certificates["127.0.0.1"] if tls else None
    with service(certificate=own) as there:
        closed = threading.Semaphore(0)
        there.behave = lambda to: (there.answer(to, once=True), to.shutdown(socket.SHUT_RDWR), closed.release())
        lean = client(there.url, own)
        for _ in range(3):
            assert outcome(lean) == "ACTIVE"
            assert closed.acquire(timeout=10)
        assert len(there.connections) == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch):
    """What is on the way may have dropped it without a word."""
    with service() as there:
        lean = client(there.url)
        assert [outcome(lean), outcome(lean)] == ["ACTIVE", "ACTIVE"]
        assert len(there.connections) == 1
        monkeypatch.setattr(sending, "_KEPT", 0)
        assert outcome(lean) == "ACTIVE"
        assert len(there.connections) == 2


def test_its_sockets_are_as_configured():
    with service() as there:
        lean = client(there.url, connect_timeout=7, read_timeout=8, tcp_keepalive=True)
        assert outcome(lean) == "ACTIVE"
        ((idle, _),) = lean._endpoint.http_session._idle
        assert idle.timeout == 7
        assert idle.sock.gettimeout() == 8
        assert outcome(client(there.url, read_timeout=None)) == "ACTIVE"
        for level, option in ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, socket.TCP_NODELAY)):
            assert idle.sock.getsockopt(level, option)


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_closed_or_forgotten_it_leaves_no_connection(how):
    left = threading.Event()
    with service() as there:
        there.behave = lambda to: (there.answer(to), left.set())
        lean = client(there.url)
        assert outcome(lean) == "ACTIVE"
        assert not left.is_set()
        if how == "closed":
            lean.close()
        else:
            del lean
            gc.collect()
        assert left.wait(10)


@pytest.mark.parametrize("api", ASKED)
def test_a_hook_sends_so(api):
    assert is_lean(PersonalizeHook(region_name="us-east-1", client_type=api).conn)


# --- where it keeps out ----------------------------------------------------------------------------------------------


def test_it_keeps_out_where_it_does_not_know_the_way(certificates, monkeypatch):
    own = certificates["127.0.0.1"]
    assert is_lean(client("https://127.0.0.1", own))
    assert not is_lean(client("https://127.0.0.1", verify=False))
    assert not is_lean(client("https://127.0.0.1", own / "not there"))
    assert not is_lean(client("https://127.0.0.1", own, proxies={"https": "http://127.0.0.1:1"}))
    assert not is_lean(client("https://127.0.0.1", own, client_cert=str(own)))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert not is_lean(client("https://127.0.0.1", own))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert is_lean(client("https://127.0.0.1", own))


def test_an_address_without_a_port_is_that_of_its_scheme(certificates, monkeypatch):
    asked = []
    monkeypatch.setattr(socket, "create_connection", lambda address, *_, **__: asked.append(address) or no_route())
    for url in ("https://[::1]", "http://[::1]"):
        assert outcome(client(url, certificates["127.0.0.1"])) == "EndpointConnectionError"
    assert asked == [("::1", 443), ("::1", 80)]


def no_route() -> None:
    raise OSError


def test_a_botocore_with_other_parts_is_left_alone():
    made = client("http://127.0.0.1:1", lean=False)
    del made._endpoint.http_session._verify
    send_leanly(made)
    assert not is_lean(made)
