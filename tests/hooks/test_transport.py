"""The transport over real sockets and TLS. The reference is botocore's own HTTP session."""

from __future__ import annotations

import gc
import json
import re
import socket
import ssl
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3.util.connection
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_personalize.hooks import PersonalizeHook, transport

SOLUTION = "arn:aws:personalize:us-east-1:123456789012:solution/shop"
OWN, OTHER = "127.0.0.1", "127.0.0.2"
Behaviour = Callable[[socket.socket], None]
tls_or_not = pytest.mark.parametrize("tls", [False, True], ids=["HTTP", "TLS"])


def certificate(folder: Path, name: str) -> Path:
    """Make a self-signed certificate, and its key, in one file."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.OID_COMMON_NAME, name)])
    now, address = datetime.now(timezone.utc), x509.IPAddress(ip_address(name))
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
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
    return {name: certificate(folder, name) for name in (OWN, OTHER)}


class Service:
    """A server that treats each connection alike, and records each request as it arrived."""

    def __init__(self, behave: Behaviour | None = None, context: ssl.SSLContext | None = None) -> None:
        self.behave = behave or self.answer
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if not self._context:
                self.behave(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as secured:
                self.behave(secured)

    def read(self, connection: socket.socket) -> bool:
        """Read one request; return whether there was one."""
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
def service(
    behave: Behaviour | None = None, certificate: Path | None = None, *, asks_for: Path | None = None
) -> Iterator[Service]:
    """Start a server, over TLS if it has a certificate; it may ask for the client's."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if asks_for:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(asks_for)
    made = Service(behave, context)
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def proxy(certificate: Path | None = None, *, asks_for: Path | None = None) -> Iterator[Service]:
    """Start a proxy that opens a tunnel, and answers in the service's place what it is to forward."""

    def behave(connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        there.requests.append(head)
        if not head.startswith(b"CONNECT"):
            connection.sendall(answer(200, {"solution": {"status": "ACTIVE"}}))
            return
        host, port = head.split()[1].decode().split(":")
        with socket.create_connection((host, int(port))) as onward:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=pump, args=(onward, connection), daemon=True).start()
            pump(connection, onward)

    with service(behave, certificate, asks_for=asks_for) as there:
        yield there


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)


def client(
    url: str,
    verify: Path | bool | None = None,
    *,
    api: str = "personalize",
    pooled: bool = True,
    token: str | None = None,
    **config: Any,
) -> Any:
    settings = {"retries": {"total_max_attempts": 1}, "connect_timeout": 5, "read_timeout": 5, **config}
    given = str(verify) if isinstance(verify, Path) else verify
    made = boto3.Session().client(
        api,
        endpoint_url=url,
        region_name="us-east-1",
        verify=given,
        config=Config(**settings),
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        aws_session_token=token,
    )
    if pooled:
        transport.install(made, given, None)
    return made


def outcome(client: Any) -> str:
    try:
        return str(client.describe_solution(solutionArn=SOLUTION)["solution"]["status"])
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except Exception as error:  # noqa: BLE001 - whatever comes is what is compared
        return type(error).__name__


def both(url: str, trusted: Path | bool | None = None, **given: Any) -> list[str]:
    """Return what becomes of a call with the transport, and with botocore alone."""
    return [outcome(client(url, trusted, pooled=pooled, **given)) for pooled in (True, False)]


# --- what becomes of a call ------------------------------------------------------------------------------------------


