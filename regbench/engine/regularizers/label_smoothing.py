"""Label smoothing: a share of the target is spread over all classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.batch import Seen
from regbench.engine.layers.per_run import PerRun


class LabelSmoothing:
    """target = (1 - s) onehot(y) + s / C, so that

    loss = mean over the batch of v_y (-(1 - s) log p_y - s mean_c log p_c)

    Source: Szegedy et al. 2016, sec. 7; torch.nn.functional.cross_entropy(label_smoothing=s).
    """

    def __init__(self, regularizers: Sequence[Regularizer], seen: Seen) -> None:
        self._share = PerRun([r.label_smoothing for r in regularizers], seen.like)

    def __bool__(self) -> bool:
        return bool(self._share)

    def __call__(
        self, log_p: Tensor, weight: Tensor | None, loss: Tensor, gradient: Tensor, target: Tensor
    ) -> None:
        """Spread the target of the runs that ask for it; see `loss.OnTargets`."""
        rows, share = self._share.rows, self._share.over(3)
        target[rows] += share
        gradient[rows] -= share / log_p.shape[1]
        flat = -log_p[rows].mean(1)
        flat = (flat if weight is None else flat * weight[rows, 0]).mean(1)
        loss[rows] = torch.lerp(loss[rows], flat, self._share.over(1))
