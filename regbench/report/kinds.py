"""The kinds of figures that a study has: each as wide as asked, or none where it has no numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from regbench.report import figures
from regbench.report.content import Content
from regbench.report.figures.fit import fit_figure
from regbench.report.figures.heatmap import grid_figure
from regbench.report.figures.noise import memorisation_figure
from regbench.report.figures.saved import calibration_figure, norms_figure, weights_figure
from regbench.report.figures.style import Form
from regbench.vocabulary.metrics import LOSS, Metric

__all__ = ["KINDS", "NEEDS", "Draw", "scores_figure"]

Draw = Callable[[Content, str, float, Form], bytes | None]

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


def scores_figure(
    content: Content, metric: Metric, title: str, width: float, form: Form
) -> bytes | None:
    """A metric over the epochs; none where no run has it."""
    columns = (f"train_{metric.name}", f"val_{metric.name}")
    if not any(name in cell.means for cell in content.curves for name in columns):
        return None
    return figures.curves_figure(title, content.curves, metric, width=width, form=form)


def _forest(content: Content, title: str, width: float, form: Form) -> bytes | None:
    if not any(row.deltas for row in content.table):
        return None
    return figures.forest_figure(title, content.table, width=width, form=form)


def _path(content: Content, title: str, width: float, form: Form) -> bytes | None:
    if not content.paths:
        return None
    longest = max(content.paths, key=lambda own: max(len(path.points) for path in own))
    return figures.axis_path_figure(title, longest, width=width, form=form)


def _heatmap(content: Content, title: str, width: float, form: Form) -> bytes | None:
    if not content.grids:
        return None
    return grid_figure(title, content.grids[0], "val_loss", width=width, form=form)


def _memorisation(content: Content, title: str, width: float, form: Form) -> bytes | None:
    if not content.noisy or not any(cell.means for cell in content.curves):
        return None
    return memorisation_figure(title, content.curves, width=width, form=form)


KINDS: Mapping[str, Draw] = {
    "gap": lambda c, title, width, form: figures.gap_figure(title, c.table, form, width=width),
    "forest": _forest,
    "curves": lambda c, title, width, form: scores_figure(c, LOSS, title, width, form),
    "scores": lambda c, title, width, form: scores_figure(c, c.score, title, width, form),
    "path": _path,
    "heatmap": _heatmap,
    "fit": lambda c, t, w, f: fit_figure(t, c.surfaces, width=w, form=f) if c.surfaces else None,
    "weights": lambda c, t, w, f: (
        weights_figure(t, c.weights, width=w, form=f) if c.weights else None
    ),
    "norms": lambda c, t, w, f: norms_figure(t, c.weights, width=w, form=f) if c.weights else None,
    "calibration": lambda c, t, w, f: (
        calibration_figure(t, c.calibrations, width=w, form=f) if c.calibrations else None
    ),
    "memorisation": _memorisation,
}
