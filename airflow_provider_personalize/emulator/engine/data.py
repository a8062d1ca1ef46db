"""The rows of a dataset: what bulk imports brought and what came in real time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from threading import RLock
from typing import Any, Final, Literal

Mode = Literal["ALL", "BULK", "PUT"]
Row = tuple[Any, ...]

# Rows of these types have an identity: a later row takes the place of an earlier one.
# https://docs.aws.amazon.com/personalize/latest/dg/API_CreateDatasetImportJob.html, importMode
_KEYS: Final[Mapping[str, str]] = {"ITEMS": "ITEM_ID", "USERS": "USER_ID", "ACTIONS": "ACTION_ID"}


class _Log:
    """Rows without an identity, in the order they came."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def add(self, rows: Iterable[Row]) -> None:
        self._rows.extend(rows)

    def remove(self, unwanted: Callable[[Row], bool]) -> int:
        before = len(self._rows)
        self._rows = [row for row in self._rows if not unwanted(row)]
        return before - len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class _Table:
    """Rows by their identity."""

    def __init__(self, place: int) -> None:
        self._place = place
        self.by_id: dict[Any, Row] = {}

    def add(self, rows: Iterable[Row]) -> None:
        self.by_id.update((row[self._place], row) for row in rows)

    def remove(self, unwanted: Callable[[Row], bool]) -> int:
        before = len(self.by_id)
        self.by_id = {key: row for key, row in self.by_id.items() if not unwanted(row)}
        return before - len(self.by_id)

    def __iter__(self) -> Iterator[Row]:
        # a copy, since other threads may put meanwhile
        return iter(list(self.by_id.values()))

    def __len__(self) -> int:
        return len(self.by_id)


class DatasetData:
    """
    The rows of one dataset.

    Items, users and actions are kept by their id: a later row replaces an earlier one, be it imported or put.
    Interactions pile up. A row is a tuple under a header that all rows share, and equal texts are kept once.

    :param dataset_type: ``INTERACTIONS``, ``ITEMS``, ``USERS``, ``ACTIONS`` or ``ACTION_INTERACTIONS``, in any case.
    """

    def __init__(self, dataset_type: str) -> None:
        self.dataset_type = dataset_type.upper()
        self.key = _KEYS.get(self.dataset_type)
        self._columns: dict[str, int] = {self.key: 0} if self.key else {}
        self._bulk, self._put = self._empty(), self._empty()
        self._by_user: dict[Any, list[Row]] | None = None
        self._lock = RLock()

    def _empty(self) -> _Log | _Table:
        return _Table(0) if self.key else _Log()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns that any row had, in the order they were first seen."""
        return tuple(self._columns)

    def replace_bulk(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Apply a FULL import: it replaces earlier bulk rows and keeps what was put."""
        with self._lock:
            bulk = self._empty()
            bulk.add(map(self._pack, rows))
            self._bulk, self._by_user = bulk, None

    def add_bulk(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Apply an INCREMENTAL import: it adds rows; those with an id replace earlier ones, put ones too."""
        with self._lock:
            new = [self._pack(row) for row in rows]
            self._bulk.add(new)
            self._by_user = None
            if isinstance(self._put, _Table):
                ids = {row[0] for row in new}
                self._put.remove(lambda row: row[0] in ids)

    def put(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows that came in real time."""
        with self._lock:
            new = [self._pack(row) for row in rows]
            self._put.add(new)
            if self._by_user is not None:
                self._add_to(self._by_user, new)

    def _pack(self, row: Mapping[str, Any]) -> Row:
        for name in row:
            if name not in self._columns:
                self._columns[name] = len(self._columns)
        return tuple(sys.intern(value) if type(value) is str else value for value in map(row.get, self._columns))

    def rows(self, mode: Mode = "ALL") -> Iterator[dict[str, Any]]:
        """Yield the rows, bulk ones first; a column that a row lacks is None."""
        names = self.columns
        return (self._unpack(names, row) for row in self._packed(mode))

    @staticmethod
    def _unpack(names: tuple[str, ...], row: Row) -> dict[str, Any]:
        return dict(zip(names, row + (None,) * (len(names) - len(row)), strict=True))

    def values(self, *names: str, mode: Mode = "ALL") -> Iterator[Row]:
        """Yield the rows as tuples of these columns: quicker than ``rows``."""
        places = [self._columns.get(name, sys.maxsize) for name in names]
        for row in self._packed(mode):
            width = len(row)
            yield tuple([row[place] if place < width else None for place in places])

    def _packed(self, mode: Mode) -> Iterable[Row]:
        if mode == "BULK":
            return self._bulk
        if mode == "PUT":
            return self._put
        if isinstance(self._bulk, _Table) and isinstance(self._put, _Table):
            return list({**self._bulk.by_id, **self._put.by_id}.values())
        return chain(self._bulk, self._put)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the row of an item, user or action, or None if it does not exist."""
        for part in (self._put, self._bulk):
            if isinstance(part, _Table) and (row := part.by_id.get(key)) is not None:
                return self._unpack(self.columns, row)
        return None

    def of_user(self, user_id: str) -> list[dict[str, Any]]:
        """Return the rows of a user, oldest first as far as there is a TIMESTAMP."""
        with self._lock:
            if self._by_user is None:
                self._by_user = {}
                self._add_to(self._by_user, self._packed("ALL"))
            rows = [self._unpack(self.columns, row) for row in self._by_user.get(user_id, ())]
        return sorted(rows, key=lambda row: row.get("TIMESTAMP") or 0)

    def _add_to(self, index: dict[Any, list[Row]], rows: Iterable[Row]) -> None:
        if (place := self._columns.get("USER_ID")) is not None:
            for row in rows:
                index.setdefault(row[place] if place < len(row) else None, []).append(row)

    def delete_users(self, ids: Iterable[str]) -> int:
        """Remove all rows of these users, and return how many there were."""
        place, gone = self._columns.get("USER_ID"), set(ids)
        if place is None:
            return 0

        def unwanted(row: Row) -> bool:
            return len(row) > place and row[place] in gone

        with self._lock:
            self._by_user = None
            return self._bulk.remove(unwanted) + self._put.remove(unwanted)

    def __len__(self) -> int:
        return sum(1 for _ in self._packed("ALL")) if self.key else len(self._bulk) + len(self._put)
