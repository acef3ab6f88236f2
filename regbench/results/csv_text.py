"""CSV as regbench writes and reads it: one text for one table, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from math import isnan
from pathlib import Path
from stat import S_ISCHR

from regbench.errors import BadData

__all__ = ["guard", "read_csv", "unguard", "write_csv"]

# Far above the largest study: a hundred thousand runs are about 60 MiB.
MAX_BYTES = 1 << 29
MAX_COLUMNS = 10_000

Table = tuple[list[str], list[list[str]]]

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


def read_csv(path: Path, check: Callable[[bytes], None] | None = None) -> Table:
    """Header and rows of a CSV file that regbench wrote, as text with the guards taken off.

    Args:
        check: told the file's bytes before they are understood.
    Raises:
        BadData: naming the file and the line.
    """
    content = _bytes(path)
    if check is not None:
        check(content)
    try:
        # Line ends as they are: the csv module knows which ones stand within quotes.
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadData(f"{path}: is not UTF-8 (byte {error.start})") from error
    if text and not text.endswith("\n"):
        raise BadData(f"{path}: the last line is cut off")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if len(header) > MAX_COLUMNS:
            raise BadData(f"{path}: has {len(header)} columns, more than {MAX_COLUMNS}")
        rows = []
        for row in reader:
            if len(row) != len(header):
                place = f"{path}:{reader.line_num}"
                raise BadData(f"{place}: {len(row)} fields where the header has {len(header)}")
            rows.append([unguard(value) for value in row])
    except csv.Error as error:
        raise BadData(f"{path}:{reader.line_num}: {error}") from error
    if not header:
        raise BadData(f"{path}: is empty")
    return header, rows


def _bytes(path: Path) -> bytes:
    """A file's bytes; a pipe is read, too, but nothing that has no end."""
    try:
        with path.open("rb") as file:
            if S_ISCHR(os.fstat(file.fileno()).st_mode):
                raise BadData(f"{path}: is no regular file")
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the path
        raise BadData(f"{str(path)!r} is no file name: {error}") from error
    if len(content) > MAX_BYTES:
        raise BadData(f"{path}: is larger than {MAX_BYTES >> 20} MiB")
    return content
