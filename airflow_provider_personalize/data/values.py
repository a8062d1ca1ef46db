"""
The values of records: how the lines of a CSV are split, and how texts are read as numbers.

https://docs.aws.amazon.com/personalize/latest/dg/data-prep-formatting.html: each record is on one line, and
https://docs.aws.amazon.com/personalize/latest/dg/items-datasets.html: in quoted text, a backslash escapes quotes and
backslashes. That a doubled quote is one, too, and that numbers are written as in Java, but for its words for infinity
and no number, are assumed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Final

_VALUE: Final = re.compile(r'(?:"((?:[^"\\]|\\.|"")*)"|([^",][^,]*)?)(?:,|\Z)')
_ESCAPE: Final = re.compile(r'\\(["\\])|""')
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = frozenset({"true", "false", "0", "1"})
_LARGEST_FLOAT: Final = float.fromhex("0x1.fffffep127")
_LARGEST_DOUBLE: Final = float.fromhex("0x1.fffffffffffffp1023")


def split(line: str) -> list[str]:
    """
    Return the values in a line of a CSV, without its line break.

    :raises ValueError: A quotation mark has no partner on the line, or something stands beside quoted text.
    """
    if '"' not in line:
        return line.split(",")
    values, place = [], 0
    while True:
        found = _VALUE.match(line, place)
        if not found:
            raise ValueError(line[place:])
        quoted, plain = found.groups()
        values.append(plain or "" if quoted is None else _ESCAPE.sub(lambda escape: escape[1] or '"', quoted))
        place = found.end()
        if not found[0].endswith(","):
            return values


def reader(types: Collection[Any]) -> Callable[[str], Any]:
    """
    Return what reads a text as a value of a field of these types.

    The readers raise ValueError for any other text.
    """
    if "string" in types:
        return str
    if "float" in types or "double" in types:
        largest = _LARGEST_DOUBLE if "double" in types else _LARGEST_FLOAT
        return lambda text: _decimal(text, largest)
    if "boolean" in types:
        return _boolean
    bits = 64 if "long" in types else 32
    return lambda text: _integer(text, 2 ** (bits - 1))


def _integer(text: str, beyond: int) -> int:
    if not _INTEGER.fullmatch(text) or not -beyond <= (number := int(text)) < beyond:
        raise ValueError(text)
    return number


def _decimal(text: str, largest: float) -> float:
    if not _DECIMAL.fullmatch(text) or abs(number := float(text)) > largest:
        raise ValueError(text)
    return number


def _boolean(text: str) -> str:
    if text.lower() not in _BOOLEANS:
        raise ValueError(text)
    return text
