"""Which errors of a call are weather, to be waited out, and which are an answer, and which answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_personalize.exceptions import IncompleteAnswerError

# ThrottlingException is what Personalize says; the others are what AWS front ends say for the same.
_THROTTLED: Final = frozenset(
    {
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
_OVER_A_LIMIT: Final = "LimitExceededException"
# What an error says where the limit is a rate. No alternative may match in an ARN, which an error may name.
_NAMES_A_RATE: Final = re.compile(r"requests? per second|rate (is |was )?exceeded|request rate|too many requests", re.I)
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
# What botocore retries as transient whatever the HTTP status, a 400 for one
_TRANSIENT: Final = frozenset({"PriorRequestNotComplete", "RequestTimeout", "RequestTimeoutException"})
# https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/common-errors.html has it for all services
_TIMED_OUT: Final = 408
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
# Personalize redirects nobody: something on the way did, and may not the next time
_REDIRECTS: Final = range(300, 400)
# What OpenSSL says where a connection broke, or was damaged on the way
_BROKEN_TLS: Final = re.compile("EOF|BAD_RECORD_MAC|DECRYPTION_FAILED")


def is_weather(error: Exception) -> bool:
    """Tell whether a failed call says nothing of the resource: throttled, unreachable, broken on the way."""
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    if isinstance(error, aws.ClientError):
        status, said = _status(error), is_throttled(error) or _code(error) in _TRANSIENT
        return said or status in _REDIRECTS or status == _TIMED_OUT or status >= _SERVER_ERROR
    if isinstance(error, aws.SSLError):
        return bool(_BROKEN_TLS.search(str(error)))  # any other is a wrong certificate, or a bundle that is not there
    broken = (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, ResponseParserError)
    return isinstance(error, (*broken, *_never_sent(), IncompleteAnswerError, ConnectionError, TimeoutError))


def is_throttled(error: Exception | None) -> bool:
    """Tell whether the service says that it is asked too often."""
    if error is None:
        return False
    return _status(error) == _TOO_MANY_REQUESTS or _code(error) in _THROTTLED or _is_over_a_rate(error)


def _is_over_a_rate(error: Exception) -> bool:
    """
    Tell the two meanings of ``LimitExceededException`` apart.

    botocore's model has it mean requests per second. The guide has creates answer quotas with it
    (https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html), and only a create can go over a quota.
    """
    creates = str(getattr(error, "operation_name", "")).startswith("Create")
    return _code(error) == _OVER_A_LIMIT and (not creates or names_a_rate(_message(error)))


def names_a_rate(message: str) -> bool:
    """Return whether the message of an error is about requests per time, and not about a number of resources."""
    return bool(_NAMES_A_RATE.search(message))


def never_arrived(error: Exception) -> bool:
    """Tell whether it is certain that the service did nothing, and may do it the next moment."""
    return is_throttled(error) or isinstance(error, _never_sent())


def may_have_arrived(error: Exception) -> bool:
    """Tell of weather whether the service may have done all the same what it was asked for."""
    return is_weather(error) and not never_arrived(error)


def _never_sent() -> tuple[type[Exception], ...]:
    """Name the weather in which nothing leaves: nobody listens, or what gives the credentials is away."""
    from botocore import exceptions as aws

    nobody = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)
    unsigned = (aws.NoCredentialsError, aws.CredentialRetrievalError, aws.MetadataRetrievalError)
    return (*nobody, *unsigned, aws.TokenRetrievalError, aws.CapacityNotAvailableError)  # the last is botocore's own


def is_about_credentials(error: Exception) -> bool:
    """Tell whether there are no credentials or the service does not take them, so that new ones may do."""
    return _code(error) in _UNKNOWN_CREDENTIALS or lacks_credentials(error)


def lacks_credentials(error: Exception | None) -> bool:
    """Tell whether there are no credentials: none were ever given, or what gives them is away."""
    from botocore.exceptions import NoCredentialsError

    return isinstance(error, NoCredentialsError)


def is_over_quota(error: Exception) -> bool:
    """Tell whether the service says that there are as many as there may be."""
    return _code(error) == _OVER_A_LIMIT and not _is_over_a_rate(error)


def is_not_found(error: Exception) -> bool:
    """Tell whether the service says that there is no such resource."""
    return _code(error) == "ResourceNotFoundException"


def is_in_use(error: Exception) -> bool:
    """Tell whether the service says that something depends on the resource, or that it is in transition."""
    return _code(error) == "ResourceInUseException"


def _status(error: Exception) -> int:
    status: int = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def _code(error: Exception) -> str:
    return str(_response(error).get("Error", {}).get("Code", ""))


def _message(error: Exception) -> str:
    return str(_response(error).get("Error", {}).get("Message", ""))


def _response(error: Exception) -> Mapping[str, Any]:
    # botocore's transport errors have a response, and it is None
    return getattr(error, "response", None) or {}
