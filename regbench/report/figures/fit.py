"""The predicted curve over the data: the over-wiggly fit and its regularized twin."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

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
from regbench.results.fit import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["fit_figure"]

_MOST_DOTS = 250


def fit_figure(
    study: str, fits: Sequence[Fit], *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """One panel a cell: examples as dots, predictions as a line, or as areas with their border."""
    title = f"{study}: what one run a cell predicts (seed {fits[0].seed})" if study and fits else ""
    if not fits:
        why = "Needs saved weights (training.save_weights) and one or two inputs."
        return empty_figure(study, why, width, form)
    columns = min(3 if width > NARROW else 2, len(fits))
    rows = ceil(len(fits) / columns)
    with canvas(width, rows * width / columns * 0.85 + 0.8) as figure:
        heading(figure, title)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        handles: list[object] = []
        for i, axes in enumerate(grid.flat):
            if i >= len(fits):
                axes.set_visible(False)
                continue
            own = _areas(axes, fits[i]) if len(fits[i].axes) == 2 else _curve(axes, fits[i])
            handles = handles or own
            axes.set_title(folded(fits[i].cell, 24))
            if i + columns >= len(fits):
                axes.set_xlabel(folded(fits[i].names[0], 24))
                axes.tick_params(labelbottom=True)
            if i % columns == 0:
                axes.set_ylabel(folded(_vertical(fits[i]), 24))
        legend_below(figure, handles, 4 if width > NARROW else 2, "inputs as the model sees them")
        return rendered(figure, form)


def _vertical(fit: Fit) -> str:
    if len(fit.axes) == 2:
        return fit.names[1]
    return "probability of class 1" if fit.classes else "target"


def _curve(axes: Axes, fit: Fit) -> list[object]:
    tidy(axes)
    y = fit.outputs[:, min(1, fit.classes - 1)] if fit.classes else fit.outputs
    dots = []
    for x, values, colour, label in (
        (fit.val_x, fit.val_y, VAL, "validation"),
        (fit.train_x, fit.train_y, TRAIN, "training"),
    ):
        some = slice(_MOST_DOTS)
        dots += axes.plot(
            x[some, 0], values[some], "o", color=colour, alpha=0.6, markersize=3, label=label
        )
    (line,) = axes.plot(fit.axes[0], y, color=INK, label="prediction")
    shown = np.concatenate([fit.train_y, fit.val_y])
    room = 0.25 * (shown.max() - shown.min()) or 1.0
    axes.set_ylim(shown.min() - room, shown.max() + room)
    return [line, *dots[::-1]]


def _areas(axes: Axes, fit: Fit) -> list[object]:
    tidy(axes)
    axes.grid(visible=False)
    x, y = fit.axes
    dots: list[object] = []
    for c in range(fit.classes):
        colour = CYCLE[c % len(CYCLE)]
        ahead = fit.outputs[..., c] - np.delete(fit.outputs, c, axis=2).max(axis=2)
        if (ahead > 0).any():
            # Deeper where the class is more certain.
            levels = [0.0, 0.5, 0.9, 1.01]
            axes.contourf(x, y, ahead.T, levels, colors=[colour] * 3, alpha=0.2)
            inner = ahead.T > 0.9
            if inner.any():
                axes.contourf(x, y, ahead.T, [0.9, 1.01], colors=[colour], alpha=0.2)
        if 0 < (ahead > 0).mean() < 1:
            axes.contour(x, y, ahead.T, [0.0], colors=[INK], linewidths=1)
        own = fit.train_x[fit.train_y == c][:_MOST_DOTS]
        dots += axes.plot(
            *own.T, "o", color=colour, markersize=3.5, markeredgecolor="white",
            markeredgewidth=0.4, label=f"training, class {c}",
        )  # fmt: skip
    return dots
