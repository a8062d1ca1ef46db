"""
The service's rules for filters, and their use.

https://docs.aws.amazon.com/personalize/latest/dg/creating-filter-expressions.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.engine import filters
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter
from airflow_provider_personalize.emulator.engine.expressions import (
    ORDER,
    Comparison,
    Field,
    liberties,
    single_quoted,
    singular,
)
from airflow_provider_personalize.emulator.errors import ServiceError
from airflow_provider_personalize.emulator.service.refusals import in_use, not_found
from airflow_provider_personalize.emulator.service.rules import rows
from airflow_provider_personalize.emulator.service.rules.training_data import columns_of, types_of

if TYPE_CHECKING:
    from airflow_provider_personalize.emulator.service.backend import Backend

Keep = Callable[[str], bool]


# Whose schema the fields of the current user and item are in
_DATASETS: Final = {"CURRENTUSER": "USERS", "CURRENTITEM": "ITEMS"}
# Their one field that filters can use is in every such dataset, or no event has a type
_OF_EVENTS: Final = ("INTERACTIONS", "ACTION_INTERACTIONS")


def validation_errors(backend: Backend, request: Mapping[str, Any]) -> Iterator[str]:
    """List what is wrong with an expression; refuse fields beyond the quotas."""
    text, group_arn = request["filterExpression"], request["datasetGroupArn"]
    try:
        parsed = filters.parse(text)
    except InvalidFilter as reason:
        yield str(reason)
        return
    state.quotas.refuse_excess("fields_of_a_filter", len(parsed.fields))
    there = backend.belonging("filter", "datasetGroupArn", group_arn)
    of_others = (filters.parse(each.members["filterExpression"]).fields for each in there)
    state.quotas.refuse_excess("fields_of_all_filters", len(parsed.fields.union(*of_others)))
    for wrong in (*_wrong_words(text), *_wrong_fields(backend, group_arn, parsed)):
        yield f"Could not create filter. Invalid Expression: {wrong}"


def _wrong_words(text: str) -> Iterator[str]:
    if state.assumptions.filter_liberties == "refused":
        yield from liberties(text)
    if state.assumptions.filter_single_quotes == "refused":
        yield from single_quoted(text)
    if state.assumptions.filter_singular_dataset == "refused":
        yield from singular(text)


# https://docs.aws.amazon.com/personalize/latest/dg/filter-expression-guidelines-requirements.html
def _wrong_fields(backend: Backend, group_arn: str, parsed: filters.Filter) -> Iterator[str]:
    """List the fields that cannot be filtered by. The fields of a dataset that does not exist yet are not known."""
    for comparison in parsed.comparisons:
        for field in filters.fields_of(comparison):
            columns = columns_of(backend, group_arn, _DATASETS.get(field.dataset, field.dataset))
            if columns and field.dataset not in _OF_EVENTS:
                yield from _wrong_field(field, comparison, columns)


def _wrong_field(field: Field, comparison: Comparison, columns: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    column = next((each for name, each in columns.items() if name.upper() == field.name.upper()), None)
    if column is None:
        if state.assumptions.filter_unknown_field == "refused":
            yield f"the schema has no {field}; it has {', '.join(columns)}"
        return
    if "boolean" in types_of(column):
        yield f"{field} is boolean: use a field of type string with True and False, or of type int with 0 and 1"
    if column.get("textual") is True:
        yield f"{field} is textual: use a categorical field, or a string that is neither"
    is_range = comparison.sign in ORDER and "string" in types_of(column)
    if is_range and state.assumptions.filter_range_of_text == "refused":
        yield f"{field} is text: it cannot be compared by {comparison.sign}"


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
        raise in_use(f"The filter {found.arn} is {found.status}, not {found.resource_type.success}")
    data: dict[str, Any] = {name.lower(): each for name, each in rows.of(backend, group_arn).items()}
    expression = filters.parse(found.members["filterExpression"])
    return expression.keep(
        user_id=request.get("userId"), item_id=request.get("itemId"), values=request.get("filterValues"), **data
    )


def is_about_user(backend: Backend, request: Mapping[str, Any]) -> bool:
    """Return whether the filter of a request needs the user's events or metadata."""
    found = backend.existing(request["filterArn"]) if "filterArn" in request else None
    comparisons = filters.parse(found.members["filterExpression"]).comparisons if found else ()
    datasets = {field.dataset for each in comparisons for field in filters.fields_of(each)}
    return not datasets.isdisjoint({"CURRENTUSER", *_OF_EVENTS})


def checked(backend: Backend, group_arn: str, request: Mapping[str, Any]) -> Keep | None:
    """Return the same, and refuse a request that the filter cannot be used with."""
    try:
        return of_request(backend, group_arn, request)
    except InvalidFilter as reason:
        raise ServiceError("InvalidInputException", str(reason)) from None


def for_lines(backend: Backend, members: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Keep | None] | None:
    """Return what makes the filter of a batch job for each line, or None if the job has none."""
    if "filterArn" not in members:
        return None
    named = {"filterArn": members["filterArn"]}
    return lambda asked: of_request(backend, members["datasetGroupArn"], {**asked, **named})
