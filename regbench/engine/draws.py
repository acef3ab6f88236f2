"""The random numbers of a stack's steps: drawn once a seed, seen by every run of that seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.engine import philox
from regbench.engine.layers import device as devices
from regbench.streams import Purpose, normal, raw, uint16

__all__ = ["CHUNK_BYTES", "Draws", "device_orders", "shuffled"]

_INTEGERS, _NORMALS = 16, 4  # in one block of the generator
_CHUNK = 1 << 21  # 16-bit integers drawn ahead, at most, for one layer over all seeds
CHUNK_BYTES = 8 * _CHUNK  # what they take up while they are made


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


def device_orders(seeds: Tensor, epoch: int, ids: Tensor, count: int) -> Tensor:
    """The orders of `shuffled` for S seeds at once, found on the device of the ids.

    Args:
        seeds: (S,) as `philox.as_words` gives them.
        ids: (S, n) row ids in the whole data set, all below `count`.
    Returns:
        (S, n) positions.
    """
    blocks = torch.arange(-(-count // 4), device=ids.device)
    words = philox.words(seeds.unsqueeze(1), Purpose.SHUFFLE, blocks, epoch=epoch)
    return philox.sort_keys(words).flatten(1).gather(1, ids).argsort(1)


class _Source(Protocol):
    """Where numbers come from: steps `first` to `first + steps`, so many blocks each."""

    def integers(self, epoch: int, layer: int, first: int, steps: int, blocks: int) -> Tensor:
        """(steps, S, 16 * blocks) signed 16-bit integers."""

    def normals(self, epoch: int, first: int, steps: int, blocks: int) -> Tensor:
        """(steps, S, 4 * blocks) standard normals, in float64."""


class _OnTheHost:
    """NumPy draws; on the CPU there is nothing faster."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self._seeds = seeds

    def integers(self, epoch: int, layer: int, first: int, steps: int, blocks: int) -> Tensor:
        count, block = steps * blocks * _INTEGERS, first * blocks
        drawn = [
            uint16(seed, Purpose.DROPOUT, count, epoch=epoch, layer=layer, block=block)
            for seed in self._seeds
        ]
        return _by_step([numbers.view(np.int16) for numbers in drawn], steps)

    def normals(self, epoch: int, first: int, steps: int, blocks: int) -> Tensor:
        count, block = steps * blocks * _NORMALS, first * blocks
        drawn = [
            normal(seed, Purpose.INPUT_NOISE, count, epoch=epoch, block=block)
            for seed in self._seeds
        ]
        return _by_step(drawn, steps)


def _by_step(drawn: Sequence[npt.NDArray[Any]], steps: int) -> Tensor:
    """(steps, S, ...) of S seeds' numbers, each step's contiguous."""
    return torch.from_numpy(np.stack([numbers.reshape(steps, -1) for numbers in drawn], axis=1))


class _OnTheDevice:
    """torch draws the same numbers on a GPU: nothing is copied to it, and it never waits."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._seeds = philox.as_words(seeds, device).unsqueeze(1)

    def _words(
        self, purpose: Purpose, epoch: int, layer: int, first: int, steps: int, blocks: int
    ) -> Tensor:
        """(steps, S, blocks, 4)."""
        device = self._seeds.device
        numbers = torch.arange(first * blocks, (first + steps) * blocks, device=device)
        places = numbers.view(steps, 1, blocks)
        return philox.words(self._seeds, purpose, places, epoch=epoch, layer=layer)

    def integers(self, epoch: int, layer: int, first: int, steps: int, blocks: int) -> Tensor:
        drawn = self._words(Purpose.DROPOUT, epoch, layer, first, steps, blocks)
        return philox.integers(drawn).flatten(2)

    def normals(self, epoch: int, first: int, steps: int, blocks: int) -> Tensor:
        drawn = self._words(Purpose.INPUT_NOISE, epoch, 0, first, steps, blocks)
        return philox.normals(drawn).flatten(2)


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
        self._source: _Source = (
            _OnTheDevice(self._seeds, self._device)
            if devices.is_gpu(self._device)
            else _OnTheHost(self._seeds)
        )
        self._ahead: dict[int | str, tuple[int, Sequence[Tensor]]] = {}

    def start_epoch(self, epoch: int, steps: int) -> None:
        """Begin an epoch, counted from 1, of so many steps."""
        self._epoch, self._steps = epoch, steps
        self.start_step(0, self._batch)
        self._ahead.clear()

    def start_step(self, step: int, rows: int) -> None:
        """Begin a step, counted from 0, whose batch has so many examples."""
        self._step, self._rows = step, rows

    @property
    def now(self) -> tuple[int, int]:
        """Epoch and step."""
        return self._epoch, self._step

    def dropout(self, layer: int, width: int, rows: slice) -> Tensor:
        """(r, B, width) uniform signed 16-bit integers for these runs.

        Element (b, u) of a step is number `step * stride + b * width + u` of the stream of
        (seed, dropout, epoch, layer), where stride is batch * width rounded up to a block of 16.
        """
        blocks = -(-self._batch * width // _INTEGERS)

        def draw(first: int, steps: int) -> Tensor:
            return self._source.integers(self._epoch, layer, first, steps, blocks)

        now = self._now(layer, width, _INTEGERS * blocks, draw)
        return now.index_select(0, self._of_run[rows]) if self._shared else now[rows]

    def input_noise(self, width: int, rows: slice, like: Tensor) -> Tensor:
        """(r, B, width) standard normals for these runs, element by element as in `dropout`."""
        blocks = -(-self._batch * width // _NORMALS)

        def draw(first: int, steps: int) -> Tensor:
            return self._source.normals(self._epoch, first, steps, blocks).to(like)

        # Four times the bytes of a 16-bit integer, or more: so many fewer ahead.
        now = self._now("input noise", width, 4 * _NORMALS * blocks, draw)
        return now.index_select(0, self._of_run[rows])

    def _now(
        self, use: int | str, width: int, stride: int, draw: Callable[[int, int], Tensor]
    ) -> Tensor:
        """(S, B, width) numbers of this step; drawn for as many steps ahead as `_CHUNK` allows."""
        start, numbers = self._ahead.get(use, (0, ()))
        if not start <= self._step < start + len(numbers):
            ahead = max(1, _CHUNK // (stride * len(self._seeds)))
            start, steps = self._step, min(ahead, self._steps - self._step)
            used = draw(start, steps)[:, :, : self._batch * width].to(self._device)
            numbers = used.view(steps, len(self._seeds), self._batch, width).unbind()
            self._ahead[use] = start, numbers
        now = numbers[self._step - start]
        return now[:, : self._rows] if self._rows < self._batch else now

    def keep(self, rows: npt.NDArray[np.intp]) -> None:
        """Keep only these runs, in this order; between epochs only."""
        self._set(self._run_seeds[rows])
