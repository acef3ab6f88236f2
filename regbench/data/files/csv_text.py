"""The text of a CSV file as columns of cells, as they are written, and the line of each row.

pyarrow reads the blocks in which quotes stand around whole cells of one line. From the first other
one on, Python's csv module reads record by record: it alone refuses a quote that is never closed or
is followed by text, and knows what line a record of several lines begins on.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from regbench.config.blocks.files import Csv
from regbench.data.files.problems import Problems
from regbench.data.files.scanning import Batch

# Far above what anyone trains on, so that a hostile file is refused at its first lines.
_MAX_LINE = 1 << 24
# Rows of a batch: columns are worked on one by one, which should be worth it.
_BATCH_ROWS, _BATCH_CELLS, _BATCH_BYTES, _MOST_BATCH_BYTES = 4096, 1 << 16, 1 << 20, 1 << 26
_UNCLOSED = "unexpected end of data"  # what Python's csv module says


class CsvText:
    """One pass over a CSV file: first its header, then its rows in batches.

    Args:
        blocks: UTF-8 text with LF line ends.
        problems: told of every record that has not as many cells as the header.
        quote: what may stand around a cell.
        row_names: whether rows have one cell more, their name, in front, as R's write.table has it;
            None: as the first row says. That column's name is then "".
    """

    unreadable: tuple[str, ...] = ()

    def __init__(
        self,
        blocks: Iterator[bytes],
        problems: Problems,
        sep: str,
        comment: str | None = None,
        row_names: bool | None = None,
        quote: str = '"',
    ) -> None:
        self._problems, self._sep, self._quote = problems, sep, quote
        self._comment = None if comment is None else comment.encode()
        self._blocks = self._whole_lines(blocks)
        self._line = 1
        self._rest = b""
        self.header = self._header()
        more = self._has_row_names(len(self.header)) if row_names is None else row_names
        self.header = ("", *self.header) if more and self.header else self.header

    def batches(self, wanted: Sequence[int]) -> Iterator[Batch]:
        """The rows; of each the cells of these columns."""
        while block := self._next_block():
            if not self._is_plain(block):
                yield from self._records(block, wanted)
                return
            yield self._plain(block, wanted)
            if self._problems.full:
                return

    def _header(self) -> tuple[str, ...]:
        while block := self._next_block():
            if not block.strip(b"\n"):
                self._line += len(block)
                continue
            # A header is one record, which may be of several lines where a name is in quotes.
            reader = _Records(self, block)
            record = next((each for each in reader if each), [])
            self._rest, self._line = reader.rest(), self._line + reader.line_num
            return tuple(name.strip() for name in record)
        return ()

    def _has_row_names(self, names: int) -> bool:
        """Whether the first row has one cell more, which is not what follows a last separator."""
        while not self._rest.strip(b"\n") and (block := next(self._blocks, b"")):
            self._rest += block
        text = io.StringIO(self._rest.decode(), newline="\n")
        try:
            first: list[str] = next((row for row in self._reader(text) if row), [])
        except csv.Error:
            return False  # told when it is read
        return len(first) == names + 1 > 2 and first[-1].strip() != ""

    def _reader(self, lines: Iterable[str], strict: bool = False) -> Any:
        blanks = self._sep != " "
        return csv.reader(
            lines,
            delimiter=self._sep,
            quotechar=self._quote,
            skipinitialspace=blanks,
            strict=strict,
        )

    def _next_block(self) -> bytes:
        if self._rest:
            block, self._rest = self._rest, b""
            return block
        return next(self._blocks, b"")

    def _whole_lines(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Blocks that end with a line; without comments, whose lines are left empty."""
        parts: list[bytes] = []
        size, line, most = 0, 1, _BATCH_BYTES
        for block in blocks:
            parts.append(block)
            size += len(block)
            end = block.rfind(b"\n")
            if size < most and line > 1:
                continue
            if end < 0:
                if size > _MAX_LINE:
                    self._problems.refuse(
                        f"line {line} is longer than {_MAX_LINE} characters", fatal=True
                    )
                continue
            parts[-1], rest = block[: end + 1], block[end + 1 :]
            whole = self._cleaned(b"".join(parts))
            if line == 1:
                first = whole.lstrip(b"\n").find(b"\n") + 1
                most = min(max(first * _BATCH_ROWS // 2, most), _MOST_BATCH_BYTES)
            line += whole.count(b"\n")
            yield whole
            parts, size = [rest] if rest else [], len(rest)
        if parts:
            yield self._cleaned(b"".join(parts) + b"\n")

    def _cleaned(self, block: bytes) -> bytes:
        if self._comment is not None and self._comment in block:
            block = re.sub(rb"(?m)^" + re.escape(self._comment) + rb".*$", b"", block)
        if self._sep == " ":
            block = re.sub(rb"[ \t]+", b" ", block)
            block = re.sub(rb"(?m)^ | $", b"", block)
        return block

    def _is_plain(self, block: bytes) -> bool:
        """Whether every line is a record, and quotes stand around whole cells only."""
        quote = self._quote.encode()
        if quote not in block:
            return True
        # One search for each of the two marks that a cell begins after: `re` finds these fast.
        rest, sep = b"\n" + block, re.escape(self._sep.encode())
        for mark in (sep, rb"\n"):
            whole = quote + b"[^" + quote + rb"\n]*" + quote
            rest = re.sub(mark + whole + b"(?=" + sep + rb"|\n)", b"", rest)
        return quote not in rest

    def _plain(self, block: bytes, wanted: Sequence[int]) -> Batch:
        """The rows of a block that is plain."""
        import pyarrow as pa
        import pyarrow.csv as arrow

        names = [str(j) for j in range(len(self.header))]
        wrong: list[Any] = []

        def skip(row: Any) -> str:
            wrong.append(row)
            return "skip"

        kept = [names[j] for j in wanted]
        table = arrow.read_csv(
            pa.py_buffer(block),
            arrow.ReadOptions(use_threads=False, column_names=names, block_size=len(block) + 1),
            arrow.ParseOptions(
                delimiter=self._sep,
                quote_char=self._quote if self._quote.encode() in block else False,
                double_quote=False,
                newlines_in_values=False,
                ignore_empty_lines=True,
                invalid_row_handler=skip,
            ),
            arrow.ConvertOptions(
                column_types=dict.fromkeys(kept, pa.string()),
                include_columns=kept,
                strings_can_be_null=False,
                check_utf8=False,  # it was decoded
            ),
        )
        first, count = self._line, block.count(b"\n")
        self._line += count
        lines: Sequence[int] = range(first, first + count)
        if block.startswith(b"\n") or b"\n\n" in block:
            texts = block.split(b"\n")[:-1]
            lines = [first + place for place, text in enumerate(texts) if text]
        if wrong:
            records = self._reader(io.StringIO(block.decode(), newline="\n"))
            sizes = [(first + place, len(record)) for place, record in enumerate(records)]
            lines = [line for line, size in sizes if size == len(names)]
            for line, size in sizes:
                if size not in (0, len(names)):
                    self._count(line, size)
        # One chunk, as a rule; of 65,536 columns, to join each takes its time.
        columns = [c.chunk(0) if c.num_chunks == 1 else c.combine_chunks() for c in table.columns]
        return Batch(columns, lines)

    def _records(self, block: bytes, wanted: Sequence[int]) -> Iterator[Batch]:
        """This block and all that follow, record by record."""
        import pyarrow as pa

        reader, columns, start = _Records(self, block), len(self.header), self._line
        lines: list[int] = []

        def whole() -> Iterator[list[str]]:
            before = 0
            for record in reader:
                line, before = start + before, reader.line_num
                if len(record) == columns:
                    lines.append(line)
                    yield record
                elif record:
                    self._count(line, len(record))
                    if self._problems.full:
                        return

        records = whole()
        size = max(64, min(_BATCH_ROWS, _BATCH_CELLS // max(columns, 1)))
        while rows := list(islice(records, size)):
            cells = list(zip(*rows, strict=True))
            yield Batch([pa.array(cells[j], pa.string()) for j in wanted], lines)
            lines = []

    def _count(self, line: int, cells: int) -> None:
        what = "cell" if cells == 1 else "cells"
        self._problems.refuse(f"line {line} has {cells} {what}, the header has {len(self.header)}")


def text_of(config: Csv, blocks: Iterator[bytes], problems: Problems) -> CsvText:
    """A pass over the text that a dataset block names, read as it says."""
    marks = config.separator, config.comment, config.row_names, config.quote
    return CsvText(blocks, problems, *marks)


class _Records:
    """Records of a block and of what follows it, by Python's csv module, strictly."""

    def __init__(self, text: CsvText, block: bytes) -> None:
        self._text, self._block = text, block
        self._lines = self._each_line()
        # A cell may be as long as a line.
        csv.field_size_limit(_MAX_LINE)
        self._reader = text._reader(self._lines, strict=True)

    @property
    def line_num(self) -> int:
        """Lines read so far."""
        return int(self._reader.line_num)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        first = self._text._line + self._reader.line_num
        try:
            return next(self._reader)
        except csv.Error as error:
            told, mark = str(error), self._text._quote
            if told == _UNCLOSED:
                told = f"a cell begins with {mark}, which is never closed"
            elif "expected after" in told:
                told = (
                    f"text follows the {mark} that closes a cell (one within it is written twice)"
                )
            self._text._problems.refuse(f"line {first}: {told}", fatal=True)
            raise StopIteration from None

    def rest(self) -> bytes:
        """What was not read of the block that is being read."""
        return "".join(self._lines_left).encode()

    def _each_line(self) -> Iterator[str]:
        block = self._block
        while block:
            self._lines_left = io.StringIO(block.decode(), newline="\n")
            yield from self._lines_left
            block = self._text._next_block()
