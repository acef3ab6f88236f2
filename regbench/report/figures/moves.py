"""The dumbbell chart: where each row stood before and where it stands after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from regbench.report.figures.panel import empty_figure
from regbench.report.figures.style import (
    GREY,
    INK,
    WIDE,
    legend_below,
    rendered,
    rows_canvas,
    side_colour,
)


@dataclass(frozen=True)
class Move:
    """A row: two values, and which way it is shown to have gone (0: chance could have done it)."""

    label: str
    before: float
    after: float
    side: int = 0


def moves_figure(
    title: str,
    xlabel: str,
    rows: Sequence[Move],
    *,
    names: tuple[str, str] = ("before", "after"),
    width: float = WIDE,
) -> bytes:
    """Hollow dots before, full ones after, and a bar between them in the colour of the change.

    Args:
        names: of the two values, in the legend.
    """
    rows = [row for row in rows if isfinite(row.before) and isfinite(row.after)]
    if not rows:
        return empty_figure(title, "No cell has numbers in both.", width, "svg")
    labels = [row.label for row in rows]
    with rows_canvas(title, labels, xlabel, width, margin=0.08) as (figure, axes):
        for y, row in enumerate(rows):
            colour = side_colour(row.side)
            axes.plot([row.before, row.after], [y, y], color=colour, alpha=0.45, linewidth=4)
            axes.plot(row.before, y, "o", color=INK, markerfacecolor="none", markersize=6.5)
            axes.plot(row.after, y, "o", color=colour, markersize=5)
        values = [value for row in rows for value in (row.before, row.after)]
        if min(values) <= 0 <= max(values):
            axes.axvline(0, color=INK, linewidth=1, zorder=0)
        (first,) = axes.plot(
            [], [], "o", color=INK, markerfacecolor="none", markersize=6.5, label=names[0]
        )
        (second,) = axes.plot([], [], "o", color=GREY, markersize=5, label=names[1])
        legend_below(figure, [first, second], 2)
        return rendered(figure, "svg")
