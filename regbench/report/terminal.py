"""The gap table in a terminal: how much each cell overfits, at a glance."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.claims import LOOKING_AGAIN, Outcome
from regbench.analysis.sentence import answer
from regbench.errors import one_line
from regbench.report.aligned import Row, plain, print_aligned, room_left
from regbench.report.columns import Column, columns_for, legend
from regbench.report.say import DECISIONS, say
from regbench.results.runs import Runs

# The bar beside the gap takes what the other columns leave, within these bounds.
_BAR_MOST, _BAR_LEAST = 14, 6
_SPACE = 2  # between two columns
_NAME_LEAST = 8  # longer names of cells are folded where there is no room


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

    The bar goes first, then what is not the answer.

    Args:
        folder: of the results, for the command that shows what is hidden.
    """
    if not table:
        say(console, "no runs yet")
        return
    columns = columns_for(runs, table)
    titles = [column.title for column in columns]
    texts = [[column.of(row) for column in columns] for row in table]
    room = room_left(console, [titles, *texts]) - _SPACE
    at = titles.index("gap loss") + 1
    if room >= _BAR_LEAST:
        columns.insert(at, _bars(table, min(room, _BAR_MOST), console))
    rows = [
        Row(
            [column.of(row) for column in columns],
            ("red" if row.regularizer == "none" else "yellow") if room >= _BAR_LEAST else "",
            at,
        )
        for row in table
    ]
    header = Row([column.title for column in columns], "bold")
    left, ranks = [c.text for c in columns], [c.rank for c in columns]
    kept = print_aligned(console, [header, *rows], left, ranks, _NAME_LEAST)
    say(console, Text(plain(console, legend(columns, table)), "dim"))
    hidden = [column for i, column in enumerate(columns) if i not in kept]
    if hidden:
        names = ",".join(["cell", *(column.name for column in hidden)])
        command = f"regbench show {shlex.quote(folder)} --columns {names}"
        gone = ", ".join(column.title for column in hidden)
        say(console, Text(f"hidden: {gone}; a wider terminal shows them, or", "dim"))
        # On a line of its own, unbroken: to be copied.
        console.print(Text(one_line(command), "dim"), soft_wrap=True)


def _bars(table: Sequence[CellGap], width: int, console: Console) -> Column:
    """Each cell's gap in loss beside the largest."""
    ascii_only = not console.encoding.lower().startswith("utf")
    largest = max(abs(row.gap.mean or 0.0) for row in table)

    def of(row: CellGap) -> str:
        mean = row.gap.mean
        return bar(mean, largest, width, ascii_only=ascii_only).ljust(width)

    return Column("", of, "", text=True)


def print_answer(console: Console, runs: Runs, table: Sequence[CellGap]) -> None:
    """What the table shows, in words."""
    say(console, Text(answer(runs, table).text))


def print_claims(console: Console, claims: Sequence[Outcome]) -> None:
    """Each claim's decision and figures."""
    for outcome in claims:
        line = Text.assemble(
            (f"{outcome.decision:<9} ", DECISIONS[outcome.decision]),
            one_line(outcome.claim.text),
            (f"   {outcome.evidence}", "dim"),
        )
        say(console, line)
    if any(outcome.advises for outcome in claims):
        say(console, f"note: {LOOKING_AGAIN}")
