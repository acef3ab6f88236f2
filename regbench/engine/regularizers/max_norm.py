"""Max-norm: after a step, each output unit's incoming weights have at most this norm."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.regularizers.step import Kernel, Step


def max_norm(regularizers: Sequence[Regularizer], kernel: Kernel, step: Step) -> None:
    """The constraint on every kernel."""
    if limits := kernel.strengths(regularizers, "max_norm", off=inf):
        weights = kernel.shaped[limits.rows]
        limit = limits.over(weights.dim())
        step.after.append(lambda lr, optimizer: max_norm_(weights, limit))


def max_norm_(weight: Tensor, limit: Tensor) -> None:
    """Scale each output unit's incoming weights back to norm `limit` where they exceed it.

    Args:
        weight: (R, O, ...); unit o of run r has the weights weight[r, o].
        limit: (R, 1, ...), > 0; infinity is no limit.
    Source: Srivastava et al. 2014, sec. 5.1; Keras `MaxNorm`.

    >>> w = torch.tensor([[[3.0, 4.0], [0.3, 0.4]]])
    >>> max_norm_(w, torch.tensor([[[1.0]]]))
    >>> w
    tensor([[[0.6000, 0.8000],
             [0.3000, 0.4000]]])
    """
    norm = weight.square().sum(tuple(range(2, weight.dim())), keepdim=True).sqrt_()
    weight.mul_(torch.where(norm > limit, limit / norm, 1.0))
