"""What one run predicts over a whole one- or two-dimensional space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Fit"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """One run's predictions between and beyond its examples.

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
