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
from regbench.nn.network import Network, per_layer
from regbench.nn.parameters import Slot
from regbench.nn.per_run import PerRun
from regbench.regularization.constraints import max_norm_
from regbench.regularization.penalties import (
    add_l1_subgradient_,
    add_l2_gradient_,
    l1_norm,
    squared_norm,
)
from regbench.regularization.proximal import soft_threshold_
from regbench.training.optimizers import make_optimizer

__all__ = ["Update"]


class _KernelStrengths:
    """What acts on one kernel: a number a run for each of the kernel's regularizers."""

    def __init__(self, slot: Slot, layer: int, settings: Sequence[Setting], like: Tensor) -> None:
        self.slot = slot
        chosen = [setting.regularizer for setting in settings]
        layers = max(1 + len(settings[0].model.hidden_sizes), 1)

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


class Update:
    """The optimizer and the regularizers that act on weights, for R runs.

    Args:
        settings: R settings that stack.
        network: the stack's network; its parameters are moved in place.
    """

    def __init__(self, settings: Sequence[Setting], network: Network) -> None:
        self._parameters = network.parameters
        self._optimizer = make_optimizer(settings, network.parameters.values)
        self._kernels = [
            _KernelStrengths(slot, layer, settings, network.parameters.values)
            for layer, slot in enumerate(network.parameters.layout.kernels)
        ]

    def penalty(self) -> Tensor:
        """(R,) l1 * sum|w| + l2 * sum(w^2) over all kernels, at the present weights."""
        total = self._parameters.values.new_zeros(len(self._parameters.values))
        for kernel in self._kernels:
            weight = self._parameters.value(kernel.slot)
            for strength, norm in ((kernel.l1, l1_norm), (kernel.l2, squared_norm)):
                if strength:
                    own = strength.over(1)
                    # No strength is no penalty, also where a diverged run's norm is infinite.
                    value = torch.where(own == 0, 0.0, own * norm(weight[strength.rows]))
                    total[strength.rows] += value
        return total

    def step(self, lr: Tensor) -> None:
        """Move the weights by the gradients of the loss that `network.backward` has left.

        Args:
            lr: (R, 1), the scheduled learning rate.
        """
        self._add_penalty_gradients()
        self._decay(lr)
        self._optimizer.step(self._parameters, lr)
        self._project(lr)

    def _add_penalty_gradients(self) -> None:
        for kernel in self._kernels:
            weight = self._parameters.value(kernel.slot)
            gradient = self._parameters.gradient(kernel.slot)
            for strength, add in (
                (kernel.l2, add_l2_gradient_),
                (kernel.l1_subgradient, add_l1_subgradient_),
            ):
                if strength:
                    add(gradient[strength.rows], weight[strength.rows], strength.over(3))

    def _decay(self, lr: Tensor) -> None:
        for kernel in self._kernels:
            if decay := kernel.weight_decay:
                factor = 1 - lr[decay.rows] * decay.over(2)
                self._parameters.value(kernel.slot)[decay.rows].mul_(factor.unsqueeze(2))

    def _project(self, lr: Tensor) -> None:
        for kernel in self._kernels:
            weight = self._parameters.value(kernel.slot)
            if l1 := kernel.l1_proximal:
                unit_step = self._optimizer.unit_step(kernel.slot, l1.rows, lr)
                soft_threshold_(weight[l1.rows], unit_step * l1.over(3))
            if limit := kernel.max_norm:
                max_norm_(weight[limit.rows], limit.over(3))

    def weight_norm(self) -> Tensor:
        """(R,) root of the sum of w^2 over all kernels."""
        kernels = (self._parameters.value(kernel.slot) for kernel in self._kernels)
        return torch.stack([squared_norm(weight) for weight in kernels]).sum(0).sqrt()

    def zero_fraction(self) -> Tensor:
        """(R,) share of the kernels' weights that are exactly 0."""
        kernels = [self._parameters.value(kernel.slot).flatten(1) for kernel in self._kernels]
        zeros = sum((weight == 0).sum(1) for weight in kernels)
        return torch.as_tensor(zeros).double() / sum(weight.shape[1] for weight in kernels)

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order; the network must have been told before."""
        self._optimizer.keep(rows)
        for kernel in self._kernels:
            kernel.keep(rows)
