"""Decoupled weight decay: w *= 1 - lr * weight_decay[r], before the optimizer's step."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.regularizers.step import Kernel, Step


def weight_decay(regularizers: Sequence[Regularizer], kernel: Kernel, step: Step) -> None:
    """Of every kernel, under every optimizer, by the scheduled lr.

    Source: Loshchilov & Hutter 2019, in the form of torch.optim.AdamW.
    """
    if decays := kernel.strengths(regularizers, "weight_decay"):
        rows, decay = decays.rows, decays.over(2)
        weight = kernel.weight[rows]
        step.decays.append(lambda lr: weight.mul_(1 - lr[rows] * decay))
