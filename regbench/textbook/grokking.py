"""Grokking: long after the training pairs are known by heart, the rule is; sooner with decay."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.textbook.curves import Curve, curve, mean_line, reached, value_at
from regbench.textbook.finding import Finding, decided, less
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Power et al. 2022"
_KNOWN = 0.99


def _look(train: Train) -> Evidence:
    results = train("grokking")
    cells = [cell.name for cell in results.study.cells]
    of = {
        part: {float(cell): curve(results, cell, f"{part}_acc") for cell in cells}
        for part in ("train", "test")
    }
    return Evidence(findings(of["train"], of["test"]), lambda: _figure(of["train"], of["test"]))


def findings(train: Mapping[float, Curve], test: Mapping[float, Curve]) -> list[Finding]:
    """The delay between 99% of the training pairs and 99% of the others, in steps.

    Args:
        train, test: accuracies by weight decay, ascending from 0; an epoch is a step.
    """
    learnt = {decay: reached(of, _KNOWN) for decay, of in train.items()}
    late = {decay: reached(of, _KNOWN) - learnt[decay] for decay, of in test.items()}
    last = int(next(iter(test.values())).epochs[-1])
    decays = [decay for decay in late if decay > 0]
    meanwhile = max(value_at(of, learnt[decay]).max() for decay, of in test.items())
    never = max(of.values.max() for decay, of in test.items() if decay == 0)
    found = [
        decided(
            "test accuracy when 99% of the training pairs are right (highest of all runs)",
            f"{meanwhile:.3g} by step {max(steps.max() for steps in learnt.values()):g}",
            "at most chance, 1/31", _PAPER, meanwhile <= 1 / 31,
        ),
        decided(
            f"decay 0: highest test accuracy in {last} steps", f"{never:.3g}", "below 0.99",
            _PAPER, never < _KNOWN,
        ),
    ]  # fmt: skip
    if not np.isfinite([late[decay] for decay in decays]).all():
        missed = sum(int(np.isinf(late[decay]).sum()) for decay in decays)
        what = f"runs with decay that are not at 99% of the test pairs by step {last}"
        return [*found, decided(what, f"{missed}", "0", _PAPER, False)]
    for small, large in pairwise(decays):
        what = f"delay in steps, decay {large:g} less decay {small:g}"
        found.append(less(what, late[large] - late[small], _PAPER))
    what = "slope of log delay on log decay"
    return [*found, less(what, slope({decay: late[decay] for decay in decays}), _PAPER)]


def slope(late: Mapping[float, Floats]) -> Floats:
    """(S,) least squares line through log delay against log decay, for each seed.

    A delay of no step counts as one.

    >>> slope({0.1: np.array([1000.0]), 1.0: np.array([100.0])}).round(12).tolist()
    [-1.0]
    """
    decays = np.log(list(late))
    delays = np.log(np.maximum(list(late.values()), 1))
    slopes: Floats = np.polynomial.polynomial.polyfit(decays, delays, 1)[1]
    return slopes


def _figure(train: Mapping[float, Curve], test: Mapping[float, Curve]) -> bytes:
    from regbench.report.figures import Line, Panel, panels_figure
    from regbench.report.figures.style import GREY

    most = max(train)
    known = mean_line("training pairs (any decay)", _thinned(train[most]), GREY)
    curves = [mean_line(f"decay {decay:g}", _thinned(of)) for decay, of in test.items()]
    learnt = {decay: reached(of, _KNOWN) for decay, of in train.items()}
    late = {d: reached(of, _KNOWN) - learnt[d] for d, of in test.items() if d > 0}
    decays = list(late)
    each = [
        Line("", decays, [late[d][seed] for d in decays], colour=GREY, dots=True, width=0.7)
        for seed in range(len(late[most]))
    ]
    panels = [
        Panel("Test accuracy (mean, 95% interval)", "step", "accuracy",
              [*curves, known], log_x=True, ends=(-0.02, 1.05)),
        Panel("Delay (a line a seed)", "weight decay",
              "steps from 99% of the training pairs\nto 99% of the others", each, log_x=True,
              log_y=True),
    ]  # fmt: skip
    return panels_figure(
        "Grokking: a + b mod 31, by heart at once, understood later (a step is an epoch)",
        panels,
        columns=2,
        panel_height=2.7,
    )


def _thinned(of: Curve) -> Curve:
    """As many points as an eye sees on a logarithmic axis."""
    wanted = np.geomspace(of.epochs[0], of.epochs[-1], 60)
    some = np.unique(np.searchsorted(of.epochs, wanted).clip(0, len(of.epochs) - 1))
    return Curve(of.epochs[some], of.seeds, of.values[:, some])


LESSON = Lesson(
    title="Grokking: the rule is found long after memorising, the sooner the more weights decay",
    source=_PAPER,
    look=_look,
    minutes=5,
)
