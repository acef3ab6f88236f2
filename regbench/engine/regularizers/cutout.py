"""Cutout: a square of each image is hidden while training."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import Draws
from regbench.engine.layers.per_run import PerRun
from regbench.streams import Purpose


class Cutout:
    """x = 0 (the mean, of standardized data) where |pixel - centre| is within cutout[r] / 2.

    The centre is a pixel, uniform over the image, so that the square may stick out of it. Of a
    signal it is an interval.

    Shape:
        (R, B, I), examples (C, H, W) or (C, W), in place.

    Source: DeVries & Taylor 2017, with their code's `length // 2` before the centre.
    """

    def __init__(self, regularizers: Sequence[Regularizer], seen: Seen) -> None:
        self._side = PerRun([r.cutout for r in regularizers], seen.like)
        self._shape = seen.example[0], prod(seen.example[1:-1]), seen.example[-1]
        self._is_image = len(seen.example) == 3

    def __bool__(self) -> bool:
        return bool(self._side)

    def __call__(self, batch: Batch, draws: Draws) -> None:
        """Hide a square of each example of the runs that ask for it."""
        rows, side = self._side.rows, self._side.over(2)
        x, ids = batch.x[rows], batch.ids()[rows]

        def hidden(layer: int, pixels: int) -> Tensor:
            """(r, B, pixels) 1.0 within the square's extent along an axis, else 0.0."""
            uniform = draws.uniform_by_example(Purpose.CUTOUT, ids, rows, layer, x)
            first = (uniform * pixels).floor() - (side / 2).floor()
            place = torch.arange(pixels, device=x.device) - first.unsqueeze(2)
            return ((place >= 0) & (place < side.unsqueeze(2))).to(x)

        across = hidden(0, self._shape[2])[:, :, None, None, :]
        if self._is_image:
            across = across * hidden(1, self._shape[1])[:, :, None, :, None]
        x.view(*x.shape[:2], *self._shape).mul_(1 - across)
