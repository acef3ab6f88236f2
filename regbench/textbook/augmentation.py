"""Saying what an image may do without becoming another gains more than dropout or decay."""

from __future__ import annotations

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import interval
from regbench.api import Results
from regbench.textbook.lesson import Evidence, Lesson, Train

_REGULARIZERS = ("none", "decay", "dropout", "augment")
_SIZES = {10: 100, 50: 500, 100: 1000}  # images a class: in all


def _look(train: Train) -> Evidence:
    results = train("augmentation")
    return Evidence([], lambda: _figure(results))


def _figure(results: Results) -> bytes:
    from regbench.report.figures import Line, Panel, interval_line, panels_figure

    by_seed = BySeed(results.rows)

    def line(regularizer: str) -> Line:
        cells = [f"dataset.train_size={n}, regularizer={regularizer}" for n in _SIZES.values()]
        found = [interval(by_seed.row("test_acc", cell).tolist()) for cell in cells]
        return interval_line(regularizer, list(_SIZES), found, dots=True)

    panel = Panel("", "images a class", "test accuracy", [line(name) for name in _REGULARIZERS])
    return panels_figure("Digits of MNIST, a small convnet (95% intervals over the seeds)", [panel])


LESSON = Lesson(
    title="Where images are few, augmentation gains more than dropout or weight decay",
    source="Simard et al. 2003, abstract (of augmentation)",
    look=_look,
    minutes=3,
)
