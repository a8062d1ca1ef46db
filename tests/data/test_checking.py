"""A valid file that is changed in one way has exactly that finding; what is expected follows from the change."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_personalize.data.checking import Check, KnownKeys
from airflow_provider_personalize.data.report import Report
from airflow_provider_personalize.data.rules import RULES, Options
from airflow_provider_personalize.data.schemas import parse_schema

NOW = 1_800_000_000
TEXT = {"type": "string"}
FIELDS: list[dict[str, Any]] = [
    {"name": "USER_ID", **TEXT},
    {"name": "ITEM_ID", **TEXT},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "EVENT_TYPE", **TEXT},
    {"name": "EVENT_VALUE", "type": ["null", "float"]},
    {"name": "DEVICE", "type": ["null", "string"], "categorical": True},
]
HEADER = [str(field["name"]) for field in FIELDS]
ROWS = 1100
Rows = list[list[str]]
# rule, column, line, value, and whether it is an error
Found = tuple[str, str | None, int | None, str | None, bool]


def rows() -> Rows:
    return [
        [
            f"u{n % 50}",
            f"i{n % 70}",
            str(1_700_000_000 + n),
            ("view", "buy")[n % 2],
            f"{n / 8}",
            ("", "tv|phone")[n % 2],
        ]
        for n in range(ROWS)
    ]


def csv(table: Rows, header: list[str] | None = None, end: str = "\n") -> bytes:
    return "".join(f"{','.join(row)}{end}" for row in [header or HEADER, *table]).encode()


def check(data: bytes, block: int = 4096, fields: list[dict[str, Any]] = FIELDS, **more: Any) -> Report:
    schema = parse_schema({"type": "record", "name": "Interactions", "fields": fields})
    checking = Check("s3://shop/a.csv", schema.fields, "INTERACTIONS", **{"now": NOW, **more})
    checking.check_csv("a.csv", iter([data[at : at + block] for at in range(0, len(data), block)]))
    return checking.finish()


def found(report: Report) -> set[Found]:
    summary = report.summary()
    assert sum(problem["count"] for problem in summary["problems"]) == len(summary["first"])
    is_error = {(each["rule"], each["column"]): each["severity"] == "error" for each in summary["problems"]}
    return {
        (each["rule"], each["column"], each["line"], each["value"], is_error[each["rule"], each["column"]])
        for each in summary["first"]
    }


@dataclass
class Case:
    """What is done to a row of a valid file, and what is to be found there besides its line."""

    change: Callable[[list[str]], list[str]]
    rule: str
    column: str | None
    value: str | None


def put(column: str, value: str, rule: str, shown: str | None = None) -> Case:
    place = HEADER.index(column)
    return Case(lambda row: [*row[:place], value, *row[place + 1 :]], rule, column, value if shown is None else shown)


def whole(change: Callable[[list[str]], list[str]], rule: str) -> Case:
    return Case(change, rule, None, None)


LONG_ID, LONG_CATEGORY = "x" * 257, "c" * 1001
CASES = {
    **{f"no {name}": put(name, "", "empty_value") for name in ("USER_ID", "ITEM_ID", "TIMESTAMP")},
    "no EVENT_TYPE": put("EVENT_TYPE", "", "null_value"),
    **{
        f"time {each}": put("TIMESTAMP", each, "type")
        for each in ("yesterday", "2024-01-01", "1700000000.0", "1e9", " 1")
    },
    "milliseconds": put("TIMESTAMP", "1700000000000", "time_unit"),
    "nanoseconds": put("TIMESTAMP", "1700000000000000000", "time_unit"),
    "before 1970": put("TIMESTAMP", "-1", "time_range"),
    "future": put("TIMESTAMP", str(NOW + 86_401), "time_range"),
    "no number": put("EVENT_VALUE", "cheap", "type"),
    "not a number": put("EVENT_VALUE", "nan", "type"),
    "too large": put("EVENT_VALUE", "1e39", "type"),
    "long ID": put("ITEM_ID", LONG_ID, "length", f"{'x' * 60}… (257 characters)"),
    "long category": put("DEVICE", LONG_CATEGORY, "length", f"{'c' * 60}… (1,001 characters)"),
    "a value too few": whole(lambda row: row[:-1], "value_count"),
    "a value too many": whole(lambda row: [*row, "x"], "value_count"),
    "an unquoted comma": whole(lambda row: [*row[:-1], "tv, radio"], "value_count"),
    "NUL": whole(lambda row: [*row[:-1], "t\0v"], "nul_character"),
    "a quote without its partner": whole(lambda row: [*row[:-1], '"tv'], "quotation"),
    "text beside quotes": whole(lambda row: [*row[:-1], '"tv"set'], "quotation"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@settings(max_examples=6, deadline=None)
@given(at=st.integers(0, ROWS - 1), block=st.integers(500, 9000), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_change_of_one_record_is_found_at_its_line(case, at, block, end):
    table = rows()
    table[at] = case.change(table[at])
    value = case.value
    if case.column is None:
        value = ",".join(table[at]).replace("\0", "\\x00")
    expected = (case.rule, case.column, at + 2, value, RULES[case.rule].is_error)
    report = check(csv(table, end=end), block)
    assert found(report) == {expected}
    assert report.records == ROWS


@settings(max_examples=10, deadline=None)
@given(at=st.integers(0, ROWS - 1), block=st.integers(500, 9000))
def test_a_byte_that_is_not_utf_8_is_found_at_its_line(at, block):
    lines = csv(rows()).split(b"\n")
    lines[at + 1] = lines[at + 1].replace(b"u", b"\xe4", 1)
    report = check(b"\n".join(lines), block)
    assert {each[:3] for each in found(report)} == {("encoding", None, at + 2)}


@settings(max_examples=10, deadline=None)
@given(first=st.integers(0, ROWS - 2), data=st.data(), block=st.integers(500, 9000))
def test_a_record_that_is_there_twice_is_found_where_it_comes_again(first, data, block):
    again = data.draw(st.integers(first + 1, ROWS))
    table = rows()
    table.insert(again, table[first])
    expected = ("duplicate", None, again + 2, ",".join(table[first]), False)
    assert found(check(csv(table), block)) == {expected}
    numbered = [[str(number), *row] for number, row in enumerate(table)]
    with_index = check(csv(numbered, ["", *HEADER]), block)
    assert ("duplicate", None, again + 2, ",".join(table[first]), False) in found(with_index)


@settings(max_examples=20, deadline=None)
@given(
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    block=st.integers(1, 9000),
    blanks=st.lists(st.integers(1, ROWS), max_size=3),
    quoted=st.booleans(),
    final=st.booleans(),
)
def test_how_lines_end_and_values_are_quoted_makes_no_difference(end, block, blanks, quoted, final):
    table = [[*row[:-1], f'"{row[-1]}"'] for row in rows()] if quoted else rows()
    text = csv(table).decode().splitlines()
    for at in blanks:
        text.insert(at, "")
    data = (end.join(text) + (end if final else "")).encode()
    report = check(data, block)
    assert (found(report), report.records) == (set(), ROWS)
    assert report.distinct == {"USER_ID": 50, "ITEM_ID": 70, "EVENT_TYPE": 2}


def drop(name: str) -> bytes:
    at = HEADER.index(name)
    return csv([row[:at] + row[at + 1 :] for row in rows()], HEADER[:at] + HEADER[at + 1 :])


SWAPPED = [HEADER[1], HEADER[0], *HEADER[2:]]
FILES: dict[str, tuple[bytes, set[Found]]] = {
    "missing": (drop("ITEM_ID"), {("missing_column", "ITEM_ID", 1, None, True)}),
    "missing, so that records look alike": (drop("TIMESTAMP"), {("missing_column", "TIMESTAMP", 1, None, True)}),
    "omitted": (drop("DEVICE"), {("omitted_column", "DEVICE", 1, None, False)}),
    "unknown": (
        csv([[*row, "red"] for row in rows()], [*HEADER, "COLOUR"]),
        {("unknown_column", "COLOUR", 1, None, False)},
    ),
    "repeated": (
        csv([[*row, row[0]] for row in rows()], [*HEADER, "USER_ID"]),
        {("repeated_column", "USER_ID", 1, None, True)},
    ),
    "reordered": (
        csv([[row[1], row[0], *row[2:]] for row in rows()], SWAPPED),
        {("column_order", ", ".join(SWAPPED), 1, None, False)},
    ),
    "in lower case": (
        csv(rows(), ["user_id", *HEADER[1:]]),
        {("column_case", "user_id", 1, None, False)},
    ),
    "quoted": (csv(rows(), ['"USER_ID"', *HEADER[1:]]), {("quoted_header", None, 1, None, True)}),
    "with a mark": (b"\xef\xbb\xbf" + csv(rows()), {("byte_order_mark", None, 1, None, False)}),
    "semicolons": (
        csv(rows()).replace(b",", b";"),
        {("file_format", None, 1, ";".join(HEADER), True)},
    ),
    "gzip": (gzip.compress(csv(rows())), {("file_format", None, None, None, True)}),
    "UTF-16": (csv(rows()).decode().encode("utf-16"), {("encoding", None, None, None, True)}),
    "UTF-16 without a mark": (csv(rows()).decode().encode("utf-16-le"), {("encoding", None, None, None, True)}),
    "empty": (b"", {("empty_file", None, 1, None, True)}),
    "a header only": (csv([]), {("row_minimum", None, None, None, True)}),
    "too few": (csv(rows()[:999]), {("row_minimum", None, None, None, True)}),
    "a line break in quotes": (
        csv([*rows(), ["u1", "i1", "1700000000", '"a\nb"', "1", ""]]),
        {
            ("quotation", None, ROWS + 2, 'u1,i1,1700000000,"a', True),
            ("value_count", None, ROWS + 3, 'b",1,', True),
        },
    ),
    "too many event types": (
        csv([[*row[:3], f"e{n % 8}", *row[4:]] for n, row in enumerate(rows())]),
        {("event_types", "EVENT_TYPE", None, None, True)},
    ),
    "24 users with two": (
        csv([[f"u{n if n > 47 else n % 24}", *row[1:]] for n, row in enumerate(rows())]),
        {("training_users", "USER_ID", None, None, True)},
    ),
}


@pytest.mark.parametrize(("data", "expected"), FILES.values(), ids=FILES)
def test_a_change_of_the_file_is_found(data, expected):
    assert found(check(data)) == expected
    assert found(check(data, 101)) == expected


def test_what_a_training_needs_is_not_asked_of_an_incremental_import_alone():
    data = FILES["24 users with two"][0]
    assert found(check(data, is_incremental=True)) == set()
    assert {each[0] for each in found(check(csv(rows()[:999]), is_incremental=True))} == {"row_minimum"}


def test_records_that_are_equal_count_once_for_a_training():
    report = check(csv([*rows()[:990], *rows()[:10]]))
    assert {(rule, count) for (rule, *_), count in counted(report)} == {("duplicate", 10), ("unique_interactions", 1)}


def counted(report: Report) -> Iterator[tuple[tuple[str, str | None, bool], int]]:
    return ((key, problems.count) for key, problems in report.groups.items())


def test_each_rule_is_counted_and_the_first_twenty_are_in_full():
    report = check(csv([[*row[:2], "soon", *row[3:]] for row in rows()]))
    assert list(counted(report)) == [(("type", "TIMESTAMP", True), ROWS)]
    message = report.message()
    assert message.startswith("s3://shop/a.csv is not fit for the dataset: 1,100 x type TIMESTAMP.\nThe first 20:\n")
    assert message.count("\n  - ") == 20
    assert "  - a.csv, line 21: TIMESTAMP is 'soon': the schema has long, the seconds since 1970." in message
    assert "error  1,100  type  TIMESTAMP  a.csv:2   'soon'" in report.table()


def test_a_sample_is_the_beginning_and_has_no_totals():
    table = rows()
    table[100][0] = ""
    taken = []

    def blocks() -> Iterator[bytes]:
        data = csv(table)
        for at in range(0, len(data), 1000):
            taken.append(at)
            yield data[at : at + 1000]

    checking = Check(
        "s3://a", parse_schema({"type": "record", "fields": FIELDS}).fields, "INTERACTIONS", sample_rows=100
    )
    checking.check_csv("a.csv", blocks())
    report = checking.finish()
    assert (report.records, report.is_sample, report.errors) == (100, True, 0)
    assert len(taken) < 7
    assert check(csv(table), sample_rows=101).errors == 1


def test_all_files_have_the_same_header():
    checking = Check("s3://a/", parse_schema({"type": "record", "fields": FIELDS}).fields, "INTERACTIONS")
    checking.check_csv("a.csv", [csv(rows())])
    checking.check_csv("b.csv", [csv(rows()[:1], [*HEADER[:-1], "OTHER"])])
    report = checking.finish()
    assert [(problem["rule"], problem["file"]) for problem in report.summary()["first"]] == [
        ("different_header", "b.csv")
    ]


def test_a_line_without_an_end_is_not_kept_in_memory():
    taken = 0

    def blocks() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 2**20

    checking = Check("s3://a", parse_schema({"type": "record", "fields": FIELDS}).fields, "INTERACTIONS")
    checking.check_csv("a.csv", blocks())
    assert [key[0] for key in checking.report.groups] == ["long_line"]
    assert taken == 17


ITEMS = [
    {"name": "ITEM_ID", **TEXT},
    {"name": "PRICE", "type": "float"},
    {"name": "TITLE", **TEXT},
    {"name": "ABOUT", **TEXT, "textual": True},
]


def test_items_are_identified_by_their_ids_and_have_limits_of_their_own():
    table = [
        ["i1", "1.5", "a", "b"],
        ["i2", "1.5", "a" * 1001, "b"],
        ["i1", "2", "c", "d"],
        ["i3", "1", "e", "f" * 20_001],
        ["i4", "1", "e", "\u3042" * 7001],
    ]
    fields = parse_schema({"type": "record", "name": "Items", "fields": ITEMS}).fields
    checking = Check("s3://a", fields, "ITEMS", options=Options(limits={**Options().limits, "full_import_bytes": 9}))
    checking.add_size(10)
    checking.check_csv("a.csv", [csv(table, [str(field["name"]) for field in ITEMS])])
    summary = checking.finish().summary()
    assert [(each["rule"], each["line"], each["column"]) for each in summary["first"]] == [
        ("import_size", None, None),
        ("length", 3, "TITLE"),
        ("text_length", 5, "ABOUT"),
        ("text_length", 6, "ABOUT"),
        ("duplicate", 4, "ITEM_ID"),
    ]
    assert (summary["errors"], summary["warnings"], summary["distinct"]) == (2, 3, {"ITEM_ID": 4})


def test_the_page_lists_each_rule():
    page = (Path(__file__).parents[2] / "docs" / "guides" / "data-checks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (error|warning) \| (.*) \| (?:\[.*\]\((.*)\)|(assumed)) \|$", page, re.MULTILINE)
    listed = {name: (severity == "error", says, link or assumed) for name, severity, says, link, assumed in rows}
    assert listed == {name: tuple(rule) for name, rule in RULES.items()}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 300).map(str), max_size=200), max_size=30))
def test_keys_that_come_again_are_known(batches):
    keys, known = KnownKeys(), set()
    for batch in batches:
        expected = []
        for place, key in enumerate(batch):
            if key in known:
                expected.append(place)
            known.add(key)
        assert keys.repeated(batch) == expected
    assert keys.count == len(known)


def test_many_keys_are_known_by_their_hashes():
    keys = KnownKeys()
    for start in range(0, 60_000, 1000):
        assert keys.repeated(map(str, range(start, start + 1000))) == []
    assert keys.repeated(["59999", "60000", "0"]) == [0, 2]
