"""The stack's data on its device: each distinct split once, and which run sees which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from regbench.config.schema import Setting, Task
from regbench.data import Part, Split, load
from regbench.errors import BadData
from regbench.nn.buffers import Scratch
from regbench.training.draws import shuffled

__all__ = ["Examples", "StackedPart"]


@dataclass
class StackedPart:
    """One part (train, validation or test) of all the stack's splits.

    Attributes:
        x: (V, n, I), V distinct splits.
        y: (V, n) class numbers or targets, as trained on.
        y_clean: (V, n) classes before label noise; None where no run asks for noise.
        spread: (V,) sum of squares about the mean of y, for R^2.
    """

    x: Tensor
    y: Tensor
    y_clean: Tensor | None
    spread: Tensor

    @property
    def size(self) -> int:
        """Examples in the part, n."""
        return self.x.shape[1]


class Examples:
    """Training batches and scoring parts for R runs of one shape.

    Args:
        settings, seeds: R each.
        folder: what CSV paths are relative to.
        like: gives dtype and device.
    Raises:
        BadData: the data cannot be read, or the splits differ in shape.
    """

    def __init__(
        self, settings: Sequence[Setting], seeds: Sequence[int], folder: Path, like: Tensor
    ) -> None:
        splits: list[Split] = []
        view_of: dict[str, int] = {}
        views = []
        for setting, seed in zip(settings, seeds, strict=True):
            pinned = setting.dataset.split_seed
            data_seed = seed if pinned is None else pinned
            key = f"{data_seed} {setting.dataset.model_dump_json()}"
            if key not in view_of:
                view_of[key] = len(splits)
                splits.append(load(setting.dataset, data_seed, folder))
            views.append(view_of[key])
        self._splits = splits
        self.task: Task = splits[0].task
        self.inputs = splits[0].inputs
        self.outputs = splits[0].classes if self.task == "classification" else 1
        _check_shapes(splits)
        # By each run's own setting: what a run records must not depend on its neighbours.
        noisy = [getattr(setting.dataset, "label_noise", 0) > 0 for setting in settings]
        self.noisy = torch.tensor(noisy, device=like.device)
        self.parts: dict[str, StackedPart] = {}
        for name in ("train", "val", "test"):
            chosen = [getattr(split, name) for split in splits]
            part = _stack(chosen, self.task, like, noisy=name == "train" and any(noisy))
            if part is not None:
                self.parts[name] = part
        self._shuffle = settings[0].training.shuffle
        self._scratch = Scratch()
        self._set(np.asarray(seeds), np.asarray(views))

    def _set(self, seeds: np.ndarray, views: np.ndarray) -> None:
        # A stream is a seed and a split: all its runs see the same batches.
        self._seeds, self._views = seeds, views
        streams, of_run = np.unique(np.stack([seeds, views]), axis=1, return_inverse=True)
        device = self.parts["train"].x.device
        self._streams = [(int(seed), int(view)) for seed, view in streams.T]
        self._stream_of_run = torch.from_numpy(of_run.reshape(-1)).to(device)
        self.view_of_run = torch.from_numpy(views).to(device)
        self._first_row = torch.from_numpy(streams[1] * self.parts["train"].size).to(device)

    def split_of(self, row: int) -> Split:
        """The split that a run of the stack sees."""
        return self._splits[int(self._views[row])]

    def batches(self, epoch: int, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, in the order of each run's seed.

        Yields:
            x (R, B, I), in a buffer that the next batch overwrites, and y (R, B); the last batch
            may be smaller.
        """
        train = self.parts["train"]
        x, y = train.x.flatten(0, 1), train.y.flatten()
        order = self._order(epoch, batch) + self._first_row.unsqueeze(1)
        for start in range(0, train.size, batch):
            rows = order[:, start : start + batch].index_select(0, self._stream_of_run)
            buffer = self._scratch("x", (*rows.shape, self.inputs), x)
            buffer.copy_(x.index_select(0, rows.flatten()).view(buffer.shape))
            yield buffer, y.take(rows)

    def _order(self, epoch: int, batch: int) -> Tensor:
        """(S, n) row numbers within the training part, for each stream."""
        n = self.parts["train"].size
        if not self._shuffle or batch >= n:  # one step sees all: their order is nothing
            order = np.broadcast_to(np.arange(n), (len(self._streams), n)).copy()
        else:
            order = np.stack(
                [
                    shuffled(seed, epoch, self._splits[view].train.ids)
                    for seed, view in self._streams
                ]
            )
        return torch.from_numpy(order).to(self._first_row.device)

    def chunks(self, part: StackedPart, size: int) -> Iterator[tuple[Tensor, slice]]:
        """The part in file order: x (R, b, I) in a reused buffer, and which rows these are."""
        for start in range(0, part.size, size):
            rows = slice(start, min(start + size, part.size))
            chunk = part.x[:, rows].index_select(0, self.view_of_run)
            buffer = self._scratch("score", chunk.shape, chunk)
            yield buffer.copy_(chunk), rows

    def keep(self, rows: np.ndarray) -> None:
        """Keep only these runs, in this order; the splits stay."""
        self._set(self._seeds[rows], self._views[rows])
        self.noisy = self.noisy[torch.from_numpy(rows).to(self.noisy.device)]
        self._scratch.clear()


def _check_shapes(splits: Sequence[Split]) -> None:
    shapes = {(split.inputs, split.classes, len(split.train.y)) for split in splits}
    if len(shapes) > 1:
        raise BadData(
            "the splits of different seeds differ in (inputs, classes, training examples): "
            f"{sorted(shapes)}"
        )


def _stack(parts: Sequence[Part], task: Task, like: Tensor, *, noisy: bool) -> StackedPart | None:
    if len(parts[0].y) == 0:
        return None
    kind = torch.int64 if task == "classification" else like.dtype
    y64 = np.stack([part.y for part in parts])
    y = torch.from_numpy(y64).to(like.device, kind)
    clean = None
    if noisy:
        clean = torch.from_numpy(np.stack([part.y_clean for part in parts])).to(like.device, kind)
    spread = ((y64 - y64.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    x = torch.from_numpy(np.stack([part.x for part in parts])).to(like)
    return StackedPart(x, y, clean, torch.from_numpy(spread).to(like.device))
