"""
How requests are sent: a thousand waits' for little, and each to an end.

What is asked, how it is signed, repeated and read stays boto3's. But each new connection of botocore's own session
reads the bundle of certificates, 19 ms of CPU; each request goes through urllib3, which takes more than twice the CPU
of the standard library's client beneath it; and for each botocore puts the same user agent together anew. In a process
that does little but look, that is a third of all. And its time-out is for each part of an answer, so that one that
drips byte by byte holds its thread for ever.
"""

from __future__ import annotations

import math
import ssl
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, BytesIO, RawIOBase
from socket import socket
from time import monotonic
from typing import Any, Final, cast
from urllib.parse import SplitResult, urlsplit
from weakref import finalize

from botocore import exceptions as aws
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import create_urllib3_context, get_cert_path
from urllib3.util import wait_for_read

# Seconds for which a connection is kept that nobody uses. What is on the way forgets one, after 350 s at Amazon's NAT
# gateways (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html), and a write that is sent
# over it then may have arrived, for all that is known.
_KEPT: Final = 120


def send_leanly(client: Any) -> None:
    """
    Let a client send its requests over a :class:`LeanSession`, with the user agent that it made for the first.

    One that goes through a proxy, shows a certificate or verifies none stays as it is. So does one whose parts are not
    those that are known: they are not public.
    """
    url = urlsplit(client.meta.endpoint_url)
    try:
        session = client._endpoint.http_session
        if session._proxy_config.proxy_url_for(url.geturl()) or session._cert_file or not session._verify:
            return
        context = _context(session._verify) if url.scheme == "https" else None
        options, agent = session._socket_options, client._user_agent_creator
        agent.to_string = cache(agent.to_string)
    except (AttributeError, OSError):  # a bundle that cannot be read is botocore's to tell, at the first call
        return
    config = client.meta.config
    client._endpoint.http_session = LeanSession(
        session, url, context, config.connect_timeout, config.read_timeout, options
    )


class LeanSession:
    """
    What sends for botocore, in place of its own session: connections to one endpoint, which share one TLS context.

    :param ordinary: botocore's own session, for requests that go elsewhere.
    :param endpoint: The endpoint's address.
    :param context: The TLS context; None for plain HTTP.
    :param connect_timeout: Seconds until a connection must stand.
    :param read_timeout: Seconds until each part of an answer must come; after twice as many, no other is waited for.
    :param options: The options of sockets, as for ``setsockopt``.
    """

    def __init__(
        self,
        ordinary: Any,
        endpoint: SplitResult,
        context: ssl.SSLContext | None,
        connect_timeout: float,
        read_timeout: float,
        options: Sequence[Any],
    ) -> None:
        self._ordinary = ordinary
        self._endpoint = endpoint
        self._context = context
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._options = options
        self._idle: deque[tuple[HTTPConnection, float]] = deque()
        finalize(self, _close_all, self._idle)

    def send(self, request: AWSPreparedRequest) -> AWSResponse:
        """
        Send a request and read its answer.

        :raises botocore.exceptions.BotoCoreError: As from botocore's own session, but that an answer that is cut off is
            a ``ConnectionClosedError``, and a handshake without an answer a ``ConnectTimeoutError``.
        """
        url = urlsplit(request.url)
        if url[:2] != self._endpoint[:2] or request.stream_output:
            return self._ordinary.send(request)
        with _told_as_by_botocore(request.url, aws.ConnectTimeoutError, aws.EndpointConnectionError):
            connection = self._used() or self._made()
        try:
            with _told_as_by_botocore(request.url, aws.ReadTimeoutError, aws.ConnectionClosedError):
                path = f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
                connection.request(request.method, path, request.body, request.headers)
                response = connection.getresponse()
                body = _Body(response.read())
        except Exception:
            connection.close()
            raise
        self._idle.append((connection, monotonic()))
        return AWSResponse(request.url, response.status, response.headers, body)

    def close(self) -> None:
        """Close the connections that are not in use; what is in use is kept for the next request, or the next close."""
        self._ordinary.close()
        _close_all(self._idle)

    def _used(self) -> HTTPConnection | None:
        """Take a connection that stands, the one that was used last; what can be read from it is its end."""
        while kept := _last_of(self._idle):
            connection, since = kept
            if monotonic() - since < _KEPT and connection.sock and not wait_for_read(connection.sock, timeout=0):
                return connection
            connection.close()
        return None

    def _made(self) -> HTTPConnection:
        host, timeout = self._endpoint.hostname or "", self._connect_timeout
        port = self._endpoint.port or (443 if self._context else 80)
        connection = (
            HTTPSConnection(host, port, timeout=timeout, context=self._context)
            if self._context
            else HTTPConnection(host, port, timeout=timeout)
        )
        connection.response_class = _Answer
        connection.connect()
        for option in self._options:
            connection.sock.setsockopt(*option)
        connection.sock.settimeout(self._read_timeout)
        return connection


def _last_of(idle: deque[tuple[HTTPConnection, float]]) -> tuple[HTTPConnection, float] | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def _close_all(idle: deque[tuple[HTTPConnection, float]]) -> None:
    while kept := _last_of(idle):
        kept[0].close()


class _Answer(HTTPResponse):
    """An answer whose parts come over a socket in time."""

    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast("socket", _Parts(sock)), *args, **kwargs)


class _Parts(RawIOBase):
    """What comes over a socket; once its time-out has passed twice, no other part is waited for."""

    def __init__(self, sock: socket) -> None:
        self._raw, timeout = sock.makefile("rb", buffering=0), sock.gettimeout()
        self._end = math.inf if timeout is None else monotonic() + 2 * timeout

    def makefile(self, _: str) -> BufferedReader:
        """Give what to read from, as a socket does."""
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if monotonic() > self._end:
            raise TimeoutError("the answer has no end")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Body(BytesIO):
    def stream(self) -> Iterator[bytes]:
        """Give all at once what botocore asks for in parts."""
        yield self.read()


def _context(verify: bool | str) -> ssl.SSLContext:
    context: ssl.SSLContext = create_urllib3_context()
    context.load_verify_locations(get_cert_path(verify))
    context.verify_mode, context.check_hostname = ssl.CERT_REQUIRED, True
    return context


@contextmanager
def _told_as_by_botocore(url: str, late: type[Exception], broken: type[Exception]) -> Iterator[None]:
    """Raise botocore's error for one of the standard library's."""
    kinds = {ssl.SSLError: aws.SSLError, TimeoutError: late, OSError: broken, HTTPException: broken}
    try:
        yield
    except Exception as error:
        kind = next((kinds[known] for known in kinds if isinstance(error, known)), aws.HTTPClientError)
        raise kind(error=error, endpoint_url=url) from error
