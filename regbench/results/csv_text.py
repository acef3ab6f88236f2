"""CSV as regbench writes and reads it: one text for one table, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from math import isnan
from pathlib import Path
from stat import S_ISFIFO, S_ISREG
from typing import TYPE_CHECKING, BinaryIO

from regbench.errors import BadData
from regbench.results.files import MOST_BYTES, opened

if TYPE_CHECKING:
    from _csv import Reader


MAX_COLUMNS = 10_000
_MOST_LINE = 1 << 24
# As shells name a pipe that is open already.
_OF_THIS_PROCESS = re.compile(r"/dev/(fd/|stdin$)|/proc/[^/]+/fd/")

Rows = Iterator[list[str]]
# Raises BadData where the bytes are not what regbench wrote.
Proof = Callable[[BinaryIO], None]

# What a spreadsheet would run as a formula; apostrophes before it are told apart by one more.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


@lru_cache(1024)  # a label stands in many rows
def guard(text: str) -> str:
    """A label with a leading apostrophe where a spreadsheet would run it as a formula.

    >>> guard("=1+1"), guard("dropout"), guard("'=x")
    ("'=1+1", 'dropout', "''=x")
    """
    return "'" + text if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """The label that `guard` was given.

    >>> all(unguard(guard(text)) == text for text in ("=1", "'=1", "'x", "-3", "plain"))
    True
    """
    return text[1:] if text[:1] == "'" and _GUARDED.match(text) else text


def _cell(value: object) -> object:
    """What the csv module writes as it should stand: numbers by itself, in their shortest form."""
    if isinstance(value, float):
        return None if isnan(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return guard(value) if isinstance(value, str) else value


def as_text(value: object) -> str:
    """What `open_csv` gives of a value that `write_csv` wrote.

    >>> as_text(0.001), as_text(None), as_text(True), as_text("=x")
    ('0.001', '', 'true', '=x')
    """
    if isinstance(value, str):
        return value
    written = _cell(value)
    return "" if written is None else repr(written) if isinstance(written, float) else str(written)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8, LF, '.' decimals, shortest round-trip floats, empty for None and NaN.

    >>> write_csv(["cell", "l2", "n"], [["none", 0.001, 3], ["=x", None, float("nan")]])
    b"cell,l2,n\\nnone,0.001,3\\n'=x,,\\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


@contextmanager
def open_csv(path: Path, proof: Proof | None = None) -> Iterator[tuple[list[str], Rows]]:
    """Header and rows of a CSV file that regbench wrote, as text with the guards taken off.

    Row by row, so that a long table takes no memory.

    Args:
        proof: of a table in a results folder, which may come from anyone; without one the path is
            the user's own, and may be a link or the pipe of a command.
    """
    with opened(path) if proof else _given(path) as file:
        if proof:
            proof(file)
            file.seek(0)
        reader = csv.reader(_lines(path, file), strict=True)
        rows = _rows(path, reader)
        header = next(rows, [])
        if not header:
            raise BadData(f"{path}: is empty")
        yield header, rows


def _given(path: Path) -> BinaryIO:
    """A file that the user named; `<(command)` is one, too, but nothing that waits for a writer."""
    try:
        mode = os.stat(path).st_mode
        if not S_ISREG(mode) and not (S_ISFIFO(mode) and _OF_THIS_PROCESS.match(str(path))):
            raise BadData(f"{path}: is no regular file")
        return path.open("rb")
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the path
        raise BadData(f"{str(path)!r} is no file name: {error}") from error


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    """The lines as they stand: the csv module knows which line ends stand within quotes."""
    at = 0
    for line in iter(lambda: file.readline(_MOST_LINE), b""):
        if not line.endswith(b"\n"):
            if len(line) == _MOST_LINE:
                raise BadData(f"{path}: a line is longer than {_MOST_LINE >> 20} MiB")
            _text(path, line, at)
            raise BadData(f"{path}: the last line is cut off")
        yield _text(path, line, at)
        at += len(line)
        if at > MOST_BYTES:
            raise BadData(f"{path}: is larger than {MOST_BYTES >> 20} MiB")


def _text(path: Path, line: bytes, at: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadData(f"{path}: is not UTF-8 (byte {at + error.start})") from error


def _rows(path: Path, reader: Reader) -> Rows:
    """The rows, which are all as long as the first."""
    columns = None
    try:
        for row in reader:
            if columns is None:
                columns = len(row)
                if columns > MAX_COLUMNS:
                    raise BadData(f"{path}: has {columns} columns, more than {MAX_COLUMNS}")
            elif len(row) != columns:
                place = f"{path}:{reader.line_num}"
                raise BadData(f"{place}: {len(row)} fields where the header has {columns}")
            yield [unguard(value) for value in row]
    except csv.Error as error:
        raise BadData(f"{path}:{reader.line_num}: {error}") from error
