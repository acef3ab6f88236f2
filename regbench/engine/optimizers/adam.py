"""Adam over a stack, once for each kind of device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from regbench.config.blocks.optimizer import Adam as AdamOptions
from regbench.config.blocks.optimizer import AdamW as AdamWOptions
from regbench.engine.layers import device as devices
from regbench.engine.layers.parameters import Parameters, Slot, kept, named
from regbench.engine.layers.per_run import column

Options = AdamOptions | AdamWOptions


def adam(options: Sequence[Options], parameters: Parameters) -> Adam | ColumnAdam:
    """The one for the device of the parameters."""
    on_gpu = devices.is_gpu(parameters.like.device)
    return ColumnAdam(options, parameters) if on_gpu else Adam(options, parameters)


class Adam:
    """w -= lr * m_hat / (sqrt(v_hat) + eps), with running means m of g and v of g^2.

    torch's fused kernel moves the weights in one pass over memory. It takes one learning rate a
    call, so there is a call for every group of runs that have the same numbers. A row is a whole
    number of vectors, so a run has the same bits in any group.

    Source: Kingma & Ba 2015, alg. 1; torch.optim.Adam.
    """

    def __init__(self, options: Sequence[Options], parameters: Parameters) -> None:
        like = parameters.like
        self._numbers = [(*o.betas, o.eps) for o in options]
        self._eps = column([o.eps for o in options], like)
        self._mean, self._square = parameters.zeros(), parameters.zeros()
        self._steps = torch.zeros((), dtype=torch.float32, device=like.device)
        self._lr: Tensor | None = None
        self._groups: list[_AdamGroup] = []
        self._correction: Tensor | None = None

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        if lr is not self._lr:  # a new epoch, or runs have left
            self._lr, self._groups = lr, self._grouped(parameters, lr)
        self._steps += 1
        self._correction = None
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
            _AdamGroup(
                *own,
                tensors=[[b[rows] for b in kind.values() for rows in chosen] for kind in kinds],
            )
            for own, chosen in spans.items()
        ]

    def divisor(self, slot: Slot, rows: slice) -> Tensor:
        """sqrt(v_hat) + eps."""
        if self._correction is None:  # once a step, for all kernels
            step = int(self._steps)
            corrections = [1 - beta2**step for _, beta2, _ in self._numbers]
            self._correction = column(corrections, self._eps)
        square = self._square[slot.name][rows] / self._correction[rows]
        return square.sqrt_().add_(self._eps[rows])

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._eps = self._eps.index_select(0, rows)
        self._mean, self._square = kept(self._mean, rows), kept(self._square, rows)
        self._numbers = [self._numbers[row] for row in rows.tolist()]
        self._lr = None

    def tensors(self) -> dict[str, Tensor]:
        """Both means, and the number of steps."""
        means = named("mean", self._mean) | named("square", self._square)
        return means | {"steps": self._steps}


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


class ColumnAdam:
    """Adam on a GPU: every number is a column over the runs, whatever groups there are.

    The fused kernel takes a call for each group of runs with the same numbers, of which a large
    stack may have thousands; here a step takes the same few calls for all. What it computes is
    Adam's, within rounding. Nothing is read by the host: the step's number stays on the device.

    Source: as `Adam`.
    """

    def __init__(self, options: Sequence[Options], parameters: Parameters) -> None:
        like = parameters.like
        # In float64: 1 - beta2 keeps three digits of a float32 that is close to 1.
        exact = like.new_zeros(1, dtype=torch.float64)
        self._beta1 = column([o.betas[0] for o in options], exact)
        self._beta2 = column([o.betas[1] for o in options], exact)
        self._eps = column([o.eps for o in options], exact)
        self._mean, self._square = parameters.zeros(), parameters.zeros()
        self._steps = torch.zeros((), dtype=torch.float32, device=like.device)

    def _root(self) -> Tensor:
        """(R, 1) sqrt(1 - beta2^t): sqrt(v_hat) is sqrt(v) over this."""
        return (1 - self._beta2**self._steps).sqrt_()

    def step(self, parameters: Parameters, lr: Tensor) -> None:
        """One step."""
        self._steps += 1
        root, dtype = self._root(), lr.dtype
        # m_hat / (sqrt(v_hat) + eps) is root / (1 - beta1^t) * m / (sqrt(v) + eps * root).
        step = (-lr * root / (1 - self._beta1**self._steps)).to(dtype)
        eps = (self._eps * root).to(dtype)
        new1, new2 = (1 - self._beta1).to(dtype), (1 - self._beta2).to(dtype)
        kinds = (parameters.values, parameters.gradients, self._mean, self._square)
        for value, gradient, mean, square in zip(*(k.values() for k in kinds), strict=True):
            mean.lerp_(gradient, new1)
            square.lerp_(gradient.square_(), new2)
            divisor = torch.sqrt(square, out=gradient).add_(eps)
            value.addcmul_(torch.div(mean, divisor, out=divisor), step)

    def divisor(self, slot: Slot, rows: slice) -> Tensor:
        """sqrt(v_hat) + eps."""
        square = self._square[slot.name][rows]
        root, eps = (each[rows].to(square.dtype) for each in (self._root(), self._eps))
        return square.sqrt().div_(root).add_(eps)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs' state."""
        self._beta1, self._beta2, self._eps = (
            each.index_select(0, rows) for each in (self._beta1, self._beta2, self._eps)
        )
        self._mean, self._square = kept(self._mean, rows), kept(self._square, rows)

    def tensors(self) -> dict[str, Tensor]:
        """Both means, and the number of steps."""
        means = named("mean", self._mean) | named("square", self._square)
        return means | {"steps": self._steps}
