"""One number a run, and which runs it acts on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["PerRun"]


class PerRun:
    """A hyperparameter over the stack: (R,), with the span of the runs where it is not `off`.

    A step touches the rows of the span only, so a stack in which five runs of forty have dropout
    pays for about five. Inside the span `off` must mean no effect at all, bit for bit.

    >>> rate = PerRun([0.0, 0.5, 0.0, 0.2, 0.0], torch.zeros(1))
    >>> rate.rows, bool(rate)
    (slice(1, 4, None), True)
    >>> rate.over(3).shape
    torch.Size([3, 1, 1])
    """

    def __init__(self, values: Sequence[float] | Tensor, like: Tensor, *, off: float = 0.0) -> None:
        self.values = torch.as_tensor(values, dtype=like.dtype, device=like.device)
        self._off = off
        active = (self.values != off).nonzero().flatten()
        first, last = (int(active[0]), int(active[-1]) + 1) if len(active) else (0, 0)
        self.rows = slice(first, last)

    def __bool__(self) -> bool:
        return self.rows.start < self.rows.stop

    def over(self, dims: int) -> Tensor:
        """The values of the span, shaped to broadcast over a tensor of so many dimensions."""
        return self.values[self.rows].view(-1, *[1] * (dims - 1))

    def kept(self, rows: Tensor) -> PerRun:
        """The same for these runs only, in this order."""
        return PerRun(self.values.index_select(0, rows), self.values, off=self._off)
