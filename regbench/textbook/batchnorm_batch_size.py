"""Batchnorm regularizes through the noise of its batches: the smaller the batch, the more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from regbench.analysis.statistics import interval
from regbench.api import Results
from regbench.textbook.curves import curve
from regbench.textbook.finding import Finding, less
from regbench.textbook.lesson import Evidence, Lesson, Train
from regbench.textbook.picture import BLUE, GREEN, GREY, ORANGE, canvas, rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BATCHES", "LESSON", "Gaps", "findings"]

Floats = npt.NDArray[np.float64]

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
    """Whether the effect falls with the batch size: early, between neighbours; and at the end."""
    sizes, early = list(BATCHES), gaps.narrowed[:, :, 0]
    what = f"after {gaps.steps[0]} steps: batchnorm narrows the gap at batch {{}} less than at {{}}"
    late = f"after {gaps.steps[-1]} steps: slope of the narrowing on log2 of the batch size"
    return [
        *(
            less(what.format(sizes[k + 1], sizes[k]), early[k + 1] - early[k], _IOFFE)
            for k in range(len(sizes) - 1)
        ),
        less(late.replace(str(gaps.steps[-1]), str(gaps.steps[0])), _slopes(early), _LUO),
        less(late, _slopes(gaps.narrowed[:, :, -1]), _LUO),
        less(
            f"after {gaps.steps[-1]} steps: batchnorm narrows the gap at batch 8 less than at 4",
            gaps.narrowed[1, :, -1] - gaps.narrowed[0, :, -1],
            _IOFFE,
        ),
    ]


def _slopes(narrowed: Floats) -> Floats:
    """(S,) of (B, S) on log2 of the batch size, by least squares."""
    slopes: Floats = np.polyfit(np.log2(list(BATCHES)), narrowed, 1)[0]
    return slopes


def _figure(gaps: Gaps) -> bytes:
    with canvas(7.5, 3.6) as figure:
        left, right = figure.subplots(1, 2)
        moments = {0: BLUE, 1: GREEN, len(gaps.steps) - 1: ORANGE}
        for moment, colour in moments.items():
            label = f"{gaps.steps[moment]:,} steps"
            _line(left, gaps.none[:, :, moment], colour, f"none, {label}", ls="--")
            _line(left, gaps.batchnorm[:, :, moment], colour, f"batchnorm, {label}")
            _line(right, gaps.narrowed[:, :, moment], colour, label)
        right.axhline(0, color=GREY, lw=0.8)
        left.set_ylabel("gap: validation - training loss (nats)")
        right.set_ylabel("gap narrowed by batchnorm (nats)")
        for axes in (left, right):
            axes.set_xscale("log", base=2)
            axes.set_xticks(list(BATCHES), [f"{size}" for size in BATCHES])
            axes.set_xlabel("examples a batch (of 256)")
        left.set_ylim(0, None)
        left.legend(fontsize=7)
        right.legend()
        return rendered(figure)


def _line(axes: Axes, values: Floats, colour: str, label: str, ls: str = "-") -> None:
    """Means and 95% intervals over seeds of (B, S)."""
    found = [interval(row.tolist()) for row in values]
    means = np.array([each.mean for each in found], dtype=np.float64)
    highs = np.array([each.high for each in found], dtype=np.float64)
    axes.errorbar(
        list(BATCHES), means, highs - means, fmt="o", ms=3, ls=ls, color=colour, label=label
    )


LESSON = Lesson(
    title="Batchnorm regularizes through batch noise: the smaller the batch, the more",
    source=_IOFFE,
    look=_look,
    minutes=1,
)
