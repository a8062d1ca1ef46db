"""
Filter expressions: what may be recommended to whom.

https://docs.aws.amazon.com/personalize/latest/dg/creating-filter-expressions.html and the pages next to it. That
keywords and the names of datasets may be written in any case, that AND binds closer than OR, that parentheses group,
and what a missing value does (it is in no list, equal to nothing, neither less nor more), is assumed.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_personalize.emulator.engine.data import DatasetData
from airflow_provider_personalize.emulator.engine.errors import InvalidFilter

Keep = Callable[[str], bool]
Values = Mapping[str, str]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<placeholder>\$\w+)
    |(?P<name>[A-Za-z_]\w*(?:\.\w+)?)
    |(?P<sign><=|>=|!=|[=<>(),|]))""",
    re.VERBOSE,
)
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_INTERACTIONS: Final = frozenset({"INTERACTIONS", "ACTION_INTERACTIONS"})
_KEYS: Final[Mapping[str, str]] = {"ITEMID": "ITEM_ID", "USERID": "USER_ID", "ACTIONID": "ACTION_ID"}
# What each thing to filter may be filtered by.
_DATASETS: Final[Mapping[str, frozenset[str]]] = {
    "ITEMID": frozenset({"INTERACTIONS", "ITEMS"}),
    "USERID": frozenset({"INTERACTIONS", "USERS"}),
    "ACTIONID": frozenset({"ACTION_INTERACTIONS", "ACTIONS"}),
}
_CURRENT: Final = frozenset({"CURRENTUSER", "CURRENTITEM"})


def _invalid(reason: str) -> InvalidFilter:
    return InvalidFilter(f"Could not create filter. Invalid Expression: {reason}")


@dataclass(frozen=True)
class Field:
    """A column of a dataset, or of the current user or item."""

    dataset: str
    name: str

    def __str__(self) -> str:
        return f"{_SPELLING[self.dataset]}.{self.name}"


@dataclass(frozen=True)
class Placeholder:
    """A value that comes with the request."""

    name: str

    def __str__(self) -> str:
        return f"${self.name}"


Operand = str | int | float | Field | Placeholder
_SPELLING: Final = {
    "INTERACTIONS": "Interactions",
    "ITEMS": "Items",
    "USERS": "Users",
    "ACTIONS": "Actions",
    "ACTION_INTERACTIONS": "Action_Interactions",
    "CURRENTUSER": "CurrentUser",
    "CURRENTITEM": "CurrentItem",
}


@dataclass(frozen=True)
class Comparison:
    """A field against values: ``Items.GENRE IN ("a", $B)``."""

    field: Field
    sign: str
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        written = ", ".join(map(_written, self.operands))
        return f"{self.field} {self.sign} ({written})" if "IN" in self.sign else f"{self.field} {self.sign} {written}"


@dataclass(frozen=True)
class Compound:
    """Conditions of which all, or any, must hold."""

    word: str
    parts: tuple[Condition, ...]

    def __str__(self) -> str:
        return f" {self.word} ".join(f"({part})" if isinstance(part, Compound) else str(part) for part in self.parts)


Condition = Comparison | Compound


def _written(operand: Operand) -> str:
    if isinstance(operand, str):
        return '"' + operand.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(operand)


