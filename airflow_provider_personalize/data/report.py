"""What a check found: counted, with the first problems in full, for an error, the log and XCom."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airflow_provider_personalize.data.rules import Finding

#: So many errors, and as many warnings, are reported in full.
MOST_IN_FULL: Final = 20
# Data may be personal: a report shows no more of a value.
_LONGEST_VALUE: Final = 60
_LONGEST_TEXT: Final = 300
# What logs, JSON and databases cannot keep
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def shown(text: str, longest: int = _LONGEST_VALUE) -> str:
    """Return a text that any log and database takes, cut where it is long."""
    cut = text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"
    return _UNPRINTABLE.sub(lambda match: repr(match[0])[1:-1], cut)


class Problem(NamedTuple):
    """
    One problem.

    :param rule: The name of the rule that is broken.
    :param file: The key of the file; None if the problem is that of all files together.
    :param line: The line in the file, from 1; in a Parquet file, the row. None if it is about the whole file.
    :param column: The column, or several.
    :param value: The beginning of the value.
    :param text: What is wrong, in a sentence.
    """

    rule: str
    file: str | None
    line: int | None
    column: str | None
    value: str | None
    text: str


@dataclass
class Problems:
    """
    All problems of a rule and a column.

    :param first: The first of them.
    :param is_error: Whether they are errors.
    """

    first: Problem
    is_error: bool
    count: int = 0


@dataclass
class Report:
    """
    What a check found.

    :param location: What was checked.
    :param dataset_type: The type of the dataset, in capitals.
    :param files: How many files were checked.
    :param size: Their bytes.
    :param records: How many records were read.
    :param is_sample: Whether some records were left out, so that no total is known.
    :param distinct: How many values differ, by column; None where they are too many to count.
    """

    location: str
    dataset_type: str
    files: int = 0
    size: int = 0
    records: int = 0
    is_sample: bool = False
    distinct: dict[str, int | None] = field(default_factory=dict)
    groups: dict[tuple[str, str | None, bool], Problems] = field(default_factory=dict)
    _in_full: dict[bool, list[Problem]] = field(default_factory=lambda: {True: [], False: []})

    def add(self, finding: Finding, file: str | None = None, line: int | None = None) -> None:
        """Count a finding, and keep it in full if it is one of the first."""
        key = (finding.rule, finding.column, finding.is_error)
        problems, in_full = self.groups.get(key), self._in_full[finding.is_error]
        if problems is None or len(in_full) < MOST_IN_FULL:
            problem = _problem(finding, file, line)
            problems = self.groups.setdefault(key, Problems(problem, finding.is_error))
            if len(in_full) < MOST_IN_FULL:
                in_full.append(problem)
        problems.count += 1

    @property
    def errors(self) -> int:
        """How many errors there are."""
        return sum(problems.count for problems in self.groups.values() if problems.is_error)

    @property
    def warnings(self) -> int:
        """How many warnings there are."""
        return sum(problems.count for problems in self.groups.values() if not problems.is_error)

    def summary(self) -> dict[str, Any]:
        """Return the report as JSON primitives."""
        return {
            "location": self.location,
            "dataset_type": self.dataset_type,
            "files": self.files,
            "bytes": self.size,
            "records": self.records,
            "is_sample": self.is_sample,
            "distinct": dict(self.distinct),
            "errors": self.errors,
            "warnings": self.warnings,
            "problems": [
                {
                    "severity": "error" if problems.is_error else "warning",
                    "count": problems.count,
                    **problems.first._asdict(),
                }
                for problems in self._sorted()
            ],
            "first": [problem._asdict() for problem in self._in_full[True] + self._in_full[False]],
        }

    def _sorted(self) -> list[Problems]:
        """Return all kinds of problems: errors before warnings, and in the order in which they were found."""
        return sorted(self.groups.values(), key=lambda problems: not problems.is_error)

    def table(self) -> str:
        """Return the report as text: totals, and a line for each kind of problem."""
        distinct = "".join(
            f", {'too many' if count is None else f'{count:,}'} distinct {column}"
            for column, count in self.distinct.items()
        )
        part = " of a sample" if self.is_sample else ""
        head = (
            f"{self.location}: {self.files:,} files, {self.size:,} bytes; {self.records:,} records{part}{distinct}; "
            f"{self.errors:,} errors, {self.warnings:,} warnings"
        )
        rows = [
            (
                "error" if problems.is_error else "warning",
                f"{problems.count:,}",
                problems.first.rule,
                problems.first.column or "",
                _place(problems.first),
                "" if problems.first.value is None else f"'{problems.first.value}'",
            )
            for problems in self._sorted()
        ]
        return "\n".join([head, *_aligned([("", "count", "rule", "column", "first at", "value"), *rows])])

    def message(self, *, with_warnings: bool = False) -> str:
        """
        Return the report as the text of an error: every kind of problem with its count, and the first in full.

        :param with_warnings: Whether warnings count as errors.
        """
        in_full = [*self._in_full[True], *(self._in_full[False] if with_warnings else ())][:MOST_IN_FULL]
        groups = [problems for problems in self._sorted() if problems.is_error or with_warnings]
        counts = ", ".join(
            " ".join(filter(None, (f"{problems.count:,} x", problems.first.rule, problems.first.column)))
            for problems in groups
        )
        is_all = len(in_full) == sum(problems.count for problems in groups)
        first = "" if is_all else f"\nThe first {len(in_full)}:"
        listed = "".join(f"\n  - {_sentence(problem)}" for problem in in_full)
        return f"{self.location} is not fit for the dataset: {counts}.{first}{listed}"


def _problem(finding: Finding, file: str | None, line: int | None) -> Problem:
    text, value = finding.text, finding.value
    if value is not None:
        text = text.replace(repr(value), f"'{shown(value)}'")
    column = None if finding.column is None else shown(finding.column, _LONGEST_TEXT)
    return Problem(
        finding.rule,
        None if file is None else shown(file, _LONGEST_TEXT),
        line,
        column,
        None if value is None else shown(value),
        shown(text, _LONGEST_TEXT),
    )


def _place(problem: Problem) -> str:
    if problem.file is None:
        return ""
    return problem.file if problem.line is None else f"{problem.file}:{problem.line}"


def _sentence(problem: Problem) -> str:
    """Return what is wrong, after the place. What is wrong with a record begins with how it goes on from there."""
    place = problem.file or ""
    if problem.line is not None:
        place = f"{place}, line {problem.line}"
    separator = ": " if place and not problem.text.startswith((":", " ")) else ""
    return f"{place}{separator}{problem.text}"


def _aligned(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    if len(rows) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
