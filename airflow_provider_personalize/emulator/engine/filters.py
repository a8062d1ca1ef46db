"""
Filters: what may be recommended to whom.

What a missing value does (it is in no list, equal to nothing, neither less nor more) and that ``Items.genres`` is the
field GENRES are assumed.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter
from airflow_provider_personalize.emulator.engine.expressions import (
    CURRENT,
    INTERACTIONS,
    NUMBER,
    Comparison,
    Compound,
    Condition,
    Expression,
    Field,
    Operand,
    Placeholder,
    comparisons,
    number,
    parse_expressions,
    parse_item_attributes,
)

Keep = Callable[[str], bool]
Values = Mapping[str, str]

_KEYS: Final[Mapping[str, str]] = {"ITEMID": "ITEM_ID", "USERID": "USER_ID", "ACTIONID": "ACTION_ID"}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parse(expression: str) -> Filter:
    """
    Read a filter expression.

    :raises InvalidFilter: It makes no sense, or breaks a rule of the service.
    """
    return Filter(parse_expressions(expression))


@dataclass(frozen=True)
class Filter:
    """A filter expression that was read; ``str`` writes it."""

    expressions: tuple[Expression, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.expressions))

    @property
    def subject(self) -> str:
        """The subject of the filter: ``ITEMID``, ``USERID`` or ``ACTIONID``."""
        return self.expressions[0].subject

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the values that a request brings, without the ``$``."""
        return frozenset(name for each in self.expressions for name in _placeholders(each))

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """All comparisons, in the order they are written."""
        return tuple(comparison for each in self.expressions for comparison in _comparisons(each))

    @property
    def fields(self) -> frozenset[str]:
        """The distinct fields, as in ``Items.GENRE``: the service has a quota on them."""
        return frozenset(str(field) for each in self.comparisons for field in fields_of(each))

    def keep(
        self,
        *,
        user_id: str | None = None,
        item_id: str | None = None,
        items: DatasetData | None = None,
        users: DatasetData | None = None,
        interactions: DatasetData | None = None,
        actions: DatasetData | None = None,
        action_interactions: DatasetData | None = None,
        values: Values | None = None,
    ) -> Keep:
        """
        Return what tells whether an item, an action or a user passes.

        :param user_id: Who asks: ``CurrentUser``, and whose interactions count when items are filtered.
        :param item_id: The item of a request for related items: ``CurrentItem``.
        :param values: The request's ``filterValues``: numbers as they are, texts in quotes, comma-separated if several.
        :raises InvalidFilter: A placeholder of an INCLUDE has no value. An EXCLUDE without its values does nothing
            (https://docs.aws.amazon.com/personalize/latest/dg/API_RS_GetRecommendations.html).
        """
        datasets = [data for data in (items, users, interactions, actions, action_interactions) if data is not None]
        request = _Request(self.subject, user_id, item_id, {data.dataset_type: data for data in datasets}, values or {})
        results = [(each.verb, request.test(each.where)) for each in self.expressions if request.applies(each)]
        included = [test for verb, test in results if verb == "INCLUDE"]
        excluded = [test for verb, test in results if verb == "EXCLUDE"]
        # of one verb they add up, and EXCLUDE takes away from INCLUDE:
        # https://docs.aws.amazon.com/personalize/latest/dg/multiple-expression-example.html
        return lambda candidate: (
            (not included or any(test(candidate) for test in included))
            and not any(test(candidate) for test in excluded)
        )


def _comparisons(expression: Expression) -> Iterator[Comparison]:
    yield from comparisons(expression.where)
    yield from comparisons(expression.guard)


def fields_of(comparison: Comparison) -> tuple[Field, ...]:
    """Return the fields on both sides of a comparison."""
    return (comparison.field, *(each for each in comparison.operands if isinstance(each, Field)))


def _placeholders(expression: Expression) -> Iterator[str]:
    operands = (operand for each in _comparisons(expression) for operand in each.operands)
    return (operand.name for operand in operands if isinstance(operand, Placeholder))


