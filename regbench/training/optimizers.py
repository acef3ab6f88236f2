"""Optimizers over a stack: every hyperparameter is a vector over the runs.

An optimizer sees the gradients of the smooth part of the objective only. `unit_step` is what it
moves a weight by per unit of constant gradient: times l1, it is the threshold of the proximal
step; with any other threshold the fixed point would not be the Lasso's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.nn.parameters import Parameters, Slot

__all__ = ["Optimizer", "make_optimizer"]

# Elements that one optimizer pass works on before the next pass begins: so many that the calls
# cost little, so few that values, gradients and moments stay in a core's cache between passes.
_BLOCK = 1 << 16


class Optimizer(Protocol):
    """An update of all parameters from their gradients."""

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """Move the values; may overwrite the gradients. lr is (R, 1)."""

    def unit_step(self, slot: Slot, rows: slice, lr: Tensor) -> Tensor:
        """The last step for a unit of constant gradient, broadcastable to (r, *slot.shape)."""

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state, in this order."""


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(1)


def _blocks(values: Tensor) -> Iterator[slice]:
    """Slices of whole runs, about `_BLOCK` elements each, in order."""
    runs, width = values.shape
    size = max(1, _BLOCK // width) if values.device.type == "cpu" else runs
    return (slice(start, start + size) for start in range(0, runs, size))


class Sgd:
    """v = momentum * v + g; w -= lr * v, or with nesterov w -= lr * (g + momentum * v).

    Source: torch.optim.SGD with dampening 0.
    """

    def __init__(self, settings: Sequence[Setting], values: Tensor) -> None:
        options = [setting.optimizer for setting in settings]
        assert all(o.name == "sgd" for o in options)
        momenta = [o.momentum for o in options if o.name == "sgd"]
        self._nesterov = options[0].name == "sgd" and options[0].nesterov
        self._momentum = _column(momenta, values)
        self._velocity = torch.zeros_like(values) if any(momenta) else None

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        for rows in _blocks(parameters.values):
            gradient, momentum = parameters.gradients[rows], self._momentum[rows]
            direction = gradient
            if self._velocity is not None:
                velocity = self._velocity[rows].mul_(momentum).add_(gradient)
                direction = gradient.addcmul_(velocity, momentum) if self._nesterov else velocity
            parameters.values[rows].addcmul_(direction, -lr[rows])

    def unit_step(self, slot: Slot, rows: slice, lr: Tensor) -> Tensor:
        """lr / (1 - momentum)."""
        return (lr[rows] / (1 - self._momentum[rows])).view(-1, *[1] * len(slot.shape))

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._momentum = self._momentum.index_select(0, rows)
        if self._velocity is not None:
            self._velocity = self._velocity.index_select(0, rows)


class Adam:
    """w -= lr * m_hat / (sqrt(v_hat) + eps), with running means m of g and v of g^2.

    Source: Kingma & Ba 2015, alg. 1; torch.optim.Adam. `adamw` is the same rule: its decay is
    applied by the loop, as in every optimizer.
    """

    def __init__(self, settings: Sequence[Setting], values: Tensor) -> None:
        options = [s.optimizer for s in settings if s.optimizer.name in ("adam", "adamw")]
        assert len(options) == len(settings)
        betas = torch.tensor([o.betas for o in options], dtype=torch.float64, device=values.device)
        self._betas = betas  # (R, 2)
        # beta^t as a running product: `pow` rounds one number differently from many.
        self._powers = torch.ones_like(betas)
        self._weights = (1 - betas).to(values)
        self._eps = _column([o.eps for o in options], values)
        self._mean = torch.zeros_like(values)
        self._square = torch.zeros_like(values)

    def _denominator(self, square: Tensor, rows: slice) -> Tensor:
        dims = [1] * (square.dim() - 1)
        correction = self._corrections[rows, 1].view(-1, *dims)
        return (square / correction).sqrt_().add_(self._eps[rows].view(-1, *dims))

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        self._powers *= self._betas
        self._corrections = (1 - self._powers).to(lr)
        rate = -lr / self._corrections[:, :1]
        for rows in _blocks(parameters.values):
            gradient, mean, square = (
                buffer[rows] for buffer in (parameters.gradients, self._mean, self._square)
            )
            mean.lerp_(gradient, self._weights[rows, :1])
            square.lerp_(gradient.square_(), self._weights[rows, 1:])
            direction = torch.div(mean, self._denominator(square, rows), out=gradient)
            parameters.values[rows].addcmul_(direction, rate[rows])

    def unit_step(self, slot: Slot, rows: slice, lr: Tensor) -> Tensor:
        """lr / (sqrt(v_hat) + eps)."""
        square = Parameters.view(self._square, slot)[rows]
        return lr[rows].view(-1, *[1] * len(slot.shape)) / self._denominator(square, rows)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        for name in ("_betas", "_powers", "_weights", "_eps", "_mean", "_square"):
            setattr(self, name, getattr(self, name).index_select(0, rows))


class RmsProp:
    """w -= lr * g / (sqrt(v) + eps), with a running mean v of g^2.

    Source: torch.optim.RMSprop. Keras puts eps inside the root and calls alpha rho.
    """

    def __init__(self, settings: Sequence[Setting], values: Tensor) -> None:
        options = [s.optimizer for s in settings if s.optimizer.name == "rmsprop"]
        assert len(options) == len(settings)
        self._alpha = _column([o.alpha for o in options], values)
        self._eps = _column([o.eps for o in options], values)
        self._square = torch.zeros_like(values)

    def _denominator(self, square: Tensor, rows: slice) -> Tensor:
        return square.sqrt().add_(self._eps[rows].view(-1, *[1] * (square.dim() - 1)))

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        for rows in _blocks(parameters.values):
            gradient, square = parameters.gradients[rows], self._square[rows]
            square.lerp_(gradient.square(), 1 - self._alpha[rows])
            gradient.div_(self._denominator(square, rows))
            parameters.values[rows].addcmul_(gradient, -lr[rows])

    def unit_step(self, slot: Slot, rows: slice, lr: Tensor) -> Tensor:
        """lr / (sqrt(v) + eps)."""
        square = Parameters.view(self._square, slot)[rows]
        return lr[rows].view(-1, *[1] * len(slot.shape)) / self._denominator(square, rows)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        for name in ("_alpha", "_eps", "_square"):
            setattr(self, name, getattr(self, name).index_select(0, rows))


OPTIMIZERS: dict[str, type[Sgd] | type[Adam] | type[RmsProp]] = {
    "sgd": Sgd,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RmsProp,
}


def make_optimizer(settings: Sequence[Setting], values: Tensor) -> Optimizer:
    """The optimizer of a stack whose settings name the same one; values is (R, P)."""
    return OPTIMIZERS[settings[0].optimizer.name](settings, values)
