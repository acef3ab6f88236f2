"""Optimizers over a stack: every hyperparameter is a vector over the runs.

An optimizer sees the gradients of the smooth part of the objective only. lr over
`unit_step_divisor` is what it moves a weight by per unit of constant gradient: times l1, it is the
threshold of the proximal step; with any other threshold the fixed point would not be the Lasso's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.nn.parameters import Blocks, Parameters, Slot, kept

__all__ = ["Optimizer", "make_optimizer"]

# Elements that one optimizer pass works on before the next pass begins: so many that the calls
# cost little, so few that values, gradients and moments stay in a core's cache between passes.
_BLOCK = 1 << 16


class Optimizer(Protocol):
    """An update of all parameters from their gradients."""

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """Move the values; may overwrite the gradients. lr is (R, 1)."""

    def unit_step_divisor(self, slot: Slot, rows: slice) -> Tensor:
        """lr over the last step for a unit of constant gradient, broadcastable to the block."""

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state, in this order."""


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device).unsqueeze(1)


def _pieces(*blocks: Blocks) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
    """Rows, and those rows of the same block of each kind, about `_BLOCK` elements at a time."""
    for same in zip(*blocks, strict=True):
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
        self._momentum = _column(momenta, parameters.values[0])
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


class Adam:
    """w -= lr * m_hat / (sqrt(v_hat) + eps), with running means m of g and v of g^2.

    torch's fused kernel moves the weights in one pass over memory. It takes one learning rate a
    call, so there is a call for every group of runs that have the same numbers. A row is a whole
    number of vectors, so a run has the same bits in any group.

    Source: Kingma & Ba 2015, alg. 1; torch.optim.Adam. `adamw` is the same rule: its decay is
    applied by the loop, as in every optimizer.
    """

    def __init__(self, settings: Sequence[Setting], parameters: Parameters) -> None:
        options = [s.optimizer for s in settings if s.optimizer.name in ("adam", "adamw")]
        assert len(options) == len(settings)
        like = parameters.values[0]
        self._numbers = [(*o.betas, o.eps) for o in options]
        self._eps = _column([o.eps for o in options], like)
        self._mean, self._square = parameters.zeros(), parameters.zeros()
        self._step = 0
        self._steps = torch.zeros((), dtype=torch.float32, device=like.device)
        self._lr: Tensor | None = None
        self._groups: list[_AdamGroup] = []

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        if lr is not self._lr:  # a new epoch, or runs have left
            self._lr, self._groups = lr, self._grouped(parameters, lr)
        self._step += 1
        self._steps += 1
        for group in self._groups:
            group.step(self._steps)

    def _grouped(self, parameters: Parameters, lr: Tensor) -> list[_AdamGroup]:
        numbers = [
            (rate, *own) for rate, own in zip(lr.flatten().tolist(), self._numbers, strict=True)
        ]
        spans: dict[tuple[float, float, float, float], list[slice]] = {}
        first = 0
        for own, neighbours in groupby(numbers):
            last = first + len(list(neighbours))
            spans.setdefault(own, []).append(slice(first, last))
            first = last
        kinds = (parameters.values, parameters.gradients, self._mean, self._square)
        return [
            _AdamGroup(*own, tensors=[[b[rows] for b in kind for rows in chosen] for kind in kinds])
            for own, chosen in spans.items()
        ]

    def unit_step_divisor(self, slot: Slot, rows: slice) -> Tensor:
        """sqrt(v_hat) + eps."""
        corrections = [1 - beta2**self._step for _, beta2, _ in self._numbers[rows]]
        correction = _column(corrections, self._eps)
        return (self._square[slot.block][rows] / correction).sqrt_().add_(self._eps[rows])

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._eps = self._eps.index_select(0, rows)
        self._mean, self._square = kept(self._mean, rows), kept(self._square, rows)
        self._numbers = [self._numbers[row] for row in rows.tolist()]
        self._lr = None


@dataclass(frozen=True)
class _AdamGroup:
    """Runs with the same numbers; `tensors` are their rows of values, gradients, m and v."""

    lr: float
    beta1: float
    beta2: float
    eps: float
    tensors: Sequence[list[Tensor]]

    def step(self, steps: Tensor) -> None:
        values, gradients, means, squares = self.tensors
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

    def __init__(self, settings: Sequence[Setting], parameters: Parameters) -> None:
        options = [s.optimizer for s in settings if s.optimizer.name == "rmsprop"]
        assert len(options) == len(settings)
        self._alpha = _column([o.alpha for o in options], parameters.values[0])
        self._eps = _column([o.eps for o in options], parameters.values[0])
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
        return self._square[slot.block][rows].sqrt().add_(self._eps[rows])

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._alpha = self._alpha.index_select(0, rows)
        self._eps = self._eps.index_select(0, rows)
        self._square = kept(self._square, rows)


OPTIMIZERS: dict[str, type[Sgd] | type[Adam] | type[RmsProp]] = {
    "sgd": Sgd,
    "adam": Adam,
    "adamw": Adam,
    "rmsprop": RmsProp,
}


def make_optimizer(settings: Sequence[Setting], parameters: Parameters) -> Optimizer:
    """The optimizer of a stack whose settings name the same one."""
    return OPTIMIZERS[settings[0].optimizer.name](settings, parameters)
