"""L1 and L2 penalties, Keras's `kernel_regularizer` in value and gradient."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["add_l1_subgradient_", "add_l2_gradient_", "l1_norm", "squared_norm"]


def l1_norm(weight: Tensor) -> Tensor:
    """(R,) sum of |w| of each run's weight (R, ...).

    >>> l1_norm(torch.tensor([[[1.0, -2.0]], [[0.0, 3.0]]]))
    tensor([3., 3.])
    """
    return weight.flatten(1).abs().sum(1)


def squared_norm(weight: Tensor) -> Tensor:
    """(R,) sum of w^2 of each run's weight (R, ...).

    >>> squared_norm(torch.tensor([[[1.0, -2.0]], [[0.0, 3.0]]]))
    tensor([5., 9.])
    """
    return weight.flatten(1).square().sum(1)


def add_l2_gradient_(gradient: Tensor, weight: Tensor, l2: Tensor) -> None:
    """Add d/dw of `l2[r] * sum(w[r]^2)`, which is `2 * l2[r] * w[r]`, to the gradient.

    Args:
        gradient, weight: (R, I, O).
        l2: (R, 1, 1), >= 0.
    Source: Keras `L2`. PyTorch's SGD(weight_decay=d) is l2 = d / 2.
    """
    gradient.addcmul_(weight, 2 * l2)


def add_l1_subgradient_(gradient: Tensor, weight: Tensor, l1: Tensor) -> None:
    """Add `l1[r] * sign(w[r])`, a subgradient of `l1[r] * sum|w[r]|` (0 at 0), to the gradient.

    Args:
        gradient, weight: (R, I, O).
        l1: (R, 1, 1), >= 0.
    Source: Keras `L1` under any gradient optimizer; no weight ever becomes exactly zero by it.
    """
    gradient.addcmul_(torch.sign(weight), l1)
