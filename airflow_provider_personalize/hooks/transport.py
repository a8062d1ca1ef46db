"""
Send a client's requests over pooled connections that share one TLS context, and give each response a deadline.

boto3 reads the CA bundle again for each connection, 19 ms of CPU and half a megabyte, and applies its read timeout to
each part of a response, so that one that drips byte by byte holds its thread forever. This transport hangs on boto3's
public ``before-send`` event and sends with urllib3, as boto3 does. boto3 still builds, signs, retries and parses.
"""

from __future__ import annotations

import math
import os
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from pathlib import Path
from time import monotonic
from typing import Any, Final, cast

from botocore import exceptions as aws
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import ProxyConfiguration, get_cert_path, mask_proxy_url
from botocore.session import Session
from botocore.utils import get_environ_proxies
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Timeout
from urllib3 import exceptions as http
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

# Seconds after which an idle connection is not used again. Devices on the path drop one silently, Amazon's NAT gateways
# after 350 s (https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html), and a write sent over
# it may or may not have arrived.
MAX_IDLE: Final = 120
# A response must be complete after this many read timeouts.
_READ_TIMEOUTS: Final = 2
# boto3's exception for each of urllib3's, as boto3's own HTTP session maps them. The first that matches counts.
_ERRORS: Final = (
    (http.SSLError, aws.SSLError),
    # a pool that is closed between two steps of a request has sent nothing, like an endpoint that cannot be reached
    ((http.NewConnectionError, socket.gaierror, http.ClosedPoolError), aws.EndpointConnectionError),
    (http.ProxyError, aws.ProxyConnectionError),
    (http.ConnectTimeoutError, aws.ConnectTimeoutError),
    (http.ReadTimeoutError, aws.ReadTimeoutError),
    (http.ProtocolError, aws.ConnectionClosedError),
    (Exception, aws.HTTPClientError),
)


def install(client: Any, verify: bool | str | None, profile: str | None) -> None:
    """
    Send a client's requests over a :class:`PooledSession`, until the client is closed.

    The client keeps boto3's own transport if a certificate cannot be loaded, which boto3 reports at the first call, and
    if an HTTPS proxy forwards requests instead of tunnelling them.

    :param client: The boto3 client.
    :param verify: The ``verify`` that the client was made with.
    :param profile: The AWS profile that the client was made with.
    """
    config, configured = client.meta.config, Session(profile=profile)
    if (config.proxies_config or {}).get("proxy_use_forwarding_for_https"):
        return
    if verify is None:
        verify = configured.get_config_variable("ca_bundle")
    if verify is None:
        verify = os.environ.get("REQUESTS_CA_BUNDLE", True)
    keep_alive = config.tcp_keepalive
    if keep_alive is None:
        keep_alive = configured.get_config_variable("tcp_keepalive")
    try:
        session = PooledSession(client.meta.endpoint_url, config, get_cert_path(verify), keep_alive=bool(keep_alive))
    except (OSError, http.HTTPError):
        return
    client.meta.events.register_last("before-send", session.send, unique_id="personalize-transport")
    close_client = client.close

    def close() -> None:
        close_client()
        session.close()

    client.close = close


