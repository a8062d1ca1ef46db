"""
Between moto and the backend: JSON in, JSON out.

One backend serves the control plane, whose operations are named in a header, and the two services of events and
recommendations, whose operations have a path each.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from moto.core.responses import BaseResponse

from airflow_provider_personalize.emulator import service_model
from airflow_provider_personalize.emulator.control.transport_faults import InjectedFault
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.http.models import PersonalizeBackend, personalize_backends

_JSON = "application/x-amz-json-1.1"
_UNKNOWN = "UnknownOperation"
_APP_ID = re.compile(r"(?:^| )app/(\S+)")


class PersonalizeResponse(BaseResponse):
    """What moto calls: a method for each operation, all created by :func:`_method`."""

    def __init__(self) -> None:
        super().__init__(service_name="personalize")

    def setup_class(self, *args: Any, **kwargs: Any) -> None:
        """Set up a request; its body stays in bytes, which may not be text."""
        try:
            super().setup_class(*args, **{**kwargs, "use_raw_body": True})
        except (EOFError, OSError, ValueError, zlib.error) as error:
            raise ServiceError("SerializationException", f"The request cannot be read: {error}") from None

    def _get_action(self) -> str:
        request, control = self.normalized_request, service_model.service()
        if request.method != "POST":
            return _UNKNOWN
        if request.path != "/":
            return service_model.operation_at().get(request.path, _UNKNOWN)
        prefix, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        known = prefix == control.metadata["targetPrefix"] and operation in control.operation_names
        return operation if known else _UNKNOWN

    def respond(self, operation: str) -> tuple[str, dict[str, Any]]:
        """Answer a call."""
        try:
            answer, status = self._backend().answer(operation, self._request(), self._app_id()), 200
        except InjectedFault as fault:
            return fault.answer()
        except ServiceError as error:
            status = service_model.error_status(operation, error.code) or error.status
            answer = {"__type": error.code, "message": error.message}
        # a Delete and its kin answer nothing at all
        empty = status == 200 and service_model.answer_shape(operation) is None
        return "" if empty else json.dumps(answer), {"status": status, "Content-Type": _JSON}

    def unknown_operation(self) -> tuple[str, dict[str, Any]]:
        """Refuse an operation that does not exist."""
        refused = {"__type": "UnknownOperationException", "message": "Personalize has no such operation"}
        return json.dumps(refused), {"status": 400, "Content-Type": _JSON}

    def _backend(self) -> PersonalizeBackend:
        try:
            backend: PersonalizeBackend = personalize_backends[self.current_account][self.region]
        except KeyError:
            text = f"The credential is scoped to {self.region!r}, where there is no Personalize."
            raise ServiceError("InvalidSignatureException", text) from None
        return backend

    def _app_id(self) -> str | None:
        found = _APP_ID.search(self.headers.get("User-Agent", ""))
        return found[1] if found else None

    def _request(self) -> dict[str, Any]:
        try:
            text = self.body.decode() if isinstance(self.body, bytes) else self.body
            request = json.loads(text or "{}", parse_constant=_not_json)
            if "\\ud" in text.lower():
                json.dumps(request, ensure_ascii=False).encode()  # half a character cannot be kept
        except ValueError as error:
            raise ServiceError("SerializationException", f"The request is not JSON: {error}") from None
        except RecursionError:
            raise ServiceError("SerializationException", "The request is nested too deeply") from None
        if not isinstance(request, dict):
            raise ServiceError("SerializationException", "The request is not a JSON object")
        return {name: value for name, value in request.items() if value is not None}


def _not_json(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number in JSON")


def _method(operation: str) -> Callable[[PersonalizeResponse], tuple[str, dict[str, Any]]]:
    def method(self: PersonalizeResponse) -> tuple[str, dict[str, Any]]:
        return self.respond(operation)

    return method


for _operation in service_model.operations():
    setattr(PersonalizeResponse, xform_name(_operation), _method(_operation))
