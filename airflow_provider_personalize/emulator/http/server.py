"""
The emulator at an address: all of moto (S3, STS, IAM, …) with our Personalize, for any client with an endpoint.

``with Server() as server: boto3.client("personalize", endpoint_url=server.url)``. It runs in threads of this process,
shares the state of this process's moto, and clears that state when it stops. Beside the AWS APIs it has controls
of its own, in JSON (``Content-Type: application/json``), under ``/_personalize/``; an invalid request is
answered 4xx, ``{"error": "…"}``:

- ``GET health``: ``{"status": "ok"}``
- ``GET calls``: the calls so far, each as in :class:`calls.Call`; ``?operation=UpdateSolution`` filters
- ``DELETE calls``: forget them
- ``POST faults``: ``{"fail_next": {"operation": "UpdateSolution", "reason": "…"}}`` or
  ``{"error_next": {"operation": "DescribeSolution", "code": "ThrottlingException"}}``, with the names and arguments of
  ``faults``
- ``GET faults``: the faults that are still to happen
- ``DELETE faults``: remove all faults
- ``GET clock``: ``{"now": …, "speed": 60}``, in seconds since 1970
- ``POST clock``: ``{"speed": 1}`` and/or ``{"advance": 3600}``; speed 0 stops it; it ends ten years from now
- ``GET bill``: what the real service would charge for, as in :class:`bill.Line`, and the total
- ``GET quotas``: the quotas in force
- ``POST quotas``: ``{"dataset_group": 100, "schema": null}``; null is any number
- ``GET assumptions``: those that are in force
- ``POST assumptions``: ``{"unchanged_update": "ignored", "seconds": {"campaign": 60}, …}``; what is not named stays

Of moto's own controls there are ``/moto-api/reset``, ``seed``, ``state-manager/…`` and ``static/…``. The others are
refused, and so is whatever a web page of another origin sends (``access``).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.wrappers import Request, Response

from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.emulator.control.clock import FASTEST
from airflow_provider_personalize.emulator.control.faults import Faults
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.http import access
from airflow_provider_personalize.emulator.http.models import all_backends
from airflow_provider_personalize.emulator.validators import check_at_most, check_number

_log: Final = logging.getLogger(__name__)
_WITHOUT_BODY: Final = {204, 304}
_LARGEST_BODY: Final = 5 * 1024**3  # what S3 takes in one request
_PIECE: Final = 1024**2


class Server:
    """
    Serve while the ``with`` block runs.

    :param host: The address to listen at. Nobody is authenticated: leave it at the loopback unless you know better.
    :param port: The port; 0 takes a free one.
    :param speed: Seconds of the service per real second; None leaves the clock as it is.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, speed: float | None = None) -> None:
        self._host, self._port, self._speed = host, port, speed
        self._http: _HttpServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._http is None:
            raise RuntimeError("the server is not running")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._http.port}"

    def start(self) -> None:
        """Start to listen. When this returns, it answers."""
        if self._speed is not None:
            state.clock.speed = self._speed
        app = _Controls(_Moto(create_backend_app), self._host)
        self._http = _HttpServer(self._host, self._port, app, handler=_Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="personalize-emulator")
        self._thread.start()

    def stop(self) -> None:
        """Close all connections, end all threads and forget the state."""
        if self._http is not None:
            self._http.stop()
            self._thread.join()
            self._http = None
            state.forget()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


class _HttpServer(ThreadedWSGIServer):
    """A server whose threads end with it."""

    daemon_threads = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.connections: set[socket.socket] = set()
        self.stopping = False
        super().__init__(*args, **kwargs)

    def stop(self) -> None:
        """End the loop, and every connection that a client keeps open."""
        self.stopping = True
        self.shutdown()
        for connection in tuple(self.connections):
            _end(connection)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)  # an answer on its way still gets out


