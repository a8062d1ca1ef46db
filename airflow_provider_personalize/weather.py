"""Which errors of a look are weather, to be waited out, and which are an answer."""

from __future__ import annotations

from typing import Final

from airflow_provider_personalize.exceptions import IncompleteAnswerError

# ThrottlingException is what Personalize says; the others are what AWS front ends say for the same.
_THROTTLED: Final = frozenset({"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"})
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def is_weather(error: Exception) -> bool:
    """Tell whether a failed look says nothing of the resource: throttled, unreachable, broken on the way."""
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    if isinstance(error, aws.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR or _code(error) in _THROTTLED
    broken = (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, ResponseParserError)
    return isinstance(error, (*broken, IncompleteAnswerError, OSError))


def is_expiry(error: Exception) -> bool:
    """Tell whether the credentials have expired, so that new ones may do."""
    return _code(error) in _EXPIRED


def _code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
