"""Mixup: examples are mixed with others, and their losses alike."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from scipy.special import betaincinv

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import Draws
from regbench.engine.layers.per_run import PerRun
from regbench.streams import Purpose

# Shares of the other example, from the least likely large to the least likely small.
_SHARES = 4096


def shares(alpha: float) -> list[float]:
    """The quantiles of Beta(alpha, alpha) at the middles of 4096 equal parts; all 0 for alpha 0.

    >>> found = shares(1.0)
    >>> len(found), round(found[0] * 8192, 9), shares(0.0)[4095]
    (4096, 1.0, 0.0)
    """
    if alpha == 0:
        return [0.0] * _SHARES
    return [float(betaincinv(alpha, alpha, (k + 0.5) / _SHARES)) for k in range(_SHARES)]


class Mixup:
    """x = (1 - s) x + s x', loss = (1 - s) loss(y) + s loss(y'), s ~ Beta(alpha[r], alpha[r]).

    Partner and share are drawn by example and epoch; the partner is any training example, changed
    (shifted, cut out) as it is itself in that epoch. A regression mixes the targets.

    Shape:
        (R, B, I), in place.

    Source: Zhang et al. 2018, with a share an example (timm's `mode="elem"`).
    """

    def __init__(self, regularizers: Sequence[Regularizer], seen: Seen) -> None:
        self._alpha = PerRun([r.mixup for r in regularizers], seen.like)
        self._size = len(seen.splits[0].train)
        of = {alpha: shares(alpha) for alpha in set(self._alpha.numbers if self._alpha else ())}
        table = [of[alpha] for alpha in self._alpha.numbers] if self._alpha else []
        self._shares = torch.tensor(table, dtype=seen.like.dtype, device=seen.like.device)

    def __bool__(self) -> bool:
        return bool(self._alpha)

    def __call__(self, batch: Batch, draws: Draws) -> None:
        """Mix the examples of all runs; of a run that does not ask for it, the share is 0."""
        ids = batch.ids()
        high, low, third = (
            draws.by_example(Purpose.MIXUP, ids, slice(None), layer) for layer in range(3)
        )
        others = batch.read(((high << 16 | low) * self._size) >> 32)
        others.change(batch.changes, draws)
        share = self._shares.gather(1, third // (65536 // _SHARES))
        batch.x.add_((others.x - batch.x).mul_(share.unsqueeze(2)))
        if batch.y.is_floating_point():
            batch.y = batch.y + share * (others.y - batch.y)
        else:
            batch.second = others.y, share