class _Handler(MotoRequestHandler):
    """Answer the requests of one connection, which stays open for the next, and write no log of them."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)
        if self.server.stopping:
            _end(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def make_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().make_environ()
        # read to its end, or what the application leaves would pass for the next request
        body = self._body(environ)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}

    def _body(self, environ: dict[str, Any]) -> bytes:
        encoding, length = environ.get("HTTP_TRANSFER_ENCODING"), environ.get("CONTENT_LENGTH") or None
        if encoding is not None and (encoding.strip().lower() != "chunked" or length is not None):
            raise ValueError(f"Transfer-Encoding is {encoding!r}: it must be 'chunked', without a Content-Length")
        if encoding is not None:
            return b"".join(iter(partial(environ["wsgi.input"].read, _PIECE), b""))
        if length is not None and not (length.isascii() and length.isdecimal()):
            raise ValueError(f"Content-Length is {length!r}: it must be a number of bytes")
        return self._exactly(min(int((length or "0")[:20]), _LARGEST_BODY + 1))

    def _exactly(self, length: int) -> bytes:
        if length > _LARGEST_BODY:
            raise ValueError(f"Content-Length is more than {_LARGEST_BODY} bytes")
        body = bytearray()
        while piece := self.rfile.read(min(_PIECE, length - len(body))):
            body += piece
        if len(body) < length:
            raise ValueError(f"Content-Length is {length}, but only {len(body)} bytes came")
        return bytes(body)

    def run_wsgi(self) -> None:
        """Answer one request. werkzeug's own way would close the connection after it."""
        here = transport_faults.ClientConnection(self.connection)
        transport_faults.connection.set(here)
        response = self._response()
        if here.reset or here.missing:
            self.close_connection = True
        if here.reset:
            here.break_off()
        else:
            self._send(response, here.missing)

    def _send(self, response: Response, missing: int) -> None:
        body = response.get_data()
        if self.command != "HEAD" and response.status_code not in _WITHOUT_BODY:
            response.headers["Content-Length"] = str(len(body) + missing)
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def _response(self) -> Response:
        try:
            environ = self.make_environ()
        except (OSError, ValueError) as error:
            self.close_connection = True
            return _json({"__type": "SerializationException", "message": f"The request is not HTTP: {error}"}, 400)
        try:
            return Response.from_app(self.server.app, environ, buffered=True)
        except Exception:  # noqa: BLE001 - whatever moto raises, the client must not wait for an answer
            self.server.log("error", "%s", traceback.format_exc())
            return Response("The emulator failed; its log says why.", 500)

    def log_request(self, *args: Any) -> None:
        pass


