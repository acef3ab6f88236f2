"""A number over two axes, as colours; the best place is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from regbench.analysis.axes import Grid
from regbench.analysis.statistics import Floats
from regbench.report.figures.log_axis import decimal, log_ticks
from regbench.report.figures.panel import Line
from regbench.report.figures.style import (
    GREY,
    NARROW,
    WIDE,
    Form,
    canvas,
    colour_of,
    folded,
    heading,
    legend_below,
    rendered,
)
from regbench.vocabulary.metrics import COLUMNS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch


_MOST_NUMBERS = 9  # columns up to which each place shows its number


def grid_figure(study: str, grid: Grid, *, width: float = WIDE, form: Form = "svg") -> bytes:
    """Validation loss over the grid's axes; the least is framed."""
    known = grid.values[np.isfinite(grid.values)]
    name = COLUMNS["val_loss"].typeset
    rest = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in grid.rest.items())
    return heatmap_figure(
        f"{study}: {name}" + (f" ({rest})" if rest else "") if study else "",
        *(grid.x_key, grid.y_key, grid.x, grid.y, grid.values),
        value_label=f"{name} (mean)",
        log_values=bool(known.min() > 0 and known.max() > 20 * known.min()),
        width=width,
        form=form,
    )


def heatmap_figure(
    title: str,
    xlabel: str,
    ylabel: str,
    x: Sequence[float | str],
    y: Sequence[float | str],
    values: npt.ArrayLike,
    *,
    value_label: str,
    best: Literal["least", "most"] | None = "least",
    log_values: bool = False,
    overlay: Sequence[Line] = (),
    contours: Sequence[float] = (),
    width: float = WIDE,
    form: Form = "svg",
) -> bytes:
    """Equal rectangles at the places of a grid; its values stand at the axes, whatever their steps.

    Args:
        x, y: the axes' values, ascending: numbers, or names.
        values: (len(y), len(x)); NaN where there is none, shown hatched.
        value_label: what the colours mean, with its unit.
        best: which end is marked with a ring.
        log_values: colours by the logarithm.
        overlay: lines in the axes' own numbers, between places by the logarithm where all of an
            axis's values are above 0.
        contours: values at which a line of equal height is drawn.
    """
    from matplotlib.colors import LogNorm, Normalize

    field = np.asarray(values, dtype=np.float64)
    field = np.where(np.isfinite(field), field, np.nan)
    rows, columns = field.shape
    known = field[np.isfinite(field)]
    least, most = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    log_values = log_values and least > 0
    if least == most:
        least, most = (least / 2, most * 2) if log_values else (least - 0.5, most + 0.5)
    norm = LogNorm(least, most) if log_values else Normalize(least, most)
    height = 1.5 + 0.3 * bool(title) + min(0.42 * rows, 5.0) + 0.2 * bool(overlay)
    across = min(width, 2.6 + 0.75 * columns) if width > NARROW else width
    with canvas(max(across, NARROW), height) as figure:
        heading(figure, title)
        axes = figure.subplots()
        edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
        mesh = axes.pcolormesh(
            *edges, np.ma.masked_invalid(field), cmap="cividis", norm=norm,
            edgecolors="face", linewidth=0.2,
        )  # fmt: skip
        axes.patch.set(hatch="////", edgecolor="#88888855")
        axes.spines[:].set_visible(False)
        axes.set_xticks(*_ticks(x), rotation=90 if _long(x) else 0)
        axes.set_yticks(*_ticks(y))
        axes.tick_params(length=0)
        if contours and min(rows, columns) > 1:
            axes.contour(field, levels=sorted(contours), colors="white", linewidths=0.8)
        if columns <= _MOST_NUMBERS and rows <= 3 * _MOST_NUMBERS:
            for (row, column), value in np.ndenumerate(field):
                if np.isfinite(value):
                    dark = norm(value) < 0.55
                    text = f"{value:.3g}"
                    axes.text(
                        column, row, text, ha="center", va="center",
                        color="white" if dark else "black", fontsize=7,
                    )  # fmt: skip
        handles: list[Line2D | Patch] = []
        for place, line in enumerate(overlay):
            colour, style = colour_of(place + 1)
            (handle,) = axes.plot(
                _places(line.x, x),
                _places(line.y, y),
                color=line.colour or colour,
                linestyle=line.style or style,
                marker="o" if line.dots else None,
                markersize=4,
                label=folded(line.label, 40, 1),
            )
            handles.append(handle)
        if best is not None and known.size:
            at = np.nanargmin(field) if best == "least" else np.nanargmax(field)
            row, column = divmod(int(at), columns)
            handles.append(_framed(axes, row, column, f"{best}: {field[row, column]:.3g}"))
        axes.set_xlim(-0.5, columns - 0.5)
        axes.set_ylim(-0.5, rows - 0.5)
        axes.set_xlabel(folded(xlabel, int(width * 9)))
        axes.set_ylabel(folded(ylabel, 34))
        bar = figure.colorbar(mesh, ax=axes, pad=0.02, fraction=0.06)
        bar.outline.set_visible(False)
        bar.set_label(folded(value_label, 34))
        bar.ax.tick_params(length=0)
        if log_values:
            log_ticks(bar.ax, "y")
        if handles:
            legend_below(figure, handles, 3 if width > NARROW else 1)
        return rendered(figure, form)


def _framed(axes: Axes, row: int, column: int, label: str) -> Patch:
    """Frame a place, light within dark, to be seen on every colour; gives the legend's handle."""
    from matplotlib.patches import Rectangle

    corner = (column - 0.47, row - 0.44)
    for colour, wide in (("black", 3.2), ("white", 1.6)):
        frame = Rectangle(
            corner, 0.94, 0.88, fill=False, edgecolor=colour, linewidth=wide, zorder=5
        )
        axes.add_patch(frame)
    return Rectangle((0, 0), 1, 1, fill=False, edgecolor=GREY, linewidth=1.6, label=label)


def _ticks(values: Sequence[float | str]) -> tuple[list[int], list[str]]:
    """Every place's value, or every second, third, ... where they are many."""
    step = max(1, len(values) // 24)
    some = range(0, len(values), step)
    return list(some), [folded(_text(values[i]), 20, 1) for i in some]


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else decimal(float(value))


def _long(values: Sequence[float | str]) -> bool:
    return len(values) * max((len(_text(value)) for value in values), default=0) > 60


def _places(numbers: Sequence[float | None] | Floats, axis: Sequence[float | str]) -> Floats:
    """Where on the grid numbers of an axis lie."""
    at = np.array([np.nan if number is None else number for number in numbers], dtype=np.float64)
    steps = np.array([float(value) for value in axis], dtype=np.float64)
    if (steps > 0).all():
        at, steps = np.log(at), np.log(steps)
    places = np.interp(at, steps, np.arange(len(steps)))
    return np.where((at < steps[0]) | (at > steps[-1]), np.nan, places)
