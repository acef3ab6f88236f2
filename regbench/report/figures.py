"""Figures of a study's results; matplotlib is imported here only."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Literal

from regbench.analysis.cell_gap import CellGap

__all__ = ["gap_figure"]

# Okabe & Ito 2008: told apart by every kind of colour vision.
_TRAIN, _VAL = "#0072B2", "#D55E00"
_INCHES_A_CELL = 0.26


def gap_figure(study: str, table: Sequence[CellGap], form: Literal["svg", "png"] = "svg") -> bytes:
    """Training and validation loss of each cell with their 95% intervals; the gap lies between.

    The same table gives the same bytes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = [row for row in table if row.metrics["train_loss"].mean is not None]
    height = 1.3 + _INCHES_A_CELL * max(len(rows), 3)
    # Text as text, and no random ids or dates.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "regbench", "font.size": 8}):
        figure = Figure(figsize=(7.5, height), layout="constrained")
        axes = figure.subplots()
        for y, row in enumerate(rows):
            train, val = row.metrics["train_loss"], row.metrics["val_loss"]
            if val.mean is not None and train.mean is not None:
                axes.plot([train.mean, val.mean], [y, y], color="0.75", linewidth=3, zorder=1)
            for found, colour, offset in ((train, _TRAIN, -0.12), (val, _VAL, 0.12)):
                if found.mean is None:
                    continue
                if found.low is not None and found.high is not None:
                    ends = [found.low, found.high]
                    axes.plot(ends, [y + offset] * 2, color=colour, linewidth=1, zorder=2)
                axes.plot(found.mean, y, "o", color=colour, markersize=4, zorder=3)
        axes.plot([], [], "o", color=_TRAIN, markersize=4, label="training")
        axes.plot([], [], "o", color=_VAL, markersize=4, label="validation")
        # Labels may hold what matplotlib would read as mathematics.
        names = [row.cell.replace("$", r"\$") for row in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.invert_yaxis()
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
        axes.set_xlabel("loss in evaluation mode, without penalty (mean and 95% interval)")
        axes.set_title(f"{study}: the gap lies between the dots".replace("$", r"\$"), loc="left")
        axes.legend(loc="best", frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        content = BytesIO()
        metadata = {"Date": None} if form == "svg" else {"Software": None}
        figure.savefig(content, format=form, dpi=150, metadata=metadata)
    return content.getvalue()
