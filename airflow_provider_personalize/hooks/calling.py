"""
How each call of a client goes: never repeated blindly, its answer read, its refusal explained.

All of it is hung onto botocore's events, so that ``hook.conn.create_solution_version(…)`` has it too.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final

from airflow_provider_personalize.aws_errors import is_about_rate, was_not_applied
from airflow_provider_personalize.exceptions import IncompleteAnswerError
from airflow_provider_personalize.redaction import redact

# What must not be done twice; to stop, start or tag twice changes nothing.
_ONCE: Final = ("Create", "Update", "Delete")
_OK: Final = 200
_FIRST_ERROR: Final = 300
_REDIRECTS: Final = range(300, 400)
# What the context of a call keeps of it: the operation's model and the request.
_CALL: Final = "personalize_call"
# And when it was made.
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
    """How far the service's clock is from this machine's, as the ``Date`` of its answers tells."""

    def __init__(self) -> None:
        #: Seconds by which it is ahead, negative where it is behind; None until an answer told.
        self.ahead: float | None = None

    def note(self, context: Mapping[str, Any], response_dict: Mapping[str, Any] | None, **_: Any) -> None:
        """Take note of what an answer tells: nothing where the service may have written it while it was on its way."""
        try:
            told = parsedate_to_datetime(response_dict["headers"]["date"]) if response_dict else None
        except (KeyError, TypeError, ValueError):
            return
        if told is None or told.tzinfo is None:
            return
        most, least = told.timestamp() + 1 - context[_CALLED], told.timestamp() - time.time()
        self.ahead = min(max(0.0, least), most)


def register_handlers(client: Any, service_clock: ServiceClock) -> Any:
    """Let the calls of a client go as they should, and tell the service's time; return it."""
    service = client.meta.service_model.service_id.hyphenize()
    events = client.meta.events
    events.register(f"before-parameter-build.{service}", _remember)
    events.register(f"response-received.{service}", service_clock.note)
    events.register(f"response-received.{service}", _look_at_answer)
    events.register_first(f"needs-retry.{service}", partial(_let_nothing_be_repeated_blindly, client.exceptions))
    return client


def redact_errors_of_sts(session: Any) -> None:
    """Redact what STS answers to a boto3 session: it may quote the signed request, and botocore logs it."""
    session.events.register("response-received.sts", _redact_error, unique_id="personalize-redaction")


def _redact_error(parsed_response: dict[str, Any] | None, **_: Any) -> None:
    if error := (parsed_response or {}).get("Error"):
        error["Message"] = redact(str(error.get("Message", "")))


def _remember(params: Mapping[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
    context[_CALL] = model, params
    context[_CALLED] = time.time()


def _look_at_answer(
    response_dict: Mapping[str, Any] | None,
    parsed_response: dict[str, Any] | None,
    context: Mapping[str, Any],
    **_: Any,
) -> None:
    """
    Explain a refusal.

    :raises IncompleteAnswerError: The answer is none. To botocore, what is not JSON has no members: an empty list. Of
        what promises no member, the status is 200 and the body empty
        (https://docs.aws.amazon.com/personalize/latest/dg/API_UBS_PutEvents.html).
    """
    if response_dict is None or parsed_response is None:  # there was no answer
        return
    model, request = context[_CALL]
    if error := parsed_response.get("Error"):
        said, advice = redact(str(error.get("Message", ""))), _advice(model, error, request)
        error["Message"] = f"{said.rstrip('.')}.{advice}" if advice else said
        if response_dict["status_code"] in _REDIRECTS:
            to = redact(str(response_dict["headers"].get("location", "elsewhere")))
            error["Message"] = f"Redirected to {to}. Personalize redirects nobody; something on the way does. {said}"
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


def _let_nothing_be_repeated_blindly(
    exceptions: Any,
    *,
    response: tuple[Any, dict[str, Any]] | None,
    caught_exception: Exception | None,
    operation: Any,
    **_: Any,
) -> None:
    """
    End a call that botocore would repeat though it may be done already, or is over a quota.

    In any of botocore's modes of retrying, a training whose answer was lost would be bought twice.
    """
    if not operation.name.startswith(_ONCE):
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
    """Say what a refusal was about, and what to do."""
    code = str(error.get("Code", "")).removesuffix("Exception")
    arns = [value for value in request.values() if isinstance(value, str) and value.startswith("arn:")]
    about = next((arn for arn in arns if ":iam:" not in arn), None)
    where = f" It was about {about}." if about and about not in str(error.get("Message")) else ""
    if code == "AccessDenied":
        role = re.search(r"arn:[^:]+:iam::[^'\"]+", str(request))
        passed = f", and iam:PassRole for {role[0]}" if role else ""
        return f"{where} It takes the permission personalize:{model.name}{passed}"
    if code == "ResourceNotFound":
        return f"{where} Is it of the region and the account of the connection?"
    if code == "LimitExceeded" and model.name in _QUOTAS and not is_about_rate(str(error.get("Message", ""))):
        return f"{where} The quota: {_QUOTAS[model.name]} ({_GUIDE}/limits.html)"
    return where if code in {"InvalidInput", "Validation", "TooManyTags", "ResourceInUse"} else ""
