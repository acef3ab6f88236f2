"""The forest plot: paired differences from the baseline with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from regbench.analysis.cell_gap import CellGap
from regbench.report.figures.panel import empty_figure
from regbench.report.figures.style import (
    INK,
    NARROW,
    WIDE,
    Form,
    rendered,
    rows_canvas,
    side_colour,
)
from regbench.vocabulary.metrics import COLUMNS, GAPS


def metric_name(column: str) -> str:
    """What a figure calls a column; its own name where there is no other."""
    return COLUMNS[column].typeset if column in COLUMNS else column


@dataclass(frozen=True)
class Difference:
    """A row: a difference, its 95% interval, and which side of 0 it is shown to lie on.

    Attributes:
        side: -1 below 0, 1 above, 0 where chance could have done it.
        note: stands at the right of a wide figure.
    """

    label: str
    mean: float
    low: float | None = None
    high: float | None = None
    side: int = 0
    note: str = ""


def forest_figure(
    study: str,
    table: Sequence[CellGap],
    metric: str = "gap_loss",
    *,
    width: float = WIDE,
    form: Form = "svg",
) -> bytes:
    """Each cell's difference from the baseline, paired by seed.

    Args:
        metric: a column that has differences: one of the gaps, or `val_loss`.
    """
    what = metric_name(metric)
    rows = []
    for row in table:
        delta = row.delta(metric)
        found = delta.interval
        if found.mean is not None:
            note = found.text("+.3g")
            rows.append(Difference(row.cell, found.mean, found.low, found.high, delta.side, note))
    title = f"{study}: {what} less the baseline's" if study else ""
    xlabel = f"{what} less that without a regularizer (mean and 95% interval, paired by seed)"
    sides = ("← better", "worse →") if metric not in GAPS else ("← smaller gap", "larger gap →")
    return differences_figure(title, xlabel, rows, sides=sides, width=width, form=form)


def differences_figure(
    title: str,
    xlabel: str,
    rows: Sequence[Difference],
    *,
    sides: tuple[str, str] = ("← lower", "higher →"),
    better: int = -1,
    width: float = WIDE,
    form: Form = "svg",
) -> bytes:
    """Differences with intervals around a line at 0; full dots where 0 is left, hollow ones else.

    Args:
        sides: what a place left and right of 0 means.
        better: the side that is green, the other being orange; 0 where neither is the better one.
    """
    rows = [row for row in rows if isfinite(row.mean)]
    if not rows:
        why = "There is no cell without a regularizer to compare with."
        return empty_figure(title, why, width, form)
    wide = width > NARROW
    labels = [row.label for row in rows]
    with rows_canvas(title, labels, xlabel, width, margin=0.12) as (figure, axes):
        axes.axvline(0, color=INK, linewidth=1)
        for y, row in enumerate(rows):
            colour = side_colour(row.side, better)
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.8)
            face = colour if row.side else "none"
            axes.plot(row.mean, y, "o", color=colour, markerfacecolor=face, markersize=5.5)
            if wide and row.note:
                place = axes.get_yaxis_transform()
                axes.text(1.015, y, row.note, transform=place, va="center", fontsize=7.5)
        for x, text, alignment in ((-4, sides[0], "right"), (4, sides[1], "left")):
            axes.annotate(
                text,
                (0, 1),
                xytext=(x, 2),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                ha=alignment,
                fontsize=7.5,
            )
        return rendered(figure, form)
