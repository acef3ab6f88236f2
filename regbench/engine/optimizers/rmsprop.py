"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from regbench.config.blocks.optimizer import RmsProp as Options
from regbench.engine.layers.parameters import Parameters, Slot, kept, named, pieces
from regbench.engine.layers.per_run import column


class RmsProp:
    """w -= lr * g / (sqrt(v) + eps), with a running mean v of g^2.

    Source: torch.optim.RMSprop. Keras puts eps inside the root and calls alpha rho.
    """

    def __init__(self, options: Sequence[Options], parameters: Parameters) -> None:
        self._alpha = column([each.alpha for each in options], parameters.like)
        self._eps = column([each.eps for each in options], parameters.like)
        self._square = parameters.zeros()

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        for rows, (value, gradient, square) in pieces(
            parameters.values, parameters.gradients, self._square
        ):
            square.lerp_(gradient.square(), 1 - self._alpha[rows])
            gradient.div_(square.sqrt().add_(self._eps[rows]))
            value.addcmul_(gradient, -lr[rows])

    def divisor(self, slot: Slot, rows: slice) -> Tensor:
        """sqrt(v) + eps."""
        return self._square[slot.name][rows].sqrt().add_(self._eps[rows])

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._alpha = self._alpha.index_select(0, rows)
        self._eps = self._eps.index_select(0, rows)
        self._square = kept(self._square, rows)

    def tensors(self) -> dict[str, Tensor]:
        """The running means."""
        return named("square", self._square)
