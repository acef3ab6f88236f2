"""Optimizers over a stack: every hyperparameter is a vector over the runs.

An optimizer sees the gradients of the smooth part of the objective only. `unit_step` is what it
moves a weight by per unit of constant gradient: times l1, it is the threshold of the proximal
step; with any other threshold the fixed point would not be the Lasso's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

    torch's fused kernel moves each run's row in one pass over memory. It takes one learning rate
    a call, so there is a call for every group of runs that have the same numbers.

    Source: Kingma & Ba 2015, alg. 1; torch.optim.Adam. `adamw` is the same rule: its decay is
    applied by the loop, as in every optimizer.
    """

    def __init__(self, settings: Sequence[Setting], values: Tensor) -> None:
        options = [s.optimizer for s in settings if s.optimizer.name in ("adam", "adamw")]
        assert len(options) == len(settings)
        self._numbers = [(*o.betas, o.eps) for o in options]
        self._beta2 = torch.tensor([o.betas[1] for o in options], dtype=torch.float64).to(
            values.device
        )
        # beta2^t as a running product: `pow` rounds one number differently from many.
        self._power2 = torch.ones_like(self._beta2)
        self._eps = _column([o.eps for o in options], values)
        self._mean = torch.zeros_like(values)
        self._square = torch.zeros_like(values)
        self._steps = torch.zeros((), dtype=torch.float32, device=values.device)
        self._lr: Tensor | None = None
        self._groups: list[_AdamGroup] = []

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        if lr is not self._lr:  # a new epoch, or runs have left
            self._lr, self._groups = lr, self._grouped(parameters, lr)
        self._steps += 1
        self._power2 *= self._beta2
        for group in self._groups:
            group.step(self._steps)

    def _grouped(self, parameters: Parameters, lr: Tensor) -> list[_AdamGroup]:
        rows: dict[tuple[float, float, float, float], list[int]] = {}
        for row, rate in enumerate(lr.flatten().tolist()):
            rows.setdefault((rate, *self._numbers[row]), []).append(row)
        buffers = (parameters.values, parameters.gradients, self._mean, self._square)
        return [
            _AdamGroup(*numbers, rows=[[buffer[row] for row in chosen] for buffer in buffers])
            for numbers, chosen in rows.items()
        ]

    def unit_step(self, slot: Slot, rows: slice, lr: Tensor) -> Tensor:
        """lr / (sqrt(v_hat) + eps)."""
        square = Parameters.view(self._square, slot)[rows]
        dims = [1] * len(slot.shape)
        correction = (1 - self._power2[rows]).to(square).view(-1, *dims)
        denominator = (square / correction).sqrt_().add_(self._eps[rows].view(-1, *dims))
        return torch.div(lr[rows].view(-1, *dims), denominator, out=denominator)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        for name in ("_beta2", "_power2", "_eps", "_mean", "_square"):
            setattr(self, name, getattr(self, name).index_select(0, rows))
        self._numbers = [self._numbers[row] for row in rows.tolist()]
        self._lr = None


@dataclass(frozen=True)
class _AdamGroup:
    """Runs with the same numbers; `rows` are their rows of values, gradients, m and v."""

    lr: float
    beta1: float
    beta2: float
    eps: float
    rows: Sequence[list[Tensor]]

    def step(self, steps: Tensor) -> None:
        values, gradients, means, squares = self.rows
        torch._fused_adam_(
            values,
            gradients,
            means,
            squares,
            max_exp_avg_sqs=[],
            state_steps=[steps] * len(values),
            lr=self.lr,
            beta1=self.beta1,
            beta2=self.beta2,
            weight_decay=0.0,
            eps=self.eps,
            amsgrad=False,
            maximize=False,
        )


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