def read_values(text: str) -> list[str | int | float]:
    """Return the values in one of a request's ``filterValues``: ``"a","b"`` in quotes, or 20."""
    return [_value(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"|(?:[^,\s"\\]|\\.)(?:[^,"\\]|\\.)*', text)]


def _value(word: str) -> str | int | float:
    if NUMBER.fullmatch(word.strip()):
        return number(word.strip())
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word.strip()


class _Request:
    """What a filter can read in a request."""

    def __init__(
        self,
        subject: str,
        user_id: str | None,
        item_id: str | None,
        data: Mapping[str, DatasetData],
        values: Values,
    ) -> None:
        self._subject = subject
        self._user_id = user_id
        self._data = data
        self._values = values
        self._current = {
            "CURRENTUSER": self._row("USERS", user_id),
            "CURRENTITEM": self._row("ITEMS", item_id),
        }

    def _row(self, dataset: str, key: str | None) -> Mapping[str, Any]:
        data = self._data.get(dataset)
        return (data.get(key) if data and key is not None else None) or {}

    def applies(self, expression: Expression) -> bool:
        """
        Tell whether an expression is used: its IF holds, and an EXCLUDE has its values.

        That it does nothing if the IF does not hold is assumed.
        """
        if expression.verb == "EXCLUDE" and not self._values.keys() >= set(_placeholders(expression)):
            return False
        return expression.guard is None or self.test(expression.guard)("")

    def test(self, condition: Condition) -> Keep:
        """Return what tells whether the condition holds for a candidate."""
        if isinstance(condition, Compound):
            tests = [self.test(part) for part in condition.parts]
            together = all if condition.word == "AND" else any
            return lambda candidate: together(test(candidate) for test in tests)
        dataset, name = condition.field.dataset, condition.field.name
        wanted = [value for operand in condition.operands for value in self._resolve(operand)]
        if dataset in INTERACTIONS:
            return self._test_interactions(condition, wanted)
        if dataset in CURRENT:
            return lambda _: holds(condition.sign, _in(self._current[dataset], name), wanted)
        return lambda candidate: holds(condition.sign, _in(self._row(dataset, candidate), name), wanted)

    def _resolve(self, operand: Operand) -> Sequence[Any]:
        if isinstance(operand, Field):
            return _each(_in(self._current[operand.dataset], operand.name))
        if not isinstance(operand, Placeholder):
            return [operand]
        if operand.name not in self._values:
            raise InvalidFilter(f"filterValues has no value for the placeholder {operand}")
        return read_values(self._values[operand.name])

    def _test_interactions(self, condition: Comparison, wanted: Sequence[Any]) -> Keep:
        """Test by what was done: by the user who asks, or by each user if users are filtered."""
        types = {str(each).lower() for each in wanted}
        rows = self._interactions(condition.field.dataset)
        done = frozenset(key for key, event in rows if "*" in types or str(event).lower() in types)
        return lambda candidate: (candidate in done) == (condition.sign == "IN")

    def _interactions(self, dataset: str) -> Iterable[tuple[Any, ...]]:
        data = self._data.get(dataset)
        key = _KEYS[self._subject]
        if data is None:
            return ()
        if self._subject == "USERID":
            return data.values(key, "EVENT_TYPE")
        rows = data.of_user(self._user_id) if self._user_id is not None else ()
        return ((row.get(key), row.get("EVENT_TYPE")) for row in rows)


def _in(row: Mapping[str, Any], name: str) -> Any:
    """Return a field's value; schemas have their names in upper case, and the guide writes ``Items.genres``, too."""
    return row[name] if name in row else row.get(name.upper())


def _each(value: Any) -> list[Any]:
    """Return the values in a field: several are joined by ``|``."""
    if value is None:
        return []
    return value.split("|") if isinstance(value, str) else [value]


def holds(sign: str, value: Any, wanted: Sequence[Any]) -> bool:
    """Return whether a comparison holds for the value of a field."""
    if sign in _COMPARISONS:
        return any(_compare(_COMPARISONS[sign], value, each) for each in wanted)
    if sign in {"IS NULL", "IS NOT NULL"}:
        return (value is None) == (sign == "IS NULL")
    found = any(_same(own, each) for own in _each(value) for each in wanted)
    return found == (sign in {"IN", "="})


def _same(own: Any, other: Any) -> bool:
    return bool(own == other) or str(own) == str(other)


def _compare(comparison: Callable[[Any, Any], bool], own: Any, other: Any) -> bool:
    try:
        return own is not None and other is not None and comparison(own, other)
    except TypeError:
        return False


def parse_attributes(text: str) -> Callable[[Mapping[str, Any]], bool]:
    """
    Return what tells whether an item has the ``itemAttributes`` of a batch segment job.

    https://docs.aws.amazon.com/personalize/latest/dg/prepare-input-data-user-segment.html

    :raises InvalidFilter: They make no sense.
    """
    condition = parse_item_attributes(text)
    return lambda row: _matches(condition, row)


def _matches(condition: Condition, row: Mapping[str, Any]) -> bool:
    if isinstance(condition, Compound):
        return (all if condition.word == "AND" else any)(_matches(part, row) for part in condition.parts)
    return holds(condition.sign, _in(row, condition.field.name), condition.operands)