class _Moto(DomainDispatcherApplication):
    """All of moto, which would read its own folder for each request if it did not remember which service a host is."""

    def __init__(self, create_app: Callable[..., Any]) -> None:
        super().__init__(create_app)
        self._services: dict[str, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host is None:
            return None
        if host not in self._services:
            self._services[host] = super().get_backend_for_host(host)
        if self._services[host] is None:
            raise KeyError(host)
        return self._services[host]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        app = self.get_application(environ)
        try:
            return app(environ, start_response)
        except Exception as error:
            if app.service == "personalize":
                raise
            # no 500, which clients repeat: moto would fail in the same way again
            _log.exception("moto failed")
            status = 400 if app.service == "moto_api" else 501
            raise ServiceError(
                "NotImplemented", f"moto's {app.service} cannot answer this: {error!r}", status
            ) from error

    def get_application(self, environ: dict[str, Any]) -> Any:
        try:
            return super().get_application(environ)
        except (LookupError, ValueError) as error:
            raise ServiceError("UnknownOperationException", "No service has this operation") from error


class _Controls:
    """The emulator's own paths, in front of moto's."""

    def __init__(self, app: Callable[..., Any], host: str) -> None:
        self._app, self._host = app, host

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            access.check(environ, self._host)
            if not environ.get("PATH_INFO", "").startswith(access.CONTROLS):
                _catch_up()
                return self._app(environ, start_response)
            response = self._answer(Request(environ))
        except ServiceError as error:
            response = _error(error, environ)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            return _json(_route(request)(request))
        except HTTPException as error:
            return _json({"error": str(error)}, error.code or 500)
        except RecursionError:
            return _json({"error": "the JSON is nested too deeply"}, 400)
        except (AttributeError, TypeError, ValueError) as error:
            return _json({"error": str(error)}, 400)


def _error(error: ServiceError, environ: dict[str, Any]) -> Response:
    if environ.get("PATH_INFO", "").startswith(access.CONTROLS):
        return _json({"error": error.message}, error.status)
    return _json({"__type": error.code, "message": error.message}, error.status)


def _catch_up() -> None:
    """End the jobs that are due, so that S3 has their files for a client that reads nothing else."""
    for backend in all_backends():
        backend.catch_up()


def _json(answer: Any, status: int = 200) -> Response:
    return Response(json.dumps(answer), status, mimetype="application/json")


def _route(request: Request) -> Callable[[Request], Any]:
    methods = _ROUTES.get(request.path.removeprefix(access.CONTROLS))
    if methods is None:
        there_are = ", ".join(access.CONTROLS + name for name in _ROUTES)
        raise NotFound(f"There is no {request.path}: there are {there_are}.")
    if request.method not in methods:
        raise MethodNotAllowed(methods, f"{request.path} takes {', '.join(methods)}.")
    return methods[request.method]


def _sent(request: Request, *allowed: str) -> dict[str, Any]:
    """Return the JSON object that was sent; refuse members other than the allowed ones."""
    sent = json.loads(request.get_data() or b"null")
    if not isinstance(sent, dict) or not sent or (allowed and set(sent) - set(allowed)):
        raise ValueError(f"send a JSON object with {' or '.join(allowed) or 'what is to change'}")
    return sent


def _health(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    return {"status": "ok"}


def _get_calls(request: Request) -> Any:
    operation = request.args.get("operation")
    return [call._asdict() for call in (state.calls.of(operation) if operation else list(state.calls))]


def _delete_calls(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    state.calls.clear()
    return {}


_FAULTS: Final[dict[str, Callable[..., None]]] = {
    fault.__name__: fault
    for fault in (
        Faults.fail_next,
        Faults.error_next,
        Faults.expired_next,
        Faults.unavailable_next,
        Faults.slow_next,
        Faults.hang_next,
        Faults.reset_next,
        Faults.cut_next,
        Faults.garbled_next,
        Faults.stale_next,
        Faults.worse_next,
        Faults.empty_next,
        Faults.broken_next,
        Faults.throttle,
    )
}


def _get_faults(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    return state.faults.told()


def _post_faults(request: Request) -> Any:
    sent = _sent(request, *_FAULTS)
    with state.faults.all_or_none():
        for fault, arguments in sent.items():
            if not isinstance(arguments, dict):
                raise ValueError(f"{fault} must be a JSON object")  # noqa: TRY004 - answered like the other mistakes
            _FAULTS[fault](state.faults, **arguments)
    return {}


def _delete_faults(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    state.faults.clear()
    return {}


def _get_clock(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    return {"now": state.clock.now(), "speed": state.clock.speed}


def _post_clock(request: Request) -> Any:
    sent = _sent(request, "speed", "advance")
    for name, value in sent.items():
        check_number(name, value)
    check_at_most("speed", sent.get("speed", 0), FASTEST)
    state.clock.advance(sent.get("advance", 0))
    state.clock.speed = sent.get("speed", state.clock.speed)
    return _get_clock(request)


def _get_bill(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    return state.bill.shown()


def _get_quotas(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    return state.quotas.in_force()


def _post_quotas(request: Request) -> Any:
    state.quotas.change(_sent(request))
    return state.quotas.in_force()


def _get_assumptions(request: Request) -> Any:  # noqa: ARG001 - called like its neighbours
    return asdict(state.assumptions)


def _post_assumptions(request: Request) -> Any:
    state.assumptions.change(_sent(request))
    return asdict(state.assumptions)


_ROUTES: Final[dict[str, dict[str, Callable[[Request], Any]]]] = {
    "health": {"GET": _health},
    "calls": {"GET": _get_calls, "DELETE": _delete_calls},
    "faults": {"GET": _get_faults, "POST": _post_faults, "DELETE": _delete_faults},
    "clock": {"GET": _get_clock, "POST": _post_clock},
    "bill": {"GET": _get_bill},
    "quotas": {"GET": _get_quotas, "POST": _post_quotas},
    "assumptions": {"GET": _get_assumptions, "POST": _post_assumptions},
}
