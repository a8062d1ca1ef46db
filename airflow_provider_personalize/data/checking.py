"""
Check the files of an import by the rules, piece by piece, in bounded memory.

A piece is a few ten thousand records. All values of a column are looked at at once; records are read one by one only to
tell which of them break a rule.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from operator import itemgetter
from typing import Final

from airflow_provider_personalize.data import rules
from airflow_provider_personalize.data.report import Report
from airflow_provider_personalize.data.rules import KEYS, Finding, Options, Refused, found
from airflow_provider_personalize.data.schemas import SchemaField

# What files that are no plain CSV begin with, and what they are.
_MAGIC: Final = (
    (b"\x1f\x8b", "file_format", "The file is compressed with gzip: the service reads plain CSV."),
    (b"PK\x03\x04", "file_format", "The file is a ZIP archive or a spreadsheet: the service reads plain CSV."),
    (b"BZh", "file_format", "The file is compressed with bzip2: the service reads plain CSV."),
    (b"\x28\xb5\x2f\xfd", "file_format", "The file is compressed with Zstandard: the service reads plain CSV."),
    (b"PAR1", "file_format", "The file is Parquet: the service imports CSV only."),
    (b"ORC", "file_format", "The file is ORC: the service imports CSV only."),
    (b"Obj\x01", "file_format", "The file is Avro: the service imports CSV only."),
    (b"\xff\xfe", "encoding", "Input csv is not UTF-8: it is UTF-16."),
    (b"\xfe\xff", "encoding", "Input csv is not UTF-8: it is UTF-16."),
)
_BOM: Final = b"\xef\xbb\xbf"
_OTHER_SEPARATORS: Final = ";\t|"
_LONGEST_LINE: Final = 16 * 2**20
# Columns whose distinct values are counted
_COUNTED: Final = ("USER_ID", "ITEM_ID", "ACTION_ID", "EVENT_TYPE")
_MOST_DISTINCT: Final = 1_000_000


class KnownKeys:
    """
    Which keys came before, by their hashes: 16 bytes of memory for each, and no more than 64 MB.

    Beyond four million keys no further ones are looked at.
    """

    _MOST = 4_000_000

    def __init__(self) -> None:
        self.count = 0
        self._slots = array("q", bytes(8 * 2**12))

    @property
    def is_full(self) -> bool:
        """Whether no further keys are looked at."""
        return self.count >= self._MOST

    def repeated(self, keys: Iterable[Hashable]) -> list[int]:
        """Add keys, and return the places of those that were there before."""
        if self.is_full:
            return []
        hashes = array("q", map(hash, keys))
        while 2 * (self.count + len(hashes)) > len(self._slots):
            known = self._slots
            self._slots, self.count = array("q", bytes(16 * len(known))), 0
            self._add(filter(None, known))
        return self._add(hashes)

    def _add(self, hashes: Iterable[int]) -> list[int]:
        slots, mask, again, count = self._slots, len(self._slots) - 1, [], 0
        for place, each in enumerate(hashes):
            number = each or 1
            at = number & mask
            while there := slots[at]:
                if there == number:
                    again.append(place)
                    break
                at = (at + 1) & mask
            else:
                slots[at] = number
                count += 1
        self.count += count
        return again


@dataclass
class _File:
    """A file that is read: its name, the line that comes next, and the records that are still wanted of it."""

    name: str
    line: int
    left: float


class Check:
    """
    Check the files of one import: each by :meth:`check_csv` or :meth:`check_columns`, then :meth:`finish`.

    :param location: What is checked, as the report names it.
    :param fields: The fields of the dataset's schema.
    :param dataset_type: The type of the dataset, in capitals.
    :param is_incremental: Whether the import adds to the dataset. A training then sees more than this data.
    :param sample_rows: How many records of each file are checked; None means all. The header always is.
    :param ignore: The names of rules whose findings are dropped.
    :param now: The time, in seconds since 1970.
    """

    def __init__(
        self,
        location: str,
        fields: Collection[SchemaField],
        dataset_type: str,
        *,
        is_incremental: bool = False,
        sample_rows: int | None = None,
        ignore: Collection[str] = (),
        options: Options | None = None,
        now: float = math.inf,
    ) -> None:
        self.report = Report(location, dataset_type)
        self._fields, self._dataset_type, self._now = fields, dataset_type, now
        self._is_incremental, self._ignore = is_incremental, frozenset(ignore)
        self._sample = math.inf if sample_rows is None else sample_rows
        self._options = options or Options()
        self._header: list[str] | None = None
        # whether records have all that tells them apart
        self._has_keys = False
        self._keys = KnownKeys()
        self._counts: dict[str, Counter[str] | None] = {}

    def add(self, finding: Finding, file: str | None = None, line: int | None = None) -> None:
        """Report a finding, unless its rule is ignored."""
        if finding.rule not in self._ignore:
            self.report.add(finding, file, line)

    def add_size(self, size: int) -> None:
        """Count and check the bytes of all files together."""
        self.report.size = size
        mode = "incremental" if self._is_incremental else "full"
        if said := self._options.excess(f"{mode}_import_bytes", size):
            self.add(found("import_size", said))

    def check_csv(self, name: str, blocks: Iterable[bytes]) -> None:
        """
        Check a CSV.

        :param name: The name of the file, as the report has it.
        :param blocks: Its bytes. No more of them are taken than are checked.
        """
        self.report.files += 1
        pieces = _whole_lines(blocks)
        file = _File(name, 1, self._sample)
        try:
            first = next(pieces, b"")
            if wrong := _wrong_format(first):
                self.add(wrong, name)
                return
            if first.startswith(_BOM):
                first = first[len(_BOM) :]
                self.add(found("byte_order_mark", "The file begins with a byte order mark."), name, 1)
            lines, is_utf8 = _lines(first)
            records = self._read_header(file, lines[0] if lines else "", is_utf8)
            if records is None:
                return
            self._check_lines(file, records, lines[1:], is_utf8=is_utf8)
            while not (file.left <= 0 and self.report.is_sample):
                if not (piece := next(pieces, b"")):
                    return
                lines, is_utf8 = _lines(piece)
                self._check_lines(file, records, lines, is_utf8=is_utf8)
        except Refused as refused:
            self.add(refused.finding, name, file.line)

    def check_columns(self, name: str, header: Sequence[str], batches: Iterable[Sequence[Sequence[str]]]) -> None:
        """
        Check a table.

        :param header: The names of its columns.
        :param batches: Its values, as a CSV would have them: in each batch, those of each column.
        """
        self.report.files += 1
        file = _File(name, 1, self._sample)
        columns = self._check_header(file, list(header), list(header))
        file.line = 1
        for batch in batches:
            if file.left <= 0:
                self.report.is_sample = True
                return
            size = len(batch[0]) if batch else 0
            self.report.is_sample = self.report.is_sample or size > file.left
            wanted = int(min(size, file.left))
            taken = [column[:wanted] for column in batch]
            numbers = range(file.line, file.line + wanted)
            for column, texts in zip(header, taken, strict=True):
                self._check_texts(file, column, texts, numbers)
            self._check_columns(file, columns, taken, numbers, None)
            file.line, file.left = file.line + wanted, file.left - wanted

    def _check_texts(self, file: _File, column: str, texts: Sequence[str], numbers: Sequence[int]) -> None:
        """Find what no CSV can have in the values of a table."""
        whole = "".join(texts)
        if _is_utf8(whole) and not any(each in whole for each in "\0\n\r"):
            return
        for number, text in zip(numbers, texts, strict=True):
            if not _is_utf8(text):
                self.add(found("encoding", f": {column} is not UTF-8.", column, text), file.name, number)
            elif "\0" in text:
                self.add(found("nul_character", f": {column} has a NUL character.", column, text), file.name, number)
            elif "\n" in text or "\r" in text:
                said = f": {column} has a line break. Each record must be on a single line."
                self.add(found("quotation", said, column, text), file.name, number)

    def finish(self) -> Report:
        """Check the totals, if all records were read, and return the report."""
        report, header = self.report, self._header or []
        for column in _COUNTED:
            if column in header:
                counts = self._counts.get(column, Counter())
                report.distinct[column] = None if counts is None else len(counts)
        if report.is_sample or not report.files or not header:
            return report
        totals = (self._fields, self._dataset_type, report.records, report.distinct.get("EVENT_TYPE") or 0)
        wrong = list(rules.total_findings(*totals, self._options))
        users = self._counts.get("USER_ID")
        if not wrong and users and self._has_keys and not self._is_incremental:
            unique = None if self._keys.is_full else self._keys.count
            with_two = sum(count > 1 for count in users.values())
            wrong = list(rules.training_findings(self._dataset_type, unique, len(users), with_two))
        for finding in wrong:
            self.add(finding)
        return report

    def _read_header(self, file: _File, line: str, is_utf8: bool) -> rules.Records | None:
        """Check the header of a CSV; return the rules for its records, or None if they cannot be read."""
        file.line = 2
        if not line:
            self.add(found("empty_file", "The file has no header."), file.name, 1)
            return None
        if not is_utf8 and not _is_utf8(line):
            self.add(found("encoding", "Input csv is not UTF-8.", value=line), file.name, 1)
            return None
        try:
            header = rules.read_header(line, self._fields, self._options)
        except Refused as refused:
            self.add(refused.finding, file.name, 1)
            if refused.finding.rule != "quoted_header":
                return None
            header = rules.read_header(line, self._fields, replace(self._options, quoted_headers=True))
        as_written = rules.split_record(line)
        if len(header) == 1 and (other := next((each for each in _OTHER_SEPARATORS if each in line), None)):
            self.add(
                found("file_format", f"The values are separated by {other!r}: use commas.", value=line), file.name, 1
            )
            return None
        return self._check_header(file, header, as_written)

    def _check_header(self, file: _File, header: list[str], as_written: list[str]) -> rules.Records:
        if self._header is None:
            self._header = header
            self._has_keys = not any(rules.missing_columns(self._fields, header, self._options))
            for finding in rules.header_findings(self._fields, header, self._options):
                self.add(finding, file.name, 1)
            if recased := ", ".join(name for name in as_written if name not in header):
                self.add(found("column_case", "Columns are not written as in the schema.", recased), file.name, 1)
        elif header != self._header:
            text = "Input csv files do not have the same header."
            self.add(found("different_header", text, value=",".join(as_written)), file.name, 1)
        return rules.Records(self._fields, header, self._dataset_type, self._options, self._now)

    def _check_lines(self, file: _File, records: rules.Records, lines: list[str], *, is_utf8: bool) -> None:
        """Check the next lines of a file. An empty line is not a record."""
        numbers: Sequence[int] = range(file.line, file.line + len(lines))
        file.line += len(lines)
        if "" in lines:
            numbers, lines = list(compress(numbers, lines)), list(filter(None, lines))
        if len(lines) > file.left:
            self.report.is_sample = True
            wanted = int(file.left)
            numbers, lines = numbers[:wanted], lines[:wanted]
        file.left -= len(lines)
        if not lines:
            return
        split = _split_all(lines) if is_utf8 else None
        if split is None or set(map(len, split)) != {records.width}:
            before = len(lines)
            numbers, lines, split = self._split_one_by_one(file, records, numbers, lines)
            self.report.records += before - len(lines)
        if split:
            self._check_columns(file, records, list(zip(*split, strict=True)), numbers, lines)

    def _split_one_by_one(
        self, file: _File, records: rules.Records, numbers: Sequence[int], lines: list[str]
    ) -> tuple[list[int], list[str], list[list[str]]]:
        """Report the lines that are not records, and return the others."""
        kept: list[tuple[int, str, list[str]]] = []
        for number, line in zip(numbers, lines, strict=True):
            record = _record(line, records)
            if isinstance(record, Finding):
                self.add(record, file.name, number)
            else:
                kept.append((number, line, record))
        return [each[0] for each in kept], [each[1] for each in kept], [each[2] for each in kept]

    def _check_columns(
        self,
        file: _File,
        records: rules.Records,
        columns: Sequence[Sequence[str]],
        numbers: Sequence[int],
        lines: Sequence[str] | None,
    ) -> None:
        """Check records by their columns."""
        self.report.records += len(numbers)
        findings: list[tuple[int, Finding]] = []
        for column in records.columns:
            texts = columns[column.place]
            if bad := column.bad_values(texts):
                wrong = ((number, text) for number, text in zip(numbers, texts, strict=True) if text in bad)
                findings += ((number, finding) for number, text in wrong for finding in bad[text])
            if column.name in _COUNTED:
                self._count(column.name, texts)
        for number, finding in sorted(findings, key=itemgetter(0)):
            self.add(finding, file.name, number)
        self._check_duplicates(file, records, columns, numbers, lines)

    def _count(self, name: str, texts: Sequence[str]) -> None:
        counts = self._counts.setdefault(name, Counter())
        if counts is not None:
            counts.update(texts)
            del counts[""]
            if len(counts) > _MOST_DISTINCT:
                self._counts[name] = None

    def _check_duplicates(
        self,
        file: _File,
        records: rules.Records,
        columns: Sequence[Sequence[str]],
        numbers: Sequence[int],
        lines: Sequence[str] | None,
    ) -> None:
        if not self._has_keys:
            return
        key = KEYS.get(self._dataset_type)
        known = {column.name: columns[column.place] for column in records.columns}
        keys: Sequence[Hashable]
        if key:
            keys = known.get(key, ())
        else:
            # lines that are equal are equal records; those that differ may be, too, in columns that nobody reads
            is_whole = lines is not None and len(known) == records.width
            keys = lines if is_whole and lines is not None else list(zip(*known.values(), strict=True))
        for place in self._keys.repeated(keys):
            again = keys[place]
            value = again if isinstance(again, str) else ",".join(again)  # type: ignore[arg-type]
            what = (
                f"{key} {value!r} was there before: it replaces that"
                if key
                else "The same record was there before: one counts"
            )
            self.add(found("duplicate", f": {what}.", key, value), file.name, numbers[place])


def _record(line: str, records: rules.Records) -> list[str] | Finding:
    """Return the values of a record, or what is wrong with it."""
    if not _is_utf8(line):
        return found("encoding", " is not UTF-8.", value=line)
    try:
        record = rules.split_record(line)
    except Refused as refused:
        return refused.finding
    return record if len(record) == records.width else records.wrong_width(record)._replace(value=line)


def _split_all(lines: list[str]) -> list[list[str]] | None:
    """Split lines at once; return None if one may break a rule."""
    text = "\n".join(lines)
    if "\0" in text:
        return None
    if '"' not in text:
        return [line.split(",") for line in lines]
    if "\\" in text:
        return None
    try:
        split = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    return split if len(split) == len(lines) else None


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield the bytes of blocks, cut where lines end.

    :raises Refused: A line is too long.
    """
    rest = b""
    for block in blocks:
        whole = rest + block
        # without a line feed, a carriage return ends a line, unless it is the last byte: a line feed may follow
        end = whole.rfind(b"\n") + 1 or whole.rfind(b"\r", 0, len(whole) - 1) + 1
        rest = whole[end:]
        if end:
            yield whole[:end]
        if len(rest) > _LONGEST_LINE:
            text = f"A line is longer than {_LONGEST_LINE // 2**20} MB: the rest of the file is not checked."
            raise Refused(found("long_line", text))
    if rest:
        yield rest


def _lines(piece: bytes) -> tuple[list[str], bool]:
    """Return the lines in a piece, and whether they are UTF-8. LF, CR LF and CR end a line."""
    try:
        text, is_utf8 = piece.decode(), True
    except UnicodeDecodeError:
        text, is_utf8 = piece.decode(errors="surrogateescape"), False
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines, is_utf8


def _is_utf8(line: str) -> bool:
    """Return whether a line has no byte that could not be decoded."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong_format(first: bytes) -> Finding | None:
    """Return what is wrong with a file that begins like no CSV."""
    for magic, rule, text in _MAGIC:
        if first.startswith(magic):
            return found(rule, text)
    # a header in UTF-16 without a byte order mark
    if b"\0" in first[:4]:
        return found("encoding", "Input csv is not UTF-8: it has NUL characters from the beginning.")
    return None
