"""What stands on the page, in order: each section has a title, a word to it and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from regbench.analysis.cell_gap import CellGap
from regbench.report import figures
from regbench.report.content import Content
from regbench.report.figures.curves import MOST_CELLS
from regbench.report.figures.heatmap import grid_figure
from regbench.report.kinds import kind_figure, scores_figure
from regbench.report.page.picture import Picture, picture
from regbench.vocabulary.metrics import metrics_among
from regbench.vocabulary.words import counted

MOST_ROWS = 40  # of a chart with a row for each cell
_MOST_AXES = 4


@dataclass(frozen=True)
class Section:
    """A part of the page; a picture is None where there was nothing to draw."""

    id: str
    title: str
    words: str
    drawn: Iterable[Picture | None]

    @cached_property
    def pictures(self) -> list[Picture]:
        """Those that there are."""
        return [each for each in self.drawn if each is not None]


def sections(content: Content) -> list[Section]:
    """The sections for which the study has numbers."""
    found = [
        _gap(content),
        _forest(content),
        _curves(content),
        _paths(content),
        _heatmap(content),
        _simple(content, "fit", "Fitted functions", _FIT, ["fit"]),
        _simple(content, "weights", "Weights", _WEIGHTS, ["weights", "norms"]),
        _simple(content, "memorisation", "Memorisation", _NOISE, ["memorisation"]),
        _simple(content, "calibration", "Calibration", _CALIBRATION, ["calibration"]),
    ]
    return [section for section in found if section.pictures]


_FIT = (
    "What one run of each cell predicts over the whole space, with the examples it learned from. "
    "A border that bends around single dots is overfitting to be seen; its regularized twin is "
    "smoother."
)
_WEIGHTS = (
    "All kernels of a cell's runs together, at most five runs each. Where there are many cells, "
    "those with the largest and the least gap, the least validation loss, and the first others. "
    "L1 leaves a spike of exact zeros, which the titles count; L2 leaves a narrower bell."
)
_NOISE = (
    "Some training labels are wrong. To fit them, a network must learn single rows by heart: its "
    "accuracy on the labels as given then rises above its accuracy on the true ones."
)
_CALIBRATION = (
    "How often the predicted class is right, by how sure the model was. Below the diagonal the "
    "model is surer than it should be; the titles give the expected calibration error."
)


def few(table: Sequence[CellGap]) -> tuple[list[CellGap], str]:
    """The rows that a chart has room for: baselines and the cells of least validation loss."""
    if len(table) <= MOST_ROWS:
        return list(table), ""
    bases = {row.baseline for row in table}
    with_numbers = [row for row in table if row.metrics["val_loss"].mean is not None]
    ranked = sorted(
        with_numbers, key=lambda row: (row.cell not in bases, row.metrics["val_loss"].mean)
    )
    kept = {row.cell for row in ranked[:MOST_ROWS]}
    left_out = len(table) - len(kept)
    note = (
        f"The {len(kept)} cells of least validation loss, baselines first; {left_out} more stand "
        "in the table."
    )
    return [row for row in table if row.cell in kept], note


def _gap(content: Content) -> Section:
    rows, note = few(content.table)
    lost = sum(row.n == 0 for row in content.table)
    if lost:
        cells = counted(len(content.table), "cell")
        note += f" Without numbers, as all their runs diverged or failed: {lost} of {cells}."
    alt = "training and validation loss of each cell with 95% intervals"
    loss = picture(
        "gap", alt, note.strip(), lambda width: figures.gap_figure("", rows, width=width)
    )
    words = (
        "Each cell's loss on the data it was trained on and on data it has not seen. The longer "
        "the grey bar, the more it overfits; the further left its right end, the better it is."
    )
    return Section("gap", "The gap", words, [loss])


_CHANGED = {"gap_loss": "the gap", "val_loss": "validation loss: what counts for unseen data"}


def _forest(content: Content) -> Section:
    rows, note = few([row for row in content.table if row.deltas])
    pictures = [
        picture(
            f"forest-{metric}",
            f"difference of {caption} from the baseline, with 95% intervals",
            f"Change in {caption}. {note}".strip(),
            lambda width, metric=metric: figures.forest_figure("", rows, metric, width=width),  # type: ignore[misc]
        )
        for metric, caption in _CHANGED.items()
        if rows
    ]
    words = (
        "Each cell less the same cell without a regularizer, seed by seed. Filled dots: shown to "
        "lie on that side by the interval and by the adjusted p. Hollow grey dots: chance could "
        "have done it."
    )
    return Section("difference", "Against no regularizer", words, pictures)


def _curves(content: Content) -> Section:
    pictures = [
        picture(
            f"curves-{metric.name}",
            f"{metric.title} over the epochs, training and validation, one panel a cell",
            "",
            lambda width, metric=metric: scores_figure(content, metric, "", width, "svg"),  # type: ignore[misc]
        )
        for metric in metrics_among(content.runs.metrics)
    ]
    # A curve is of these runs: nothing corrects its interval for other rows.
    rows = ", which speaks of other seeds and not, as the table's, of other rows"
    whom = rows if content.over == "rows" else ""
    words = (
        f"Mean over the seeds with its 95% interval{whom}. Dotted: the mean best epoch. Dashed: "
        "the mean epoch at which early stopping ended training. A curve ends where fewer than half "
        "of its seeds are still training."
    )
    if len(content.table) > MOST_CELLS:
        words += f" The first {MOST_CELLS} cells are shown."
    return Section("curves", "Learning curves", words, pictures)


def _paths(content: Content) -> Section:
    pictures = [
        picture(
            f"path-{i}",
            f"loss, gap and weights along {found[0].key}",
            " ".join(path.sentence for path in found[:3]),
            lambda width, found=found: figures.axis_path_figure("", found, width=width),  # type: ignore[misc]
        )
        for i, found in enumerate(content.paths[:_MOST_AXES])
    ]
    words = (
        "How the numbers move with a strength, all else equal. The square is the most regularized "
        "setting whose validation loss lies within one standard error of the least."
    )
    return Section("paths", "Along an axis", words, pictures)


def _heatmap(content: Content) -> Section:
    pictures = [
        picture(
            f"grid-{i}",
            f"validation loss over {grid.x_key} and {grid.y_key}",
            ", ".join(f"{key}={value}" for key, value in grid.rest.items()),
            lambda width, grid=grid: grid_figure("", grid, width=width),  # type: ignore[misc]
        )
        for i, grid in enumerate(content.grids[:2])
    ]
    words = "Mean validation loss over two axes; the least is framed."
    return Section("grid", "Two axes", words, pictures)


def _simple(content: Content, id: str, title: str, words: str, kinds: Sequence[str]) -> Section:
    pictures = [
        picture(
            kind,
            f"{title}, one panel a cell",
            "",
            lambda width, kind=kind: kind_figure(kind, content, "", width, "svg"),  # type: ignore[misc]
        )
        for kind in kinds
    ]
    return Section(id, title, words, pictures)
