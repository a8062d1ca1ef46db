"""
The service's rules for filters, and their use.

https://docs.aws.amazon.com/personalize/latest/dg/creating-filter-expressions.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_personalize.emulator.assumptions import assumptions
from airflow_provider_personalize.emulator.engine import filters
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter
from airflow_provider_personalize.emulator.engine.expressions import liberties
from airflow_provider_personalize.emulator.errors import Refused, in_use, not_found
from airflow_provider_personalize.emulator.quotas import quotas
from airflow_provider_personalize.emulator.rules import rows

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.backend import Backend

Keep = Callable[[str], bool]


def faults(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """Tell what is wrong with an expression; refuse fields beyond the quotas."""
    try:
        fields = _fields(request["filterExpression"])
    except InvalidFilter as reason:
        yield str(reason)
        return
    quotas.hold("fields_of_a_filter", len(fields))
    there = backend.belonging("filter", "datasetGroupArn", request["datasetGroupArn"])
    of_others = (_fields(each.members["filterExpression"]) for each in there)
    quotas.hold("fields_of_all_filters", len(fields.union(*of_others)))
    if assumptions.filter_liberties == "refused":
        yield from liberties(request["filterExpression"])


def _fields(expression: str) -> frozenset[str]:
    return filters.parse(expression).fields


def of_request(backend: Backend, group_arn: str, request: Mapping[str, Any]) -> Keep | None:
    """
    Return what tells whether something passes the filter that a request names, or None if it names none.

    :raises InvalidFilter: A placeholder has no value.
    """
    if "filterArn" not in request:
        return None
    found = backend.existing(request["filterArn"])
    if found is None or found.members.get("datasetGroupArn") != group_arn:
        raise not_found("filter", request["filterArn"])
    if not found.usable:
        raise in_use(f"The filter {found.arn} is {found.status}, not {found.kind.success}")
    data: dict[str, Any] = {name.lower(): each for name, each in rows.of(backend, group_arn).items()}
    expression = filters.parse(found.members["filterExpression"])
    return expression.keep(
        user_id=request.get("userId"), item_id=request.get("itemId"), values=request.get("filterValues"), **data
    )


def checked(backend: Backend, group_arn: str, request: Mapping[str, Any]) -> Keep | None:
    """Return the same, and refuse a request that the filter cannot be used with."""
    try:
        return of_request(backend, group_arn, request)
    except InvalidFilter as reason:
        raise Refused("InvalidInputException", str(reason)) from None


def for_lines(backend: Backend, members: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Keep | None] | None:
    """Return what makes the filter of a batch job for each line, or None if the job has none."""
    if "filterArn" not in members:
        return None
    named = {"filterArn": members["filterArn"]}
    return lambda asked: of_request(backend, members["datasetGroupArn"], {**asked, **named})
