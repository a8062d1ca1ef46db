"""What each error that botocore can raise and each HTTP status means: retried, ambiguous, or final."""

from __future__ import annotations

import inspect
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from shop import PREFIX, SOLUTION
from task_runs import Run

from airflow_provider_personalize.aws_errors import is_ambiguous, is_transient, was_not_applied
from airflow_provider_personalize.emulator import calls, clock, faults
from airflow_provider_personalize.emulator.control import transport_faults
from airflow_provider_personalize.exceptions import IncompleteAnswerError
from airflow_provider_personalize.hooks import PersonalizeHook
from airflow_provider_personalize.operators import PutEventsOperator, TagResourceOperator, UpdateSolutionOperator
from airflow_provider_personalize.sensors import SolutionSensor

NEVER_SENT, AMBIGUOUS, ANSWER = "nothing was sent", "may be done", "an answer"

# What botocore's reference says that each means:
# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/error-handling.html
NOTHING_WAS_SENT = (
    *("CapacityNotAvailableError", "ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError"),
    *("CredentialRetrievalError", "MetadataRetrievalError", "NoCredentialsError", "TokenRetrievalError"),
)
MAY_BE_DONE = (
    *("ConnectionClosedError", "ConnectionError", "HTTPClientError", "IncompleteReadError", "ReadTimeoutError"),
    "ResponseStreamingError",
)
# Of another configuration, another service, or a mistake: the same again would not help
ANSWERS = (
    *("AliasConflictParameterError", "ApiVersionNotFoundError", "AwsChunkedWrapperError", "BaseEndpointResolverError"),
    *("BotoCoreError", "ChecksumError", "ClientError", "ConfigNotFound", "ConfigParseError", "DataNotFoundError"),
    *("EndpointProviderError", "EndpointResolutionError", "EndpointVariantError", "EventStreamError"),
    *("FlexibleChecksumError", "InfiniteLoopConfigError", "InvalidChecksumConfigError", "InvalidConfigError"),
    *("InvalidDNSNameError", "InvalidDefaultsMode", "InvalidEndpointConfigurationError", "InvalidExpressionError"),
    *("InvalidEndpointDiscoveryConfigurationError", "InvalidHostLabelError", "InvalidIMDSEndpointError"),
    *("InvalidIMDSEndpointModeError", "InvalidMaxRetryAttemptsError", "InvalidProxiesConfigError"),
    *("InvalidRegionError", "InvalidRetryConfigurationError", "InvalidRetryModeError", "InvalidS3AddressingStyleError"),
    *("InvalidS3UsEast1RegionalEndpointConfigError", "InvalidSTSRegionalEndpointsConfigError", "LoginError"),
    *("LoginAuthorizationCodeError", "LoginInsufficientPermissions", "LoginRefreshRequired", "LoginTokenLoadError"),
    *("MD5UnavailableError", "MissingDependencyException", "MissingParametersError", "MissingServiceIdError"),
    *("NoAuthTokenError", "NoRegionError", "OperationNotPageableError", "PaginationError", "ParamValidationError"),
    *("PartialCredentialsError", "ProfileNotFound", "RangeError", "RefreshWithMFAUnsupportedError", "SSLError"),
    *("SSOError", "SSOTokenLoadError", "ServiceNotInRegionError", "StubAssertionError", "StubResponseError"),
    *("UnStubbedResponseError", "UnauthorizedSSOTokenError", "UndefinedModelAttributeError", "UnknownServiceError"),
    *("UnknownClientMethodError", "UnknownCredentialError", "UnknownEndpointError", "UnknownKeyError"),
    *("UnknownEndpointResolutionBuiltInName", "UnknownFIPSEndpointError", "UnknownParameterError"),
    *("UnknownRegionError", "UnknownServiceStyle", "UnknownSignatureVersionError", "UnknownTokenProviderError"),
    *("UnseekableStreamError", "UnsupportedOutpostResourceError", "UnsupportedS3AccesspointConfigurationError"),
    *("UnsupportedS3ArnError", "UnsupportedS3ConfigurationError", "UnsupportedS3ControlArnError"),
    *("UnsupportedS3ControlConfigurationError", "UnsupportedServiceProtocolsError", "ValidationError"),
    *("UnsupportedSignatureVersionError", "WaiterConfigError", "WaiterError"),
)
TABLE = (
    dict.fromkeys(NOTHING_WAS_SENT, NEVER_SENT) | dict.fromkeys(MAY_BE_DONE, AMBIGUOUS) | dict.fromkeys(ANSWERS, ANSWER)
)
CLASSES = {
    name: error_type
    for name, error_type in inspect.getmembers(aws, inspect.isclass)
    if issubclass(error_type, Exception)
    and not issubclass(error_type, Warning)
    and error_type.__module__ == aws.__name__
}


def meaning(error: Exception) -> str:
    """How the package classifies an error."""
    assert is_transient(error) == (was_not_applied(error) or is_ambiguous(error))
    assert not (was_not_applied(error) and is_ambiguous(error))
    return NEVER_SENT if was_not_applied(error) else AMBIGUOUS if is_ambiguous(error) else ANSWER


