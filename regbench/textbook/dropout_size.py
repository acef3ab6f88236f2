"""Dropout's gain against the size of the training part."""

from __future__ import annotations

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import Floats, intervals
from regbench.api import Results
from regbench.textbook.finding import Finding, less
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Srivastava et al. 2014, section 7.4 and figure 10"
_NOISES = (0.0, 0.2)
_SIZES = (20, 40, 80, 160, 320, 640, 1280)
# The ends of the grid and its middle, not the sizes at which the gain came out best.
_TINY, _MIDDLE, _LARGE = 20, 160, 1280


def gain(by_seed: BySeed, noise: float, size: int) -> Floats:
    """(S,) test accuracy with dropout less that without, paired by seed."""
    where = f"dataset.label_noise={noise:g}, dataset.train_size={size}, regularizer="
    return by_seed.row("test_acc", f"{where}dropout") - by_seed.row("test_acc", f"{where}none")


def _look(train: Train) -> Evidence:
    results = train("dropout-size")
    return Evidence(_findings(results), lambda: _figure(results))


def _findings(results: Results) -> list[Finding]:
    by_seed = BySeed(results.rows)
    findings = []
    for noise in _NOISES:
        at = {size: gain(by_seed, noise, size) for size in (_TINY, _MIDDLE, _LARGE)}
        for word, low, high in (("grows", _TINY, _MIDDLE), ("shrinks again", _LARGE, _MIDDLE)):
            what = f"label noise {noise:g}: the gain {word}: at {low} rows less at {high}"
            findings.append(less(what, at[low] - at[high], _PAPER))
    return findings


def _figure(results: Results) -> bytes:
    from regbench.report.figures import Mark, Panel, interval_line, panels_figure

    by_seed = BySeed(results.rows)
    lines = []
    for noise in _NOISES:
        gains = np.array([100 * gain(by_seed, noise, size) for size in _SIZES])
        lines.append(interval_line(f"label noise {noise:g}", _SIZES, intervals(gains), dots=True))
    panel = Panel(
        "",
        "training rows",
        "test accuracy with dropout less that without (points)",
        lines,
        log_x=True,
        marks=[Mark(0, horizontal=True)],
    )
    return panels_figure(
        "Dropout's gain against the number of training rows",
        [panel],
    )


LESSON = Lesson(
    title="Dropout gains nothing at tiny sizes, then much, then less again",
    source=_PAPER,
    look=_look,
    minutes=1.5,
)
