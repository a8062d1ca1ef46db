"""Read files piece by piece by a function that fetches a range of bytes: CSV as it is, Parquet by pyarrow."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Returns the bytes from one place in a file up to another.
Fetch = Callable[[int, int], bytes]

PARQUET: Final = b"PAR1"
#: What is fetched at once, and what is handed on at once: records of a piece take many times its bytes.
RANGE: Final = 8 * 2**20
_PIECE: Final = 2**20
_ROWS: Final = 16_384


class ParquetMissingError(ImportError):
    """pyarrow is not installed."""


def blocks(fetch: Fetch, size: int, at_once: int = RANGE) -> Iterator[bytes]:
    """
    Yield the bytes of a file.

    :param size: How many there are.
    :param at_once: How many to fetch at once.
    """
    for start in range(0, size, at_once):
        fetched = fetch(start, min(start + at_once, size))
        yield from (fetched[at : at + _PIECE] for at in range(0, len(fetched), _PIECE))


def open_parquet(fetch: Fetch, size: int) -> Any:
    """
    Return pyarrow's ``ParquetFile``, which fetches what is read of it.

    :raises ParquetMissingError: pyarrow is not installed.
    :raises ValueError: The file is damaged.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ParquetMissingError(str(error)) from None
    return parquet.ParquetFile(_Ranges(fetch, size), buffer_size=_PIECE, pre_buffer=False)


def batches(file: Any) -> Iterator[list[Sequence[str]]]:
    """Yield the values of a Parquet file as a CSV would have them: in each batch, those of each column."""
    for batch in file.iter_batches(batch_size=_ROWS):
        yield [_texts(column) for column in batch.columns]


def nested_columns(file: Any) -> dict[str, str]:
    """Return the columns of a Parquet file that no CSV can have, with their types."""
    from pyarrow import types

    return {each.name: str(each.type) for each in file.schema_arrow if types.is_nested(each.type)}


def _texts(column: Any) -> list[str]:
    from pyarrow import ArrowInvalid, types

    if types.is_floating(column.type):
        # as most programs write them: 1.0; what is no number is empty
        return ["" if value is None or value != value else str(value) for value in column.to_pylist()]
    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_integer(column.type) or types.is_string(column.type) or types.is_large_string(column.type):
        try:
            return [value or "" for value in column.cast("string").to_pylist()]
        except ArrowInvalid:
            pass
    return ["" if value is None else _text(value) for value in column.to_pylist()]


def _text(value: Any) -> str:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


class _Ranges(io.RawIOBase):
    """A file of which only what is read is fetched."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch, self._size, self._at = fetch, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        fetched = self._fetch(self._at, end) if end > self._at else b""
        self._at += len(fetched)
        return fetched