def made(error_type: type[Exception]) -> Exception:
    """An error of a kind."""
    if issubclass(error_type, ClientError):
        return error_type({"Error": {"Code": "SomethingException", "Message": "No."}}, "DescribeSolution")
    return error_type.__new__(error_type)  # each takes other arguments, and none makes a difference


def test_every_botocore_error_is_classified():
    assert CLASSES.keys() - TABLE.keys() == set()


@pytest.mark.parametrize("name", CLASSES)
def test_a_botocore_error_is_classified_as_documented(name):
    assert meaning(made(CLASSES[name])) == TABLE[name]


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", ANSWER),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", ANSWER),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol", AMBIGUOUS),
        ("[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed or bad record mac", AMBIGUOUS),
    ],
)
def test_broken_tls_is_distinguished_from_a_wrong_certificate(said, means):
    assert meaning(aws.SSLError(endpoint_url="https://personalize", error=said)) == means


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(), BrokenPipeError(), TimeoutError(), ResponseParserError("x"), IncompleteAnswerError()],
)
def test_a_broken_connection_is_transient_in_python_and_the_parser(error):
    assert meaning(error) == AMBIGUOUS


# https://docs.aws.amazon.com/personalize/latest/dg/CommonErrors.html, and what botocore's standard mode retries:
# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
CODES = {
    **dict.fromkeys(
        ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"], NEVER_SENT
    ),
    **dict.fromkeys(["RequestThrottled", "RequestThrottledException", "ThrottledException", "SlowDown"], NEVER_SENT),
    **dict.fromkeys(["RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"], AMBIGUOUS),
    **dict.fromkeys(["AccessDeniedException", "NotAuthorized", "OptInRequired", "ValidationException"], ANSWER),
    **dict.fromkeys(["InvalidInputException", "ResourceNotFoundException", "ResourceInUseException"], ANSWER),
    **dict.fromkeys(["ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"], ANSWER),
}


@pytest.mark.parametrize("code", CODES)
def test_an_error_code_with_status_400_is_classified_as_documented(code):
    said = {"Error": {"Code": code, "Message": "No."}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    assert meaning(ClientError(said, "UpdateSolution")) == CODES[code]


STATUSES = [101, *(status.value for status in HTTPStatus if status.value > 200), 509, 520, 599]
# the ends of each class, and what botocore or the rules treat apart; CI runs the others
QUICK = {101, 201, 204, 301, 304, 400, 403, 404, 408, 429, 451, 500, 503, 599}


def of_status(status: int) -> str:
    """How RFC 9110 classifies a status without an answer of the service: only 4xx concerns the request."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NEVER_SENT
    return ANSWER if 400 <= status < 500 and status != HTTPStatus.REQUEST_TIMEOUT else AMBIGUOUS


@pytest.fixture
def tracker(personalize: Any) -> str:
    """The tracking id of an event tracker."""
    tracking_id: str = personalize.create_event_tracker(name="t", datasetGroupArn=f"{PREFIX}dataset-group/shop")[
        "trackingId"
    ]
    clock.advance(3600)
    calls.clear()
    return tracking_id


def lost(operation: str, status: int, body: str) -> None:
    def lose() -> None:
        raise transport_faults.InjectedFault(str(status), status=status, body=body, content_type="text/html")

    faults.call_next(operation, lose)


def task(operator: type, **parameters: object) -> Run:
    began = datetime.fromtimestamp(clock.now(), timezone.utc)
    return Run(lambda: operator(task_id="task", **parameters), began=began)


@pytest.mark.parametrize(
    "status", [pytest.param(status, marks=() if status in QUICK else pytest.mark.slow) for status in STATUSES]
)
def test_a_page_of_a_status_is_never_taken_for_success(tracker, passing_time, status):
    """For reads, writes, puts, and operations without output."""
    events = [{"eventType": "click", "itemId": "i", "sentAt": 0}]
    tags = [{"tagKey": "a", "tagValue": "b"}]
    runs = {
        "DescribeSolution": task(SolutionSensor, solution_arn=SOLUTION),
        "UpdateSolution": task(UpdateSolutionOperator, solution_arn=SOLUTION, perform_auto_training=True),
        "PutEvents": task(PutEventsOperator, tracking_id=tracker, session_id="s", user_id="u", event_list=events),
        "TagResource": task(TagResourceOperator, resource_arn=SOLUTION, tags=tags),
    }
    for operation, run in runs.items():
        calls.clear()
        lost(operation, status, "<html><body>elsewhere</body></html>")
        if of_status(status) == ANSWER:
            with pytest.raises(ClientError, match=str(status)):
                run()
            assert [call.error for call in calls.of(operation)] == [str(status)]
        else:
            run()
            assert [call.error for call in calls.of(operation)][:2] == [str(status), None], operation


@pytest.mark.parametrize("status", STATUSES)
def test_the_hooks_own_client_takes_no_status_but_200_for_success(personalize, status):
    lost("TagResource", status, "")
    with pytest.raises((ClientError, IncompleteAnswerError), match=str(status)) as error:
        PersonalizeHook().conn.tag_resource(resourceArn=SOLUTION, tags=[{"tagKey": "a", "tagValue": "b"}])
    assert meaning(error.value) == of_status(status)
