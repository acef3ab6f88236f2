"""The gap table in a terminal: how much each cell overfits, at a glance."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.claims import LOOKING_AGAIN, Outcome
from regbench.analysis.sentence import answer
from regbench.errors import one_line
from regbench.report.columns import ANSWER, Column, columns_for, legend
from regbench.report.say import say
from regbench.results.runs import Runs

__all__ = ["STYLES", "bar", "print_answer", "print_claims", "print_gap_table"]

# The bar beside the gap takes what the other columns leave, within these bounds.
_BAR_MOST, _BAR_LEAST = 14, 6
_SPACE = 2  # between two columns
_NAME_LEAST = 8  # longer names of cells are folded where there is no room
STYLES = {"PASS": "green", "FAIL": "bold red", "UNDECIDED": "yellow"}


def bar(value: float | None, largest: float, width: int = _BAR_MOST, *, ascii_only: bool) -> str:
    """A gap as a bar: full blocks for overfitting, light ones for a negative gap.

    >>> bar(0.5, 1.0, 8, ascii_only=False), bar(0.25, 1.0, 8, ascii_only=True)
    ('████', '##')
    >>> bar(-0.5, 1.0, 8, ascii_only=True), bar(None, 1.0, 8, ascii_only=True)
    ('----', '')
    """
    if value is None or largest <= 0:
        return ""
    length = round(min(abs(value) / largest, 1.0) * width)
    full, light = ("#", "-") if ascii_only else ("█", "░")
    return (full if value > 0 else light) * length


def print_gap_table(
    console: Console, runs: Runs, table: Sequence[CellGap], folder: str = "DIR"
) -> None:
    """The table, with the columns that the terminal has room for; piped, with all of them.

    Args:
        folder: of the results, for the command that shows what is hidden.
    """
    if not table:
        say(console, "no runs yet")
        return
    room = console.width if console.is_terminal else 1_000
    ascii_only = not console.encoding.lower().startswith("utf")
    every = columns_for(runs, table)
    columns, bar_width = _fitting(every, table, room)
    largest = max((abs(row.metrics["gap_loss"].mean or 0.0) for row in table), default=0.0)
    texts = [[_plain(column.of(row), ascii_only) for column in columns] for row in table]
    widths = [
        max(cell_len(column.title), *(cell_len(line[i]) for line in texts))
        for i, column in enumerate(columns)
    ]
    taken = sum(widths) + _SPACE * (len(columns) - 1) + (bar_width + _SPACE if bar_width else 0)
    widths[0] = max(_NAME_LEAST, widths[0] - max(0, taken - room))
    # Rich's own table would take seconds for a thousand rows.
    lines = [_line(columns, [column.title for column in columns], widths, Text(" " * bar_width))]
    lines[0].stylize("bold")
    for row, line in zip(table, texts, strict=True):
        name, *more = _folded(line[0], widths[0])
        bar_text = _bar(row, largest, bar_width, ascii_only)
        lines.append(_line(columns, [name, *line[1:]], widths, bar_text))
        lines += [Text(rest) for rest in more]
    console.print(Text("\n").join(lines), soft_wrap=True)
    say(console, Text(_plain(legend(columns, table), ascii_only), "dim"))
    hidden = [column for column in every if column not in columns]
    if hidden:
        titles = ", ".join(column.title for column in hidden)
        names = ",".join(["cell", *(column.name for column in hidden)])
        command = f"regbench show {shlex.quote(folder)} --columns {names}"
        say(console, Text(f"hidden: {titles}; a wider terminal shows them, or", "dim"))
        # On a line of its own, unbroken: to be copied.
        console.print(Text(one_line(command), "dim"), soft_wrap=True)


def _line(
    columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int], bar_text: Text
) -> Text:
    """One line: text to the left, numbers to the right, the bar after the gap."""
    line = Text()
    for i, (column, text, width) in enumerate(zip(columns, texts, widths, strict=True)):
        room = " " * (width - cell_len(text))
        line.append((" " * _SPACE if i else "") + (text + room if column.text else room + text))
        if column.title == "gap loss" and bar_text:
            line.append(" " * _SPACE)
            line.append_text(bar_text)
    line.rstrip()
    return line


def _folded(name: str, width: int) -> list[str]:
    """A name in lines of so many cells, broken after a sign where there is one.

    >>> _folded("lr=0.1, regularizer=none", 12), _folded("one_long_name", 8)
    (['lr=0.1,', 'regularizer=', 'none'], ['one_', 'long_', 'name'])
    """
    lines = [""]
    for piece in re.findall(r"[^ =+_,]*[ =+_,]*", name):
        for part in chop_cells(piece, width):
            if lines[-1] and cell_len(lines[-1] + part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    return [line.rstrip() for line in lines]


def _plain(text: str, ascii_only: bool) -> str:
    text = one_line(text)
    return text.replace("±", "+-") if ascii_only else text


def _fitting(
    columns: Sequence[Column], table: Sequence[CellGap], room: int
) -> tuple[list[Column], int]:
    """The columns for which there is room, and the bar's width: what all of them leave.

    The bar goes first, then what is not the answer, until names of cells stand whole; then what is,
    where there is no room for folded names either.
    """
    widths = {
        column.title: max(cell_len(column.title), *(cell_len(column.of(row)) for row in table))
        for column in columns
    }
    kept = list(columns)
    folded = min(widths[columns[0].title], _NAME_LEAST)
    for never, name in ((ANSWER, widths[columns[0].title]), (0, folded)):
        while max(column.rank for column in kept) > never and _taken(kept, widths, name) > room:
            kept.remove(max(kept, key=lambda column: column.rank))
    left = room - _taken(kept, widths, widths[columns[0].title]) - _SPACE
    return kept, min(_BAR_MOST, left) if left >= _BAR_LEAST and len(kept) == len(columns) else 0


def _taken(columns: Sequence[Column], widths: Mapping[str, int], name: int) -> int:
    return name + sum(_SPACE + widths[column.title] for column in columns[1:])


def _bar(row: CellGap, largest: float, width: int, ascii_only: bool) -> Text:
    mean = row.metrics["gap_loss"].mean
    style = "red" if row.regularizer == "none" else "yellow"
    return Text(bar(mean, largest, width, ascii_only=ascii_only).ljust(width), style)


def print_answer(console: Console, runs: Runs, table: Sequence[CellGap]) -> None:
    """What the table shows, in words."""
    say(console, Text(answer(runs, table).text))


def print_claims(console: Console, claims: Sequence[Outcome]) -> None:
    """Each claim's decision and figures."""
    for outcome in claims:
        line = Text.assemble(
            (f"{outcome.decision:<9} ", STYLES[outcome.decision]),
            one_line(outcome.claim.text),
            (f"   {outcome.evidence}", "dim"),
        )
        say(console, line)
    if any(outcome.advises for outcome in claims):
        say(console, f"note: {LOOKING_AGAIN}")
