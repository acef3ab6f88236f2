"""Inverted dropout, each run at its own rate, thresholded from uniforms that runs share."""

from __future__ import annotations

import torch
from torch import Tensor

from regbench.nn.layer import Draws
from regbench.nn.parameters import Kind, Parameters
from regbench.nn.per_run import PerRun

__all__ = ["Dropout", "threshold"]


def threshold(rate: float) -> int:
    """Draws below this signed 16-bit number are dropped: P = round(65536 rate) / 65536.

    >>> threshold(0.0), threshold(0.5), threshold(0.2)
    (-32768, 0, -19661)
    """
    return min(round(rate * 65536), 65535) - 32768


class Dropout:
    """y = x / (1 - p) with probability 1 - p, else 0, while training; y = x in evaluation.

    Shape:
        (R, B, O) to (R, B, O), in place; `index` 0 is the network's input, i the i-th hidden layer.

    Source: Srivastava et al. 2014, in the inverted form of Keras and PyTorch.
    """

    def __init__(self, index: int, rates: PerRun) -> None:
        self.index = index
        self._rates = rates
        self._factor: Tensor | None = None
        self._prepare()

    def _prepare(self) -> None:
        rates = self._rates.values.tolist()
        device = self._rates.values.device
        self._thresholds = torch.tensor(
            [threshold(rate) for rate in rates], dtype=torch.int16, device=device
        ).view(-1, 1, 1)
        self._scales = (1 / (1 - self._rates.values)).view(-1, 1, 1)

    def parameters(self) -> list[tuple[str, Kind, tuple[int, ...]]]:
        """None."""
        return []

    def bind(self, parameters: Parameters) -> None:
        """Nothing to bind."""

    def forward(self, x: Tensor, draws: Draws | None) -> Tensor:
        """Drop and scale the rows of the runs that have dropout."""
        if draws is None or not self._rates:
            return x
        rows = self._rates.rows
        uniforms = draws.dropout(self.index, x.shape[2], rows)
        self._factor = (uniforms >= self._thresholds[rows]) * self._scales[rows]
        x[rows].mul_(self._factor)
        return x

    def backward(self, gradient: Tensor) -> Tensor:
        """The same factors on the gradient, in place."""
        if self._rates and self._factor is not None:
            gradient[self._rates.rows].mul_(self._factor)
        return gradient

    def keep(self, rows: Tensor) -> None:
        """Keep these runs' rates."""
        self._rates = self._rates.kept(rows)
        self._prepare()
