"""The gap table in a terminal: how much each cell overfits, at a glance."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from regbench.analysis.claims import Outcome
from regbench.analysis.gap import CellGap
from regbench.analysis.sentence import sentence
from regbench.report.columns import columns_for
from regbench.results.runs import Runs

__all__ = ["bar", "print_claims", "print_gap_table", "print_sentence"]

# How wide the widest bar is, and how much wider cells may be than the terminal allows otherwise.
_BAR_WIDTH = 14
_STYLES = {"PASS": "green", "FAIL": "bold red", "UNDECIDED": "yellow"}


def bar(value: float | None, largest: float, width: int = _BAR_WIDTH, *, ascii_only: bool) -> str:
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


def print_gap_table(console: Console, runs: Runs, table: Sequence[CellGap]) -> None:
    """The table, as wide as the terminal has room for; piped, with all columns and no limit."""
    width = console.width if console.is_terminal else 1_000
    ascii_only = not console.encoding.lower().startswith("utf")
    gaps = [abs(row.metrics["gap_loss"].mean or 0.0) for row in table]
    shown = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    columns = [column for column in columns_for(runs, table) if column.width_from <= width]
    for column in columns:
        if column.text:
            shown.add_column(column.title, overflow="fold", ratio=None)
        else:
            shown.add_column(column.title, justify="right", no_wrap=True)
        if column.title == "gap loss":
            shown.add_column("", no_wrap=True, width=_BAR_WIDTH)
    for row in table:
        cells: list[Text] = []
        for column in columns:
            text = column.of(row)
            cells.append(Text(text.replace("±", "+-") if ascii_only else text))
            if column.title == "gap loss":
                cells.append(_bar(row, max(gaps, default=0.0), ascii_only))
        shown.add_row(*cells)
    sign = "+-" if ascii_only else "±"
    if console.is_terminal:
        console.print(shown)
    else:
        Console(file=console.file, width=1_000, color_system=None).print(shown)
    console.print(
        Text(f"{sign} is half the 95% confidence interval over seeds, given the data set", "dim")
    )


def _bar(row: CellGap, largest: float, ascii_only: bool) -> Text:
    mean = row.metrics["gap_loss"].mean
    style = "red" if row.regularizer == "none" else "yellow"
    return Text(bar(mean, largest, ascii_only=ascii_only), style)


def print_sentence(console: Console, table: Sequence[CellGap]) -> None:
    """What the table shows, in one sentence."""
    console.print(Text(sentence(table)))


def print_claims(console: Console, claims: Sequence[Outcome]) -> None:
    """Each claim's decision and figures."""
    for outcome in claims:
        line = Text(f"{outcome.decision:<9} ", _STYLES[outcome.decision])
        line.append(outcome.claim.text, "default")
        line.append(f"   {outcome.evidence}", "dim")
        console.print(line)
