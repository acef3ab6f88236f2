"""Stochastic gradient descent, with momentum and Nesterov's."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from regbench.config.blocks.optimizer import Sgd as Options
from regbench.engine.layers.parameters import Parameters, Slot, kept, named, pieces
from regbench.engine.layers.per_run import column


class Sgd:
    """v = momentum * v + g; w -= lr * v, or with nesterov w -= lr * (g + momentum * v).

    Source: torch.optim.SGD with dampening 0.
    """

    def __init__(self, options: Sequence[Options], parameters: Parameters) -> None:
        momenta = [each.momentum for each in options]
        self._nesterov = options[0].nesterov
        self._momentum = column(momenta, parameters.like)
        self._velocity = parameters.zeros() if any(momenta) else None

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        if self._velocity is None:
            for rows, (value, gradient) in pieces(parameters.values, parameters.gradients):
                value.addcmul_(gradient, -lr[rows])
            return
        for rows, (value, gradient, velocity) in pieces(
            parameters.values, parameters.gradients, self._velocity
        ):
            momentum = self._momentum[rows]
            velocity.mul_(momentum).add_(gradient)
            direction = gradient.addcmul_(velocity, momentum) if self._nesterov else velocity
            value.addcmul_(direction, -lr[rows])

    def divisor(self, slot: Slot, rows: slice) -> Tensor:
        """1 - momentum."""
        return 1 - self._momentum[rows]

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._momentum = self._momentum.index_select(0, rows)
        if self._velocity is not None:
            self._velocity = kept(self._velocity, rows)

    def tensors(self) -> dict[str, Tensor]:
        """The velocities."""
        return named("velocity", self._velocity or {})
