"""
The grammar of filter expressions, and of the item attributes of batch segment jobs.

https://docs.aws.amazon.com/personalize/latest/dg/creating-filter-expressions.html and the pages next to it. Keywords
and the names of datasets are read in any case, as the service does. Parentheses, IS NULL, an OR after IF, texts in
single quotes and ``Action`` for ``Actions`` are read too: see :func:`liberties`, :func:`single_quoted` and
:func:`singular`. That AND binds closer than OR is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from airflow_provider_personalize.emulator.engine.errors import InvalidFilter

ORDER: Final = ("<", "<=", ">", ">=")
_SIGNS: Final = ("=", "!=", *ORDER)
_NUMBER: Final = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
NUMBER: Final = re.compile(_NUMBER, re.ASCII)
_TOKEN: Final = re.compile(
    rf"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>{_NUMBER}(?![\w.]))
    |(?P<placeholder>\$\w+)
    |(?P<name>[A-Za-z_]\w*(?:\.\w+)?)
    |(?P<sign><=|>=|!=|[=<>(),|]))""",
    re.VERBOSE | re.ASCII,
)
INTERACTIONS: Final = frozenset({"INTERACTIONS", "ACTION_INTERACTIONS"})
# The datasets by which each subject may be filtered.
_DATASETS: Final[Mapping[str, frozenset[str]]] = {
    "ITEMID": frozenset({"INTERACTIONS", "ITEMS"}),
    "USERID": frozenset({"INTERACTIONS", "USERS"}),
    "ACTIONID": frozenset({"ACTION_INTERACTIONS", "ACTIONS"}),
}
CURRENT: Final = frozenset({"CURRENTUSER", "CURRENTITEM"})
_SUBJECTS: Final = {"ITEMID": "ItemID", "USERID": "UserID", "ACTIONID": "ActionID"}
_DEEPEST: Final = 20


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
# As one example of the guide has it:
# https://docs.aws.amazon.com/personalize/latest/dg/action-recommendation-filter-examples.html
_SINGULAR: Final = {"ACTION": "ACTIONS"}


@dataclass(frozen=True)
class Comparison:
    """A field against values: ``Items.GENRE IN ("a", $B)``."""

    field: Field
    sign: str
    operands: tuple[Operand, ...]

    def __str__(self) -> str:
        written = ", ".join(map(_written, self.operands))
        listed = f"({written})" if self.sign in {"IN", "NOT IN"} else written
        return f"{self.field} {self.sign} {listed}".rstrip()


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
        guard = f" IF {self.guard}" if self.guard else ""
        return f"{self.verb} {_SUBJECTS[self.subject]} WHERE {self.where}{guard}"


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """Yield the comparisons in a condition."""
    if isinstance(condition, Comparison):
        yield condition
    for part in condition.parts if isinstance(condition, Compound) else ():
        yield from comparisons(part)


