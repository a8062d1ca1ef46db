"""
The log of calls: a test counts them to see that something was requested once, or not at all.

A server that runs for days forgets the oldest.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_KEPT: Final = 200_000


class Call(NamedTuple):
    """
    One call.

    :param operation: The operation's name, as in ``UpdateSolution``.
    :param arn: The resource that it was about, as far as the request says; for a list, what it was limited to.
    :param at: The service's time, in seconds since 1970.
    :param error: The code of the error that answered it, or None.
    :param app_id: The application that the client names in its user agent, or None (``AWS_SDK_UA_APP_ID``).
    """

    operation: str
    arn: str | None
    at: float
    error: str | None
    app_id: str | None = None


class Calls(list[Call]):
    """The calls since the state was last reset, in the order of their answers; the latest 100,000 at least."""

    def append(self, call: Call) -> None:
        """Log a call."""
        super().append(call)
        if len(self) > MOST_KEPT:
            del self[: MOST_KEPT // 2]

    def of(self, operation: str, arn: str | None = None) -> list[Call]:
        """Return the calls of one operation, and about one resource if an ARN is given."""
        return [call for call in list(self) if call.operation == operation and arn in {None, call.arn}]
