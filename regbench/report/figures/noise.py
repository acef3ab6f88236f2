"""The memorisation panel: what a network learns of labels that are wrong."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.curves import CellCurves
from regbench.report.figures.curves import MOST_CELLS
from regbench.report.figures.panel import Line, Panel, cells_figure, empty_figure
from regbench.report.figures.style import GREEN, ORANGE, TRAIN, WIDE, Form

_PARTS = (
    ("clean_rows_acc", "rows with their true label", GREEN),
    ("noisy_rows_acc", "wrong labels, learned as given", ORANGE),
    ("noisy_rows_true_acc", "wrong labels, true class found", TRAIN),
)
# Where the study does not part the rows.
_WHOLE = (
    ("train_acc", "labels as given", ORANGE),
    ("train_acc_clean", "true labels", GREEN),
)
NOISE_COLUMNS = tuple(name for name, _, _ in (*_PARTS, *_WHOLE))


def memorisation_figure(
    study: str,
    curves: Sequence[CellCurves],
    *,
    width: float = WIDE,
    form: Form = "svg",
) -> bytes:
    """Training accuracy on rows with true and with wrong labels, one panel a cell."""
    parted = any(name in cell.means for cell in curves for name, _, _ in _PARTS)
    parts = _PARTS if parted else _WHOLE
    able = [cell for cell in curves if parts[-1][0] in cell.means or parts[0][0] in cell.means]
    title = f"{study}: memorisation" if study else ""
    if not able:
        return empty_figure(title, "No labels are noisy.", width, form)
    panels = []
    for cell in able[:MOST_CELLS]:
        lines = [
            Line(label, found.epochs, found.mean, found.low, found.high, colour)
            for name, label, colour in parts
            if (found := cell.means.get(name)) is not None
        ]
        panels.append(Panel(cell.cell, "epoch", "training accuracy", lines, ends=(0, 1.02)))
    return cells_figure(title, panels, len(able) - len(panels), width=width, form=form)
