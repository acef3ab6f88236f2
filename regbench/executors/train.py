"""Train one stack, in halves where memory runs out, and tell what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from regbench.data import Split, SplitKey, split_key
from regbench.engine.loop import train_stack
from regbench.engine.member import Losses, Member, Trajectory
from regbench.engine.out_of_memory import out_of_memory
from regbench.executors.checkpointing import StackCheckpoints, halves
from regbench.executors.executor import Epoch, Job, Run, Tell, Trained
from regbench.executors.memory import fits, release
from regbench.results.records import RunRecord

Splits = dict[SplitKey, Split]

# Between two looks at the losses of a stack in training: nobody reads faster.
_LOOK_SECONDS = 0.4


def train(job: Job, tell: Tell, splits: Splits) -> None:
    """Train the job's stack; tell its epochs, what of it to keep, and at last what came out.

    Args:
        splits: what the last stack was trained on, as the next one often sees the same; afterwards
            what this one was.

    Raises:
        BadData: the data cannot be read.
    """
    members = job.stack.members
    for key in splits.keys() - {split_key(m.setting.dataset, m.seed, m.data) for m in members}:
        del splits[key]
    training = members[0].setting.training
    with _torch_settings(training.threads, training.tf32):
        parts = list(_trained(job.stack.stack_id, members, job, tell, splits))
    runs = tuple(run for part in parts for run in part)
    tell(Trained(job.stack.stack_id, runs, halved=len(parts) > 1))


@contextmanager
def _torch_settings(threads: int, tf32: bool) -> Iterator[None]:
    """Set what is global in torch, and put it back for whoever shares this process."""
    before = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        # Of cuDNN's convolutions those that give the same twice; without `enabled` it is off.
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=tf32):
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cuda.matmul.allow_tf32 = before[1]


def _trained(
    name: str, members: Sequence[Member], job: Job, tell: Tell, splits: Splits
) -> Iterator[list[Run]]:
    """The runs of the members trained together, or where memory runs out of both halves."""
    trajectories = None
    if len(members) == 1 or fits(members, job.study_folder, job.device, scored=bool(job.metrics)):
        trajectories = _attempt(name, members, job, tell, splits)
    if trajectories is not None:
        yield [run for trajectory in trajectories for run in _runs(trajectory)]
    elif len(members) > 1:
        for part in halves(name, members):
            yield from _trained(*part, job, tell, splits)
    else:
        yield [
            Run.failed(run_id, "out of memory alone in its stack") for run_id in members[0].readings
        ]


def _attempt(
    name: str, members: Sequence[Member], job: Job, tell: Tell, splits: Splits
) -> list[Trajectory] | None:
    """The trajectories, or None where memory ran out; nothing of the attempt is then left."""
    stack_id, looked = job.stack.stack_id, -_LOOK_SECONDS
    losses: Losses | None = None

    def on_losses(epoch: int, look: Callable[[], Losses]) -> None:
        nonlocal looked, losses
        if (now := time.monotonic()) - looked >= _LOOK_SECONDS:
            looked, losses = now, look()

    def on_epoch(epoch: int, trained: int) -> None:
        nonlocal losses
        told, losses = losses, None
        tell(Epoch(stack_id, epoch, trained, told))

    kept = StackCheckpoints(stack_id, name, members, job.device, job.kept.get(name), tell)
    try:
        return train_stack(
            members, job.study_folder, job.device, on_epoch, kept, on_losses, job.metrics, splits
        )
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
    # Not before here: while the error is handled, it holds on to all that the attempt had made.
    release()
    return None


def _runs(trajectory: Trajectory) -> Iterator[Run]:
    """One run a reading, with the trajectory's curves up to the reading's own stop."""
    for reading in trajectory.readings:
        length = max(reading.epochs_run, 1)
        record = RunRecord(
            run_id=reading.run_id,
            status=reading.status,
            error="" if reading.status == "ok" else _why(trajectory, reading.epochs_run),
            epochs_run=reading.epochs_run,
            best_epoch=reading.best_epoch,
            reading_epoch=reading.reading_epoch,
            flip_rate=trajectory.flip_rate,
            constant=trajectory.constant,
            curves={name: curve[:length] for name, curve in trajectory.curves.items()},
            sizes=dict(trajectory.sizes),
            scores=dict(reading.scores),
        )
        yield Run(record, reading.state, reading.predictions)


def _why(trajectory: Trajectory, epoch: int) -> str:
    names = ("objective", "weight_norm", "train_loss", "val_loss")
    curves = trajectory.curves
    infinite = [n for n in names if n in curves and not np.isfinite(curves[n][epoch - 1])]
    return f"{infinite[0]} is not finite after epoch {epoch}"
