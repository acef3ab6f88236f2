"""The text of a CSV file: is it a table at all, and which line does a row stand on?"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from regbench.errors import BadData

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MAX_COLUMNS", "CsvText"]

# Bounds far above what anyone trains on, so that a hostile file is refused at its first lines.
MAX_COLUMNS = 65_536
_MAX_LINE = 1 << 24


@dataclass(frozen=True)
class CsvText:
    """One file: comma-separated, UTF-8, a header line, then one row a record.

    name: the path as the study gives it; every message starts with it.
    content: its text, as `reading.plain_text` makes it.
    """

    name: str
    content: bytes

    def error(self, message: str, *, row: int | None = None, column: str | None = None) -> BadData:
        """An error that says where: `row` counts data rows from 0, and is told as a line."""
        places = [] if row is None else [f"line {self._line_of(row)}"]
        places += [] if column is None else [f"column '{column}'"]
        return BadData(": ".join([self.name, *([", ".join(places)] if places else []), message]))

    def header(self) -> tuple[str, ...]:
        """The column names, once the whole file has been checked for its structure.

        pandas fills short rows up and takes a longer first row for an index, both without a word;
        so each record is counted here first.
        """
        records = self._records()
        _, header = next(records, (0, []))
        names = tuple(cell.strip() for cell in header)
        self._check_names(names)
        count = 0
        for line, record in records:
            count += 1
            if len(record) != len(names):
                cells = "cell" if len(record) == 1 else "cells"
                raise BadData(
                    f"{self.name}: line {line} has {len(record)} {cells}, "
                    f"the header has {len(names)}"
                )
        if count == 0:
            raise self.error("has a header but no rows")
        return names

    def frame(self, names: Sequence[str], keep: Sequence[str]) -> pd.DataFrame:
        """The columns `keep` of a file with header `names`; empty cells, NA and nan are missing."""
        import pandas as pd

        return pd.read_csv(
            BytesIO(self.content),
            header=0,
            names=list(names),
            usecols=list(keep),
            index_col=False,
            skipinitialspace=True,
            low_memory=False,  # one type a column, decided on the whole file
        )

    def _check_names(self, names: tuple[str, ...]) -> None:
        if not names:
            raise self.error("is empty")
        if len(names) == 1:
            other = next((mark for mark in (";", "\t", "|") if mark in names[0]), None)
            hint = (
                f": cells are separated by {other!r} here, regbench reads commas" if other else ""
            )
            raise self.error(f"has one column only{hint}")
        if all(_is_number(name) for name in names):
            raise self.error(
                f"line 1 holds numbers ({', '.join(names[:3])}...), not column names: add a header"
            )
        if len(names) > MAX_COLUMNS:
            raise self.error(f"has {len(names)} columns, more than {MAX_COLUMNS}")
        seen = set()
        for place, name in enumerate(names):
            if not name:
                raise self.error(
                    f"column {place + 1} has no name in the header (if it is a pandas index, write "
                    "the file with index=False)"
                )
            if name in seen:
                raise self.error(f"two columns are called '{name}'")
            seen.add(name)

    def _line_of(self, row: int) -> int:
        records = self._records()
        next(records)
        for count, (line, _) in enumerate(records):
            if count == row:
                return line
        raise IndexError(row)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """(first line, cells) of each record, the header included."""
        text = TextIOWrapper(BytesIO(self.content), encoding="utf-8", newline="\n")
        reader = csv.reader(self._lines(text), strict=True, skipinitialspace=True)
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise BadData(f"{self.name}: line {line}: {error}") from None
            if record:
                yield line, record

    def _lines(self, file: TextIO) -> Iterator[str]:
        number = 1
        while line := file.readline(_MAX_LINE):
            if len(line) == _MAX_LINE:
                raise BadData(f"{self.name}: line {number} is longer than {_MAX_LINE} characters")
            yield line
            number += 1


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
