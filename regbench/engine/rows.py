"""Where a part's examples lie on the device, and how batches are read of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from regbench.data import Pixels, Transformed
from regbench.data.table import Floats
from regbench.engine.layers.buffers import ALIGNMENT


class Rows(Protocol):
    """The n examples of V splits.

    In all of these, `views` is (R,) the split that each run sees, and `out` an aligned buffer
    (R, B, I), which is returned.
    """

    def places(self, order: Tensor, views: Tensor) -> Tensor:
        """(R, n) what `read` takes, of (R, n) positions in the part."""

    def read(self, places: Tensor, views: Tensor, out: Tensor) -> Tensor:
        """The examples at (R, B) places."""

    def of(self, rows: slice, views: Tensor, out: Tensor) -> Tensor:
        """The examples at these positions, for each view."""

    def as_they_lie(self, rows: slice) -> Tensor | None:
        """(V, B, I), not to be written to; None where they have to be read."""


class TableRows:
    """Numbers: (V, N, I), with rows of zeros after the n examples, so that every split is aligned.

    Args:
        x: of each split (n, I), or what makes it.
        like: gives dtype and device.
    """

    def __init__(self, x: Sequence[Floats | Transformed], like: Tensor) -> None:
        n, inputs = x[0].shape
        every = ALIGNMENT // gcd(inputs, ALIGNMENT)  # so many rows end on a boundary
        self._rows = like.new_zeros(len(x), -(-n // every) * every, inputs)
        for own, each in zip(self._rows, x, strict=True):
            own[:n] = torch.from_numpy(np.asarray(each, np.float64)).to(like)

    def places(self, order: Tensor, views: Tensor) -> Tensor:
        """Row numbers over all splits."""
        return order + (views * self._rows.shape[1]).unsqueeze(1)

    def read(self, places: Tensor, views: Tensor, out: Tensor) -> Tensor:
        """Copied."""
        return _gather(self._rows.flatten(0, 1), places.flatten(), out)

    def of(self, rows: slice, views: Tensor, out: Tensor) -> Tensor:
        """Copied, a whole piece for each run."""
        return _gather(self._rows[:, rows], views, out)

    def as_they_lie(self, rows: slice) -> Tensor:
        """No copy."""
        return self._rows[:, rows]


class ReadRows:
    """Row numbers (V, n) of large tables, of which a batch at a time is made what the network sees.

    Bit for bit what `TableRows` of them hold, which would take many times the room.
    """

    def __init__(self, x: Sequence[Transformed]) -> None:
        self._x = x
        self._rows = torch.from_numpy(np.stack([each.rows for each in x]))

    def places(self, order: Tensor, views: Tensor) -> Tensor:
        """Row numbers in the table."""
        return self._rows.index_select(0, views).gather(1, order)

    def read(self, places: Tensor, views: Tensor, out: Tensor) -> Tensor:
        """Read and transformed; what runs share, once."""
        last = None
        for run, (view, rows) in enumerate(zip(views.tolist(), places, strict=True)):
            if last is not None and view == last[0] and torch.equal(rows, last[1]):
                out[run] = out[run - 1]
            else:
                out[run] = torch.from_numpy(self._x[view].read(rows.numpy()))
            last = view, rows
        return out

    def of(self, rows: slice, views: Tensor, out: Tensor) -> Tensor:
        """As `read`, by position."""
        return self.read(self._rows[:, rows].index_select(0, views), views, out)

    def as_they_lie(self, rows: slice) -> None:
        """They have to be made."""


class PixelRows:
    """Images: row numbers (V, n) in one pool of bytes, scaled by channel as they are read.

    (x - mean) / scale is one subtraction and one division of each number, each rounded by itself:
    an example's bits do not depend on what is read beside it.

    Args:
        parts: of each split; all have one pool.
        pool: that pool, (P, I), on the device; on the CPU no copy of it.
        like: gives dtype and device.
    """

    def __init__(self, parts: Sequence[Pixels], pool: Tensor, like: Tensor) -> None:
        self._pool = pool
        self._rows = torch.from_numpy(np.stack([part.rows for part in parts])).to(like.device)
        scalers = [part.scaler for part in parts]
        self._mean, self._scale = (
            torch.from_numpy(np.stack(numbers)).to(like)[:, None, :, None]
            for numbers in ([s.mean for s in scalers], [s.scale for s in scalers])
        )

    def places(self, order: Tensor, views: Tensor) -> Tensor:
        """Row numbers in the pool."""
        return self._rows.index_select(0, views).gather(1, order)

    def read(self, places: Tensor, views: Tensor, out: Tensor) -> Tensor:
        """Copied, made numbers and scaled."""
        out.copy_(self._pool.index_select(0, places.flatten()).view(out.shape))
        channels = out.view(*out.shape[:2], self._mean.shape[2], -1)
        channels.sub_(self._mean.index_select(0, views)).div_(self._scale.index_select(0, views))
        return out

    def of(self, rows: slice, views: Tensor, out: Tensor) -> Tensor:
        """As `read`, by position."""
        return self.read(self._rows[:, rows].index_select(0, views), views, out)

    def as_they_lie(self, rows: slice) -> None:
        """Bytes have to be read."""


def _gather(source: Tensor, index: Tensor, buffer: Tensor) -> Tensor:
    """The chosen rows of the source in an aligned buffer, written once where that can be."""
    if not buffer.is_contiguous():
        return buffer.copy_(source.index_select(0, index).view(buffer.shape))
    torch.index_select(source, 0, index, out=buffer.view(len(index), *source.shape[1:]))
    return buffer
