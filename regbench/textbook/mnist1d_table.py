"""MNIST-1D tells models apart; and its test loss can rise while the test accuracy rises too."""

from __future__ import annotations

import numpy as np

from regbench.analysis.statistics import Floats, intervals
from regbench.api import Results
from regbench.textbook.curves import Curve, curve
from regbench.textbook.finding import Finding, less, near
from regbench.textbook.lesson import Evidence, Lesson, Train

Curves = dict[tuple[str, str], Curve]  # (cell, column)

_PAPER = "Greydanus & Kobak 2024 (arXiv 2011.14439), comparison of classifiers"
_NOTEBOOK = "Greydanus & Kobak, notebooks/mnist1d-classification.ipynb"
_STEPS_AN_EPOCH = 40
_FROM, _TO = 1000, 6000
_PERCENT = 100

# What their notebook printed after 1,000, 2,000, ... 6,000 steps: one run of each model.
PUBLISHED: dict[tuple[str, str], tuple[float, ...]] = {
    ("logistic", "test_loss"): (1.663, 1.667, 1.670, 1.671, 1.672, 1.672),
    ("logistic", "test_acc"): (0.321, 0.320, 0.316, 0.313, 0.315, 0.315),
    ("mlp", "test_loss"): (2.090, 2.830, 2.989, 3.098, 3.195, 3.294),
    ("mlp", "test_acc"): (0.609, 0.647, 0.656, 0.652, 0.657, 0.651),
}


def _look(train: Train) -> Evidence:
    curves = _curves(train("mnist1d-table"))
    return Evidence(findings(curves), lambda: _figure(curves))


def _curves(results: Results) -> Curves:
    return {(cell, column): curve(results, cell, column) for cell, column in PUBLISHED}


def findings(curves: Curves) -> list[Finding]:
    """Decide, given a curve for each cell and column of PUBLISHED."""
    accuracies = [
        near(
            f"test accuracy of {cell} after {_TO} steps, mean of the seeds (%)",
            _PERCENT * float(_after(_TO, curves[cell, "test_acc"]).mean()),
            _PERCENT * PUBLISHED[cell, "test_acc"][-1],
            4,
            _NOTEBOOK,
        )
        for cell in ("logistic", "mlp")
    ]
    rises = [
        less(
            f"{name} of mlp after {_FROM} steps less that after {_TO}",
            _after(_FROM, found) - _after(_TO, found),
            _NOTEBOOK,
        )
        for name, column in (("test loss", "test_loss"), ("test accuracy", "test_acc"))
        for found in [curves["mlp", column]]
    ]
    return [*accuracies, *rises]


def _after(steps: int, found: Curve) -> Floats:
    """(S,) a curve's values after so many steps."""
    (place,) = np.flatnonzero(found.epochs * _STEPS_AN_EPOCH == steps)
    values: Floats = found.values[:, place]
    return values


def _figure(curves: Curves) -> bytes:
    from regbench.report.figures import Line, Panel, interval_line, panels_figure
    from regbench.report.figures.style import BLUE, ORANGE

    colours = {"logistic": BLUE, "mlp": ORANGE}
    published = [1000.0 * k for k in range(1, 7)]

    def lines(column: str) -> list[Line]:
        drawn = []
        for cell, colour in colours.items():
            found = curves[cell, column]
            steps = _STEPS_AN_EPOCH * found.epochs.astype(np.float64)
            drawn.append(interval_line(cell, steps, intervals(found.values.T), colour))
            drawn.append(
                Line(
                    f"{cell}, as published (one run)",
                    published,
                    PUBLISHED[cell, column],
                    colour=colour,
                    style="",
                    dots=True,
                )
            )
        return drawn

    panels = [
        Panel(title, "step", label, lines(column), ends=(0, None))
        for title, label, column in (
            ("test loss", "cross-entropy (nats)", "test_loss"),
            ("test accuracy", "share of the test rows", "test_acc"),
        )
    ]
    return panels_figure(
        "MNIST-1D: the mlp's test loss rises while its test accuracy rises too (95% intervals)",
        panels,
        columns=2,
        panel_height=2.7,
    )


LESSON = Lesson(
    title="On MNIST-1D an mlp beats logistic regression, and test loss and accuracy rise together",
    source=_PAPER,
    look=_look,
    minutes=0.5,
)
