"""Figures of saved weights and predictions: histograms, norms by layer, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regbench.analysis.saved import Calibration, WeightShape
from regbench.report.figures.panel import Line, Panel, cells_figure, empty_figure, panels_figure
from regbench.report.figures.style import GREY, TRAIN, VAL, WIDE, Form

_LEAST_SHARE = 1e-4


def weights_figure(
    study: str, shapes: Sequence[WeightShape], *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """One histogram a cell on shared axes; the share that is exactly 0 stands in the title."""
    if not shapes:
        return empty_figure(study, "No weights were saved.", width, form)
    panels = []
    for shape in shapes:
        middle = (shape.edges[:-1] + shape.edges[1:]) / 2
        shares = np.where(shape.shares > 0, shape.shares, np.nan)
        line = Line("", middle, np.maximum(shares, _LEAST_SHARE), colour=TRAIN)
        title = f"{100 * shape.zeros:.0f}% zeros: {shape.cell}"
        panels.append(Panel(title, "weight", "share of weights", [line], log_y=True))
    title = f"{study}: the weights" if study else ""
    return cells_figure(title, panels, 0, width=width, form=form)


def norms_figure(
    study: str, shapes: Sequence[WeightShape], *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """The root mean square of each layer's weights, one line a cell."""
    lines = [
        Line(shape.cell, range(1, len(shape.norms) + 1), shape.norms, dots=True) for shape in shapes
    ]
    panel = Panel("", "layer, from the input", "root mean square of the weights", lines)
    title = f"{study}: weights by layer" if study else ""
    return panels_figure(title, [panel], columns=1, width=width, panel_height=2.6, form=form)


def calibration_figure(
    study: str, found: Sequence[Calibration], *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """One reliability curve a cell; on the diagonal a model is as often right as it is sure."""
    panels = []
    for each in found:
        even = Line("as sure as right", [0, 1], [0, 1], colour=GREY, style="--", width=1)
        curve = Line("test part", each.confidence, each.accuracy, colour=VAL, dots=True)
        title = f"error {each.error:.3f}: {each.cell}"
        panels.append(Panel(title, "confidence", "accuracy", [even, curve], ends=(0, 1.02)))
    if not panels:
        return empty_figure(study, "No predictions of classifiers were saved.", width, form)
    title = f"{study}: calibration" if study else ""
    return cells_figure(title, panels, 0, width=width, form=form)
