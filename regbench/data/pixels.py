"""Images as bytes: one pool for all parts of all splits, scaled by channel where they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from regbench.data.scaling import Scaler
from regbench.data.table import Bytes, Floats, Ints

_ROWS = 1024  # at a time: numbers take more room than bytes


@dataclass(frozen=True, eq=False)
class Pixels:
    """Some rows of a pool of images.

    pool: (N, I) of the whole data set, channels first; a view of it is never copied.
    rows: (n,) which of them.
    scaler: mean and scale are (C,), one for each channel.
    """

    pool: Bytes
    rows: Ints
    scaler: Scaler

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """(n, I) scaled; eight times the size."""
        images = self.pool[self.rows].reshape(len(self.rows), len(self.scaler.mean), -1)
        scaled = (images - self.scaler.mean[:, None]) / self.scaler.scale[:, None]
        return scaled.reshape(len(self.rows), -1).astype(dtype or np.float64, copy=False)


def channel_scaler(x: Floats | Bytes, channels: int) -> Scaler:
    """Mean and population standard deviation of each channel, (C,), over rows and pixels.

    Those of bytes come from counts of whole numbers, so that they hang on no order.

    Args:
        x: (n, I), channels first.

    >>> channel_scaler(np.array([[0, 2, 7, 7], [2, 4, 7, 7]], dtype=np.uint8), 2)
    Scaler(mean=array([2., 7.]), scale=array([1.41421356, 1.        ]))
    """
    images = x.reshape(len(x), channels, -1)
    if x.dtype != np.uint8:
        return Scaler.fit(images.transpose(0, 2, 1).reshape(-1, channels).astype(np.float64))
    levels = np.arange(256)
    counts = np.zeros((channels, 256), np.int64)
    for start in range(0, len(images), _ROWS):
        for c in range(channels):
            counts[c] += np.bincount(images[start : start + _ROWS, c].ravel(), minlength=256)
    mean = counts @ levels / counts.sum(axis=1)
    variance = (counts * (levels - mean[:, None]) ** 2).sum(axis=1) / counts.sum(axis=1)
    # Of one level alone the mean is that level, and the variance exactly 0.
    return Scaler(mean, np.where(variance > 0, np.sqrt(variance), 1.0))
