"""L1: l1[r] * sum|w[r]| on every kernel, by a proximal step or by its subgradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.layers.per_run import PerRun
from regbench.engine.optimizers.optimizer import Optimizer
from regbench.engine.regularizers.step import Kernel, Penalty, Step


def l1(regularizers: Sequence[Regularizer], kernel: Kernel, step: Step) -> None:
    """The penalty; by `l1_method` a soft threshold after each step, or a part of its gradient."""
    strengths = kernel.strengths(regularizers, "l1")
    if strengths:
        step.penalties.append(Penalty(strengths, kernel.weight[strengths.rows], l1_norm))

    def by(method: str) -> PerRun:
        pairs = zip(strengths.numbers, regularizers, strict=True)
        return PerRun([s if r.l1_method == method else 0.0 for s, r in pairs], kernel.weight)

    if proximal := by("proximal"):
        rows, l1 = proximal.rows, proximal.over(2)
        weight = kernel.weight[rows]

        def threshold(lr: Tensor, optimizer: Optimizer) -> None:
            soft_threshold_(weight, lr[rows] * l1 / optimizer.divisor(kernel.slot, rows))

        step.after.append(threshold)
    if subgradient := by("subgradient"):
        parts = kernel.gradient[subgradient.rows], kernel.weight[subgradient.rows]
        strength = subgradient.over(2)
        step.gradients.append(lambda: add_l1_subgradient_(*parts, strength))


def l1_norm(weight: Tensor, out: Tensor | None = None) -> Tensor:
    """(R,) sum of |w| of each run's weights (R, P).

    >>> l1_norm(torch.tensor([[1.0, -2.0], [0.0, 3.0]]))
    tensor([3., 3.])
    """
    return torch.sum(weight.abs(), 1, out=out)


def soft_threshold_(weight: Tensor, threshold: Tensor) -> None:
    """w = sign(w) * max(|w| - threshold, 0), in place: the proximal step, which makes exact zeros.

    Args:
        weight: (R, P).
        threshold: broadcastable to weight, >= 0: the optimizer's step for a unit of constant
            gradient, times l1. A threshold of 0 changes nothing.
    Source: Yun et al. 2021, "Adaptive proximal gradient methods for structured neural networks".

    >>> w = torch.tensor([[0.3, -0.1, -0.5]])
    >>> soft_threshold_(w, torch.tensor(0.25))
    >>> w
    tensor([[ 0.0500,  0.0000, -0.2500]])
    """
    # Not by clamp, whose kernel for tensors as limits takes longer than these two.
    weight.sub_(torch.maximum(torch.minimum(weight, threshold), -threshold))


def add_l1_subgradient_(gradient: Tensor, weight: Tensor, l1: Tensor) -> None:
    """Add `l1[r] * sign(w[r])`, a subgradient of `l1[r] * sum|w[r]|` (0 at 0), to the gradient.

    Args:
        gradient, weight: (R, P).
        l1: (R, 1), >= 0.
    Source: Keras `L1` under any gradient optimizer; no weight ever becomes exactly zero by it.
    """
    gradient.addcmul_(torch.sign(weight), l1)