class _Reader:
    """Reads an expression from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._depth = 0

    def peek(self) -> str:
        """Return the next word in upper case, or an empty text at the end."""
        return self._tokens[self._place][1].upper() if self._place < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        """Consume the next word, which must be one of these."""
        word = self.peek()
        if word not in wanted:
            raise _invalid(f"expected {' or '.join(wanted)}, found {self.found()}")
        self._place += 1
        return word

    def found(self) -> str:
        """Return what comes next, for a message."""
        return repr(self._tokens[self._place][1]) if self.peek() else "the end"

    def maybe(self, word: str) -> bool:
        """Consume the next word if it is this one."""
        if self.peek() == word:
            self._place += 1
            return True
        return False

    def filter(self) -> tuple[Expression, ...]:
        """Parse a whole filter."""
        parts = [self.expression()]
        while self.maybe("|"):
            parts.append(self.expression())
        self.end()
        return tuple(parts)

    def only_condition(self) -> Condition:
        """Parse a condition and nothing else."""
        condition = self.condition()
        self.end()
        return condition

    def end(self) -> None:
        """Refuse what follows."""
        if self.peek():
            raise _invalid(f"expected the end, found {self.found()}")

    def expression(self) -> Expression:
        """Parse one part of a filter."""
        verb, subject = self.take("INCLUDE", "EXCLUDE"), self.take(*_DATASETS)
        self.take("WHERE")
        where = self.condition()
        return Expression(verb, subject, where, self.condition() if self.maybe("IF") else None)

    def condition(self) -> Condition:
        """Parse conditions; AND binds closer."""
        return self._chain("OR", lambda: self._chain("AND", self._single))

    def _chain(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.maybe(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Compound(word, tuple(parts))

    def _single(self) -> Condition:
        return self._group() if self.maybe("(") else self._comparison()

    def _group(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _invalid(f"more than {_DEEPEST} parentheses are open")
        inner = self.condition()
        self.take(")")
        self._depth -= 1
        return inner

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
            return Comparison(field, "NOT IN", self._members())
        sign = self.take("IN", *_SIGNS)
        if sign == "IN":
            return Comparison(field, sign, self._members())
        enclosed = self.maybe("(")  # as the guide writes it around a placeholder
        operand = self._operand()
        if enclosed:
            self.take(")")
        return Comparison(field, sign, (operand,))

    def _members(self) -> tuple[Operand, ...]:
        """Parse a list, or a field whose values are one."""
        return (self._operand(),) if self.peek().startswith("CURRENTITEM.") else self._list()

    def _list(self) -> tuple[Operand, ...]:
        self.take("(")
        operands = [self._operand()]
        while self.maybe(","):
            operands.append(self._operand())
        self.take(")")
        return tuple(operands)

    def _operand(self) -> Operand:
        sort, word = self._tokens[self._place] if self.peek() else ("end", "")
        if sort == "end" or sort == "sign" or (sort == "name" and "." not in word):
            raise _invalid(f"expected a field or a value, found {self.found()}")
        self._place += 1
        return _OPERANDS[sort](word)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise _invalid(f"no sense in {text[place:end].strip()[:40]!r}")
        yield str(found.lastgroup), found[0].strip()
        place = found.end()


def number(word: str) -> int | float:
    """Return what a text that matches ``NUMBER`` stands for."""
    return int(word) if re.fullmatch(r"[+-]?\d+", word, re.ASCII) else float(word)


def _field(word: str) -> Field:
    written, _, name = word.partition(".")
    dataset = _SINGULAR.get(written.upper(), written.upper())
    if dataset not in _SPELLING:
        raise _invalid(f"{written} is not a dataset: use one of {', '.join(_SPELLING.values())}")
    return Field(dataset, name)


_OPERANDS: Final[Mapping[str, Callable[[str], Operand]]] = {
    "text": lambda word: re.sub(r"\\(.)", r"\1", word[1:-1]),
    "number": number,
    "placeholder": lambda word: Placeholder(word[1:]),
    "name": _field,
}


def parse_expressions(text: str) -> tuple[Expression, ...]:
    """Parse the expressions of a filter, joined by ``|``."""
    expressions = _Reader(text).filter()
    for each in expressions:
        _check(each)
    if len({each.subject for each in expressions}) > 1:
        raise _invalid("all expressions of a filter must be on the same of ItemID, UserID and ActionID")
    return expressions


def liberties(text: str) -> Iterator[str]:
    """Yield what a valid expression does that the guide never shows."""
    before, after_if = "", False
    for sort, word in _tokens(text):
        now = word.upper()
        after_if = now == "IF" or (after_if and now != "|")
        if now == "IS" and sort == "name":
            yield "there is no IS NULL"
        if now == "OR" and after_if:
            yield "conditions after IF are joined by AND only"
        if now == "(" and before not in {"IN", *_SIGNS}:
            yield "conditions cannot be in parentheses"
        before = now


def single_quoted(text: str) -> Iterator[str]:
    """Yield the texts of an expression that are in single quotes."""
    for sort, word in _tokens(text):
        if sort == "text" and word.startswith("'"):
            yield f"{word} is in single quotes: put texts in double quotes"


def singular(text: str) -> Iterator[str]:
    """Yield the datasets of an expression that are written without their s."""
    for sort, word in _tokens(text):
        dataset = word.partition(".")[0]
        if sort == "name" and dataset.upper() in _SINGULAR:
            yield f"{dataset} is not a dataset: use {_SPELLING[_SINGULAR[dataset.upper()]]}"


def parse_item_attributes(text: str) -> Condition:
    """Parse the ``itemAttributes`` of a batch segment job."""
    condition = _Reader(text).only_condition()
    for each in comparisons(condition):
        if each.field.dataset != "ITEMS" or not all(isinstance(o, (str, int, float)) for o in each.operands):
            raise _invalid("itemAttributes compare fields of ITEMS with values")
    return condition


# https://docs.aws.amazon.com/personalize/latest/dg/filter-expression-guidelines-requirements.html
def _check(expression: Expression) -> None:
    datasets = {each.field.dataset for each in comparisons(expression.where)}
    if len(datasets) > 1:
        raise _invalid("conditions of one expression must be on one dataset; join expressions with |")
    if datasets - _DATASETS[expression.subject]:
        raise _invalid(f"{_SPELLING[datasets.pop()]} cannot be used in {str(expression).split(' WHERE')[0]}")
    for each in comparisons(expression.where):
        _check_comparison(each)
        if any(isinstance(operand, Field) and operand.dataset == "CURRENTUSER" for operand in each.operands):
            raise _invalid(f"{each} uses CurrentUser: it can be used in an IF condition only")
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
        if isinstance(operand, Field) and operand.dataset not in CURRENT:
            raise _invalid(f"{operand} cannot be a value: only fields of CurrentUser and CurrentItem can")
    if each.field.dataset in INTERACTIONS and (each.field.name.upper() != "EVENT_TYPE" or "IN" not in each.sign):
        raise _invalid("interactions can be filtered by EVENT_TYPE IN and NOT IN only")
