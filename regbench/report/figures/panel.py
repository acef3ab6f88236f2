"""Lines against an axis, in one panel or several: what most figures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from regbench.analysis.statistics import Floats, Interval
from regbench.report.figures.log_axis import log_ticks
from regbench.report.figures.style import (
    GREY,
    INK,
    NARROW,
    WIDE,
    Form,
    canvas,
    colour_of,
    folded,
    heading,
    legend_below,
    rendered,
    tidy,
)
from regbench.vocabulary.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


Numbers = Sequence[float | None] | Floats

_MOST_POINTS = 400  # of a band
_MOST_PARTS = 2000  # of a line that shows no dots: more than there are pixels


@dataclass(frozen=True)
class Line:
    """A named line, with an interval around it where `low` and `high` are given.

    Attributes:
        x, y, low, high: one number a point; None or NaN leaves a hole.
        colour: from the cycle by its place among the panel's lines, where it is None.
        dots: show each point; the interval is then a bar at each point, otherwise a band.
        style: `-`, `--`, `:`, `-.`, or an empty string for dots alone.
    """

    label: str
    x: Numbers
    y: Numbers
    low: Numbers | None = None
    high: Numbers | None = None
    colour: str | None = None
    dots: bool = False
    style: str | None = None
    width: float = 1.5


def interval_line(
    label: str,
    x: Numbers,
    found: Sequence[Interval],
    colour: str | None = None,
    *,
    dots: bool = False,
    style: str | None = None,
) -> Line:
    """A line of means with their intervals."""
    means, lows, highs = ([getattr(e, end) for e in found] for end in ("mean", "low", "high"))
    return Line(label, x, means, lows, highs, colour, dots, style)


@dataclass(frozen=True)
class Mark:
    """A thin line across the panel at one value: vertical, or horizontal where asked."""

    at: float
    label: str = ""
    colour: str = INK
    style: str = ":"
    horizontal: bool = False


@dataclass(frozen=True)
class Span:
    """A shaded stretch of the horizontal axis."""

    low: float
    high: float
    label: str = ""
    colour: str = GREY


@dataclass(frozen=True)
class Dot:
    """One point that is pointed out, with a word beside it."""

    x: float
    y: float
    label: str = ""
    colour: str = INK
    shape: str = "o"
    size: float = 6
    filled: bool = True


@dataclass(frozen=True)
class Panel:
    """What one pair of axes shows.

    Attributes:
        log_x, log_y: logarithmic axes; a 0 on a logarithmic x stands left of the others, as `0`.
        ends: (least, most) of the vertical axis; None leaves an end to the numbers.
    """

    title: str
    xlabel: str
    ylabel: str
    lines: Sequence[Line]
    marks: Sequence[Mark] = ()
    spans: Sequence[Span] = ()
    dots: Sequence[Dot] = ()
    log_x: bool = False
    log_y: bool = False
    ends: tuple[float | None, float | None] = (None, None)


def panels_figure(
    title: str,
    panels: Sequence[Panel],
    *,
    columns: int = 3,
    share_x: bool = False,
    share_y: bool = False,
    width: float = WIDE,
    panel_height: float | None = None,
    note: str = "",
    form: Form = "svg",
) -> bytes:
    """Panels in rows, with one legend for all of their lines.

    Args:
        columns: panels in a row; a narrow figure has one or two.
        share_x, share_y: the same axis in all panels, labelled at the left and lower edges only.
        width, panel_height: inches; a panel alone is higher.
        note: a line under the legend: what is not shown, say.
    """
    columns = max(1, min(columns, len(panels), 2 if width <= NARROW and columns > 2 else columns))
    rows = max(1, ceil(len(panels) / columns))
    panel_height = panel_height or (1.9 if len(panels) > 1 else 3.6)
    labels = list(dict.fromkeys(line.label for p in panels for line in p.lines if line.label))
    across = max(1, int(width * 12 / (6 + max((min(len(x), 40) for x in labels), default=1))))
    under = ceil(len(labels) / across) if len(labels) > 1 else 0
    height = rows * panel_height + 0.45 * bool(title) + 0.19 * under + 0.25 * bool(note) + 0.15
    with canvas(width, height) as figure:
        heading(figure, title)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)
        known: dict[str, Line2D] = {}
        for i, axes in enumerate(grid.flat):
            if i >= len(panels):
                axes.set_visible(False)
                continue
            draw_panel(axes, panels[i], known, narrow=width / columns < 2.6)
            if share_x and i + columns < len(panels):
                axes.set_xlabel("")
            elif share_x:
                axes.tick_params(labelbottom=True)
            if share_y and i % columns:
                axes.set_ylabel("")
        if len(known) > 1 or note:
            handles = list(known.values()) if len(known) > 1 else []
            legend_below(figure, handles, across, note)
        return rendered(figure, form)


def cells_figure(
    title: str,
    panels: Sequence[Panel],
    left_out: int,
    *,
    width: float = WIDE,
    panel_height: float = 1.75,
    form: Form = "svg",
) -> bytes:
    """One panel a cell on shared axes; a line says how many cells are left out."""
    return panels_figure(
        title,
        panels,
        share_x=True,
        share_y=True,
        width=width,
        panel_height=panel_height,
        note=f"not shown: {counted(left_out, 'more cell')}" if left_out else "",
        form=form,
    )


def draw_panel(
    axes: Axes, panel: Panel, known: dict[str, Line2D] | None = None, *, narrow: bool = False
) -> None:
    """Draw a panel into axes.

    Args:
        known: the legend's handles by label; labels that it lacks are added.
        narrow: the panel is small: its title is folded early.
    """
    known = {} if known is None else known
    tidy(axes)
    zero = _place_of_zero(panel) if panel.log_x else None
    for span in panel.spans:
        axes.axvspan(span.low, span.high, color=span.colour, alpha=0.15, linewidth=0)
    for place, line in enumerate(panel.lines):
        handle = _draw_line(axes, line, place, zero)
        if line.label:
            known.setdefault(line.label, handle)
    _scales(axes, panel, zero, 4 if narrow else 6)
    least, most = panel.ends
    axes.set_ylim(bottom=least, top=most)
    for mark in panel.marks:
        draw = axes.axhline if mark.horizontal else axes.axvline
        at = zero if zero is not None and not mark.horizontal and mark.at == 0 else mark.at
        draw(at, color=mark.colour, linestyle=mark.style, linewidth=1)
        if mark.label:
            _name_mark(axes, at, mark)
    for span in panel.spans:
        if span.label:
            _name_mark(axes, span.low, Mark(span.low, span.label, INK))
    for dot in panel.dots:
        x = zero if zero is not None and dot.x == 0 else dot.x
        face = dot.colour if dot.filled else "none"
        style: dict[str, Any] = {
            "color": dot.colour,
            "markerfacecolor": face,
            "markersize": dot.size,
        }
        axes.plot(x, dot.y, dot.shape, zorder=5, **style)
        if dot.label:
            _beside(axes, dot.label, x, dot.y)
    if panel.title:
        axes.set_title(folded(panel.title, 24 if narrow else 40))
    axes.set_xlabel(folded(panel.xlabel, 44))
    axes.set_ylabel(folded(panel.ylabel, 24 if narrow else 30))


def _draw_line(axes: Axes, line: Line, place: int, zero: float | None) -> Line2D:
    colour, style = colour_of(place)
    colour = line.colour or colour
    if line.colour is not None:
        style = "-"
    style = style if line.style is None else line.style
    x, y = _floats(line.x), _floats(line.y)
    if zero is not None:
        x = np.where(x == 0, zero, x)
    if line.low is not None and line.high is not None:
        low, high = _floats(line.low), _floats(line.high)
        if line.dots:
            axes.vlines(x, low, high, color=colour, linewidth=1, alpha=0.7)
        else:
            some = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).astype(int))
            axes.fill_between(x[some], low[some], high[some], color=colour, alpha=0.2, linewidth=0)
    alone = np.isfinite(y).sum() == 1  # a line of one point is none
    points = slice(None) if line.dots else ends_of_parts(y)
    (handle,) = axes.plot(
        x[points],
        y[points],
        color=colour,
        linestyle=style or "none",
        linewidth=line.width,
        marker="o" if line.dots or alone else None,
        markersize=3.5,
        label=folded(line.label, 40, 1),
    )
    return handle


def ends_of_parts(y: Floats) -> slice | npt.NDArray[np.int64]:
    """The points that a long line is drawn through: the lowest and the highest of each part.

    >>> ends_of_parts(np.sin(np.arange(10.0)))
    slice(None, None, None)
    """
    each = -(-len(y) // _MOST_PARTS)
    if each <= 2:
        return slice(None)
    padded = np.full(each * -(-len(y) // each), np.nan)
    padded[: len(y)] = y
    parts = padded.reshape(-1, each)
    lowest = np.where(np.isnan(parts), np.inf, parts).argmin(axis=1)
    highest = np.where(np.isnan(parts), -np.inf, parts).argmax(axis=1)
    first = np.arange(len(parts)) * each
    return np.unique(np.concatenate([[0], first + lowest, first + highest, [len(y) - 1]]))


def _floats(values: Numbers) -> Floats:
    if not isinstance(values, np.ndarray):
        values = [np.nan if value is None else value for value in values]
    found = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _place_of_zero(panel: Panel) -> float | None:
    """Where a 0 stands on a logarithmic axis: a good step left of the least value above it."""
    x = np.concatenate([_floats(line.x) for line in panel.lines] or [np.empty(0)])
    above = x[x > 0]
    if not (x == 0).any() or not len(above):
        return None
    decades = log10(above.max() / above.min())
    return float(above.min() / 10 ** max(0.5, decades / 6))


def _scales(axes: Axes, panel: Panel, zero: float | None, ticks: int) -> None:
    from matplotlib.ticker import MaxNLocator

    if panel.log_x:
        axes.set_xscale("log")
        log_ticks(axes, "x", zero, ticks)
    else:
        x = np.concatenate([_floats(line.x) for line in panel.lines] or [np.empty(0)])
        whole = (
            bool(len(x)) and bool((x % 1 == 0).all()) and float(np.ptp(x)) >= 1
        )  # epochs, layers
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=whole))
    if panel.log_y:
        axes.set_yscale("log")
        log_ticks(axes, "y")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def _name_mark(axes: Axes, at: float, mark: Mark) -> None:
    if mark.horizontal:
        place, alignment, across = (0.99, at), "right", axes.get_yaxis_transform()
        axes.text(*place, mark.label, transform=across, ha=alignment, va="bottom", fontsize=7)
        return
    axes.text(
        at,
        0.99,
        f" {mark.label}",
        transform=axes.get_xaxis_transform(),
        ha="left",
        va="top",
        fontsize=7,
        rotation=90,
    )


def _beside(axes: Axes, label: str, x: float, y: float) -> None:
    """A word beside a point, on the side where the axes have room."""
    across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
    axes.annotate(
        label,
        (x, y),
        xytext=(-5 if across > 0.6 else 5, -5 if up > 0.6 else 5),
        textcoords="offset points",
        ha="right" if across > 0.6 else "left",
        va="top" if up > 0.6 else "bottom",
        fontsize=7,
    )


def empty_figure(title: str, why: str, width: float, form: Form) -> bytes:
    """What stands where there is nothing to draw: the reason."""
    with canvas(width, 1.2) as figure:
        heading(figure, title)
        figure.text(0.01, 0.35, folded(why, int(width * 14), 3), ha="left", va="center")
        return rendered(figure, form)
