"""
What an error of a call means: transient, ambiguous, throttled, or an answer of the service.

A transient error says nothing of the resource, so the call is retried. After an ambiguous one a write may have been
applied, so its effect is checked first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_personalize.error_codes import ACCESS_DENIED, IN_USE, LIMIT_EXCEEDED, NOT_FOUND
from airflow_provider_personalize.exceptions import IncompleteAnswerError

# Personalize sends ThrottlingException; the others are what AWS front ends send for the same.
_THROTTLED_CODES: Final = frozenset(
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
# Phrases in the message where the limit is a rate. None may match inside an ARN, which a message may contain.
_ABOUT_RATE: Final = re.compile(r"requests? per second|rate (is |was )?exceeded|request rate|too many requests", re.I)
_REJECTED_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "UnrecognizedClientException",
    }
)
# Codes that botocore retries as transient whatever the HTTP status, even 400
_TRANSIENT_CODES: Final = frozenset({"PriorRequestNotComplete", "RequestTimeout", "RequestTimeoutException"})
# Listed for all services: https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/common-errors.html
_TIMED_OUT: Final = 408
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
# Personalize never redirects: something between did, and may not the next time
_REDIRECTS: Final = range(300, 400)
# What OpenSSL reports when a connection breaks or its data is damaged
_BROKEN_TLS: Final = re.compile("EOF|BAD_RECORD_MAC|DECRYPTION_FAILED")


def is_transient(error: Exception) -> bool:
    """Return whether an error says nothing of the resource, so that a retry may succeed."""
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    if isinstance(error, aws.ClientError):
        if is_throttled(error) or error_code(error) in _TRANSIENT_CODES:
            return True
        status = _status(error)
        return status in _REDIRECTS or status == _TIMED_OUT or status >= _SERVER_ERROR
    if isinstance(error, aws.SSLError):
        return bool(_BROKEN_TLS.search(str(error)))  # any other: a wrong certificate or a missing CA bundle
    broken = (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError, ResponseParserError)
    return isinstance(error, (*broken, *_unsent_errors(), IncompleteAnswerError, ConnectionError, TimeoutError))


def is_throttled(error: Exception | None) -> bool:
    """Return whether the service throttled the call."""
    if error is None:
        return False
    return _status(error) == _TOO_MANY_REQUESTS or error_code(error) in _THROTTLED_CODES or _is_over_a_rate(error)


def _is_over_a_rate(error: Exception) -> bool:
    """
    Return whether a ``LimitExceededException`` means a request rate, and not a quota.

    In botocore's model it means requests per second. In the guide, creates also use it for quotas
    (https://docs.aws.amazon.com/personalize/latest/dg/troubleshooting.html), and only a create can exceed a quota.
    """
    creates = str(getattr(error, "operation_name", "")).startswith("Create")
    return error_code(error) == LIMIT_EXCEEDED and (not creates or is_about_rate(_message(error)))


def is_about_rate(message: str) -> bool:
    """Return whether an error's message is about a rate of requests, and not about a number of resources."""
    return bool(_ABOUT_RATE.search(message))


def was_not_applied(error: Exception) -> bool:
    """Return whether a failed write was certainly not applied, and a retry may succeed."""
    return is_throttled(error) or isinstance(error, _unsent_errors())


def is_ambiguous(error: Exception) -> bool:
    """Return whether the outcome of a failed write is unknown: it may have been applied."""
    return is_transient(error) and not was_not_applied(error)


def _unsent_errors() -> tuple[type[Exception], ...]:
    """List the transient errors in which no request is sent: no connection, or no source of credentials."""
    from botocore import exceptions as aws

    unconnected = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)
    unsigned = (aws.NoCredentialsError, aws.CredentialRetrievalError, aws.MetadataRetrievalError)
    return (*unconnected, *unsigned, aws.TokenRetrievalError, aws.CapacityNotAvailableError)  # botocore's retry quota


def is_about_credentials(error: Exception) -> bool:
    """Return whether credentials are missing or rejected, so that new ones may succeed."""
    return error_code(error) in _REJECTED_CREDENTIALS or lacks_credentials(error)


def is_about_caller(error: Exception) -> bool:
    """Return whether an error is about who calls and how: permissions, credentials, connection, certificates."""
    from botocore.exceptions import ClientError

    if error_code(error) == ACCESS_DENIED or is_about_credentials(error):
        return True
    return not (isinstance(error, ClientError) or is_transient(error))


def lacks_credentials(error: Exception | None) -> bool:
    """Return whether no credentials were found: none are configured, or their source is unreachable."""
    from botocore.exceptions import NoCredentialsError

    return isinstance(error, NoCredentialsError)


def is_over_quota(error: Exception) -> bool:
    """Return whether the service refused a create because a quota is reached."""
    return error_code(error) == LIMIT_EXCEEDED and not _is_over_a_rate(error)


def is_not_found(error: Exception) -> bool:
    """Return whether the resource does not exist."""
    return error_code(error) == NOT_FOUND


def is_in_use(error: Exception) -> bool:
    """Return whether the service refused because something depends on the resource, or it is in transition."""
    return error_code(error) == IN_USE


def _status(error: Exception) -> int:
    status: int = _response(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status


def error_code(error: Exception) -> str:
    """Return the code of an error that the service answered with; empty for any other error."""
    return str(_response(error).get("Error", {}).get("Code", ""))


def _message(error: Exception) -> str:
    return str(_response(error).get("Error", {}).get("Message", ""))


def _response(error: Exception) -> Mapping[str, Any]:
    # botocore's transport errors have a ``response`` of None
    return getattr(error, "response", None) or {}
