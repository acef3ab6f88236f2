"""The gap chart: training and validation of each cell side by side."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.statistics import Interval
from regbench.report.figures.log_axis import log_ticks
from regbench.report.figures.panel import empty_figure
from regbench.report.figures.style import (
    GREY,
    TRAIN,
    VAL,
    WIDE,
    Form,
    legend_below,
    rendered,
    rows_canvas,
)
from regbench.vocabulary.metrics import LOSS

_FAR = 20  # a loss so many times the median asks for a logarithmic axis


def gap_figure(
    study: str,
    table: Sequence[CellGap],
    form: Form = "svg",
    *,
    width: float = WIDE,
) -> bytes:
    """Training and validation loss of each cell with their 95% intervals; the gap lies between.

    The same table gives the same bytes. Cells without numbers are left out.

    Args:
        width: inches.
    """
    rows = [row for row in table if row.metrics["train_loss"].mean is not None]
    title = f"{study}: the gap lies between the dots" if study else ""
    if not rows:
        return empty_figure(title, "No run has numbers: nothing can be drawn.", width, form)
    xlabel = f"{LOSS.typeset} in evaluation mode, without penalty (mean and 95% interval)"
    labels = [row.cell for row in rows]
    with rows_canvas(title, labels, xlabel, width, margin=0.05) as (figure, axes):
        for y, row in enumerate(rows):
            train, val = row.metrics["train_loss"], row.metrics["val_loss"]
            if val.mean is not None and train.mean is not None:
                ends = [train.mean, val.mean]
                axes.plot(ends, [y, y], color=GREY, alpha=0.4, linewidth=4, zorder=1)
            for found, colour, offset in ((train, TRAIN, -0.13), (val, VAL, 0.13)):
                if found.mean is None:
                    continue
                if found.low is not None and found.high is not None:
                    ends = [found.low, found.high]
                    axes.plot(ends, [y + offset] * 2, color=colour, linewidth=1.2, zorder=2)
                axes.plot(found.mean, y, "o", color=colour, markersize=5, zorder=3)
        (first,) = axes.plot([], [], "o", color=TRAIN, markersize=5, label="training")
        (second,) = axes.plot([], [], "o", color=VAL, markersize=5, label="validation")
        losses = [row.metrics[name] for row in rows for name in ("train_loss", "val_loss")]
        if _far_apart(losses):
            axes.set_xscale("log")
            log_ticks(axes, "x")
        else:
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        legend_below(figure, [first, second], 2)
        return rendered(figure, form)


def _far_apart(found: Sequence[Interval]) -> bool:
    """Whether one cell's loss would press all others against the axis."""
    means = [each.mean for each in found if each.mean is not None]
    lows = [each.low for each in found if each.low is not None]
    return min(means + lows) > 0 and max(means) > _FAR * median(means)
