"""The random numbers of a stack's steps: drawn once a seed, seen by every run of that seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.engine import philox
from regbench.engine.layers import device as devices
from regbench.streams import Purpose, normal, raw, uint16

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


def device_orders(seeds: Tensor, epoch: int | Tensor, ids: Tensor, count: int) -> Tensor:
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


@dataclass(frozen=True)
class Numbers:
    """A kind of random number.

    Attributes:
        block: how many of them a block of the generator gives.
        words: the size of one, in 16 bits: the larger, the fewer are drawn ahead.
        by_numpy: drawn by the host, as the functions of `streams` are.
        by_torch: (..., 4) words of `philox.words` -> the same numbers.
    """

    block: int
    words: int
    by_numpy: Callable[..., npt.NDArray[Any]]
    by_torch: Callable[[Tensor], Tensor]


def _int16(seed: int, purpose: Purpose, count: int, **place: int) -> npt.NDArray[np.int16]:
    return uint16(seed, purpose, count, **place).view(np.int16)


# Uniform signed 16-bit integers, and standard normals in float64.
INTEGERS = Numbers(16, 1, _int16, philox.integers)
NORMALS = Numbers(4, 4, normal, philox.normals)


class Draws:
    """Random numbers by purpose and shape for a stack, step by step.

    Args:
        seeds: (R,) the runs' seeds.
        batch: examples a step, B; a smaller last batch sees the first of the numbers.
        device: where the tensors go.
        ids: how many row numbers the data have, for what is drawn by example.
    """

    def __init__(
        self, seeds: Sequence[int], batch: int, device: torch.device, ids: int = 0
    ) -> None:
        self._batch, self._ids = batch, ids
        self._device = device
        self._epoch_there = torch.zeros(1, dtype=torch.int64, device=device)
        self._set(np.asarray(seeds, dtype=np.uint64))
        self.start_epoch(0, 0)

    def _set(self, seeds: npt.NDArray[np.uint64]) -> None:
        self._run_seeds = seeds
        place = {seed: i for i, seed in enumerate(dict.fromkeys(seeds.tolist()))}
        self._seeds = list(place)
        self._of_run = torch.tensor([place[seed] for seed in seeds.tolist()], device=self._device)
        self._shared = len(self._seeds) < len(seeds)
        self._words = (
            philox.as_words(self._seeds, self._device).unsqueeze(1)
            if devices.is_gpu(self._device)
            else None
        )
        self._ahead: dict[tuple[Purpose, int, int], tuple[int, Sequence[Tensor]]] = {}
        self._by_example: dict[tuple[Purpose, int], Tensor] = {}

    def start_epoch(self, epoch: int, steps: int) -> None:
        """Begin an epoch, counted from 1, of so many steps."""
        self._epoch, self._steps = epoch, steps
        self._epoch_there.fill_(epoch)
        self.start_step(0, self._batch)
        self._ahead.clear()
        self._by_example.clear()

    def start_step(self, step: int, rows: int) -> None:
        """Begin a step, counted from 0, whose batch has so many examples."""
        self._step, self._rows = step, rows

    @property
    def epoch(self) -> int | Tensor:
        """The epoch; on a GPU (1,) int64, which calls that are recorded there read anew."""
        return self._epoch if self._words is None else self._epoch_there

    @property
    def now(self) -> tuple[int, int]:
        """Epoch and step."""
        return self._epoch, self._step

    def __call__(
        self,
        kind: Numbers,
        purpose: Purpose,
        width: int,
        rows: slice,
        *,
        layer: int = 0,
        like: Tensor | None = None,
    ) -> Tensor:
        """(r, B, width) numbers for these runs, of the type of `like`.

        Element (b, u) of a step is number `step * stride + b * width + u` of the stream of
        (seed, purpose, epoch, layer), where stride is batch * width rounded up to whole blocks.
        """
        key = (purpose, layer, width)
        start, numbers = self._ahead.get(key, (0, ()))
        if not start <= self._step < start + len(numbers):
            blocks = -(-self._batch * width // kind.block)
            size = kind.words * kind.block * blocks * len(self._seeds)
            start, steps = self._step, min(max(1, _CHUNK // size), self._steps - self._step)
            drawn = self._draw(kind, purpose, layer, blocks, steps, first=start)
            drawn = drawn if like is None else drawn.to(like)
            used = drawn[:, :, : self._batch * width].to(self._device)
            numbers = used.view(steps, len(self._seeds), self._batch, width).unbind()
            self._ahead[key] = start, numbers
        now = numbers[self._step - start]
        now = now[:, : self._rows] if self._rows < self._batch else now
        return now.index_select(0, self._of_run[rows]) if self._shared else now[rows]

    def by_example(self, purpose: Purpose, ids: Tensor, rows: slice, layer: int) -> Tensor:
        """(r, B) integers from 0 to 65535 for these runs and examples, one an epoch.

        That of example `id` is number `id` of the stream of (seed, purpose, epoch, layer).

        Args:
            ids: (r, B) row numbers in the whole data set.
        """
        key = (purpose, layer)
        if key not in self._by_example:
            blocks = -(-self._ids // INTEGERS.block)
            drawn = self._draw(INTEGERS, purpose, layer, blocks, 1, first=0)
            self._by_example[key] = drawn[0].to(self._device)
        table = self._by_example[key]
        places = ids + (self._of_run[rows] * table.shape[1]).unsqueeze(1)
        return table.take(places).long() + 32768

    def uniform_by_example(
        self, purpose: Purpose, ids: Tensor, rows: slice, layer: int, like: Tensor
    ) -> Tensor:
        """The same as uniforms in (0, 1), of the type of `like`."""
        return (self.by_example(purpose, ids, rows, layer).to(like) + 0.5) / 65536

    def _draw(
        self, kind: Numbers, purpose: Purpose, layer: int, blocks: int, steps: int, first: int
    ) -> Tensor:
        """(steps, S, blocks * kind.block) of this epoch, from the step `first` on."""
        first = first * blocks
        if self._words is not None:
            # A GPU draws the same numbers: nothing is copied to it, and it never waits.
            places = torch.arange(first, first + steps * blocks, device=self._device)
            places = places.view(steps, 1, blocks)
            words = philox.words(self._words, purpose, places, epoch=self.epoch, layer=layer)
            return kind.by_torch(words).flatten(2)
        count = steps * blocks * kind.block
        drawn = [
            kind.by_numpy(seed, purpose, count, epoch=self._epoch, layer=layer, block=first)
            for seed in self._seeds
        ]
        each_step = np.stack([numbers.reshape(steps, -1) for numbers in drawn], axis=1)
        return torch.from_numpy(each_step)

    def keep(self, rows: npt.NDArray[np.intp]) -> None:
        """Keep only these runs, in this order; between epochs only."""
        self._set(self._run_seeds[rows])
