"""Optimizers over a stack: every hyperparameter is a vector over the runs.

An optimizer sees the gradients of the smooth part of the objective only. lr over
`unit_step_divisor` is what it moves a weight by per unit of constant gradient: times l1, it is the
threshold of the proximal step; with any other threshold the fixed point would not be the Lasso's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from torch import Tensor

from regbench.config.schema import Setting
from regbench.engine.layers import device as devices
from regbench.engine.layers.parameters import Blocks, Parameters, Slot, kept, named
from regbench.engine.optimizers.adam import Adam, ColumnAdam
from regbench.engine.optimizers.columns import column

__all__ = ["Optimizer", "make_optimizer"]

# Elements that one optimizer pass works on before the next pass begins: so many that the calls
# cost little, so few that values, gradients and moments stay in a core's cache between passes.
_BLOCK = 1 << 16


class Optimizer(Protocol):
    """An update of all parameters from their gradients."""

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """Move the values; may overwrite gradients, but leaves zeros zero. lr is (R, 1)."""

    def unit_step_divisor(self, slot: Slot, rows: slice) -> Tensor:
        """lr over the last step for a unit of constant gradient, broadcastable to the block."""

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state, in this order."""

    def tensors(self) -> dict[str, Tensor]:
        """All that it remembers from step to step: the tensors in use, by name."""


def _pieces(*blocks: Blocks) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
    """Rows, and those rows of the same block of each kind, about `_BLOCK` elements at a time."""
    for same in zip(*(kind.values() for kind in blocks), strict=True):
        runs, width = same[0].shape
        size = max(1, _BLOCK // width) if same[0].device.type == "cpu" else runs
        for start in range(0, runs, size):
            rows = slice(start, start + size)
            yield rows, tuple(block[rows] for block in same)


class Sgd:
    """v = momentum * v + g; w -= lr * v, or with nesterov w -= lr * (g + momentum * v).

    Source: torch.optim.SGD with dampening 0.
    """

    def __init__(self, settings: Sequence[Setting], parameters: Parameters) -> None:
        options = [setting.optimizer for setting in settings]
        assert all(o.name == "sgd" for o in options)
        momenta = [o.momentum for o in options if o.name == "sgd"]
        self._nesterov = options[0].name == "sgd" and options[0].nesterov
        self._momentum = column(momenta, parameters.like)
        self._velocity = parameters.zeros() if any(momenta) else None

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        if self._velocity is None:
            for rows, (value, gradient) in _pieces(parameters.values, parameters.gradients):
                value.addcmul_(gradient, -lr[rows])
            return
        for rows, (value, gradient, velocity) in _pieces(
            parameters.values, parameters.gradients, self._velocity
        ):
            momentum = self._momentum[rows]
            velocity.mul_(momentum).add_(gradient)
            direction = gradient.addcmul_(velocity, momentum) if self._nesterov else velocity
            value.addcmul_(direction, -lr[rows])

    def unit_step_divisor(self, slot: Slot, rows: slice) -> Tensor:
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


class RmsProp:
    """w -= lr * g / (sqrt(v) + eps), with a running mean v of g^2.

    Source: torch.optim.RMSprop. Keras puts eps inside the root and calls alpha rho.
    """

    def __init__(self, settings: Sequence[Setting], parameters: Parameters) -> None:
        options = [s.optimizer for s in settings if s.optimizer.name == "rmsprop"]
        assert len(options) == len(settings)
        self._alpha = column([o.alpha for o in options], parameters.like)
        self._eps = column([o.eps for o in options], parameters.like)
        self._square = parameters.zeros()

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        for rows, (value, gradient, square) in _pieces(
            parameters.values, parameters.gradients, self._square
        ):
            square.lerp_(gradient.square(), 1 - self._alpha[rows])
            gradient.div_(square.sqrt().add_(self._eps[rows]))
            value.addcmul_(gradient, -lr[rows])

    def unit_step_divisor(self, slot: Slot, rows: slice) -> Tensor:
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


OPTIMIZERS: dict[str, type[Sgd] | type[Adam] | type[RmsProp]] = {
    "sgd": Sgd,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RmsProp,
}


def make_optimizer(settings: Sequence[Setting], parameters: Parameters) -> Optimizer:
    """The optimizer of a stack whose settings name the same one."""
    kind = OPTIMIZERS[settings[0].optimizer.name]
    if kind is Adam and devices.is_gpu(parameters.like.device):
        return ColumnAdam(settings, parameters)
    return kind(settings, parameters)