@dataclass(frozen=True)
class Expression:
    """One part of a filter: ``INCLUDE ItemID WHERE … IF …``."""

    verb: str
    subject: str
    where: Condition
    guard: Condition | None

    def __str__(self) -> str:
        spelt = {"ITEMID": "ItemID", "USERID": "UserID", "ACTIONID": "ActionID"}[self.subject]
        return f"{self.verb} {spelt} WHERE {self.where}" + (f" IF {self.guard}" if self.guard else "")


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """Go through the comparisons in a condition."""
    if isinstance(condition, Comparison):
        yield condition
    for part in condition.parts if isinstance(condition, Compound) else ():
        yield from comparisons(part)


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0

    def peek(self) -> str:
        """Return the next word in upper case, or an empty text at the end."""
        return self._tokens[self._place][1].upper() if self._place < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        """Take the next word, which must be one of these."""
        word = self.peek()
        if word not in wanted:
            raise _invalid(f"expected {' or '.join(wanted)}, found {self.found()}")
        self._place += 1
        return word

    def found(self) -> str:
        """Say what comes next, for a message."""
        return repr(self._tokens[self._place][1]) if self.peek() else "the end"

    def maybe(self, word: str) -> bool:
        """Take the next word if it is this one."""
        if self.peek() == word:
            self._place += 1
            return True
        return False

    def filter(self) -> tuple[Expression, ...]:
        """Read a whole filter."""
        parts = [self.expression()]
        while self.maybe("|"):
            parts.append(self.expression())
        self.end()
        return tuple(parts)

    def end(self) -> None:
        """Refuse what follows."""
        if self.peek():
            raise _invalid(f"expected the end, found {self.found()}")

    def expression(self) -> Expression:
        """Read one part of a filter."""
        verb, subject = self.take("INCLUDE", "EXCLUDE"), self.take(*_DATASETS)
        self.take("WHERE")
        where = self.condition()
        return Expression(verb, subject, where, self.condition() if self.maybe("IF") else None)

    def condition(self) -> Condition:
        """Read conditions, of which AND binds closer."""
        return self._chain("OR", lambda: self._chain("AND", self._single))

    def _chain(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.maybe(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Compound(word, tuple(parts))

    def _single(self) -> Condition:
        if self.maybe("("):
            inner = self.condition()
            self.take(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Comparison:
        field = self._operand()
        if not isinstance(field, Field):
            raise _invalid(f"expected a field as in Items.GENRE, found {_written(field)}")
        if self.maybe("IS"):
            sign = "IS NOT NULL" if self.maybe("NOT") else "IS NULL"
            self.take("NULL")
            return Comparison(field, sign, ())
        return self._values(field)

    def _values(self, field: Field) -> Comparison:
        if self.maybe("NOT"):
            self.take("IN")
            return Comparison(field, "NOT IN", self._list())
        sign = self.take("IN", "=", "!=", *_COMPARISONS)
        return Comparison(field, sign, self._list() if sign == "IN" else (self._operand(),))

    def _list(self) -> tuple[Operand, ...]:
        self.take("(")
        operands = [self._operand()]
        while self.maybe(","):
            operands.append(self._operand())
        self.take(")")
        return tuple(operands)

    def _operand(self) -> Operand:
        kind, word = self._tokens[self._place] if self.peek() else ("end", "")
        if kind == "end" or kind == "sign" or (kind == "name" and "." not in word):
            raise _invalid(f"expected a field or a value, found {self.found()}")
        self._place += 1
        return _OPERANDS[kind](word)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise _invalid(f"no sense in {text[place:end].strip()[:40]!r}")
        yield str(found.lastgroup), found[0].strip()
        place = found.end()


def _number(word: str) -> int | float:
    return int(word) if re.fullmatch(r"[+-]?\d+", word) else float(word)


def _field(word: str) -> Field:
    dataset, _, name = word.partition(".")
    if dataset.upper() not in _SPELLING:
        raise _invalid(f"{dataset} is no dataset: there are {', '.join(_SPELLING.values())}")
    return Field(dataset.upper(), name)


_OPERANDS: Final[Mapping[str, Callable[[str], Operand]]] = {
    "text": lambda word: re.sub(r"\\(.)", r"\1", word[1:-1]),
    "number": _number,
    "placeholder": lambda word: Placeholder(word[1:]),
    "name": _field,
}


def parse(expression: str) -> Filter:
    """
    Read a filter expression.

    :raises InvalidFilter: It makes no sense, or breaks a rule of the service.
    """
    read = Filter(_Reader(expression).filter())
    for part in read.expressions:
        _check(part)
    return read


# https://docs.aws.amazon.com/personalize/latest/dg/filter-expression-guidelines-requirements.html
def _check(expression: Expression) -> None:
    datasets = {each.field.dataset for each in comparisons(expression.where)}
    if len(datasets) > 1:
        raise _invalid("conditions of one expression must be on one dataset; join expressions with |")
    if datasets - _DATASETS[expression.subject]:
        raise _invalid(f"{_SPELLING[datasets.pop()]} cannot be used in {str(expression).split(' WHERE')[0]}")
    for each in comparisons(expression.where):
        _check_comparison(each)
    for each in comparisons(expression.guard):
        if each.field.dataset != "CURRENTUSER":
            raise _invalid("IF checks conditions on CurrentUser only")
        _check_comparison(each)


def _check_comparison(each: Comparison) -> None:
    for operand in each.operands:
        if isinstance(operand, Placeholder) and each.sign == "NOT IN":
            raise InvalidFilter(
                f"Could not create filter. Invalid input symbol: {operand}. "
                "Placeholders are not allowed with NOT_IN operator."
            )
        if isinstance(operand, Field) and operand.dataset not in _CURRENT:
            raise _invalid(f"{operand} cannot be a value: only fields of CurrentUser and CurrentItem can")
    if each.field.dataset in _INTERACTIONS and (each.field.name.upper() != "EVENT_TYPE" or "IN" not in each.sign):
        raise _invalid("interactions can be filtered by EVENT_TYPE IN and NOT IN only")


@dataclass(frozen=True)
class Filter:
    """A filter expression that was read; ``str`` writes it."""

    expressions: tuple[Expression, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.expressions))

    @property
    def subject(self) -> str:
        """What is filtered: ``ITEMID``, ``USERID`` or ``ACTIONID``."""
        return self.expressions[0].subject

    def _comparisons(self) -> Iterator[Comparison]:
        for each in self.expressions:
            yield from comparisons(each.where)
            yield from comparisons(each.guard)

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the values that a request must bring, without the ``$``."""
        return frozenset(
            operand.name
            for each in self._comparisons()
            for operand in each.operands
            if isinstance(operand, Placeholder)
        )

    @property
    def fields(self) -> frozenset[str]:
        """The distinct fields, as in ``Items.GENRE``: the service has a quota on them."""
        operands = (o for each in self._comparisons() for o in (each.field, *each.operands))
        return frozenset(str(operand) for operand in operands if isinstance(operand, Field))

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
        :raises InvalidFilter: A placeholder has no value.
        """
        given = [data for data in (items, users, interactions, actions, action_interactions) if data is not None]
        look = _Look(self.subject, user_id, item_id, {data.dataset_type: data for data in given}, values or {})
        verdicts = [(each.verb, look.test(each.where)) for each in self.expressions if look.applies(each)]
        included = [test for verb, test in verdicts if verb == "INCLUDE"]
        excluded = [test for verb, test in verdicts if verb == "EXCLUDE"]
        # of a kind they add up, and EXCLUDE takes away from INCLUDE:
        # https://docs.aws.amazon.com/personalize/latest/dg/multiple-expression-example.html
        return lambda candidate: (
            (not included or any(test(candidate) for test in included))
            and not any(test(candidate) for test in excluded)
        )


def read_values(text: str) -> list[str | int | float]:
    """Return the values in one of a request's ``filterValues``: ``"a","b"`` in quotes, or 20."""
    return [_value(word) for word in re.findall(r'"(?:[^"\\]|\\.)*"|[^,\s"][^,"]*', text)]


def _value(word: str) -> str | int | float:
    for read in (int, float):
        try:
            return read(word)
        except ValueError:
            continue
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word.strip()


class _Look:
    """What a request lets a filter look at."""

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
        """Tell whether the IF of an expression holds; that it does nothing otherwise is assumed."""
        return expression.guard is None or self.test(expression.guard)("")

    def test(self, condition: Condition) -> Keep:
        """Return what tells whether the condition holds for a candidate."""
        if isinstance(condition, Compound):
            tests = [self.test(part) for part in condition.parts]
            together = all if condition.word == "AND" else any
            return lambda candidate: together(test(candidate) for test in tests)
        dataset, name = condition.field.dataset, condition.field.name
        wanted = [value for operand in condition.operands for value in self._resolve(operand)]
        if dataset in _INTERACTIONS:
            return self._test_interactions(condition, wanted)
        if dataset in _CURRENT:
            return lambda _: holds(condition.sign, self._current[dataset].get(name), wanted)
        return lambda candidate: holds(condition.sign, self._row(dataset, candidate).get(name), wanted)

    def _resolve(self, operand: Operand) -> Sequence[Any]:
        if isinstance(operand, Field):
            return _each(self._current[operand.dataset].get(operand.name))
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


def _each(value: Any) -> list[Any]:
    """Return the values in a field: several are joined by ``|``."""
    if value is None:
        return []
    return value.split("|") if isinstance(value, str) else [value]


def holds(sign: str, value: Any, wanted: Sequence[Any]) -> bool:
    """Tell whether a comparison holds for the value of a field."""
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
    Read a batch segment job's ``itemAttributes``, and return what tells whether an item has them.

    https://docs.aws.amazon.com/personalize/latest/dg/prepare-input-data-user-segment.html

    :raises InvalidFilter: It makes no sense.
    """
    reader = _Reader(text)
    condition = reader.condition()
    reader.end()
    for each in comparisons(condition):
        if each.field.dataset != "ITEMS" or not all(isinstance(o, (str, int, float)) for o in each.operands):
            raise _invalid("itemAttributes compare fields of ITEMS with values")
    return lambda row: _matches(condition, row)


def _matches(condition: Condition, row: Mapping[str, Any]) -> bool:
    if isinstance(condition, Compound):
        return (all if condition.word == "AND" else any)(_matches(part, row) for part in condition.parts)
    return holds(condition.sign, row.get(condition.field.name), condition.operands)
