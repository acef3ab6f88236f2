"""The stack's data on its device: each distinct split once, and which run sees which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from regbench.data import Part, Split, SplitKey, load, split_key
from regbench.engine import philox
from regbench.engine.batch import Batch
from regbench.engine.draws import device_orders, shuffled
from regbench.engine.layers import device as devices
from regbench.engine.layers.buffers import ALIGNMENT, Scratch
from regbench.engine.member import Member
from regbench.errors import BadData
from regbench.vocabulary.metrics import Task

__all__ = ["BeforeNoise", "Examples", "StackedPart"]


@dataclass
class BeforeNoise:
    """What label noise has made of a part.

    Attributes:
        y: (V, n) the true classes.
        kept: (V, n) 1.0 where the label is still the true class, else 0.0.
        kept_rows: (V,) float64, how many those are.
    """

    y: Tensor
    kept: Tensor
    kept_rows: Tensor


@dataclass
class StackedPart:
    """One part (train, validation or test) of all the stack's splits.

    Attributes:
        rows: (V, N, I), V distinct splits, with rows of zeros after the n examples, so that the
            examples of every split start aligned.
        y: (V, n) class numbers or targets, as trained on.
        before_noise: None where no run asks for label noise.
        spread: (V,) sum of squares about the mean of y, for R^2.
        target: (V, n) y, of a regression in float64.
        unit: (V,) what standardising has divided a regression's target by.
    """

    rows: Tensor
    y: Tensor
    before_noise: BeforeNoise | None
    spread: Tensor
    target: Tensor
    unit: Tensor

    @property
    def size(self) -> int:
        """Examples in the part, n."""
        return self.y.shape[1]

    @property
    def x(self) -> Tensor:
        """(V, n, I)."""
        return self.rows[:, : self.size]


class Examples:
    """Training batches and scoring parts for R runs of one shape.

    Args:
        members: R of them.
        folder: what a file's path is relative to.
        like: gives dtype and device.
        known: splits that are read already.
    Raises:
        BadData: the data cannot be read or are not the members', or the splits differ in shape.
    """

    def __init__(
        self,
        members: Sequence[Member],
        folder: Path,
        like: Tensor,
        known: Mapping[SplitKey, Split] | None = None,
    ) -> None:
        settings, seeds = [m.setting for m in members], [m.seed for m in members]
        self.splits: dict[SplitKey, Split] = {}
        keys = [split_key(m.setting.dataset, m.seed, m.data) for m in members]
        for key, member in zip(keys, members, strict=True):
            if key not in self.splits:
                read = (known or {}).get(key)
                self.splits[key] = read or load(
                    member.setting.dataset, member.seed, folder, member.data
                )
        view_of = {key: view for view, key in enumerate(self.splits)}
        views = [view_of[key] for key in keys]
        self._splits = splits = list(self.splits.values())
        self.task: Task = splits[0].task
        self.example = splits[0].example
        self.outputs = splits[0].classes if self.task == "classification" else 1
        _check_shapes(splits)
        # By each run's own setting: what a run records must not depend on its neighbours.
        noisy = [getattr(setting.dataset, "label_noise", 0) > 0 for setting in settings]
        self.noisy = torch.tensor(noisy, device=like.device)
        self.parts: dict[str, StackedPart] = {}
        for name in ("train", "val", "test"):
            chosen = [getattr(split, name) for split in splits]
            units = [split.target_scale for split in splits]
            part = _stack(chosen, units, self.task, like, noisy=name == "train" and any(noisy))
            if part is not None:
                self.parts[name] = part
        self._train_ids = torch.from_numpy(np.stack([s.train.ids for s in splits])).to(like.device)
        self.id_count = max(int(split.train.ids.max()) + 1 for split in splits)
        self._shuffle = settings[0].training.shuffle
        self._scratch = Scratch()
        self._set(np.asarray(seeds), np.asarray(views))

    def _set(self, seeds: np.ndarray, views: np.ndarray) -> None:
        # A stream is a seed and a split: all its runs see the same batches.
        self._seeds, self._views = seeds, views
        streams, of_run = np.unique(np.stack([seeds, views]), axis=1, return_inverse=True)
        self._own_split = np.array_equal(views, np.arange(len(self._splits)))
        device = self.parts["train"].y.device
        self._streams = [(int(seed), int(view)) for seed, view in streams.T]
        self._stream_of_run = torch.from_numpy(of_run.reshape(-1)).to(device)
        self.view_of_run = torch.from_numpy(views).to(device)
        self._on_gpu = devices.is_gpu(device)
        if self._on_gpu:
            ids = np.stack([self._splits[view].train.ids for _, view in self._streams])
            self._ids, self._id_count = torch.from_numpy(ids).to(device), int(ids.max()) + 1
            self._stream_seeds = philox.as_words([seed for seed, _ in self._streams], device)
        self._first_row = (self.view_of_run * self.parts["train"].rows.shape[1]).unsqueeze(1)

    def split_of(self, row: int) -> Split:
        """The split that a run of the stack sees."""
        return self._splits[int(self._views[row])]

    def batches(self, epoch: int, batch: int) -> Iterator[Batch]:
        """The batches of an epoch, in the order of each run's seed.

        Yields:
            x in a buffer that the next batch overwrites; the last batch may be smaller.
        """
        order = self._order(epoch, batch).index_select(0, self._stream_of_run)
        y = self.parts["train"].y.index_select(0, self.view_of_run).gather(1, order)
        for places, step_y in zip(
            torch.split(order, batch, 1), torch.split(y, batch, 1), strict=True
        ):
            yield self._batch("x", places, step_y)

    def _batch(self, use: str, places: Tensor, y: Tensor | None = None) -> Batch:
        """The training examples at (R, B) places, in a buffer of this use."""
        train, runs = self.parts["train"], self.view_of_run.unsqueeze(1)
        x, rows = train.rows.flatten(0, 1), places + self._first_row
        buffer = self._scratch(use, (*rows.shape, x.shape[1]), x)
        in_part = places + runs * train.size
        return Batch(
            x=_gather(x, rows.flatten(), buffer),
            y=train.y.take(in_part) if y is None else y,
            ids=lambda: self._train_ids.take(in_part),
            read=lambda others: self._batch("others", others),
        )

    def _order(self, epoch: int, batch: int) -> Tensor:
        """(S, n) row numbers within the training part, for each stream."""
        n = self.parts["train"].size
        if not self._shuffle or batch >= n:  # one step sees all: their order is nothing
            return torch.arange(n, device=self._first_row.device).repeat(len(self._streams), 1)
        if self._on_gpu:
            return device_orders(self._stream_seeds, epoch, self._ids, self._id_count)
        order = [
            shuffled(seed, epoch, self._splits[view].train.ids) for seed, view in self._streams
        ]
        return torch.from_numpy(np.stack(order))

    def chunks(self, part: StackedPart, size: int) -> Iterator[tuple[Tensor, slice]]:
        """The part in file order: x (R, b, I), not to be written to, and which rows these are."""
        runs, splits = len(self._views), len(part.x)
        for start in range(0, part.size, size):
            rows = slice(start, min(start + size, part.size))
            chunk = part.x[:, rows]
            if splits == 1:
                chunk = chunk.expand(runs, -1, -1)
            elif not self._own_split:
                buffer = self._scratch("score", (runs, *chunk.shape[1:]), chunk)
                chunk = _gather(chunk, self.view_of_run, buffer)
            yield chunk, rows

    def keep(self, rows: np.ndarray) -> None:
        """Keep only these runs, in this order; the splits stay."""
        self._set(self._seeds[rows], self._views[rows])
        self.noisy = self.noisy[torch.from_numpy(rows).to(self.noisy.device)]
        self._scratch.clear()


def _gather(source: Tensor, index: Tensor, buffer: Tensor) -> Tensor:
    """The chosen rows of the source in an aligned buffer, written once where that can be."""
    if not buffer.is_contiguous():
        return buffer.copy_(source.index_select(0, index).view(buffer.shape))
    torch.index_select(source, 0, index, out=buffer.view(len(index), *source.shape[1:]))
    return buffer


def _check_shapes(splits: Sequence[Split]) -> None:
    shapes = {
        (split.example, split.classes, len(split.train.y), len(split.val.y), len(split.test.y))
        for split in splits
    }
    if len(shapes) > 1:
        raise BadData(
            "splits of one stack differ in (example, classes, training, validation and test "
            f"examples): {sorted(shapes)}"
        )


def _stack(
    parts: Sequence[Part], units: Sequence[float], task: Task, like: Tensor, *, noisy: bool
) -> StackedPart | None:
    if len(parts[0].y) == 0:
        return None
    kind = torch.int64 if task == "classification" else like.dtype
    y64 = np.stack([part.y for part in parts])
    y = torch.from_numpy(y64).to(like.device, kind)
    before_noise = None
    if noisy:
        clean = torch.from_numpy(np.stack([part.y_clean for part in parts])).to(like.device, kind)
        kept = (y == clean).to(like.dtype)
        before_noise = BeforeNoise(clean, kept, kept.sum(1, dtype=torch.float64))
    spread = ((y64 - y64.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    n, inputs = parts[0].x.shape
    every = ALIGNMENT // gcd(inputs, ALIGNMENT)  # so many rows end on a boundary
    rows = like.new_zeros(len(parts), -(-n // every) * every, inputs)
    rows[:, :n] = torch.from_numpy(np.stack([part.x for part in parts])).to(like)
    target = y if task == "classification" else torch.from_numpy(y64).to(like.device)
    unit = torch.tensor(units, dtype=torch.float64, device=like.device)
    return StackedPart(
        rows, y, before_noise, torch.from_numpy(spread).to(like.device), target, unit
    )