class PooledSession:
    """
    A pooled HTTP session for one endpoint.

    :param url: The endpoint.
    :param config: The client's configuration: timeouts, pool size, proxies, client certificate.
    :param ca_bundle: The path of the CA bundle; False means that certificates are not verified.
    :param keep_alive: Whether sockets send TCP keep-alives.
    """

    def __init__(self, url: str, config: Any, ca_bundle: str | bool, *, keep_alive: bool) -> None:
        options = [*HTTPConnection.default_socket_options]
        if keep_alive:
            options.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1))
        settings = {
            "timeout": Timeout(connect=config.connect_timeout, read=config.read_timeout),
            "maxsize": config.max_pool_connections,
            "ssl_context": _tls_context(ca_bundle, config.client_cert) if url.startswith("https:") else None,
            "socket_options": options,
        }
        proxies = ProxyConfiguration(
            get_environ_proxies(url) if config.proxies is None else config.proxies, config.proxies_config
        )
        self._proxy: str | None = proxies.proxy_url_for(url)
        self._pools: PoolManager
        if self._proxy:
            certificate, bundle = map(proxies.settings.get, ("proxy_client_cert", "proxy_ca_bundle"))
            self._pools = ProxyManager(
                self._proxy,
                proxy_headers=proxies.proxy_headers_for(self._proxy),
                proxy_ssl_context=_tls_context(bundle or ca_bundle, certificate),
                **settings,
            )
        else:
            self._pools = PoolManager(**settings)
        self._pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        """
        Send a request and read its whole response; return None for a request that boto3 must send itself.

        :raises botocore.exceptions.BotoCoreError: As from boto3's own session, except that a truncated response is a
            ``ConnectionClosedError``, and a TLS handshake without an answer a ``ConnectTimeoutError``.
        """
        if request.stream_output or _is_mocked():
            return None
        with self._botocore_errors(request.url):
            raw = self._pools.urlopen(
                request.method,
                request.url,
                body=request.body,
                headers=request.headers,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
            response = AWSResponse(request.url, raw.status, raw.headers, raw)
            _ = response.content  # reads it, and returns the connection to the pool
            return response

    def close(self) -> None:
        """Close idle connections. A connection in use is closed after its response."""
        for key in self._pools.pools.keys():  # noqa: SIM118 - the container does not allow iteration
            if pool := self._pools.pools.get(key):
                pool.close()
        self._pools.clear()

    @contextmanager
    def _botocore_errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            error_type = next(known_as for known, known_as in _ERRORS if isinstance(error, known))
            proxy = mask_proxy_url(self._proxy) if self._proxy else None
            raise error_type(error=str(error), endpoint_url=url, proxy_url=proxy) from error


def _is_mocked() -> bool:
    """
    Return whether moto answers in place of AWS.

    boto3 calls every ``before-send`` handler and takes the first response, so a request that moto answers would be sent
    nevertheless.
    """
    moto = sys.modules.get("moto.core.models")
    return moto is not None and getattr(getattr(moto, "botocore_stubber", None), "enabled", True)


def _tls_context(ca_bundle: str | bool, certificate: str | tuple[str, str] | None) -> ssl.SSLContext:
    """Return the process's TLS context for a CA bundle and a client certificate, a new one once a file has changed."""
    chain = (certificate,) if isinstance(certificate, str) else tuple(certificate or ())
    files = (ca_bundle, *chain) if isinstance(ca_bundle, str) else chain
    return _load_tls_context(ca_bundle, chain, tuple(Path(file).stat().st_mtime_ns for file in files))


@lru_cache(maxsize=8)
def _load_tls_context(ca_bundle: str | bool, chain: tuple[str, ...], _: tuple[int, ...]) -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if ca_bundle else ssl.CERT_NONE)
    if isinstance(ca_bundle, str):
        context.load_verify_locations(ca_bundle)
    if chain:
        context.load_cert_chain(*chain)
    return context


class _Response(HTTPResponse):
    """A response that is read from its socket until a deadline."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(cast("socket.socket", _Reader(sock)), *args, **kwargs)


class _Reader(RawIOBase):
    """What comes over a socket, until :data:`_READ_TIMEOUTS` of its timeouts have passed."""

    def __init__(self, sock: socket.socket) -> None:
        timeout = sock.gettimeout()
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = math.inf if timeout is None else monotonic() + _READ_TIMEOUTS * timeout

    def makefile(self, _: str) -> BufferedReader:
        """Return what to read from, as a socket does."""
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if monotonic() > self._deadline:
            raise TimeoutError("the response did not end in time")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    """A connection whose responses have a deadline, and which is not used again after a long pause."""

    response_class = _Response
    _last_used = math.inf

    def connect(self) -> None:
        """
        Connect.

        :raises urllib3.exceptions.HTTPError: It failed; never an error that could also mean a lost response.
        """
        try:
            super().connect()
        except ssl.SSLError:
            raise
        except TimeoutError as error:
            raise http.ConnectTimeoutError(self, f"Connection to {self.host} timed out") from error
        except OSError as error:
            raise http.NewConnectionError(self, f"Failed to connect: {error}") from error

    def getresponse(self) -> Any:
        self._last_used = monotonic()
        return super().getresponse()

    @property
    def is_connected(self) -> bool:
        return monotonic() - self._last_used < MAX_IDLE and super().is_connected


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
