"""What saved weights and predictions come to: histograms, norms, surfaces, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regbench.analysis.statistics import Floats
from regbench.results.sealed import Arrays

_BARS, _BINS = 61, 10  # of a histogram of weights, of a reliability curve


@dataclass(frozen=True)
class WeightShape:
    """All kernels of a cell's runs together.

    Attributes:
        edges, shares: (K + 1,) ends and (K,) shares of the weights between them, zeros left out.
        zeros: share of the weights that are exactly 0.
        norms: root of the mean square, by layer, mean over runs.
    """

    cell: str
    edges: Floats
    shares: Floats
    zeros: float
    norms: Sequence[float]


def weight_shape(cell: str, runs: Sequence[Arrays], largest: float) -> WeightShape:
    """A cell's weights between -largest and largest; what lies beyond is left out."""
    kernels = [
        [np.asarray(run[name], dtype=np.float64) for name in sorted(run, key=_layer)
         if name.startswith("layers.") and name.endswith(".weight")]
        for run in runs
    ]  # fmt: skip
    every = np.concatenate([kernel.ravel() for run in kernels for kernel in run])
    counts, edges = np.histogram(every[every != 0], bins=_BARS, range=(-largest, largest))
    norms = [float(np.mean([np.sqrt(np.mean(k**2)) for k in layer])) for layer in zip(*kernels)]  # noqa: B905
    return WeightShape(cell, edges, counts / len(every), float((every == 0).mean()), norms)


def _layer(name: str) -> int:
    number = name.split(".")[1]
    return int(number) if number.isdecimal() else 0


@dataclass(frozen=True)
class PredictionSurface:
    """What one run predicts over a whole one- or two-dimensional space.

    Attributes:
        axes: the grid's values on each axis, one or two of them, as the model sees them.
        outputs: (n,) predictions of a regression with one input; (n,) * axes + (C,) probabilities
            of a classifier.
        train_x, train_y, val_x, val_y: (n, I) and (n,) examples.
    """

    cell: str
    seed: int
    names: tuple[str, ...]
    classes: int
    axes: tuple[Floats, ...]
    outputs: Floats
    train_x: Floats
    train_y: Floats
    val_x: Floats
    val_y: Floats


@dataclass(frozen=True)
class Calibration:
    """How often the predicted class is right, by how sure the model was.

    Attributes:
        confidence, accuracy, count: (K,) of the bins that hold examples.
        error: the expected calibration error: sum of count share * |accuracy - confidence|
            (Naeini et al. 2015; Guo et al. 2017, eq. 3).
    """

    cell: str
    confidence: Floats
    accuracy: Floats
    count: npt.NDArray[np.int64]
    error: float


def calibration(cell: str, probability: Floats, y: npt.ArrayLike) -> Calibration:
    """The reliability of (n, C) probabilities against n class numbers, in equal bins.

    >>> found = calibration("a", np.array([[0.8, 0.2], [0.3, 0.7]]), [0, 0])
    >>> found.confidence.tolist(), found.accuracy.tolist(), round(found.error, 3)
    ([0.7, 0.8], [0.0, 1.0], 0.45)
    """
    sure = probability.max(axis=1)
    right = probability.argmax(axis=1) == np.asarray(y)
    at = np.clip(np.ceil(sure * _BINS).astype(int) - 1, 0, _BINS - 1)
    count = np.bincount(at, minlength=_BINS)
    kept = count > 0
    confidence = np.bincount(at, sure, _BINS)[kept] / count[kept]
    accuracy = np.bincount(at, right, _BINS)[kept] / count[kept]
    share = count[kept] / len(sure)
    error = float((share * np.abs(accuracy - confidence)).sum())
    return Calibration(cell, confidence, accuracy, count[kept], error)
