"""The stack's data on its device: each distinct split once, and which run sees which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from regbench.data import Part, Pixels, Split, SplitKey, Transformed, load, split_key
from regbench.data.table import Floats
from regbench.engine import philox
from regbench.engine.batch import Batch
from regbench.engine.draws import device_orders, shuffled
from regbench.engine.layers import device as devices
from regbench.engine.layers.buffers import Scratch
from regbench.engine.member import Member
from regbench.engine.rows import PixelRows, ReadRows, Rows, TableRows
from regbench.engine.stacks import MOST_AS_FLOATS
from regbench.errors import BadData
from regbench.vocabulary.metrics import Task


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
        rows: the n examples of each of V distinct splits.
        y: (V, n) class numbers or targets, as trained on.
        before_noise: None where no run asks for label noise.
        spread: (V,) sum of squares about the mean of y, for R^2.
        target: (V, n) y, of a regression in float64.
        unit: (V,) what standardising has divided a regression's target by.
    """

    rows: Rows
    y: Tensor
    before_noise: BeforeNoise | None
    spread: Tensor
    target: Tensor
    unit: Tensor

    @property
    def size(self) -> int:
        """Examples in the part, n."""
        return self.y.shape[1]


class Examples:
    """Training batches and scoring parts for R runs of one shape.

    Args:
        members: R of them.
        folder: what a file's path is relative to.
        like: gives dtype and device.
        known: splits that are read already; what is read is added.
    Raises:
        BadData: the data cannot be read or are not the members', or the splits differ in shape.
    """

    def __init__(
        self,
        members: Sequence[Member],
        folder: Path,
        like: Tensor,
        known: dict[SplitKey, Split] | None = None,
    ) -> None:
        settings, seeds = [m.setting for m in members], [m.seed for m in members]
        self.splits: dict[SplitKey, Split] = {}
        keys = [split_key(m.setting.dataset, m.seed, m.data) for m in members]
        known = {} if known is None else known
        for key, member in zip(keys, members, strict=True):
            if key not in self.splits:
                read = known.get(key)
                if read is None:
                    read = load(member.setting.dataset, member.seed, folder, member.data)
                self.splits[key] = known[key] = read
        view_of = {key: view for view, key in enumerate(self.splits)}
        views = [view_of[key] for key in keys]
        self._splits = splits = list(self.splits.values())
        self.task: Task = splits[0].task
        self.example, self._inputs = splits[0].example, splits[0].inputs
        self.outputs = splits[0].classes if self.task == "classification" else 1
        _check_shapes(splits)
        # By each run's own setting: what a run records must not depend on its neighbours.
        noisy = [getattr(setting.dataset, "label_noise", 0) > 0 for setting in settings]
        self.noisy = torch.tensor(noisy, device=like.device)
        self._like = like
        some = splits[0].train.inputs
        pool = torch.from_numpy(some.pool).to(like.device) if isinstance(some, Pixels) else None
        self.parts: dict[str, StackedPart] = {}
        for name in ("train", "val", "test"):
            chosen = [getattr(split, name) for split in splits]
            units = [split.target_scale for split in splits]
            with_noise = name == "train" and any(noisy)
            part = _stack(chosen, units, self.task, like, pool, noisy=with_noise)
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

    def size_of(self, part: str) -> int:
        """Examples in a part, which may be empty."""
        return self.parts[part].size if part in self.parts else 0

    def split_of(self, row: int) -> Split:
        """The split that a run of the stack sees."""
        return self._splits[int(self._views[row])]

    def batches(self, epoch: int | Tensor, batch: int) -> Iterator[Batch]:
        """The batches of an epoch, in the order of each run's seed.

        Yields:
            x in a buffer that the next batch overwrites; the last batch may be smaller.
        """
        order = self._order(epoch, batch).index_select(0, self._stream_of_run)
        train = self.parts["train"]
        y = train.y.index_select(0, self.view_of_run).gather(1, order)
        for places, step_y in zip(
            torch.split(order, batch, 1), torch.split(y, batch, 1), strict=True
        ):
            yield self._batch("x", places, step_y)

    def _batch(self, use: str, places: Tensor, y: Tensor | None = None) -> Batch:
        """The training examples at (R, B) places, in a buffer of this use."""
        train, view = self.parts["train"], self.view_of_run
        buffer = self._scratch(use, (*places.shape, self._inputs), self._like)

        def of(values: Tensor) -> Tensor:
            """Of (V, n) values those of the examples."""
            return values.take(places + view.unsqueeze(1) * train.size)

        return Batch(
            x=train.rows.read(train.rows.places(places, view), view, buffer),
            y=of(train.y) if y is None else y,
            ids=lambda: of(self._train_ids),
            read=lambda others: self._batch("others", others),
        )

    def _order(self, epoch: int | Tensor, batch: int) -> Tensor:
        """(S, n) row numbers within the training part, for each stream."""
        n = self.parts["train"].size
        if not self._shuffle or batch >= n:  # one step sees all: their order is nothing
            return torch.arange(n, device=self.view_of_run.device).repeat(len(self._streams), 1)
        if self._on_gpu:
            return device_orders(self._stream_seeds, epoch, self._ids, self._id_count)
        order = [
            shuffled(seed, int(epoch), self._splits[view].train.ids) for seed, view in self._streams
        ]
        return torch.from_numpy(np.stack(order))

    def chunks(self, part: StackedPart, size: int) -> Iterator[tuple[Tensor, slice]]:
        """The part in file order: x (R, b, I), not to be written to, and which rows these are."""
        runs, splits = len(self._views), len(part.y)
        views = self.view_of_run[:1] if splits == 1 else self.view_of_run
        for start in range(0, part.size, size):
            rows = slice(start, min(start + size, part.size))
            chunk = None if splits > 1 and not self._own_split else part.rows.as_they_lie(rows)
            if chunk is None:
                shape = (len(views), rows.stop - rows.start, self._inputs)
                buffer = self._scratch("score", shape, self._like)
                chunk = part.rows.of(rows, views, buffer)
            yield chunk.expand(runs, -1, -1), rows

    def keep(self, rows: np.ndarray) -> None:
        """Keep only these runs, in this order; the splits stay."""
        self._set(self._seeds[rows], self._views[rows])
        self.noisy = self.noisy[torch.from_numpy(rows).to(self.noisy.device)]
        self._scratch.clear()


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
    parts: Sequence[Part],
    units: Sequence[float],
    task: Task,
    like: Tensor,
    pool: Tensor | None,
    *,
    noisy: bool,
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
    target = y if task == "classification" else torch.from_numpy(y64).to(like.device)
    unit = torch.tensor(units, dtype=torch.float64, device=like.device)
    rows = _rows([part.inputs for part in parts], like, pool)
    return StackedPart(
        rows, y, before_noise, torch.from_numpy(spread).to(like.device), target, unit
    )


def _rows(x: Sequence[Floats | Pixels | Transformed], like: Tensor, pool: Tensor | None) -> Rows:
    """What each split has of a part: as it lies there, or in the form that takes the least room."""
    if pool is not None:
        return PixelRows([each for each in x if isinstance(each, Pixels)], pool, like)
    made = [each for each in x if isinstance(each, Transformed)]
    numbers = sum(prod(each.shape) for each in made)
    if numbers > MOST_AS_FLOATS and not devices.is_gpu(like.device):
        return ReadRows(made)
    return TableRows([each for each in x if not isinstance(each, Pixels)], like)
