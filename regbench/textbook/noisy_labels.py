"""What is true is learnt first; what is wrong is learnt by heart afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from regbench.textbook.curves import Curve, curve, mean_line, reached, value_at
from regbench.textbook.finding import Finding, decided, less
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Arpit et al. 2017, abstract: simple patterns first"
_WHEN = "when 90% of the rightly labelled rows are learnt"
_CELLS = ("none", "l2", "dropout")
_COLUMNS = {
    "clean_rows_acc": "rows with the right label",
    "noisy_rows_acc": "rows with a wrong label, as given",
    "noisy_rows_true_acc": "rows with a wrong label, true class",
    "test_acc": "test",
}


def _look(train: Train) -> Evidence:
    results = train("noisy-labels")
    curves = {
        cell: {column: curve(results, cell, column) for column in _COLUMNS} for cell in _CELLS
    }
    return Evidence(findings(curves["none"]), lambda: _figure(curves))


def findings(of: Mapping[str, Curve]) -> list[Finding]:
    """The order in which a network without a regularizer learns, paired by seed.

    A curve rises and falls if it is higher when most of the rightly labelled rows are learnt than
    after the first epoch and than at the end. That epoch is not chosen on the curve itself.

    Args:
        of: accuracies by their column of epochs.csv.
    """
    first, then = reached(of["clean_rows_acc"], 0.9), reached(of["noisy_rows_acc"], 0.9)
    missed = int(np.isinf([first, then]).sum())
    if missed:
        what = "groups of rows of which 90% are never learnt"
        return [decided(what, f"{missed}", "0", _PAPER, False)]
    what = "epochs until 90% are learnt: rightly less wrongly labelled rows"
    learnt = [less(what, first - then, _PAPER)]
    for column in ("noisy_rows_true_acc", "test_acc"):
        then_there = value_at(of[column], first)
        for name, end in (("after epoch 1", 0), ("at the end", -1)):
            what = f"accuracy, {_COLUMNS[column]}: {name} less {_WHEN}"
            learnt.append(less(what, of[column].values[:, end] - then_there, _PAPER))
    return learnt


def _figure(curves: Mapping[str, Mapping[str, Curve]]) -> bytes:
    from regbench.report.figures import Line, Panel, panels_figure
    from regbench.report.figures.style import BLUE, GREEN, GREY, ORANGE

    colours = dict(zip(_COLUMNS, (BLUE, ORANGE, GREEN, GREY), strict=True))

    def lines(of: Mapping[str, Curve]) -> list[Line]:
        return [mean_line(_COLUMNS[name], of[name], colour) for name, colour in colours.items()]

    panels = [
        Panel(cell, "epoch", "accuracy", lines(curves[cell]), ends=(0, 1.02))
        for cell in _CELLS
    ]  # fmt: skip
    return panels_figure(
        "36% of the labels are wrong: truth is learnt first, the rest by heart (means over seeds)",
        panels,
        share_y=True,
        panel_height=2.6,
    )


LESSON = Lesson(
    title="What is true is learnt first; what is wrong is learnt by heart afterwards",
    source="Arpit et al. 2017",
    look=_look,
    minutes=0.4,
)
