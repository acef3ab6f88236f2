"""Batchnorm regularizes through the noise of its batches: the smaller the batch, the more."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regbench.analysis.statistics import Floats, interval
from regbench.api import Results
from regbench.report.figures.style import BLUE, GREEN, GREY, ORANGE, canvas, rendered
from regbench.textbook.curves import curve
from regbench.textbook.finding import Finding, less, near
from regbench.textbook.lesson import Evidence, Lesson, Train

if TYPE_CHECKING:
    from matplotlib.axes import Axes


BATCHES = {
    4: "batch 4", 8: "batch 8", 16: "batch 16", 32: "batch 32", 64: "batch 64", 256: "full batch"
}  # fmt: skip
EXAMPLES = 256
_IOFFE = "Ioffe & Szegedy 2015, section 3.4"
_LUO = "Luo, Wang, Shao & Peng 2019"


@dataclass(frozen=True)
class Gaps:
    """Validation less training loss at equal steps.

    Attributes:
        steps: (E,) at which the nets were scored.
        none: (B, S, E) by batch size, seed and step, without batchnorm; batchnorm: with it.
    """

    steps: npt.NDArray[np.int64]
    none: Floats
    batchnorm: Floats

    @property
    def narrowed(self) -> Floats:
        """(B, S, E) by how much batchnorm narrows the gap, paired by seed."""
        return self.none - self.batchnorm


def _look(train: Train) -> Evidence:
    gaps = _gaps(train("batchnorm-batch-size"))
    return Evidence(findings(gaps), lambda: _figure(gaps))


def _gaps(results: Results) -> Gaps:
    def gap(label: str, regularizer: str) -> Floats:
        cell = f"training={label}, regularizer={regularizer}"
        val, train = (curve(results, cell, f"{part}_loss").values for part in ("val", "train"))
        return val - train

    none, batchnorm = (
        np.stack([gap(label, kind) for label in BATCHES.values()]) for kind in ("none", "batchnorm")
    )
    smallest = curve(results, "training=batch 4, regularizer=none", "val_loss").epochs
    return Gaps(smallest * EXAMPLES // min(BATCHES), none, batchnorm)


def findings(gaps: Gaps) -> list[Finding]:
    """Whether the effect falls with the batch size, and how fast; early, and at the end."""
    early, late = ((gaps.steps[at], gaps.narrowed[:, :, at]) for at in (0, -1))
    return [
        *_falls(*early),
        near(
            f"after {early[0]} steps: k of the narrowing a + c / batch^k",
            exponent(early[1].mean(axis=1)), 1, 0.25, _LUO,
        ),
        *_falls(*late),
    ]  # fmt: skip


def _falls(steps: int, narrowed: Floats) -> list[Finding]:
    """Each batch size against the one before, of (B, S)."""
    what = f"after {steps} steps: batchnorm narrows the gap at batch {{}} less than at {{}}"
    return [
        less(what.format(large, small), narrowed[k + 1] - narrowed[k], _IOFFE)
        for k, (small, large) in enumerate(pairwise(BATCHES))
    ]


def exponent(narrowed: Floats) -> float:
    """k of a + c / batch^k, by least squares over (B,); to two decimals, from 0.05 to 4."""
    sizes = np.array(list(BATCHES), dtype=np.float64)
    tried = np.arange(5, 401) / 100

    def misfit(k: float) -> float:
        design = np.column_stack([np.ones_like(sizes), sizes**-k])
        solution = np.linalg.lstsq(design, narrowed, rcond=None)[0]
        return float(np.sum((design @ solution - narrowed) ** 2))

    return float(min(tried, key=misfit))


def _figure(gaps: Gaps) -> bytes:
    with canvas(7.5, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        moments = {0: BLUE, 1: GREEN, len(gaps.steps) - 1: ORANGE}
        for moment, colour in moments.items():
            label = f"{gaps.steps[moment]:,} steps"
            for name, values, ls in (("none", gaps.none, "--"), ("batchnorm", gaps.batchnorm, "-")):
                mean = values[:, :, moment].mean(axis=1)
                left.plot(list(BATCHES), mean, ls=ls, color=colour, label=f"{name}, {label}")
            _line(right, gaps.narrowed[:, :, moment], colour, label)
        right.axhline(0, color=GREY, lw=0.8)
        left.set_ylabel("gap: validation - training loss (nats)")
        right.set_ylabel("gap narrowed by batchnorm (nats)")
        for axes in (left, right):
            axes.set_xscale("log", base=2)
            axes.set_xticks(list(BATCHES), [f"{size}" for size in BATCHES])
            axes.minorticks_off()
            axes.set_xlabel("examples a batch (of 256)")
        left.set_ylim(0, None)
        left.legend(fontsize=7, handlelength=3, loc="lower right")
        right.legend()
        return rendered(figure, "svg")


def _line(axes: Axes, values: Floats, colour: str, label: str) -> None:
    """Means and 95% intervals over seeds of (B, S)."""
    found = [interval(row.tolist()) for row in values]
    means = np.array([each.mean for each in found], dtype=np.float64)
    highs = np.array([each.high for each in found], dtype=np.float64)
    axes.errorbar(list(BATCHES), means, highs - means, fmt="o-", ms=3, color=colour, label=label)


LESSON = Lesson(
    title="Batchnorm regularizes through batch noise: the smaller the batch, the more",
    source=_IOFFE,
    look=_look,
    minutes=2,
)
