"""
Transport faults: what can happen to an answer between the service and its client.

Over HTTP they act on the client's connection. In the same process, without a connection, the client gets the exception
that botocore would have raised.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from airflow_provider_personalize.emulator.control.clock import Clock
from airflow_provider_personalize.emulator.errors import ServiceError

_PAUSE: Final = 0.02
_URL: Final = "https://personalize.amazonaws.com"
_CUT: Final = 512

_PAGE: Final = """\
<html>
<head><title>{0} {1}</title></head>
<body>
<center><h1>{0} {1}</h1></center>
</body>
</html>
"""
_NAMES: Final = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Temporarily Unavailable",
                 504: "Gateway Time-out"}  # fmt: skip


@dataclass
class ClientConnection:
    """
    A client's connection while one of its requests is answered.

    :param missing: How many bytes the answer announces and lacks.
    :param reset: Whether to break it off instead of answering.
    """

    socket: socket.socket
    missing: int = 0
    reset: bool = False

    def has_left(self) -> bool:
        """Return whether the client has gone, or the server is stopping."""
        with suppress(OSError):
            readable, _, _ = select.select([self.socket], [], [], 0)
            return bool(readable) and not self.socket.recv(1, socket.MSG_PEEK)
        return True

    def break_off(self) -> None:
        """Close it so that the client sees a reset."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.socket.detach())


connection: ContextVar[ClientConnection | None] = ContextVar("connection", default=None)


class InjectedFault(ServiceError):  # noqa: N818 - what the fault does is in the name of its maker
    """
    What reaches the client instead of an answer.

    :param code: How the log of calls names it.
    :ivar headers: The headers of what arrives.
    :param error: Makes the exception that botocore raises; None if something arrives.
    """

    def __init__(
        self,
        code: str,
        *,
        status: int = 200,
        body: str = "",
        content_type: str = "application/x-amz-json-1.1",
        missing: int = 0,
        error: Callable[[], Exception] | None = None,
    ) -> None:
        super().__init__(code, body, status)
        self.headers = {"status": status, "Content-Type": content_type}
        self._missing, self._error = missing, error

    def answer(self) -> tuple[str, dict[str, Any]]:
        """Return what arrives; if nothing does, raise what botocore raises then."""
        here = connection.get()
        if here is not None:
            here.missing, here.reset = self._missing, self._error is not None
        elif self._error is not None:
            raise self._error()
        return self.message, self.headers


def page(status: int) -> InjectedFault:
    """Return the page of a proxy that gets no answer from the service."""
    return InjectedFault(
        str(status), status=status, body=_PAGE.format(status, _NAMES.get(status, "Error")), content_type="text/html"
    )


def garbled() -> InjectedFault:
    """Return an answer that is not JSON."""
    return InjectedFault("(garbled)", body='{"status": <')


def cut() -> InjectedFault:
    """Return an answer that ends too early."""
    return InjectedFault("(cut)", body='{"status": "ACT', missing=_CUT)


def broken(code: str = "(reset)") -> InjectedFault:
    """Return the fault of a connection that breaks off before the answer."""
    return InjectedFault(code, error=lambda: ConnectionClosedError(endpoint_url=_URL))


def pause(seconds: float, clock: Clock) -> None:
    """Keep the client waiting: over HTTP for real seconds, since its timeouts count these."""
    here = connection.get()
    if here is None:
        clock.advance(seconds)
    else:
        end = time.monotonic() + seconds
        _keep_waiting(here, lambda: time.monotonic() >= end)


def hang(over: Callable[[], bool]) -> None:
    """Keep the client waiting until something is over, or it gives up; in the same process it does so at once."""
    here = connection.get()
    if here is None:
        raise InjectedFault("(hang)", error=lambda: ReadTimeoutError(endpoint_url=_URL))
    _keep_waiting(here, over)


def drip(over: Callable[[], bool]) -> None:
    """Send an answer byte by byte until something is over, or the client gives up, and then break it off."""
    here = connection.get()
    if here is None:
        raise InjectedFault("(drip)", error=lambda: ReadTimeoutError(endpoint_url=_URL))
    with suppress(OSError):
        here.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        _keep_waiting(here, over, meanwhile=lambda: here.socket.sendall(b" "))
    raise broken("(drip)")


def _keep_waiting(
    here: ClientConnection, over: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None
) -> None:
    while not over():
        if here.has_left():
            raise broken("(client left)")
        meanwhile()
        time.sleep(_PAUSE)
