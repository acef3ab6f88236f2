"""One training step of a stack: gradient, penalty, decay, optimizer, proximal step, constraint.

The order is the contract's (docs/formulas.md): only the smooth part of the objective enters
momentum and moments; decay comes before the optimizer's step, the soft threshold and the norm
constraint after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.layers.per_run import PerRun
from regbench.engine.network import Network, per_layer
from regbench.engine.optimizers.optimizer import make_optimizer
from regbench.engine.regularizers.l1 import soft_threshold_
from regbench.engine.regularizers.max_norm import max_norm_
from regbench.engine.regularizers.penalties import (
    add_l1_subgradient_,
    add_l2_gradient_,
    l1_norm,
    l2_norm,
    zero_count,
)

__all__ = ["Objective", "Update"]

# Steps whose losses and norms are kept before they are added up: a few calls for all of them.
_STEPS_AT_ONCE = 64


class _KernelStrengths:
    """What acts on one kernel: a number a run for each of the kernel's regularizers."""

    def __init__(
        self, slot: Slot, layer: int, layers: int, settings: Sequence[Setting], like: Tensor
    ) -> None:
        self.slot = slot
        chosen = [setting.regularizer for setting in settings]

        def strengths(name: str, off: float = 0.0) -> list[float]:
            return [per_layer(getattr(r, name), layers, off)[layer] for r in chosen]

        l1 = strengths("l1")
        proximal = [r.l1_method == "proximal" for r in chosen]
        self.l1 = PerRun(l1, like)
        self.l1_proximal = PerRun([s * p for s, p in zip(l1, proximal, strict=True)], like)
        self.l1_subgradient = PerRun([s * (not p) for s, p in zip(l1, proximal, strict=True)], like)
        self.l2 = PerRun(strengths("l2"), like)
        self.weight_decay = PerRun(strengths("weight_decay"), like)
        self.max_norm = PerRun(strengths("max_norm", inf), like, off=inf)

    def keep(self, rows: Tensor) -> None:
        for name, value in vars(self).items():
            if isinstance(value, PerRun):
                setattr(self, name, value.kept(rows))


class _Penalties:
    """The norms of all kernels at every step, and what they cost by their strengths."""

    def __init__(self, kernels: Sequence[_KernelStrengths], parameters: Parameters) -> None:
        terms = [
            (parameters.values[kernel.slot.name], strength, norm)
            for kernel in kernels
            for strength, norm in ((kernel.l1, l1_norm), (kernel.l2, l2_norm))
            if strength
        ]
        like = parameters.like
        self._strengths = like.new_zeros(len(terms), parameters.runs, dtype=torch.float64)
        self._norms = like.new_zeros(len(terms), _STEPS_AT_ONCE, parameters.runs)
        self._terms = []
        for row, (weight, strength, norm) in enumerate(terms):
            self._strengths[row].copy_(strength.values)
            cells = self._norms[row, :, strength.rows].unbind()
            self._terms.append((norm, weight[strength.rows], cells))

    def record(self, step: int) -> None:
        """Take the norms at the present weights, as those of this step."""
        for norm, weight, cells in self._terms:
            norm(weight, cells[step])

    def totals(self, steps: int) -> Tensor:
        """(steps, R) float64 penalties of the steps that were recorded, from the first on."""
        total = self._strengths.new_zeros(steps, self._strengths.shape[1])
        # One after the other: torch.sum's order depends on how many runs and terms there are.
        for strength, norms, (norm, _, _) in zip(
            self._strengths, self._norms[:, :steps].double(), self._terms, strict=True
        ):
            cost = strength * (norms.square() if norm is l2_norm else norms)
            # No strength is no penalty, also where a diverged run's norm is infinite.
            total += torch.where(strength == 0, 0.0, cost)
        return total