def after_the_request(do: Behaviour) -> Callable[[Service], Behaviour]:
    return lambda service: lambda connection: service.read(connection) and do(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def keep_silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


RESPONSES: dict[str, Callable[[Service], Behaviour]] = {
    "success": lambda service: service.answer,
    "refused by the service": after_the_request(
        lambda to: to.sendall(answer(400, {"__type": "InvalidInputException"}))
    ),
    "503": after_the_request(lambda to: to.sendall(answer(503, {"__type": "ServiceUnavailable"}))),
    "redirect": after_the_request(
        lambda to: to.sendall(b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")
    ),
    "no answer": after_the_request(keep_silent),
    "reset": after_the_request(reset),
    "closed": after_the_request(lambda to: to.shutdown(socket.SHUT_RDWR)),
    "not HTTP": after_the_request(lambda to: to.sendall(b"220 mail.example.com ESMTP\r\n\r\n")),
    "truncated in the head": after_the_request(lambda to: (to.sendall(b"HTTP/1.1 200"), to.close())),
}


@tls_or_not
@pytest.mark.parametrize("response", RESPONSES)
def test_a_call_ends_as_with_botocore_alone(certificates, response, tls):
    own = certificates[OWN] if tls else None
    with service(certificate=own) as there:
        there.behave = RESPONSES[response](there)
        ends = both(there.url, own, read_timeout=0.3 if response == "no answer" else 60)
    assert ends[0] == ends[1]
    assert (ends[0] == "ACTIVE") == (response == "success")


def test_a_truncated_response_is_a_closed_connection():
    """botocore alone accepts it."""
    half = answer(200, {"solution": {}})[:-3]
    with service() as there:
        there.behave = lambda to: there.read(to) and (to.sendall(half), to.close())
        assert outcome(client(there.url)) == "ConnectionClosedError"


@tls_or_not
@pytest.mark.parametrize("begun", [b"HTTP/1.1 2", b"HTTP/1.1 200 X\r\nContent-Length: 10000\r\n\r\n"])
def test_a_dripping_response_times_out(certificates, begun, tls):
    """Plain botocore waits forever for its end."""
    own = certificates[OWN] if tls else None

    def drip(to: socket.socket) -> None:
        there.read(to)
        to.sendall(begun)
        while True:
            to.sendall(b"0")
            time.sleep(0.05)

    with service(drip, own) as there:
        assert outcome(client(there.url, own, read_timeout=0.3)) == "ReadTimeoutError"


def test_a_connection_that_fails_is_reported_as_by_botocore_alone(certificates):
    own = certificates[OWN]
    with service(lambda to: to.sendall(b"220 mail.example.com ESMTP\r\n\r\n" * 9)) as there:
        assert both(there.url.replace("http", "https"), own) == ["SSLError", "SSLError"]
    with service() as there:
        assert both(there.url, token="a\nb") == ["HTTPClientError", "HTTPClientError"]
    assert both(there.url) == ["EndpointConnectionError", "EndpointConnectionError"]


@pytest.mark.parametrize(
    ("behave", "end"),
    [(keep_silent, "ConnectTimeoutError"), (reset, "EndpointConnectionError")],
    ids=["silent", "reset"],
)
def test_a_handshake_that_fails_is_a_connection_that_was_not_made(certificates, behave, end):
    """botocore alone cannot tell it from a response that was lost."""
    with service(behave) as there:
        url = there.url.replace("http", "https")
        assert outcome(client(url, certificates[OWN], connect_timeout=0.3)) == end


ASKED: dict[str, Callable[[Any], Any]] = {
    "personalize": lambda client: client.describe_solution(solutionArn=SOLUTION),
    "personalize-events": lambda client: client.put_users(datasetArn=SOLUTION, users=[{"userId": "ü"}]),
    "personalize-runtime": lambda client: client.get_recommendations(campaignArn=SOLUTION, userId="ü"),
}


def told(request: bytes) -> tuple[Any, ...]:
    """Return a request without what differs each time."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    changing = ("Authorization", "X-Amz-Date", "amz-sdk-invocation-id")
    return first, sorted(each if not each.startswith(changing) else each.split(":")[0] for each in headers), body


@pytest.mark.parametrize("api", ASKED)
def test_a_request_is_what_botocore_alone_sends(api):
    with service() as there:
        for pooled in (True, False):
            made = client(there.url, api=api, pooled=pooled, user_agent_extra="shop")
            assert [ASKED[api](made)["ResponseMetadata"]["HTTPStatusCode"] for _ in range(2)] == [200, 200]
        assert [told(request) for request in there.requests] == [told(there.requests[-1])] * 4


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "trusted", "end"),
    [(OWN, OWN, "ACTIVE"), (OTHER, OTHER, "SSLError"), (OWN, OTHER, "SSLError"), (OWN, None, "SSLError")],
    ids=["right", "of another host", "unknown", "not in botocore's bundle"],
)
def test_a_certificate_is_trusted_as_by_botocore_alone(certificates, shown, trusted, end):
    with service(certificate=certificates[shown]) as there:
        assert both(there.url, certificates.get(trusted)) == [end, end]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_certificate_is_not_verified_if_so_configured(certificates):
    with service(certificate=certificates[OTHER]) as there:
        assert both(there.url, trusted=False) == ["ACTIVE", "ACTIVE"]


def in_a_profile(bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config").write_text(f"[profile shop]\nca_bundle = {bundle}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_PROFILE", "shop")


@pytest.mark.parametrize(
    "configure",
    [
        lambda bundle, _, patch: patch.setenv("AWS_CA_BUNDLE", str(bundle)),
        lambda bundle, _, patch: patch.setenv("REQUESTS_CA_BUNDLE", str(bundle)),
        in_a_profile,
    ],
    ids=["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "profile"],
)
def test_a_bundle_may_be_configured_outside_of_the_client(certificates, monkeypatch, tmp_path, configure):
    own = certificates[OWN]
    configure(own, tmp_path, monkeypatch)
    with service(certificate=own) as there:
        assert both(there.url) == ["ACTIVE", "ACTIVE"]


def test_a_client_shows_its_certificate(certificates):
    own, other = certificates[OWN], certificates[OTHER]
    with service(certificate=own, asks_for=other) as there:
        for shown in (str(other), (str(other), str(other))):
            assert both(there.url, own, client_cert=shown) == ["ACTIVE", "ACTIVE"]
        assert "ACTIVE" not in both(there.url, own)
        assert len(there.requests) == 4


def test_a_certificate_that_cannot_be_loaded_is_reported_as_by_botocore_alone(certificates, tmp_path):
    own = certificates[OWN]
    with service(certificate=own) as there:
        missing, broken = tmp_path / "missing.pem", tmp_path / "broken.pem"
        broken.write_text("no certificate")
        for given in ({"trusted": missing}, {"trusted": broken}, {"trusted": own, "client_cert": str(missing)}):
            ends = both(there.url, **given)
            assert ends[0] == ends[1] != "ACTIVE"


# --- proxies ---------------------------------------------------------------------------------------------------------


def test_requests_go_through_the_proxy_of_the_client(certificates):
    own = certificates[OWN]
    with proxy() as between, service(certificate=own) as there:
        proxies = {"https": f"http://user:pass@127.0.0.1:{between.port}"}
        assert both(there.url, own, proxies=proxies) == ["ACTIVE", "ACTIVE"]
        assert len(there.requests) == 2
        for head in between.requests:
            assert head.startswith(f"CONNECT 127.0.0.1:{there.port} ".encode())
            assert b"Proxy-Authorization: Basic " + b64encode(b"user:pass") in head
        assert len(between.requests) == 2
        assert not any(b"Proxy-Authorization" in request for request in there.requests)


def test_a_proxy_forwards_what_is_not_encrypted():
    with proxy() as between:
        assert both("http://personalize.example", proxies={"http": between.url}) == ["ACTIVE", "ACTIVE"]
        assert len(between.requests) == 2
        for head in between.requests:
            assert head.startswith(b"POST http://personalize.example/ ")
            assert b"Host: personalize.example\r\n" in head


def test_the_proxy_may_come_from_the_environment(monkeypatch, certificates):
    own = certificates[OWN]
    with proxy() as between, service(certificate=own) as there:
        monkeypatch.setenv("HTTPS_PROXY", between.url)
        assert both(there.url, own) == ["ACTIVE", "ACTIVE"]
        assert len(between.requests) == 2
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert both(there.url, own) == ["ACTIVE", "ACTIVE"]
        assert len(between.requests) == 2


def test_a_proxy_may_have_and_want_certificates(certificates):
    own, other = certificates[OWN], certificates[OTHER]
    with proxy(own, asks_for=other) as between, service(certificate=own) as there:
        settings = {"proxy_ca_bundle": str(own), "proxy_client_cert": str(other)}
        given = {"proxies": {"https": between.url}, "proxies_config": settings}
        assert both(there.url, own, **given) == ["ACTIVE", "ACTIVE"]
        assert "ACTIVE" not in both(there.url, own, proxies={"https": between.url})
        assert len(there.requests) == len(between.requests) == 2


def test_a_proxy_that_fails_is_reported_as_by_botocore_alone(certificates):
    own = certificates[OWN]
    with service(lambda to: (to.recv(65536), to.sendall(b"HTTP/1.1 407 X\r\n\r\n"), to.close())) as refusing:
        url = "https://personalize.example"
        assert both(url, own, proxies={"https": refusing.url}) == ["ProxyConnectionError"] * 2
    secret = f"http://user:canary@127.0.0.1:{refusing.port}"
    made = client(url, own, proxies={"https": secret})
    with pytest.raises(Exception, match="Failed to connect to proxy") as failure:
        made.describe_solution(solutionArn=SOLUTION)
    assert type(failure.value).__name__ == "ProxyConnectionError"
    assert "canary" not in str(failure.value)


# --- connections -----------------------------------------------------------------------------------------------------


def test_connections_are_reused_and_the_bundle_is_loaded_once(certificates, monkeypatch, tmp_path):
    own = tmp_path / "own.pem"
    own.write_bytes(certificates[OWN].read_bytes())
    loads = []
    load = ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *given: loads.append(given) or load(*given))
    with service(certificate=own) as there:
        pooled = client(there.url, own)
        waiting, at_once = threading.Barrier(3), []

        def poll() -> None:
            waiting.wait()
            at_once.append(outcome(pooled))

        threads = [threading.Thread(target=poll) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(5):
            assert outcome(pooled) == "ACTIVE"
        assert at_once == ["ACTIVE"] * 3
        assert len(there.connections) <= 3
        assert len(there.requests) == 8
        assert outcome(client(there.url, own)) == "ACTIVE"
        assert len(loads) == 1


def test_a_bundle_that_changed_is_loaded_again(certificates, tmp_path):
    bundle = tmp_path / "bundle.pem"
    with service(certificate=certificates[OWN]) as there:
        for name, end in [(OTHER, "SSLError"), (OWN, "ACTIVE")]:
            bundle.write_bytes(certificates[name].read_bytes())
            assert outcome(client(there.url, bundle)) == end


@tls_or_not
def test_a_connection_that_the_service_closed_is_not_reused(certificates, tls):
    own = certificates[OWN] if tls else None
    with service(certificate=own) as there:
        closed = threading.Semaphore(0)
        there.behave = lambda to: (there.answer(to, once=True), to.shutdown(socket.SHUT_RDWR), closed.release())
        pooled = client(there.url, own)
        for _ in range(3):
            assert outcome(pooled) == "ACTIVE"
            assert closed.acquire(timeout=60)
        assert len(there.connections) == 3


def test_a_connection_that_was_idle_for_long_is_not_reused(monkeypatch):
    """A device on the path may have dropped it silently."""
    with service() as there:
        pooled = client(there.url)
        assert [outcome(pooled), outcome(pooled)] == ["ACTIVE", "ACTIVE"]
        assert len(there.connections) == 1
        monkeypatch.setattr(transport, "MAX_IDLE", 0)
        assert outcome(pooled) == "ACTIVE"
        assert len(there.connections) == 2


@pytest.mark.parametrize("kept_alive", [True, False])
def test_sockets_are_configured_as_by_botocore_alone(monkeypatch, kept_alive):
    made, create = [], urllib3.util.connection.create_connection

    def record(address: Any, timeout: Any, *, socket_options: Any, **given: Any) -> socket.socket:
        made.append((timeout, sorted(socket_options)))
        return create(address, timeout, socket_options=socket_options, **given)

    monkeypatch.setattr(urllib3.util.connection, "create_connection", record)
    with service() as there:
        assert both(there.url, connect_timeout=7, tcp_keepalive=kept_alive) == ["ACTIVE"] * 2
        assert both(there.url, read_timeout=None) == ["ACTIVE"] * 2
    assert made[0] == made[1]
    assert ((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in made[0][1]) == kept_alive


@pytest.mark.filterwarnings("error::ResourceWarning", "error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_a_client_that_is_closed_or_forgotten_leaves_no_connection(how):
    left = threading.Event()
    with service() as there:
        there.behave = lambda to: (there.answer(to), left.set())
        pooled = client(there.url)
        assert outcome(pooled) == "ACTIVE"
        assert not left.is_set()
        if how == "closed":
            pooled.close()
        else:
            del pooled
            gc.collect()
        assert left.wait(10)


def test_a_closed_client_can_still_send():
    """As with botocore alone."""
    with service() as there:
        pooled = client(there.url)
        pooled.close()
        assert outcome(pooled) == "ACTIVE"
        pooled.close()


# --- in the hook -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ASKED)
def test_a_hook_ends_a_dripping_response(monkeypatch, api):
    def drip(to: socket.socket) -> None:
        there.read(to)
        while True:
            to.sendall(b"0")
            time.sleep(0.05)

    with service(drip) as there:
        extra = {"region_name": "us-east-1", "endpoint_url": there.url}
        given = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_DRIPPING", json.dumps(given))
        config = {"read_timeout": 0.3, "retries": {"total_max_attempts": 1}}
        hook = PersonalizeHook("dripping", client_type=api, config=config)
        with pytest.raises(Exception, match="Read timeout"):
            ASKED[api](hook.conn)
