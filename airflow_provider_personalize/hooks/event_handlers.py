"""
Handlers of botocore's events: they stop ambiguous retries, validate responses and explain and redact errors.

They apply to every call of the hook's client, ``hook.conn.create_solution_version(…)`` included.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final

from airflow_provider_personalize import clock
from airflow_provider_personalize.aws_errors import is_about_rate, was_not_applied
from airflow_provider_personalize.exceptions import IncompleteAnswerError
from airflow_provider_personalize.redaction import redact

# Operations that are not idempotent. Stopping, starting or tagging twice changes nothing.
_NOT_IDEMPOTENT: Final = ("Create", "Update", "Delete")
_OK: Final = 200
_FIRST_ERROR: Final = 300
_REDIRECTS: Final = range(300, 400)
# Keys of a call's context: the operation's model and the request,
_CALL: Final = "personalize_call"
# and the time of the call.
_CALLED: Final = "personalize_called"
_GUIDE: Final = "https://docs.aws.amazon.com/personalize/latest/dg"
# https://docs.aws.amazon.com/personalize/latest/dg/limits.html, with the codes of Service Quotas where that has them
_QUOTAS: Final[Mapping[str, str]] = {
    "CreateSchema": "schemas in a region (L-037D5A71)",
    "CreateDatasetGroup": "active dataset groups in a region (L-14011066)",
    "CreateSolution": "active solutions in a dataset group (L-D9DD83B7)",
    "CreateCampaign": "active campaigns in a dataset group (L-052ECD67)",
    "CreateRecommender": "recommenders in a dataset group (L-4D685096)",
    "CreateFilter": "filters in a dataset group (L-B9CFBC8B), and the fields that they name",
    "CreateEventTracker": "event trackers in a dataset group",
    "CreateMetricAttribution": "metric attributions in a dataset group",
    "CreateSolutionVersion": "trainings in progress in a region (L-9C16B368)",
    "CreateDatasetImportJob": "import jobs in progress in a region",
    "CreateBatchInferenceJob": "batch inference jobs in progress in a region (L-69B72005)",
    "CreateBatchSegmentJob": "batch segment jobs in progress in a region",
    "CreateDataDeletionJob": "data deletion jobs that are pending in a dataset group (L-A11DBE93)",
}


class ServiceClock:
    """The difference between the service's clock and this machine's, from the ``Date`` header of responses."""

    def __init__(self) -> None:
        #: Seconds by which the service's clock is ahead, negative if it is behind; None before the first response.
        self.ahead: float | None = None

    def now(self) -> float:
        """Return the service's time, in seconds since the epoch, as far as a response has told it."""
        return clock.now() + (self.ahead or 0)

    def record(self, context: Mapping[str, Any], response_dict: Mapping[str, Any] | None, **_: Any) -> None:
        """Record a response's time. A difference that the duration of the call explains counts as none."""
        try:
            date = parsedate_to_datetime(response_dict["headers"]["date"]) if response_dict else None
        except (KeyError, TypeError, ValueError):
            return
        if date is None or date.tzinfo is None:
            return
        most, least = date.timestamp() + 1 - context[_CALLED], date.timestamp() - time.time()
        self.ahead = min(max(0.0, least), most)


def register_handlers(client: Any, service_clock: ServiceClock) -> Any:
    """Register the handlers on a client and return it."""
    service = client.meta.service_model.service_id.hyphenize()
    events = client.meta.events
    events.register(f"before-parameter-build.{service}", _remember)
    events.register(f"response-received.{service}", service_clock.record)
    events.register(f"response-received.{service}", _validate_response)
    events.register_first(f"needs-retry.{service}", partial(_stop_ambiguous_retry, client.exceptions))
    return client


def redact_errors_of_sts(session: Any) -> None:
    """Redact STS's errors for a boto3 session: they may quote the signed request, and botocore logs them."""
    session.events.register("response-received.sts", _redact_error, unique_id="personalize-redaction")


