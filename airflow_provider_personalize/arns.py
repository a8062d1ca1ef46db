"""Rules for the ARNs that users give: the right resource type, the right region."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from airflow_provider_personalize.redaction import redact
from airflow_provider_personalize.resources import RESOURCE_TYPES

#: Follows a solution's ARN to mean its newest ACTIVE version.
LATEST: Final = "/$LATEST"
_REGIONAL: Final = "arn:[^:]+:personalize:([^:]+):"


def wrong_arn(parameter: str, value: object) -> str | None:
    """
    Return what is wrong with an ARN, or None if it is valid.

    :param parameter: The parameter that it is given in, such as ``solution_arn``: it decides the resource type.
    :param value: The ARN.
    """
    resource_type = next(each for each in RESOURCE_TYPES.values() if each.arn_parameter == parameter)
    return (
        None
        if resource_type.is_arn(value)
        else f"{parameter} is {redact(repr(value))}: it must be {resource_type.arn_form}"
    )


def wrong_region_arns(request: Mapping[str, Any], region: str | None) -> list[str]:
    """
    List the ARNs in a request that are in another region than the client, one sentence each.

    A resource that is not found in one region may still exist in another.

    :param region: That of the client; None where it is not known yet, and nothing is listed.
    """
    arns = ((member, re.match(_REGIONAL, str(value))) for member, value in request.items())
    return [
        f"{member} is {request[member]!r}: it is of another region than {region}, which the task asks; see region_name"
        for member, arn in arns
        if arn and region and arn[1] != region
    ]


def region_of(values: Iterable[Any]) -> str | None:
    """Return the region of the first Personalize ARN among some values, or None."""
    return next((arn[1] for value in values if (arn := re.match(_REGIONAL, str(value)))), None)
