"""The random numbers of a stack's steps: drawn once a seed, seen by every run of that seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.streams import Purpose, normal, raw, uint16

__all__ = ["Draws", "shuffled"]

_PER_BLOCK = 16  # 16-bit integers in one block of the generator
_CHUNK = 1 << 21  # 16-bit integers drawn ahead, at most, for one layer over all seeds


def shuffled(seed: int, epoch: int, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The order in which an epoch sees the training examples, keyed by example id.

    Args:
        ids: (n,) row ids in the whole data set.
    Returns:
        (n,) positions into `ids`. Of a larger training set the smaller one's order is a part.

    >>> shuffled(0, 1, np.array([0, 1, 2, 3])).tolist()
    [1, 0, 2, 3]
    """
    keys = raw(seed, Purpose.SHUFFLE, int(ids.max()) + 1, epoch=epoch)
    return np.argsort(keys[ids])  # keys of 64 bits are never equal, so any sort gives this order


class Draws:
    """Dropout and input-noise numbers for a stack, step by step.

    Args:
        seeds: (R,) the runs' seeds.
        batch: examples a step, B; a smaller last batch sees the first of the numbers.
        device: where the tensors go.
    """

    def __init__(self, seeds: Sequence[int], batch: int, device: torch.device) -> None:
        self._batch = batch
        self._device = device
        self._set(np.asarray(seeds, dtype=np.uint64))
        self.start_epoch(0, 0)

    def _set(self, seeds: npt.NDArray[np.uint64]) -> None:
        self._run_seeds = seeds
        place = {seed: i for i, seed in enumerate(dict.fromkeys(seeds.tolist()))}
        self._seeds = list(place)
        self._of_run = torch.tensor([place[seed] for seed in seeds.tolist()], device=self._device)
        self._shared = len(self._seeds) < len(seeds)
        self._ahead: dict[int, tuple[int, Sequence[Tensor]]] = {}

    def start_epoch(self, epoch: int, steps: int) -> None:
        """Begin an epoch, counted from 1, of so many steps."""
        self._epoch, self._steps = epoch, steps
        self.start_step(0, self._batch)
        self._ahead.clear()

    def start_step(self, step: int, rows: int) -> None:
        """Begin a step, counted from 0, whose batch has so many examples."""
        self._step, self._rows = step, rows

    def dropout(self, layer: int, width: int, rows: slice) -> Tensor:
        """(r, B, width) uniform signed 16-bit integers for these runs.

        Element (b, u) of a step is number `step * stride + b * width + u` of the stream of
        (seed, dropout, epoch, layer), where stride is batch * width rounded up to a block of 16.
        """
        start, numbers = self._ahead.get(layer, (0, ()))
        if not start <= self._step < start + len(numbers):
            start, numbers = self._step, self._draw_ahead(layer, width)
            self._ahead[layer] = start, numbers
        now = numbers[self._step - start]
        if self._rows < self._batch:
            now = now[:, : self._rows]
        return now.index_select(0, self._of_run[rows]) if self._shared else now[rows]

    def _draw_ahead(self, layer: int, width: int) -> Sequence[Tensor]:
        """(S, B, width) numbers of this step and of as many after it as `_CHUNK` allows."""
        blocks = -(-self._batch * width // _PER_BLOCK)
        stride = blocks * _PER_BLOCK
        ahead = max(1, _CHUNK // (stride * len(self._seeds)))
        steps = min(ahead, self._steps - self._step)
        numbers = np.empty((steps, len(self._seeds), stride), dtype=np.int16)
        for i, seed in enumerate(self._seeds):
            numbers[:, i] = (
                uint16(
                    seed,
                    Purpose.DROPOUT,
                    steps * stride,
                    epoch=self._epoch,
                    layer=layer,
                    block=self._step * blocks,
                )
                .view(np.int16)
                .reshape(steps, stride)
            )
        used = torch.from_numpy(numbers).to(self._device)[:, :, : self._batch * width]
        return used.view(steps, len(self._seeds), self._batch, width).unbind()

    def input_noise(self, width: int, rows: slice, like: Tensor) -> Tensor:
        """(r, B, width) standard normals for these runs, element by element as in `dropout`."""
        blocks = -(-self._batch * width // 4)
        count = self._rows * width
        drawn = [
            normal(
                seed,
                Purpose.INPUT_NOISE,
                count,
                epoch=self._epoch,
                block=self._step * blocks,
            )
            for seed in self._seeds
        ]
        numbers = torch.from_numpy(np.stack(drawn)).to(like)
        return numbers.index_select(0, self._of_run[rows]).view(-1, self._rows, width)

    def keep(self, rows: npt.NDArray[np.intp]) -> None:
        """Keep only these runs, in this order; between epochs only."""
        self._set(self._run_seeds[rows])
