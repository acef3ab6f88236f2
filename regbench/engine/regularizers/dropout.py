"""Inverted dropout, each run at its own rate, thresholded from uniforms that runs share."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import INTEGERS, Draws
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.layers.per_run import PerRun
from regbench.models import layers
from regbench.streams import Purpose


def dropout(
    regularizers: Sequence[Regularizer], layer: layers.Dropout, like: Tensor, scratch: Scratch
) -> Dropout:
    """After each hidden activation, never on outputs."""
    i = layer.index
    rates = PerRun([r.by_layer("dropout", i)[i - 1] for r in regularizers], like)
    return Dropout(i, rates, scratch, gated=layer.gated)


def threshold(rate: float) -> int:
    """Draws below this signed 16-bit number are dropped: P = round(65536 rate) / 65536.

    >>> threshold(0.0), threshold(0.5), threshold(0.2)
    (-32768, 0, -19661)
    """
    return min(round(rate * 65536), 65535) - 32768


class Dropout:
    """y = x / (1 - p) with probability 1 - p, else 0, while training; y = x in evaluation.

    Args:
        index: 0 for the data, i for the i-th hidden layer, counted from 1.
        rates: p of each run.
        gated: y comes from a relu, which lets no gradient pass where it is 0, dropped or not: what
            is left for the gradient here is the scale.

    Shape:
        (R, B, O) to (R, B, O), in place.

    Source: Srivastava et al. 2014, in the inverted form of Keras and PyTorch.
    """

    def __init__(self, index: int, rates: PerRun, scratch: Scratch, *, gated: bool = False) -> None:
        self.index = index
        self._gated = gated
        self._scratch = scratch
        self._set(rates)

    def _set(self, rates: PerRun) -> None:
        self._rates, like = rates, rates.values
        thresholds = [threshold(rate) for rate in rates.acting]
        signed = torch.tensor(thresholds, dtype=torch.int16, device=like.device)
        self._thresholds = signed.view(-1, 1, 1)
        self._scales = 1 / (1 - rates.over(3))

    def parameters(self) -> list[Slot]:
        """None."""
        return []

    def bind(self, parameters: Parameters) -> None:
        """Nothing to bind."""

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """Drop and scale the rows of the runs that have dropout."""
        if draws is None or not self._rates:
            return x
        chosen = x[self._rates.rows]
        uniforms = draws(INTEGERS, Purpose.DROPOUT, x.shape[2], self._rates.rows, layer=self.index)
        # Never by way of booleans: ATen's kernels that make or read them are not vectorised.
        kept = self._scratch((self, "kept"), chosen.shape, uniforms)
        self._factor = self._scratch((self, "factor"), chosen.shape, x)
        self._factor.copy_(torch.ge(uniforms, self._thresholds, out=kept)).mul_(self._scales)
        chosen.mul_(self._factor)
        return x

    def backward(self, gradient: Tensor) -> Tensor:
        """The same factors on the gradient, in place."""
        if self._rates:
            gradient[self._rates.rows].mul_(self._scales if self._gated else self._factor)
        return gradient

    def keep(self, rows: Tensor) -> None:
        """Keep these runs' rates."""
        self._set(self._rates.kept(rows))


class InputDropout:
    """Dropout on the data while training; nothing is propagated back to them."""

    def __init__(self, regularizers: Sequence[Regularizer], seen: Seen) -> None:
        self._rates = PerRun([r.input_dropout for r in regularizers], seen.like)
        self._layer = Dropout(0, self._rates, Scratch())

    def __bool__(self) -> bool:
        return bool(self._rates)

    def __call__(self, batch: Batch, draws: Draws) -> None:
        """Drop and scale the rows of the runs that ask for it."""
        self._layer.forward(batch.x, draws)
