"""The one training loop: R runs at once, a single run being a stack of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from regbench.config.schema import Setting
from regbench.data import Split, SplitKey, constant_scores
from regbench.engine.autograd import ModuleNetwork
from regbench.engine.averaged import scored_averages
from regbench.engine.averages import Averages
from regbench.engine.batch import Seen
from regbench.engine.checkpoint import Checkpoints, copied, restore
from regbench.engine.class_weights import stacked_weights
from regbench.engine.draws import Draws
from regbench.engine.examples import Examples
from regbench.engine.layers.loss import CrossEntropy, Loss, SquaredError
from regbench.engine.member import Array, Losses, Member, Reading, State, Trajectory
from regbench.engine.network import build
from regbench.engine.optimizers.schedule import factor
from regbench.engine.predictions import predict
from regbench.engine.readers import Readers
from regbench.engine.recorded import MOST_NUMBERS, MOST_STEPS, Recorded
from regbench.engine.regularizers.regularizer import ON_INPUTS, ON_TARGETS, acting, averaging
from regbench.engine.scoring import on_host, score
from regbench.engine.stacks import batch_size
from regbench.engine.update import Objective, Update
from regbench.models.architecture import BY_AUTOGRAD
from regbench.vocabulary.metrics import METRICS

OnEpoch = Callable[[int, int], None]
OnLosses = Callable[[int, Callable[[], Losses]], None]

# The columns that epochs without scores have, too.
_EVERY_EPOCH = ("epoch", "lr", "objective", "penalty", "weight_norm", "zero_fraction")

# Examples that a user's module is tried on.
_PROBED = 4

DTYPES = {"float32": torch.float32, "float64": torch.float64}


def train_stack(
    members: Sequence[Member],
    folder: Path,
    device: str = "cpu",
    on_epoch: OnEpoch | None = None,
    checkpoints: Checkpoints | None = None,
    on_losses: OnLosses | None = None,
    metrics: Sequence[str] = (),
    splits: dict[SplitKey, Split] | None = None,
) -> list[Trajectory]:
    """Train members whose settings stack, and give their trajectories in the same order.

    Args:
        members: at least one; `stacks.stack_key` says which settings stack.
        folder: what CSV paths are relative to.
        device: as torch names it.
        on_epoch: called after each epoch with its number and how many trajectories it trained;
            where the stack goes on from a checkpoint, once for all epochs before.
        checkpoints: keeps the stack's state from time to time, and when `on_epoch` raises.
        on_losses: called after each scored epoch with its number and what gives its losses.
        metrics: what to score besides the loss, and accuracy or R^2; of another task: nothing.
        splits: those that are read already; what is read is added.
    Raises:
        BadData: the data cannot be read or do not fit the settings.
    """
    # Autograd does not work on what inference mode has made.
    by_autograd = members[0].setting.model.name in BY_AUTOGRAD
    with torch.no_grad() if by_autograd else torch.inference_mode():
        trainer = StackTrainer(members, folder, device, metrics, splits)
        return _train(trainer, on_epoch, checkpoints, on_losses)


def _train(
    trainer: StackTrainer,
    on_epoch: OnEpoch | None,
    checkpoints: Checkpoints | None,
    on_losses: OnLosses | None,
) -> list[Trajectory]:
    epochs, done = trainer.epochs, 0
    if epochs == 0:
        trainer.finish_epoch(0)
    if checkpoints is not None and (found := checkpoints.latest()):
        done, state = found
        trained = trainer.restore(done, state)
        if on_epoch is not None:
            on_epoch(done, trained)
    for epoch in range(done + 1, epochs + 1):
        trained = trainer.alive
        if trained == 0:
            break
        trainer.train_epoch(epoch)
        trainer.finish_epoch(epoch)
        if on_losses is not None and trainer.scored(epoch):
            on_losses(epoch, partial(trainer.losses, epoch))
        try:
            if on_epoch is not None:
                on_epoch(epoch, trained)
        except BaseException:
            if checkpoints is not None:
                checkpoints.save(epoch, trainer.state(epoch))
            raise
        if checkpoints is not None and epoch < epochs and checkpoints.due():
            checkpoints.save(epoch, trainer.state(epoch))
    return trainer.trajectories()


class StackTrainer:
    """A stack in training: what runs share, their state, and what they have recorded."""

    def __init__(
        self,
        members: Sequence[Member],
        folder: Path,
        device: str,
        metrics: Sequence[str] = (),
        splits: dict[SplitKey, Split] | None = None,
    ) -> None:
        self._members = tuple(members)
        settings = [member.setting for member in members]
        seeds = [member.seed for member in members]
        self._training = settings[0].training
        like = torch.zeros(1, dtype=DTYPES[self._training.dtype], device=device)
        self._like = like
        self.examples = Examples(members, folder, like, splits)
        of_runs = [self.examples.split_of(row) for row in range(len(members))]
        shape = (self.examples.example, self.examples.outputs)
        self.network = build(settings, seeds, *shape, like, members[0].module)
        if isinstance(self.network, ModuleNetwork):
            x, _ = next(self.examples.chunks(self.examples.parts["train"], _PROBED))
            self.network.probe(x[0])
        self._update = Update(settings, self.network)
        self._batch = batch_size(self._training, self.examples.parts["train"].size)
        self._steps = -(-self.examples.parts["train"].size // self._batch)
        self._draws = Draws(seeds, self._batch, like.device, self.examples.id_count)
        ways = [
            dict(filter(None, (averaging(r, self._training.epochs) for r in m.readings.values())))
            for m in members
        ]
        self._averages = Averages(ways, self.network.parameters)
        self._compose(settings)
        own = (None, self.examples.task)
        self._metrics = [name for name in metrics if METRICS[name].task in own]
        self._in_stack = np.arange(len(members))  # the member in each row of the stack
        self._flip_rates = [split.flip_rate for split in of_runs]
        self._constants = [constant_scores(split) for split in of_runs]
        self._readers = [Readers(member) for member in members]
        self._curves: dict[str, Array] = {}
        self._objective = torch.full((len(members),), torch.nan, device=device)
        self._rates = np.full(len(members), np.nan)

    def _compose(self, settings: Sequence[Setting]) -> None:
        """Make what acts on batches and on the loss, for the runs that are in the stack."""
        regularizers = [setting.regularizer for setting in settings]
        runs = range(len(settings))
        splits = [self.examples.split_of(row) for row in runs]
        seen = Seen(self.examples.example, splits, self._like)
        self._on_inputs = acting(ON_INPUTS, regularizers, seen)
        # Where runs go one by one, each has a loss of its own.
        alone = isinstance(self.network, ModuleNetwork)
        each = [runs[row : row + 1] for row in runs] if alone else [runs]
        self._losses = [self._loss_of(rows, settings, seen) for rows in each]
        self._recorded = Recorded() if self._recordable() else None

    def _loss_of(self, rows: Sequence[int], settings: Sequence[Setting], seen: Seen) -> Loss:
        """The loss of these rows of the stack."""
        if self.examples.task == "regression":
            return SquaredError()
        chosen = [settings[row] for row in rows]
        on_targets = acting(ON_TARGETS, [s.regularizer for s in chosen], seen)
        splits = [seen.splits[row] for row in rows]
        return CrossEntropy(on_targets, stacked_weights(chosen, splits, self._like))

    @property
    def epochs(self) -> int:
        """The horizon."""
        return self._training.epochs

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
        lr = torch.from_numpy(self._rates).to(self._like, non_blocking=True).unsqueeze(1)
        self._draws.start_epoch(epoch, self._steps)
        if self._recorded is None:
            self._objective = self._take_steps(lr)
        else:
            self._objective = self._recorded(self._take_steps, lr)

    def _take_steps(self, lr: Tensor) -> Tensor:
        """All steps of the epoch that `draws` is in; (R,) its mean objective.

        Args:
            lr: (R, 1).
        """
        objective = Objective(self._update, self.alive, self._like)
        for step, batch in enumerate(self.examples.batches(self._draws.epoch, self._batch)):
            examples = batch.y.shape[1]
            self._draws.start_step(step, examples)
            batch.change(self._on_inputs, self._draws)
            loss = self.network.learn(batch, self._losses, self._draws)
            objective.add(loss, examples)
            self._update.step(lr)
            self._averages.after_step(self._draws.now[0], step + 1, self._steps)
        return objective.mean()

    def _recordable(self) -> bool:
        """Whether a GPU is given an epoch's steps at once: one epoch must be as the next."""
        if self._members[0].module is not None or self._averages or not self._like.is_cuda:
            return False  # a user's code may ask the host for anything
        if self._training.epochs < 3:
            return False  # the second, in which it would be recorded, takes longer for it
        parameters = self.network.parameters
        one_by_one = isinstance(self.network, ModuleNetwork)
        times, runs = (parameters.runs, 1) if one_by_one else (1, parameters.runs)
        widest = self._batch * max(self.network.architecture.widths)
        most = runs * max(widest, *(slot.size for slot in parameters.slots))
        return times * self._steps <= MOST_STEPS and most <= MOST_NUMBERS

    def finish_epoch(self, epoch: int) -> None:
        """Record the epoch, let the rules read it, and drop what is decided from the stack."""
        values = {"objective": self._objective, **self._update.measures()}
        if self.scored(epoch):
            values |= score(self.network, self.examples, self._metrics)
        table = on_host(values)
        self._record("epoch", epoch, np.full(self.alive, float(epoch)))
        self._record("lr", epoch, self._rates)
        for name, row in zip(values, table, strict=True):
            self._record(name, epoch, row)
        seen = dict(zip(values, table, strict=True))
        undecided = self._decide(epoch, seen, partial(self._weights, epoch))
        if len(undecided) < self.alive:
            self._keep(undecided)

    def _weights(self, epoch: int, row: int, average: str) -> State:
        """One trajectory's weights after an epoch, or an average of them by its key."""
        return {**self.network.state(row), **self._averages.state(row, average, epoch)}

    def scored(self, epoch: int) -> bool:
        """Whether this epoch has scores."""
        return epoch % self._training.eval_every == 0 or epoch == self._training.epochs

    def losses(self, epoch: int) -> Losses:
        """Of this epoch, by the ids of all runs that were in training, whatever they will read."""
        parts = [self._curves.get(f"{part}_loss") for part in ("train", "val")]
        columns = [
            np.full(len(self._members), np.nan) if c is None else c[:, epoch - 1] for c in parts
        ]
        pairs = zip(*(column.tolist() for column in columns), strict=True)
        return {
            run_id: pair
            for member, pair in zip(self._members, pairs, strict=True)
            for run_id in member.readings
            if isfinite(pair[0])
        }

    def _tensors(self) -> dict[str, Tensor]:
        """All that training changes: the tensors in use, by name."""
        return self.network.tensors() | self._update.tensors() | self._averages.tensors()

    def state(self, epoch: int) -> dict[str, npt.NDArray[np.generic]]:
        """All that the epochs up to this one, just finished, have left."""
        state = copied(self._tensors())
        for name, values in self._curves.items():
            state[f"curve/{name}"] = values[:, :epoch].copy()
        for member, readers in enumerate(self._readers):
            for run_id, weights in readers.kept().items():
                place = f"kept/{member}/{run_id}"
                state |= {f"{place}/{name}": values for name, values in weights.items()}
        return state

    def restore(self, epoch: int, state: State) -> int:
        """Go on after this epoch; how many epochs of trajectories that is worth.

        The readers' rules see the recorded curves once more: what they then know, and which
        trajectories are still in training, follows from those alone.
        """
        for key, values in state.items():
            kind, _, name = key.partition("/")
            if kind == "curve":
                self._curve(name)[:, :epoch] = values
        trained = 0
        for past in range(1, epoch + 1):
            trained += self.alive
            names = [n for n in self._curves if n in _EVERY_EPOCH or self.scored(past)]
            seen = {name: self._curves[name][self._in_stack, past - 1] for name in names}
            self._in_stack = self._in_stack[self._decide(past, seen, lambda row, average: {})]
        rows, self._in_stack = self._in_stack, np.arange(len(self._members))
        if len(rows) < len(self._members):
            self._keep(rows)
        if self.alive:
            restore(self._tensors(), state)
        self._give_back(state)
        return trained

    def _give_back(self, state: State) -> None:
        """Return to the runs the weights that they had kept."""
        kept: list[dict[str, dict[str, npt.NDArray[np.generic]]]] = [{} for _ in self._members]
        for key, values in state.items():
            if key.startswith("kept/"):
                _, member, run_id, name = key.split("/", 3)
                kept[int(member)].setdefault(run_id, {})[name] = values
        for readers, states in zip(self._readers, kept, strict=True):
            readers.give_back(states)

    def _record(self, name: str, epoch: int, values: Array) -> None:
        self._curve(name)[self._in_stack, max(epoch, 1) - 1] = values

    def _curve(self, name: str) -> Array:
        """(members, epochs), not-a-number where nothing is recorded."""
        if name not in self._curves:
            shape = (len(self._members), max(self._training.epochs, 1))
            self._curves[name] = np.full(shape, np.nan)
        return self._curves[name]

    def _decide(
        self, epoch: int, seen: Mapping[str, Array], state: Callable[[int, str], State]
    ) -> npt.NDArray[np.intp]:
        """Let the trajectories' rules see the epoch; the rows of those that are not all decided.

        Args:
            seen: (alive,) by column.
            state: of a row and an average gives the epoch's weights, for a run that must keep them.
        """
        # Test scores decide nothing. Before any training there is no objective.
        watched = ("objective",) * (epoch > 0) + ("weight_norm", "train_loss", "val_loss")
        finite = np.logical_and.reduce([np.isfinite(seen[n]) for n in watched if n in seen])
        readers = [self._readers[member] for member in self._in_stack.tolist()]
        undecided = finite & np.array([epoch < each.first_decision for each in readers])
        for row in np.flatnonzero(~undecided).tolist():
            if not finite[row]:
                readers[row].diverge(epoch)
            elif "train_loss" in seen:
                values = {name: float(column[row]) for name, column in seen.items()}
                readers[row].observe(epoch, values, partial(state, row))
            undecided[row] = not readers[row].done
        return np.flatnonzero(undecided)

    def _keep(self, rows: npt.NDArray[np.intp]) -> None:
        """Drop all other runs from the stack; those that stay keep their bits."""
        self._in_stack = self._in_stack[rows]
        if self.alive == 0:
            return
        index = torch.from_numpy(rows).to(self._like.device)
        self.network.keep(index)
        self._update.keep(index)
        self._averages.keep(index)
        self._draws.keep(rows)
        self.examples.keep(rows)
        self._compose([self._members[member].setting for member in self._in_stack])

    def trajectories(self) -> list[Trajectory]:
        """What every member has recorded, in the members' order."""
        sizes = {p: self.examples.size_of(p) for p in ("train", "val", "test")}
        found = []
        for i, readers in enumerate(self._readers):
            curves = {name: values[i] for name, values in self._curves.items()}
            readings = readers.readings(curves)
            length = max(1, *(reading.epochs_run for reading in readings))
            curves = {name: values[:length] for name, values in curves.items()}
            found.append(
                Trajectory(curves, self._flip_rates[i], readings, self._constants[i], sizes)
            )
        splits, like = self.examples.splits, self._like
        found = self._with(
            found,
            lambda member, r: averaging(member.readings[r.run_id], self._training.epochs),
            lambda group: scored_averages(group, splits, like, self._metrics),
        )
        if self._training.save_predictions:
            found = self._with(
                found,
                lambda member, r: True,
                lambda group: ({"predictions": p} for p in predict(group, splits, like)),
            )
        return found if self._training.save_weights else [_without_weights(t) for t in found]

    def _with(
        self,
        trajectories: Sequence[Trajectory],
        chosen: Callable[[Member, Reading], object],
        find: Callable[[Sequence[tuple[Member, State]]], Iterable[Mapping[str, Any]]],
    ) -> list[Trajectory]:
        """The same, with what is found of the weights of the chosen readings that have any."""
        kept = {
            (i, r.run_id): (member, r.state)
            for i, member in enumerate(self._members)
            for r in trajectories[i].readings
            if r.state and chosen(member, r)
        }
        # As many at once as trained together, which is what memory is known to suffice for.
        most, weights = len(self._members), list(kept.values())
        groups = [weights[i : i + most] for i in range(0, len(weights), most)]
        found = dict(zip(kept, (each for group in groups for each in find(group)), strict=True))
        return [
            replace(t, readings=[replace(r, **found.get((i, r.run_id), {})) for r in t.readings])
            for i, t in enumerate(trajectories)
        ]


def _without_weights(trajectory: Trajectory) -> Trajectory:
    return replace(trajectory, readings=[replace(r, state={}) for r in trajectory.readings])
