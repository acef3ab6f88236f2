"""L1 and L2 penalties, Keras's `kernel_regularizer` in value and gradient."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["add_l1_subgradient_", "add_l2_gradient_", "l1_norm", "l2_norm", "zero_count"]


def l1_norm(weight: Tensor, out: Tensor | None = None) -> Tensor:
    """(R,) sum of |w| of each run's weights (R, P).

    >>> l1_norm(torch.tensor([[1.0, -2.0], [0.0, 3.0]]))
    tensor([3., 3.])
    """
    return torch.sum(weight.abs(), 1, out=out)


def l2_norm(weight: Tensor, out: Tensor | None = None) -> Tensor:
    """(R,) root of the sum of w^2 of each run's weights (R, P).

    >>> l2_norm(torch.tensor([[3.0, -4.0], [0.0, 3.0]]))
    tensor([5., 3.])
    """
    norm: Tensor = torch.linalg.vector_norm(weight, dim=1, out=out)
    return norm


def zero_count(weight: Tensor) -> Tensor:
    """(R,) how many of each run's weights (R, P) are exactly 0, in float64.

    >>> zero_count(torch.tensor([[1.0, -2.0], [-0.0, 3.0]]))
    tensor([0., 1.], dtype=torch.float64)
    """
    # Zeros as ones of the weights' own type: a tensor of booleans takes several times as long.
    return torch.eq(weight, 0, out=torch.empty_like(weight)).sum(1, dtype=torch.float64)


def add_l2_gradient_(gradient: Tensor, weight: Tensor, l2: Tensor) -> None:
    """Add d/dw of `l2[r] * sum(w[r]^2)`, which is `2 * l2[r] * w[r]`, to the gradient.

    Args:
        gradient, weight: (R, P).
        l2: (R, 1), >= 0.
    Source: Keras `L2`. PyTorch's SGD(weight_decay=d) is l2 = d / 2.
    """
    gradient.addcmul_(weight, l2, value=2)


def add_l1_subgradient_(gradient: Tensor, weight: Tensor, l1: Tensor) -> None:
    """Add `l1[r] * sign(w[r])`, a subgradient of `l1[r] * sum|w[r]|` (0 at 0), to the gradient.

    Args:
        gradient, weight: (R, P).
        l1: (R, 1), >= 0.
    Source: Keras `L1` under any gradient optimizer; no weight ever becomes exactly zero by it.
    """
    gradient.addcmul_(torch.sign(weight), l1)
