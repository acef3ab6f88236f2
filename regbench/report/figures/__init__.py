"""Figures of a study's results, and what other figures in the same look are made of.

On plain arrays: `panels_figure` (of `Panel`s of `Line`s, with `Mark`s, `Span`s and
`Dot`s), `heatmap_figure`, `differences_figure`, `moves_figure`. Of a study: `gap_figure`,
`forest_figure`, `curves_figure`, `axis_path_figure`. All give the bytes of an SVG or a PNG;
matplotlib is imported when one is drawn.
"""

from regbench.report.figures.axis_path import axis_path_figure
from regbench.report.figures.curves import curves_figure
from regbench.report.figures.forest import Difference, differences_figure, forest_figure
from regbench.report.figures.gap import gap_figure
from regbench.report.figures.heatmap import heatmap_figure
from regbench.report.figures.moves import Move, moves_figure
from regbench.report.figures.panel import (
    Dot,
    Line,
    Mark,
    Panel,
    Span,
    interval_line,
    panels_figure,
)
from regbench.report.figures.style import NARROW, WIDE, Form

__all__ = [
    "NARROW",
    "WIDE",
    "Difference",
    "Dot",
    "Form",
    "Line",
    "Mark",
    "Move",
    "Panel",
    "Span",
    "axis_path_figure",
    "curves_figure",
    "differences_figure",
    "forest_figure",
    "gap_figure",
    "heatmap_figure",
    "interval_line",
    "moves_figure",
    "panels_figure",
]
