"""Lists in pages."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from airflow_provider_personalize.emulator.errors import ServiceError

PAGE_SIZE: Final = 100
_BEFORE_ALL: Final = -(2**63)

Item = TypeVar("Item")


def page(
    found: Sequence[tuple[int, Item]], request: Mapping[str, Any], scope: str
) -> tuple[list[Item], dict[str, str]]:
    """
    Return the page that a request asks for, and the token for the next one if there is one.

    :param found: Everything there is, each with a number that grows along the list and stays when others go.
    :param request: With ``maxResults`` and ``nextToken``, if given.
    :param scope: What is listed. A token is good for the list it came from only.
    """
    after = _read_token(request.get("nextToken"), scope)
    rest = [(number, item) for number, item in found if number > after]
    taken = rest[: request.get("maxResults", PAGE_SIZE)]
    more = {"nextToken": _token(scope, taken[-1][0])} if len(rest) > len(taken) else {}
    return [item for _, item in taken], more


def _token(scope: str, number: int) -> str:
    return base64.urlsafe_b64encode(f"{scope} {number}".encode()).decode()


def _read_token(token: str | None, scope: str) -> int:
    if token is None:
        return _BEFORE_ALL
    try:
        owner, _, number = base64.urlsafe_b64decode(token).decode().rpartition(" ")
        after = int(number)
    except ValueError:
        owner, after = "", 0
    if owner != scope:
        raise ServiceError("InvalidNextTokenException", "The token is not valid.")
    return after
