"""Calls of the emulator and its HTTP controls, and their answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

JSON = {"Content-Type": "application/json"}


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Return the code and the message of the error that answers a call."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def outcome(call: Callable[..., Any], **request: Any) -> str:
    """Return the code of the error that answers a call, or ``accepted``."""
    try:
        call(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "accepted"


def ask(server: Any, method: str, path: str, sent: Any = None) -> tuple[int, Any]:
    """Return the status and the JSON that a control of a server answers."""
    data = None if sent is None else json.dumps(sent).encode()
    request = urllib.request.Request(f"{server.url}/_personalize/{path}", data, JSON, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
