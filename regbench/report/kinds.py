"""The kinds of figures that a study has: each as wide as asked, or none where it has no numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from regbench.analysis.axis_path import AxisPath
from regbench.report import figures
from regbench.report.content import Content
from regbench.report.figures.fit import fit_figure
from regbench.report.figures.heatmap import grid_figure
from regbench.report.figures.noise import memorisation_figure
from regbench.report.figures.saved import calibration_figure, norms_figure, weights_figure
from regbench.report.figures.style import Form
from regbench.vocabulary.metrics import LOSS, Metric

# What a kind asks of a study, for those that lack it.
NEEDS = {
    "forest": "a cell without a regularizer, as the baseline",
    "curves": "an epochs.csv",
    "path": "three values of one numeric key",
    "heatmap": "a grid of two numeric keys",
    "fit": "training.save_weights, and one or two inputs",
    "weights": "training.save_weights",
    "norms": "training.save_weights",
    "calibration": "training.save_predictions of a classifier",
    "memorisation": "dataset.label_noise",
}


def kind_figure(kind: str, content: Content, title: str, width: float, form: Form) -> bytes | None:
    """A figure of a kind; none where the study lacks what `NEEDS` says."""
    has, draw = _KINDS[kind]
    return draw(content, title, width, form) if has(content) else None


def scores_figure(
    content: Content, metric: Metric, title: str, width: float, form: Form
) -> bytes | None:
    """A metric over the epochs; none where no run has it."""
    columns = (f"train_{metric.name}", f"val_{metric.name}")
    if not any(name in cell.means for cell in content.curves for name in columns):
        return None
    return figures.curves_figure(title, content.curves, metric, width=width, form=form)


def _longest(content: Content) -> Sequence[AxisPath]:
    return max(content.paths, key=lambda own: max(len(path.points) for path in own))


Has = Callable[[Content], object]
Draw = Callable[[Content, str, float, Form], bytes | None]
_KINDS: Mapping[str, tuple[Has, Draw]] = {
    "gap": (lambda c: True, lambda c, t, w, f: figures.gap_figure(t, c.table, f, width=w)),
    "forest": (
        lambda c: any(row.deltas for row in c.table),
        lambda c, t, w, f: figures.forest_figure(t, c.table, width=w, form=f),
    ),
    "curves": (lambda c: True, lambda c, t, w, f: scores_figure(c, LOSS, t, w, f)),
    "scores": (lambda c: True, lambda c, t, w, f: scores_figure(c, c.score, t, w, f)),
    "path": (
        lambda c: c.paths,
        lambda c, t, w, f: figures.axis_path_figure(t, _longest(c), width=w, form=f),
    ),
    "heatmap": (
        lambda c: c.grids,
        lambda c, t, w, f: grid_figure(t, c.grids[0], width=w, form=f),
    ),
    "fit": (lambda c: c.surfaces, lambda c, t, w, f: fit_figure(t, c.surfaces, width=w, form=f)),
    "weights": (
        lambda c: c.weights,
        lambda c, t, w, f: weights_figure(t, c.weights, width=w, form=f),
    ),
    "norms": (lambda c: c.weights, lambda c, t, w, f: norms_figure(t, c.weights, width=w, form=f)),
    "calibration": (
        lambda c: c.calibrations,
        lambda c, t, w, f: calibration_figure(t, c.calibrations, width=w, form=f),
    ),
    "memorisation": (
        lambda c: c.noisy and any(cell.means for cell in c.curves),
        lambda c, t, w, f: memorisation_figure(t, c.curves, width=w, form=f),
    ),
}
