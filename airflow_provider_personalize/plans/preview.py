"""What a step would do, as JSON primitives: for dry runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from airflow_provider_personalize.charges import charged
from airflow_provider_personalize.exceptions import PersonalizeError
from airflow_provider_personalize.plans.steps import Call, Calls, Done, Fail, Poll, Skip, Sleep, Step
from airflow_provider_personalize.resources import ResourceType

#: What has nothing to do.
NOTHING: Final[Mapping[str, Any]] = {
    "action": "none",
    "kind": None,
    "arn": None,
    "operation": None,
    "request": None,
    "changes": [],
    "charged": None,
    "reason": None,
}


def of_step(step: Step, resource_type: ResourceType, arn: str | None) -> dict[str, Any]:
    """
    Return what a step would do.

    :param arn: The ARN of what the task is about, where that is a parameter.
    :raises Exception: What the task would fail with.
    """
    about = {"kind": resource_type.name, "arn": arn}
    if isinstance(step, Fail):
        raise step.error or PersonalizeError("The plan failed without an error")
    if isinstance(step, Calls):
        step = step.calls[0]
    if isinstance(step, Call):
        return {**of_call(step.operation, step.request), **about, "changes": list(step.changes)}
    if isinstance(step, Skip):
        return {**NOTHING, **about, "reason": step.reason}
    reason = " ".join(note.text for note in step.notes) or getattr(step, "last_seen", "") or None
    is_end = isinstance(step, Done) or (isinstance(step, Poll) and step.then is not None)
    if isinstance(step, (Poll, Sleep)):
        about["arn"] = arn or step.condition.arn
    elif isinstance(step, Done) and isinstance(step.result, str):
        about["arn"] = step.result
    return {**NOTHING, **about, "action": "none" if is_end else "wait", "reason": reason}


def of_call(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call would do."""
    verb, noun = [*re.findall("[A-Z][a-z]*", operation), ""][:2]
    return {
        **NOTHING,
        "action": verb.lower(),
        "kind": noun.lower(),
        "arn": request.get("resourceArn") or request.get("datasetArn"),
        "operation": operation,
        "request": _plain(request),
        "charged": charged(operation, request),
    }


def sentence(planned: Mapping[str, Any]) -> str:
    """Return in one line what would be done; the ARN is its end."""
    if "action" not in planned:
        return str(dict(planned))
    name = (planned.get("request") or {}).get("name") or ""
    about = [planned["kind"].replace("_", " "), planned.get("arn") or name]
    said = [*planned.get("changes", ()), planned.get("reason")]
    said += [f"to be charged: {planned['charged']}"] if planned.get("charged") else []
    details = "; ".join(str(each) for each in said if each)
    return f"{planned['action']}" + (f" ({details})" if details else "") + f": {' '.join(filter(None, about))}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