def _redact_error(parsed_response: dict[str, Any] | None, **_: Any) -> None:
    if error := (parsed_response or {}).get("Error"):
        error["Message"] = redact(str(error.get("Message", "")))


def _remember(params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
    context[_CALL] = model, params
    context[_CALLED] = time.time()


def _validate_response(
    response_dict: Mapping[str, Any] | None,
    parsed_response: dict[str, Any] | None,
    context: Mapping[str, Any],
    **_: Any,
) -> None:
    """
    Redact and explain an error.

    :raises IncompleteAnswerError: The response is not a JSON object, which botocore parses as one without members.
        Operations without output answer 200 and an empty body
        (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutEvents.html).
    """
    if response_dict is None or parsed_response is None:  # no response
        return
    model, request = context[_CALL]
    if error := parsed_response.get("Error"):
        message, advice = redact(str(error.get("Message", ""))), _advice(model, error, request)
        error["Message"] = f"{message.rstrip('.')}.{advice}" if advice else message
        if response_dict["status_code"] in _REDIRECTS:
            to = redact(str(response_dict["headers"].get("location", "elsewhere")))
            error["Message"] = f"Redirected to {to}. Personalize redirects nobody; something on the way does. {message}"
        if "Code" in error:
            error["Code"] = redact(str(error["Code"]))
    else:
        status, body = response_dict["status_code"], response_dict["body"]
        if not _OK <= status < _FIRST_ERROR:  # to botocore, 101 and 300 are no errors
            raise IncompleteAnswerError(f"{model.name} was answered with HTTP status {status}")
        members = getattr(model.output_shape, "members", {})
        may_be_empty = not members and not body.strip() and status == _OK
        if members.keys().isdisjoint(parsed_response) and not may_be_empty and not _is_an_object(body):
            raise IncompleteAnswerError(f"{model.name} was answered with what is no JSON object, HTTP status {status}")


def _stop_ambiguous_retry(
    exceptions: Any,
    *,
    response: tuple[Any, dict[str, Any]] | None,
    caught_exception: Exception | None,
    operation: Any,
    **_: Any,
) -> None:
    """
    Raise the error of an ambiguous write instead of letting botocore retry it.

    In every retry mode, botocore would pay twice for a training whose response was lost. An exceeded quota is not
    retried either.
    """
    if not operation.name.startswith(_NOT_IDEMPOTENT):
        return
    error = caught_exception
    if response is not None and response[0].status_code >= _FIRST_ERROR:
        error = exceptions.from_code(response[1].get("Error", {}).get("Code"))(response[1], operation.name)
    if error and not was_not_applied(error):
        raise error


def _is_an_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _advice(model: Any, error: Mapping[str, Any], request: Mapping[str, Any]) -> str:
    """Return which resource an error is about, and what to do."""
    code = str(error.get("Code", "")).removesuffix("Exception")
    arns = [value for value in request.values() if isinstance(value, str) and value.startswith("arn:")]
    about = next((arn for arn in arns if ":iam:" not in arn), None)
    where = ""
    # a missing resource that the service names may be another one, such as the recipe
    if about and ("arn:" if code == "ResourceNotFound" else about) not in str(error.get("Message")):
        where = f" It was about {about}."
    if code == "AccessDenied":
        role = re.search(r"arn:[^:]+:iam::[^'\"]+", str(request))
        passed = f", and iam:PassRole for {role[0]}" if role else ""
        return f"{where} It takes the permission personalize:{model.name}{passed}"
    if code == "ResourceNotFound":
        return f"{where} Is it of the region and the account of the connection?"
    if code == "LimitExceeded" and model.name in _QUOTAS and not is_about_rate(str(error.get("Message", ""))):
        return f"{where} The quota: {_QUOTAS[model.name]} ({_GUIDE}/limits.html)"
    return where if code in {"InvalidInput", "Validation", "TooManyTags", "ResourceInUse"} else ""
