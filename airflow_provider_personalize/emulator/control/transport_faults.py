"""
What happens to an answer between the service and its client.

Over HTTP it is done to the client's connection. In the same process, where there is none, the client gets from botocore
what it would have made of it.
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

from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.errors import Refused

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
class Connection:
    """
    A client's connection while a request of it is answered.

    :param missing: How many bytes the answer announces and does not have.
    :param reset: Whether to break it off instead of answering.
    """

    socket: socket.socket
    missing: int = 0
    reset: bool = False

    def has_left(self) -> bool:
        """Tell whether the client has gone, or the server wants to."""
        with suppress(OSError):
            readable, _, _ = select.select([self.socket], [], [], 0)
            return bool(readable) and not self.socket.recv(1, socket.MSG_PEEK)
        return True

    def break_off(self) -> None:
        """Close it so that the client sees a reset."""
        with suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.socket.detach())


connection: ContextVar[Connection | None] = ContextVar("connection", default=None)


class Lost(Refused):
    """
    What reaches the client instead of an answer.

    :param code: What the log of calls says of it.
    :param error: Makes what botocore raises, or None if something arrives.
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
        self._headers = {"status": status, "Content-Type": content_type}
        self._missing, self._error = missing, error

    def answer(self) -> tuple[str, dict[str, Any]]:
        """Return what arrives, or raise what the client makes of it that nothing does."""
        here = connection.get()
        if here is not None:
            here.missing, here.reset = self._missing, self._error is not None
        elif self._error is not None:
            raise self._error()
        return self.message, self._headers


def page(status: int) -> Lost:
    """Make the page of a proxy that gets no answer from the service."""
    return Lost(
        str(status), status=status, body=_PAGE.format(status, _NAMES.get(status, "Error")), content_type="text/html"
    )


def garbled() -> Lost:
    """Make an answer that is not JSON."""
    return Lost("(garbled)", body='{"status": <')


def cut() -> Lost:
    """Make an answer that ends too early."""
    return Lost("(cut)", body='{"status": "ACT', missing=_CUT)


def broken(code: str = "(reset)") -> Lost:
    """Make a connection that breaks off before the answer."""
    return Lost(code, error=lambda: ConnectionClosedError(endpoint_url=_URL))


def pause(seconds: float) -> None:
    """Let the client wait: over HTTP in its own seconds, since these are what its time-outs count."""
    here = connection.get()
    if here is None:
        clock.advance(seconds)
    else:
        end = time.monotonic() + seconds
        _hold(here, lambda: time.monotonic() >= end)


def hang(over: Callable[[], bool]) -> None:
    """Let the client wait until something is over, or until it gives up; in the same process it does so at once."""
    here = connection.get()
    if here is None:
        raise Lost("(hang)", error=lambda: ReadTimeoutError(endpoint_url=_URL))
    _hold(here, over)


def drip(over: Callable[[], bool]) -> None:
    """Send an answer byte by byte until something is over, or the client gives up, and then break it off."""
    here = connection.get()
    if here is None:
        raise Lost("(drip)", error=lambda: ReadTimeoutError(endpoint_url=_URL))
    with suppress(OSError):
        here.socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        _hold(here, over, meanwhile=lambda: here.socket.sendall(b" "))
    raise broken("(drip)")


def _hold(here: Connection, over: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
    while not over():
        if here.has_left():
            raise broken("(client left)")
        meanwhile()
        time.sleep(_PAUSE)
