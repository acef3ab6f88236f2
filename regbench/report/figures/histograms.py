"""Small histograms: the columns of a table, by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from regbench.report.figures.style import (
    TEST,
    TRAIN,
    VAL,
    WIDE,
    Form,
    canvas,
    folded,
    legend_below,
    rendered,
    tidy,
)

_PARTS = {"train": ("training", TRAIN), "val": ("validation", VAL), "test": ("test", TEST)}
_BAR_INCHES = 0.15


@dataclass(frozen=True)
class Histogram:
    """Rows of a column.

    counts: part -> rows in each bin.
    edges: of the bins of a number; none of a category.
    names: of the bins of a category.
    """

    title: str
    counts: Mapping[str, Sequence[int]]
    edges: Sequence[float] = ()
    names: Sequence[str] = ()


def histograms_figure(
    found: Sequence[Histogram], *, columns: int = 3, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """One panel each: bars of a number stand, those of a category lie; parts are stacked."""
    columns = max(1, min(columns, len(found)))
    rows = ceil(len(found) / columns)
    bars = [
        max([len(h.names) for h in found[r * columns : (r + 1) * columns]]) for r in range(rows)
    ]
    heights = [max(1.4, 0.7 + _BAR_INCHES * many) for many in bars]
    with canvas(width, sum(heights) + 0.3) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
        handles: dict[str, object] = {}
        for i, axes in enumerate(grid.flat):
            if i >= len(found):
                axes.set_visible(False)
                continue
            shown = found[i]
            axes.set_title(folded(shown.title, int(width / columns * 11)))
            start = np.zeros(len(next(iter(shown.counts.values()))))
            for part, counts in shown.counts.items():
                if not sum(counts):
                    continue
                label, colour = _PARTS[part]
                place = np.arange(len(counts))
                if shown.names:
                    drawn = axes.barh(place, counts, left=start, color=colour, height=0.8)
                else:
                    edges = np.asarray(shown.edges)
                    wide = np.diff(edges) if edges[-1] > edges[0] else np.ones(len(place))
                    drawn = axes.bar(
                        edges[:-1], counts, wide, bottom=start, color=colour, align="edge"
                    )
                handles.setdefault(label, drawn)
                drawn.set_label(label)
                start = start + np.asarray(counts)
            if shown.names:
                axes.set_yticks(range(len(shown.names)), [folded(n, 14, 1) for n in shown.names])
                axes.invert_yaxis()
            axes.locator_params(axis="x", nbins=4)
            tidy(axes, grid="x" if shown.names else "y")
        legend_below(figure, list(handles.values()), 3)
        return rendered(figure, form)
