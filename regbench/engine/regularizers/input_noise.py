"""Gaussian noise on the inputs while training."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import NORMALS, Draws
from regbench.engine.layers.per_run import PerRun
from regbench.streams import Purpose


class InputNoise:
    """x + input_noise[r] * z, z standard normal, drawn anew for every element and step.

    Shape:
        (R, B, I), in place.

    Source: Bishop 1995, "Training with noise is equivalent to Tikhonov regularization".
    """

    def __init__(self, regularizers: Sequence[Regularizer], seen: Seen) -> None:
        self._deviation = PerRun([r.input_noise for r in regularizers], seen.like)

    def __bool__(self) -> bool:
        return bool(self._deviation)

    def __call__(self, batch: Batch, draws: Draws) -> None:
        """Add it to the runs that ask for it."""
        x, rows = batch.x, self._deviation.rows
        noise = draws(NORMALS, Purpose.INPUT_NOISE, x.shape[2], rows, like=x)
        x[rows].addcmul_(noise, self._deviation.over(3))
