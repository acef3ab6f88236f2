"""The one printer of aligned columns.

Where a terminal is too narrow, columns go by their rank, and the names in the first one are folded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Span, Text

from regbench.errors import one_line

# Columns of a higher rank go before a name is folded, those up to it only after.
FOLDED = 3
_SPACE = 2  # between two columns
_PIPED = 1_000


@dataclass(frozen=True)
class Row:
    """A line of texts, one a column.

    Attributes:
        styled: the column that has the style; None where all of the line has it.
    """

    texts: Sequence[str]
    style: str = ""
    styled: int | None = None


def print_aligned(
    console: Console,
    rows: Sequence[Row],
    left: Sequence[bool],
    ranks: Sequence[int] = (),
    least: int | None = None,
) -> list[int]:
    """Print rows, titles among them, and say which columns were shown; piped, all are.

    Args:
        left: by column, whether its texts stand to the left; numbers stand to the right.
        ranks: by column, how early it goes where the terminal is narrow: 0 never, then the highest
            first.
        least: to this width the texts of the first column are folded where there is no room.
    """
    texts = [[plain(console, text) for text in row.texts] for row in rows]
    widths = _widths(texts)
    room = console.width if console.is_terminal else _PIPED
    kept = _fitting(widths, ranks or [0] * len(widths), room, least or widths[0])
    narrower = max(0, _taken(widths, kept) - room)
    widths[0] = max(min(widths[0], least or widths[0]), widths[0] - narrower)
    # As one text: many small ones, and Rich's own table, would take a second for a thousand rows.
    lines: list[str] = []
    spans: list[Span] = []
    at = 0
    for row, own in zip(rows, texts, strict=True):
        name, *more = _folded(own[0], widths[0])
        parts = []
        for i in kept:
            text = own[i] if i else name
            blank = " " * (widths[i] - _width(text))
            parts.append(text + blank if left[i] else blank + text)
        line = (" " * _SPACE).join(parts).rstrip()
        if row.style and (row.styled is None or row.styled in kept):
            before = kept.index(row.styled or 0)
            start = sum(len(part) + _SPACE for part in parts[:before])
            end = len(line) if row.styled is None else start + len(parts[before])
            spans.append(Span(at + start, at + min(end, len(line)), row.style))
        lines += [line, *more]
        at += sum(len(each) + 1 for each in (line, *more))
    if console.is_terminal:
        console.print(Text("\n".join(lines), spans=spans), soft_wrap=True)
    else:
        console.file.write("\n".join(lines) + "\n")
    return kept


def print_plain(
    console: Console,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    spare: Sequence[str] = (),
) -> None:
    """Print values under their titles: text to the left, numbers to the right.

    Args:
        spare: columns that a narrow terminal does without, in the order in which they go.
    """
    left = [any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
    ranks = {name: FOLDED + len(spare) - i for i, name in enumerate(spare)}
    lines = [Row(header, "bold"), *(Row([shown(value) for value in row]) for row in rows)]
    print_aligned(console, lines, left, [ranks.get(name, 0) for name in header])


def room_left(console: Console, rows: Sequence[Sequence[str]]) -> int:
    """How many characters all columns together leave of a terminal's line; below 0, lack of it."""
    widths = _widths([[plain(console, text) for text in row] for row in rows])
    room = console.width if console.is_terminal else _PIPED
    return room - _taken(widths, range(len(widths)))


def shown(value: object) -> str:
    """A value for people: four significant digits, a dash for none.

    >>> [shown(v) for v in (0.123456, 12345.678, 1e-05, 0.0, 3, None, "x", True)]
    ['0.1235', '1.235e+04', '1e-05', '0', '3', '-', 'x', 'yes']
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(console: Console, text: str) -> str:
    """A text that keeps to its line, whatever a label holds, in what the console can write."""
    text = one_line(text)
    return text if console.encoding.lower().startswith("utf") else text.replace("±", "+-")


def _width(text: str) -> int:
    return len(text) if text.replace("±", "").isascii() else cell_len(text)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, column)) for column in zip(*rows, strict=True)]


def _taken(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[i] + _SPACE for i in kept) - _SPACE


def _fitting(widths: Sequence[int], ranks: Sequence[int], room: int, least: int) -> list[int]:
    """The columns for which there is room.

    What is not the answer goes until names stand whole; then what is, where there is no room for
    folded names either.
    """
    kept = list(range(len(widths)))
    folded = [min(widths[0], least), *widths[1:]]
    for never, needed in ((FOLDED, widths), (0, folded)):
        while max(ranks[i] for i in kept) > never and _taken(needed, kept) > room:
            kept.remove(max(kept, key=lambda i: ranks[i]))
    return kept


def _folded(name: str, width: int) -> list[str]:
    """A name in lines of so many cells, broken after a sign where there is one.

    >>> _folded("lr=0.1, regularizer=none", 12), _folded("one_long_name", 8)
    (['lr=0.1,', 'regularizer=', 'none'], ['one_', 'long_', 'name'])
    """
    if _width(name) <= width:
        return [name]
    lines = [""]
    for piece in re.findall(r"[^ =+_,]*[ =+_,]*", name):
        for part in chop_cells(piece, width):
            if lines[-1] and cell_len(lines[-1] + part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return [line.rstrip() for line in lines]
