"""The proximal step of L1, which makes weights exactly zero."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["soft_threshold_"]


def soft_threshold_(weight: Tensor, threshold: Tensor) -> None:
    """w = sign(w) * max(|w| - threshold, 0), in place.

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