class Update:
    """The optimizer and the regularizers that act on weights, for R runs.

    Args:
        settings: R settings that stack.
        network: the stack's network; its parameters are moved in place.
    """

    def __init__(self, settings: Sequence[Setting], network: Network) -> None:
        self._parameters = network.parameters
        self._optimizer = make_optimizer(settings, network.parameters)
        kernels = network.parameters.kernels
        self._kernels = [
            _KernelStrengths(slot, layer, len(kernels), settings, network.parameters.like)
            for layer, slot in enumerate(kernels)
        ]
        self._bind()

    def _bind(self) -> None:
        """Pair every regularizer with the rows it acts on; steps then only compute."""
        self.penalties = _Penalties(self._kernels, self._parameters)
        self._gradients, self._decays, self._thresholds, self._limits = [], [], [], []
        for kernel in self._kernels:
            weight = self._weight(kernel)
            gradient = self._parameters.gradients[kernel.slot.name]
            for strength, add in (
                (kernel.l2, add_l2_gradient_),
                (kernel.l1_subgradient, add_l1_subgradient_),
            ):
                if strength:
                    rows = strength.rows
                    self._gradients.append((add, gradient[rows], weight[rows], strength.over(2)))
            if decay := kernel.weight_decay:
                self._decays.append((weight[decay.rows], decay.rows, decay.over(2)))
            if l1 := kernel.l1_proximal:
                self._thresholds.append((weight[l1.rows], kernel.slot, l1.rows, l1.over(2)))
            if limit := kernel.max_norm:
                matrix = self._parameters.value(kernel.slot)
                self._limits.append((matrix[limit.rows], limit.over(matrix.dim())))

    def _weight(self, kernel: _KernelStrengths) -> Tensor:
        """(R, padded size): the padding is zero, and no regularizer changes that."""
        return self._parameters.values[kernel.slot.name]

    def penalty(self) -> Tensor:
        """(R,) l1 * sum|w| + l2 * sum(w^2) over all kernels, at the present weights, in float64."""
        self.penalties.record(0)
        return self.penalties.totals(1)[0]

    def step(self, lr: Tensor) -> None:
        """Move the weights by the gradients of the loss that `network.backward` has left.

        Args:
            lr: (R, 1), the scheduled learning rate.
        """
        for add, gradient, weight, strength in self._gradients:
            add(gradient, weight, strength)
        for weight, rows, strength in self._decays:
            weight.mul_(1 - lr[rows] * strength)
        self._optimizer.step(self._parameters, lr)
        for weight, slot, rows, strength in self._thresholds:
            divisor = self._optimizer.unit_step_divisor(slot, rows)
            soft_threshold_(weight, lr[rows] * strength / divisor)
        for matrix, limit in self._limits:
            max_norm_(matrix, limit)

    def weight_norm(self) -> Tensor:
        """(R,) root of the sum of w^2 over all kernels."""
        squares = self._parameters.like.new_zeros(self._parameters.runs, dtype=torch.float64)
        for kernel in self._kernels:  # one after the other: see _Penalties.totals
            squares = squares + l2_norm(self._weight(kernel)).double().square()
        return squares.sqrt()

    def zero_fraction(self) -> Tensor:
        """(R,) share of the kernels' weights that are exactly 0."""
        zeros = torch.zeros((), dtype=torch.float64, device=self._parameters.like.device)
        for kernel in self._kernels:
            weight = self._weight(kernel)
            zeros = zeros + zero_count(weight) - (weight.shape[1] - kernel.slot.size)
        return zeros / sum(kernel.slot.size for kernel in self._kernels)

    def tensors(self) -> dict[str, Tensor]:
        """All that the optimizer remembers: the tensors in use, by name."""
        return self._optimizer.tensors()

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order; the network must have been told before."""
        self._optimizer.keep(rows)
        for kernel in self._kernels:
            kernel.keep(rows)
        self._bind()


class Objective:
    """The mean over an epoch's examples of what is minimised: training loss and penalty.

    Both are taken before the step, in training mode, as Keras's `loss` is.
    """

    def __init__(self, update: Update, runs: int, like: Tensor) -> None:
        self._penalties = update.penalties
        self._losses = like.new_zeros(_STEPS_AT_ONCE, runs)
        self._examples: list[int] = []
        self._sum = torch.zeros(runs, dtype=torch.float64, device=like.device)
        self._count = 0

    def add(self, loss: Tensor, examples: int) -> None:
        """Take in the (R,) losses of a step on so many examples, before the weights move."""
        step = len(self._examples)
        self._losses[step].copy_(loss)
        self._penalties.record(step)
        self._examples.append(examples)
        if step + 1 == _STEPS_AT_ONCE:
            self._add_up()

    def _add_up(self) -> None:
        steps = len(self._examples)
        costs = self._penalties.totals(steps) + self._losses[:steps]
        for cost, examples in zip(costs, self._examples, strict=True):
            self._sum.add_(cost, alpha=examples)
        self._count += sum(self._examples)
        self._examples.clear()

    def mean(self) -> Tensor:
        """(R,) in float64."""
        self._add_up()
        return self._sum / self._count
