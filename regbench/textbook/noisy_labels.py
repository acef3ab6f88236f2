"""What is true is learnt first; what is wrong is learnt by heart afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from regbench.textbook.curves import Curve, curve, mean_line, reached
from regbench.textbook.finding import Finding, decided, less
from regbench.textbook.lesson import Evidence, Lesson, Train

__all__ = ["LESSON", "findings"]

_PAPER = "Arpit et al. 2017, abstract: simple patterns first"
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

    Args:
        of: accuracies by their column of epochs.csv.
    """
    order = reached(of["clean_rows_acc"], 0.9) - reached(of["noisy_rows_acc"], 0.9)
    what = "epochs until 90% are learnt, rightly less wrongly labelled rows"
    learnt = [less(what, order, _PAPER)]
    for column in ("noisy_rows_true_acc", "test_acc"):
        learnt += _rises_and_falls(_COLUMNS[column], of[column])
    return learnt


def _rises_and_falls(name: str, of: Curve) -> list[Finding]:
    """That the mean's peak lies inside, and each seed's own curve there is above both its ends."""
    peak = int(of.values.mean(axis=0).argmax())
    top, epoch = of.values[:, peak], of.epochs[peak]
    inside = 0 < peak < len(of.epochs) - 1
    return [
        decided(
            f"epoch of the peak: {name}", f"{epoch}", "neither the first nor the last", _PAPER,
            inside,
        ),
        less(f"accuracy after epoch 1 less at the peak: {name}", of.values[:, 0] - top, _PAPER),
        less(f"accuracy at the end less at the peak: {name}", of.values[:, -1] - top, _PAPER),
    ]  # fmt: skip


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
    minutes=0.3,
)
