"""Augmentation: each example is turned, mirrored and shifted, anew in every epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, prod, radians, sin

import numpy as np
import torch
from torch import Tensor

from regbench.config.blocks.regularizer import Augment as Options
from regbench.config.blocks.regularizer import Regularizer
from regbench.data import Split
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import Draws
from regbench.engine.layers.per_run import PerRun
from regbench.streams import Purpose

_NOTHING = Options()
# Angles from the smallest to the largest: their sines are Python's, the same on every device.
_ANGLES = 257


class Augment:
    """Each example by its own draws: a window of it fills the image, turned, mirrored, shifted.

    A window of the share 1 - c of each side, 0 <= c <= crop, anywhere in the image; turned about
    the centre by -rotate to rotate degrees (one bilinear interpolation with the crop); mirrored
    left to right with probability flip; shifted along each axis by -shift to shift whole pixels.
    All are uniform. What comes in from outside is the data's own 0, black, as each place has it
    after scaling. Where each column has a scale of its own, a value moves in units of those.

    Shape:
        (R, B, I), examples (C, H, W) or (C, W), in place.

    Source: Simard et al. 2003; Krizhevsky et al. 2012.
    """

    def __init__(self, regularizers: Sequence[Regularizer], seen: Seen) -> None:
        options = [r.augment or _NOTHING for r in regularizers]
        like = seen.like
        acts = PerRun([0.0 if each.off else 1.0 for each in options], like)
        self._rows = acts.rows
        if not acts:
            return
        channels, width = seen.example[0], seen.example[-1]
        self._shape = channels, prod(seen.example[1:-1]), width
        self._has_height = int(len(seen.example) == 3)
        chosen = options[self._rows]

        def column(numbers: Sequence[float]) -> Tensor:
            return torch.tensor(numbers, dtype=like.dtype, device=like.device).unsqueeze(1)

        self._shift, self._flip, self._crop = (
            column([getattr(each, key) for each in chosen]) for key in ("shift", "flip", "crop")
        )
        self._moves = any(each.shift or each.flip for each in chosen)
        self._resamples = any(each.crop or each.rotate for each in chosen)
        steps = [2 * k / (_ANGLES - 1) - 1 for k in range(_ANGLES)]
        angles = [[radians(each.rotate) * step for step in steps] for each in chosen]
        self._cos, self._sin = (
            torch.tensor([[f(a) for a in row] for row in angles], dtype=like.dtype).to(like.device)
            for f in (cos, sin)
        )
        zeros = [_zero(split) for split in seen.splits[self._rows]]
        self._zero = torch.from_numpy(np.stack(zeros)).to(like).unsqueeze(1)

    def __bool__(self) -> bool:
        return self._rows.start < self._rows.stop

    def __call__(self, batch: Batch, draws: Draws) -> None:
        """Move the examples of the runs that ask for it."""
        x, ids = batch.x[self._rows], batch.ids()[self._rows]

        def uniform(layer: int) -> Tensor:
            """(r, B) in the open unit interval, by example."""
            return draws.uniform_by_example(Purpose.AUGMENTATION, ids, self._rows, layer, x)

        images = (x - self._zero).view(*x.shape[:2], *self._shape)
        touched = torch.zeros_like(ids, dtype=torch.bool)
        if self._resamples:
            images, resampled = self._resampled(images, uniform)
            touched |= resampled
        if self._moves:
            images, moved = self._moved(images, uniform)
            touched |= moved
        # An example that nothing happened to keeps its bits.
        x.copy_(torch.where(touched.unsqueeze(2), images.reshape(x.shape) + self._zero, x))

    def _resampled(self, images: Tensor, uniform: Callable[[int], Tensor]) -> tuple[Tensor, Tensor]:
        """Windows of the images, turned; and (r, B) which of them are not as before."""
        height, width = images.shape[-2:]
        window = 1 - self._crop * uniform(3)
        right, down = ((2 * uniform(layer) - 1) * (1 - window) for layer in (4, 5))
        angle = (uniform(6) * _ANGLES).long()
        turned, sideways = self._cos.gather(1, angle), self._sin.gather(1, angle)
        # In units of half a side from the centre, as grid_sample has them.
        u = (2 * torch.arange(width, device=images.device).to(images) + 1) / width - 1
        v = ((2 * torch.arange(height, device=images.device).to(images) + 1) / height - 1)[:, None]
        a, b, w = (each[..., None, None] for each in (turned, sideways, window))
        x = w * (a * u + b * v * (height / width)) + right[..., None, None]
        y = w * (a * v - b * u * (width / height)) + down[..., None, None] * self._has_height
        found = torch.nn.functional.grid_sample(
            images.flatten(0, 1), torch.stack((x, y), -1).flatten(0, 1), align_corners=False
        )
        touched = (window != 1) | (turned != 1) | (sideways != 0)
        return torch.where(touched[..., None, None, None], found.view_as(images), images), touched

    def _moved(self, images: Tensor, uniform: Callable[[int], Tensor]) -> tuple[Tensor, Tensor]:
        """The images mirrored and shifted; and (r, B) which of them are not as before."""
        across, down = (
            ((uniform(layer) * (2 * self._shift + 1)).floor() - self._shift).long()
            for layer in (0, 1)
        )
        down = down * self._has_height
        mirrored = (uniform(2) < self._flip).long()
        height, width = images.shape[-2:]
        source = torch.arange(width, device=images.device) - across.unsqueeze(2)
        source += mirrored.unsqueeze(2) * (width - 1 - 2 * source)
        images = _taken(images, source[:, :, None, None, :], 4)
        source = torch.arange(height, device=images.device) - down.unsqueeze(2)
        images = _taken(images, source[:, :, None, :, None], 3)
        return images, (across != 0) | (down != 0) | (mirrored != 0)


def _taken(images: Tensor, source: Tensor, axis: int) -> Tensor:
    """The images at these places along an axis, 0 where these are outside."""
    last = images.shape[axis] - 1
    there = ((source >= 0) & (source <= last)).to(images)
    shape = list(images.shape)
    return images.gather(axis, source.clamp(0, last).expand(shape)) * there


def _zero(split: Split) -> np.ndarray:
    """(I,) what 0 is once it is scaled: x = (raw - mean) / scale."""
    if split.transform is None:
        return np.zeros(split.inputs)
    zero: np.ndarray = -split.transform.scaler.mean / split.transform.scaler.scale
    return zero
