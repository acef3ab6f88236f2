"""Learning curves: training and validation over the epochs, mean and band over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from regbench.analysis.curves import CellCurves, MeanCurve
from regbench.report.figures.panel import Dot, Line, Mark, Panel, cells_figure, empty_figure
from regbench.report.figures.style import INK, NARROW, TRAIN, VAL, WIDE, Form
from regbench.vocabulary.metrics import LOSS, Metric

MOST_CELLS = 12
_PARTS = (("train", "training", TRAIN), ("val", "validation", VAL))


def curves_figure(
    study: str,
    curves: Sequence[CellCurves],
    metric: Metric = LOSS,
    *,
    width: float = WIDE,
    form: Form = "svg",
) -> bytes:
    """One panel a cell on shared axes; the mean best epoch is dotted, the mean stop dashed.

    Bands are 95% intervals over the seeds. A curve ends where fewer than half of its seeds are
    still training.

    Args:
        curves: of which the first ones are shown; a line says how many are left out.
        metric: the loss, or another.
    """
    names = [f"{part}_{metric.name}" for part, _, _ in _PARTS]
    able = [cell for cell in curves if any(name in cell.means for name in names)]
    shown = able[:MOST_CELLS]
    title = f"{study}: {metric.typeset} over the epochs" if study else ""
    if not shown:
        return empty_figure(title, "There are no learning curves to draw.", width, form)
    ends = _ends(shown, metric, names)
    panels = [_panel(cell, metric, ends) for cell in shown]
    height = 1.75 if width > NARROW else 1.6
    left_out = len(able) - len(shown)
    return cells_figure(title, panels, left_out, width=width, panel_height=height, form=form)


def _panel(cell: CellCurves, metric: Metric, ends: tuple[float | None, float | None]) -> Panel:
    lines, dots = [], []
    for part, label, colour in _PARTS:
        mean = cell.means.get(f"{part}_{metric.name}")
        if mean is not None:
            lines.append(_line(mean, label, colour))
    marks = []
    if cell.best_epoch is not None:
        marks.append(Mark(cell.best_epoch, "", INK, ":"))
        val = cell.means.get(f"val_{metric.name}")
        if val is not None and len(val.epochs):
            near = int(np.abs(val.epochs - cell.best_epoch).argmin())
            dots.append(Dot(float(val.epochs[near]), float(val.mean[near]), "", VAL, "D"))
    if cell.stop_epoch is not None:
        marks.append(Mark(cell.stop_epoch, "", INK, "--"))
    return Panel(cell.cell, "epoch", metric.typeset, lines, marks, (), dots, ends=ends)


def _line(mean: MeanCurve, label: str, colour: str) -> Line:
    return Line(label, mean.epochs, mean.mean, mean.low, mean.high, colour)


def _ends(
    cells: Sequence[CellCurves], metric: Metric, names: Sequence[str]
) -> tuple[float | None, float | None]:
    """Ends of the shared axis that a diverging cell or a first epoch cannot stretch."""
    means = [cell.means[name].mean for cell in cells for name in names if name in cell.means]
    values = np.concatenate(means)
    values = values[np.isfinite(values)]
    if not len(values) or all(map(isfinite, metric.bounds)):
        return None, None
    if metric.better == "up":
        low = float(np.quantile(values, 0.02))
        return (min(low, 0.0) - 0.05 if low < values.max() else None), None
    most = float(np.quantile(values, 0.98)) * 1.1
    return (0.0, most) if values.min() >= 0 and most > 0 else (None, None)
