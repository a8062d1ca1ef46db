"""Which errors of a look are weather, to be waited out, and which are an answer, and which answer."""

from __future__ import annotations

from typing import Final

from airflow_provider_personalize.exceptions import IncompleteAnswerError

# ThrottlingException is what Personalize says; the others are what AWS front ends say for the same.
_THROTTLED: Final = frozenset({"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"})
_UNKNOWN_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def is_weather(error: Exception) -> bool:
    """Tell whether a failed look says nothing of the resource: throttled, unreachable, broken on the way."""
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    if isinstance(error, aws.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR or _code(error) in _THROTTLED
    if isinstance(error, aws.SSLError):
        return "EOF" in str(error)  # broken off; any other is a wrong certificate, or a bundle that is not there
    broken = (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, ResponseParserError)
    return isinstance(error, (*broken, IncompleteAnswerError, ConnectionError, TimeoutError))


def is_about_credentials(error: Exception) -> bool:
    """Tell whether the service does not take the credentials, so that new ones may do: expired, rotated."""
    return _code(error) in _UNKNOWN_CREDENTIALS


def is_not_found(error: Exception) -> bool:
    """Tell whether the service says that there is no such resource."""
    return _code(error) == "ResourceNotFoundException"


def is_in_use(error: Exception) -> bool:
    """Tell whether the service says that something depends on the resource, or that it is in transition."""
    return _code(error) == "ResourceInUseException"


def _code(error: Exception) -> str:
    # botocore's transport errors have a response, and it is None
    response = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
