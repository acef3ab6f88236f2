"""The predicted curve over the data: the over-wiggly fit and its regularized twin."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from regbench.analysis.saved import PredictionSurface
from regbench.report.figures.panel import empty_figure
from regbench.report.figures.style import (
    CYCLE,
    INK,
    NARROW,
    TRAIN,
    VAL,
    WIDE,
    Form,
    canvas,
    folded,
    heading,
    legend_below,
    rendered,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MOST_DOTS = 250


def fit_figure(
    study: str, surfaces: Sequence[PredictionSurface], *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """One panel a cell: examples as dots, predictions as a line, or as areas with their border."""
    if not surfaces:
        why = "Needs saved weights (training.save_weights) and one or two inputs."
        return empty_figure(study, why, width, form)
    title = study and f"{study}: what one run a cell predicts (seed {surfaces[0].seed})"
    columns = min(3 if width > NARROW else 2, len(surfaces))
    rows = ceil(len(surfaces) / columns)
    with canvas(width, rows * width / columns * 0.85 + 0.8) as figure:
        heading(figure, title)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        handles: list[object] = []
        for i, axes in enumerate(grid.flat):
            if i >= len(surfaces):
                axes.set_visible(False)
                continue
            draw = _areas if len(surfaces[i].axes) == 2 else _curve
            own = draw(axes, surfaces[i])
            handles = handles or own
            axes.set_title(folded(surfaces[i].cell, 24))
            if i + columns >= len(surfaces):
                axes.set_xlabel(folded(surfaces[i].names[0], 24))
                axes.tick_params(labelbottom=True)
            if i % columns == 0:
                axes.set_ylabel(folded(_vertical(surfaces[i]), 24))
        legend_below(figure, handles, 4 if width > NARROW else 2, "inputs as the model sees them")
        return rendered(figure, form)


def _vertical(surface: PredictionSurface) -> str:
    if len(surface.axes) == 2:
        return surface.names[1]
    return "probability of class 1" if surface.classes else "target"


def _curve(axes: Axes, surface: PredictionSurface) -> list[object]:
    tidy(axes)
    y = surface.outputs[:, min(1, surface.classes - 1)] if surface.classes else surface.outputs
    dots = []
    for x, values, colour, label in (
        (surface.val_x, surface.val_y, VAL, "validation"),
        (surface.train_x, surface.train_y, TRAIN, "training"),
    ):
        some = slice(_MOST_DOTS)
        dots += axes.plot(
            x[some, 0], values[some], "o", color=colour, alpha=0.6, markersize=3, label=label
        )
    (line,) = axes.plot(surface.axes[0], y, color=INK, label="prediction")
    shown = np.concatenate([surface.train_y, surface.val_y])
    room = 0.25 * (shown.max() - shown.min()) or 1.0
    axes.set_ylim(shown.min() - room, shown.max() + room)
    return [line, *dots[::-1]]


def _areas(axes: Axes, surface: PredictionSurface) -> list[object]:
    tidy(axes)
    axes.grid(visible=False)
    x, y = surface.axes
    dots: list[object] = []
    for c in range(surface.classes):
        colour = CYCLE[c % len(CYCLE)]
        ahead = surface.outputs[..., c] - np.delete(surface.outputs, c, axis=2).max(axis=2)
        if (ahead > 0).any():
            # Deeper where the class is more certain.
            levels = [0.0, 0.5, 0.9, 1.01]
            axes.contourf(x, y, ahead.T, levels, colors=[colour] * 3, alpha=0.2)
            inner = ahead.T > 0.9
            if inner.any():
                axes.contourf(x, y, ahead.T, [0.9, 1.01], colors=[colour], alpha=0.2)
        if 0 < (ahead > 0).mean() < 1:
            axes.contour(x, y, ahead.T, [0.0], colors=[INK], linewidths=1)
        own = surface.train_x[surface.train_y == c][:_MOST_DOTS]
        dots += axes.plot(
            *own.T, "o", color=colour, markersize=3.5, markeredgecolor="white",
            markeredgewidth=0.4, label=f"training, class {c}",
        )  # fmt: skip
    return dots
