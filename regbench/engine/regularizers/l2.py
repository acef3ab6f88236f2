"""L2: l2[r] * sum(w[r]^2) on every kernel, without 1/2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.regularizers.step import Kernel, Penalty, Step


def l2(regularizers: Sequence[Regularizer], kernel: Kernel, step: Step) -> None:
    """The penalty, and its gradient 2 * l2[r] * w[r].

    Source: Keras `L2`. PyTorch's SGD(weight_decay=d) is l2 = d / 2.
    """
    if strengths := kernel.strengths(regularizers, "l2"):
        rows, strength = strengths.rows, strengths.over(2)
        gradient, weight = kernel.gradient[rows], kernel.weight[rows]
        step.penalties.append(Penalty(strengths, weight, l2_norm, Tensor.square))
        step.gradients.append(lambda: gradient.addcmul_(weight, strength, value=2))


def l2_norm(weight: Tensor, out: Tensor | None = None) -> Tensor:
    """(R,) root of the sum of w^2 of each run's weights (R, P).

    >>> l2_norm(torch.tensor([[3.0, -4.0], [0.0, 3.0]]))
    tensor([5., 3.])
    """
    norm: Tensor = torch.linalg.vector_norm(weight, dim=1, out=out)
    return norm
