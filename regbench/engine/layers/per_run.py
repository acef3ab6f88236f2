"""One number a run, and which runs it acts on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class PerRun:
    """A hyperparameter over the stack: (R,), with the span of the runs where it is not `off`.

    A step touches the rows of the span only, so a stack in which five runs of forty have dropout
    pays for about five. Inside the span `off` must mean no effect at all, bit for bit.

    >>> rate = PerRun([0.0, 0.5, 0.0, 0.2, 0.0], torch.zeros(1))
    >>> rate.rows, rate.acting, bool(rate)
    (slice(1, 4, None), (0.5, 0.0, 0.2), True)
    >>> rate.over(3).shape
    torch.Size([3, 1, 1])
    """

    def __init__(self, numbers: Sequence[float], like: Tensor, *, off: float = 0.0) -> None:
        self.numbers = tuple(numbers)  # kept by the host, which then never waits for a device
        self.values = torch.tensor(self.numbers, dtype=like.dtype, device=like.device)
        self._off = off
        active = [row for row, number in enumerate(self.numbers) if number != off]
        self.rows = slice(active[0], active[-1] + 1) if active else slice(0, 0)

    def __bool__(self) -> bool:
        return self.rows.start < self.rows.stop

    @property
    def acting(self) -> tuple[float, ...]:
        """The numbers of the span."""
        return self.numbers[self.rows]

    def over(self, dims: int) -> Tensor:
        """The values of the span, shaped to broadcast over a tensor of so many dimensions."""
        return self.values[self.rows].view(-1, *[1] * (dims - 1))

    def kept(self, rows: Tensor) -> PerRun:
        """The same for these runs only, in this order."""
        return PerRun([self.numbers[row] for row in rows.tolist()], self.values, off=self._off)


def column(numbers: Sequence[float], like: Tensor) -> Tensor:
    """(R, 1) of R numbers, of the type and on the device of `like`."""
    return torch.tensor(numbers, dtype=like.dtype, device=like.device).unsqueeze(1)
