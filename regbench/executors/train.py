"""Train one stack, split it if memory runs out, commit what came out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from regbench.engine.loop import train_stack
from regbench.engine.member import Losses, Member, Trajectory
from regbench.executors.checkpointing import StackCheckpoints
from regbench.executors.job import Job, JobResult
from regbench.executors.memory import fits, release
from regbench.results.arrays import save_predictions, save_weights
from regbench.results.pieces import commit
from regbench.results.records import RunRecord

__all__ = ["carry_out", "give_up"]

OnEpoch = Callable[[str, int, int], None]
OnLosses = Callable[[str, int, Losses], None]
# Between two looks at the losses of a stack in training: nobody reads faster.
_LOOK_SECONDS = 0.4


def carry_out(job: Job, on_epoch: OnEpoch, on_losses: OnLosses) -> JobResult:
    """Train the job's stack and commit its runs to the results folder.

    Args:
        on_epoch: called with the stack's id, the epoch and how many trajectories it trained.
        on_losses: called now and then with the stack's id, the epoch and its losses.
    Raises:
        BadData: the data cannot be read.
        Unwritable: the results folder cannot be written.
    """
    stack = job.stack

    def report(epoch: int, trained: int) -> None:
        on_epoch(stack.stack_id, epoch, trained)

    last = -_LOOK_SECONDS

    def look(epoch: int, losses: Callable[[], Losses]) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _LOOK_SECONDS:
            last = now
            on_losses(stack.stack_id, epoch, losses())

    training = stack.members[0].setting.training
    with _torch_settings(training.threads, training.tf32):
        parts = list(_train(stack.stack_id, stack.members, job, _Told(report, look)))
    records = [record for part in parts for record in part.records]
    _commit(job, records)
    for part in parts:
        part.checkpoints.discard()
    statuses = [record.status for record in records]
    return JobResult(
        stack.stack_id,
        len(records),
        statuses.count("diverged"),
        statuses.count("failed"),
        halved=len(parts) > 1,
        warnings=tuple(warning for part in parts for warning in part.checkpoints.warnings),
    )


def give_up(job: Job, reason: str) -> JobResult:
    """Commit all the job's runs as failed."""
    stack = job.stack
    records = [_failed(run_id, reason) for run_id in stack.run_ids]
    _commit(job, records)
    return JobResult(stack.stack_id, len(records), 0, len(records), halved=False)


def _commit(job: Job, records: Sequence[RunRecord]) -> None:
    """Commit to the folder that was opened, and not to one that has taken its place meanwhile."""
    job.place.require()
    commit(job.place.folder, job.stack.stack_id, records)
    job.place.require()


@contextmanager
def _torch_settings(threads: int, tf32: bool) -> Iterator[None]:
    """Set what is global in torch, and put it back for whoever shares this process."""
    before = torch.get_num_threads(), torch.backends.cuda.matmul.allow_tf32
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.backends.cuda.matmul.allow_tf32 = before[1]


@dataclass(frozen=True)
class _Told:
    """Whom a stack in training tells how it goes."""

    on_epoch: Callable[[int, int], None]
    on_losses: Callable[[int, Callable[[], Losses]], None]


@dataclass(frozen=True)
class _Part:
    """A stack's records, or those of what memory forced out of it."""

    records: list[RunRecord]
    checkpoints: StackCheckpoints


def _train(name: str, members: Sequence[Member], job: Job, told: _Told) -> Iterator[_Part]:
    """Train the members together, or where memory runs out in halves, each run once."""
    checkpoints = StackCheckpoints(job.place.folder, name, members, job.device)
    trained = None
    if len(members) == 1 or fits(members, job.study_folder, job.device, scored=bool(job.metrics)):
        trained = _attempt(members, job, told, checkpoints)
    if trained is not None:
        yield _Part([r for trajectory in trained for r in _records(trajectory, job)], checkpoints)
    elif len(members) > 1:
        half = len(members) // 2
        yield _Part([], checkpoints)  # its checkpoints, too, are to be discarded
        yield from _train(f"{name}a", members[:half], job, told)
        yield from _train(f"{name}b", members[half:], job, told)
    else:
        reason = "out of memory alone in its stack"
        yield _Part([_failed(run_id, reason) for run_id in members[0].readings], checkpoints)


def _attempt(
    members: Sequence[Member],
    job: Job,
    told: _Told,
    checkpoints: StackCheckpoints,
) -> list[Trajectory] | None:
    """The trajectories, or None where memory ran out; nothing of the attempt is then left."""
    try:
        return train_stack(
            *(members, job.study_folder, job.device, told.on_epoch, checkpoints, told.on_losses),
            job.metrics,
        )
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
    # Not before here: while the error is handled, it holds on to all that the attempt had made.
    release()
    return None


# What a plain RuntimeError says where memory ran out: on the CPU, and in CUDA's libraries.
_OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "CUDA error: out of memory",
    "_STATUS_ALLOC_FAILED",
)


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        words in str(error) for words in _OUT_OF_MEMORY
    )


def _failed(run_id: str, reason: str) -> RunRecord:
    return RunRecord(run_id, "failed", reason, 0, None, None, None, {})


def _records(trajectory: Trajectory, job: Job) -> Iterator[RunRecord]:
    """One record a reading, with the trajectory's curves up to the reading's own stop."""
    job.place.require()
    for reading in trajectory.readings:
        length = max(reading.epochs_run, 1)
        if reading.state:
            save_weights(job.place.folder, reading.run_id, dict(reading.state))
        if reading.predictions:
            save_predictions(job.place.folder, reading.run_id, dict(reading.predictions))
        yield RunRecord(
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


def _why(trajectory: Trajectory, epoch: int) -> str:
    names = ("objective", "weight_norm", "train_loss", "val_loss")
    curves = trajectory.curves
    infinite = [n for n in names if n in curves and not np.isfinite(curves[n][epoch - 1])]
    return f"{infinite[0]} is not finite after epoch {epoch}"
