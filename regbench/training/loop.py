"""The one training loop: R runs at once, a single run being a stack of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from regbench.nn.loss import CrossEntropy, SquaredError
from regbench.nn.network import build
from regbench.nn.per_run import PerRun
from regbench.training.draws import Draws
from regbench.training.examples import Examples
from regbench.training.member import Array, Member, Trajectory
from regbench.training.predictions import Arrays, predict
from regbench.training.readers import Readers
from regbench.training.schedule import factor
from regbench.training.scoring import score
from regbench.training.update import Objective, Update

__all__ = ["StackTrainer", "train_stack"]

OnEpoch = Callable[[int, int], None]

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@torch.inference_mode()
def train_stack(
    members: Sequence[Member],
    folder: Path,
    device: str = "cpu",
    on_epoch: OnEpoch | None = None,
) -> list[Trajectory]:
    """Train members whose settings stack, and give their trajectories in the same order.

    Args:
        members: at least one; `stacks.stack_key` says which settings stack.
        folder: what CSV paths are relative to.
        device: as torch names it.
        on_epoch: called after each epoch with its number and how many trajectories it trained.
    Raises:
        BadData: the data cannot be read or do not fit the settings.
    """
    trainer = StackTrainer(members, folder, device)
    epochs = members[0].setting.training.epochs
    if epochs == 0:
        trainer.finish_epoch(0)
    for epoch in range(1, epochs + 1):
        trained = trainer.alive
        if trained == 0:
            break
        trainer.train_epoch(epoch)
        trainer.finish_epoch(epoch)
        if on_epoch is not None:
            on_epoch(epoch, trained)
    return trainer.trajectories()


class StackTrainer:
    """A stack in training: what runs share, their state, and what they have recorded."""

    def __init__(self, members: Sequence[Member], folder: Path, device: str) -> None:
        self._members, self._folder = tuple(members), folder
        settings = [member.setting for member in members]
        seeds = [member.seed for member in members]
        self._training = settings[0].training
        like = torch.zeros(1, dtype=DTYPES[self._training.dtype], device=device)
        self._like = like
        self.examples = Examples(settings, seeds, folder, like)
        self.network = build(settings, seeds, self.examples.inputs, self.examples.outputs, like)
        self._update = Update(settings, self.network)
        n = self.examples.parts["train"].size
        batch = n if self._training.batch_size == "full" else self._training.batch_size
        self._batch = min(batch, n)
        self._draws = Draws(seeds, self._batch, like.device)
        self._noise = PerRun([s.regularizer.input_noise for s in settings], like)
        self._loss = (
            CrossEntropy(PerRun([s.regularizer.label_smoothing for s in settings], like))
            if self.examples.task == "classification"
            else SquaredError()
        )
        self._in_stack = np.arange(len(members))  # the member in each row of the stack
        self._flip_rates = [self.examples.split_of(row).flip_rate for row in range(len(members))]
        self._readers = [Readers(member) for member in members]
        self._curves: dict[str, Array] = {}
        self._objective = torch.full((len(members),), torch.nan, device=device)
        self._rates = np.full(len(members), np.nan)

    @property
    def alive(self) -> int:
        """Trajectories still in training."""
        return len(self._in_stack)

    def train_epoch(self, epoch: int) -> None:
        """One pass over the training data."""
        self._rates = np.array(
            [
                s.optimizer.lr * factor(s.optimizer.schedule, epoch, self._training.epochs)
                for s in (self._members[i].setting for i in self._in_stack)
            ]
        )
        lr = torch.from_numpy(self._rates).to(self._like).unsqueeze(1)
        objective = Objective(self._update, self.alive, self._like)
        n = self.examples.parts["train"].size
        self._draws.start_epoch(epoch, steps=-(-n // self._batch))
        for step, (x, y) in enumerate(self.examples.batches(epoch, self._batch)):
            self._draws.start_step(step, x.shape[1])
            if self._noise:
                rows = self._noise.rows
                noise = self._draws.input_noise(x.shape[2], rows, self._like)
                x[rows].addcmul_(noise, self._noise.over(3))
            loss, gradient = self._loss(self.network.forward(x, self._draws), y)
            objective.add(loss, x.shape[1])
            self.network.backward(gradient)
            self._update.step(lr)
        self._objective = objective.mean()

    def finish_epoch(self, epoch: int) -> None:
        """Record the epoch, let the rules read it, and drop what is decided from the stack."""
        every, last = self._training.eval_every, self._training.epochs
        scored = epoch % every == 0 or epoch == last
        values = {
            "objective": self._objective,
            "penalty": self._update.penalty(),
            "weight_norm": self._update.weight_norm(),
            "zero_fraction": self._update.zero_fraction(),
        }
        if scored:
            values |= score(self.network, self.examples)
        # One transfer an epoch; + 0.0 turns the negative zero into the positive one.
        table = torch.stack([value.double() for value in values.values()]).cpu().numpy() + 0.0
        self._record("epoch", epoch, np.full(self.alive, float(epoch)))
        self._record("lr", epoch, self._rates)
        for name, row in zip(values, table, strict=True):
            self._record(name, epoch, row)
        undecided = [
            row
            for row, member in enumerate(self._in_stack)
            if not self._read(
                row, int(member), epoch, dict(zip(values, table[:, row], strict=True))
            )
        ]
        if len(undecided) < self.alive:
            self._keep(np.array(undecided, dtype=np.intp))

    def _record(self, name: str, epoch: int, values: Array) -> None:
        if name not in self._curves:
            shape = (len(self._members), max(self._training.epochs, 1))
            self._curves[name] = np.full(shape, np.nan)
        self._curves[name][self._in_stack, max(epoch, 1) - 1] = values

    def _read(self, row: int, member: int, epoch: int, values: Mapping[str, float]) -> bool:
        """Let one trajectory's rules see the epoch; true when they are all decided."""
        readers = self._readers[member]
        # Test scores decide nothing. Before any training there is no objective.
        watched = ("objective",) * (epoch > 0) + ("weight_norm", "train_loss", "val_loss")
        if not all(isfinite(values[name]) for name in watched if name in values):
            readers.diverge(epoch)
        elif "train_loss" in values:
            readers.observe(epoch, values, lambda: self.network.state(row))
        return readers.done

    def _keep(self, rows: npt.NDArray[np.intp]) -> None:
        """Drop all other runs from the stack; those that stay keep their bits."""
        self._in_stack = self._in_stack[rows]
        if self.alive == 0:
            return
        index = torch.from_numpy(rows).to(self._like.device)
        self.network.keep(index)
        self._update.keep(index)
        self._loss.keep(index)
        self._noise = self._noise.kept(index)
        self._draws.keep(rows)
        self.examples.keep(rows)

    def trajectories(self) -> list[Trajectory]:
        """What every member has recorded, in the members' order."""
        return [self._trajectory(i) for i in range(len(self._members))]

    def _trajectory(self, i: int) -> Trajectory:
        curves = {name: values[i] for name, values in self._curves.items()}
        readings = self._readers[i].readings(curves)
        length = max(1, *(reading.epochs_run for reading in readings))
        curves = {name: values[:length] for name, values in curves.items()}
        training = self._members[i].setting.training
        if training.save_predictions:
            readings = [
                replace(r, predictions=self._predict(i, r.state)) if r.state else r
                for r in readings
            ]
        if not training.save_weights:
            readings = [replace(r, state={}) for r in readings]
        return Trajectory(curves, self._flip_rates[i], readings)

    def _predict(self, i: int, state: Arrays) -> Arrays:
        return predict(self._members[i], state, self._folder, self._like)
