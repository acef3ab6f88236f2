"""Stacks over this process, or over local worker processes; the same bytes either way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from queue import Empty
from typing import Any

from regbench.execution.carry_out import carry_out, give_up
from regbench.execution.estimate import WORKER_START_SECONDS
from regbench.execution.job import Job, JobResult
from regbench.execution.progress import Progress
from regbench.training.member import Losses

__all__ = ["choose_workers", "train_here", "train_in_workers"]

_POLL_SECONDS = 0.1
# How long workers have to end an epoch and keep their stacks' state when the command ends early.
_STOP_SECONDS = 2.0
_SIGNALS = {signal.SIGINT, signal.SIGTERM}
# A method of the display, and what it is told.
_Message = tuple[Any, ...]


def choose_workers(asked: int | None, stacks: int, seconds: float, threads: int) -> int:
    """How many processes train: as asked, else one a core where the work is worth their start.

    >>> choose_workers(None, 8, 1.0, 1), choose_workers(3, 8, 1.0, 1), choose_workers(9, 2, 9.0, 1)
    (1, 3, 2)
    """
    if asked is None:
        asked = 1 if seconds < 2 * WORKER_START_SECONDS else max(1, cores() // threads)
    return max(1, min(asked, stacks))


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def train_here(
    jobs: Sequence[Job], progress: Progress, check: Callable[[], None]
) -> Iterator[JobResult]:
    """Train the jobs one after the other in this process; `check` may raise to end it."""

    def advanced(stack_id: str, epoch: int, run_epochs: int) -> None:
        progress.advanced(stack_id, epoch, run_epochs)
        check()

    for job in jobs:
        check()
        progress.stack_started(job.stack.stack_id, len(job.stack.run_ids))
        yield carry_out(job, advanced, progress.seen)


def train_in_workers(
    jobs: Sequence[Job], workers: int, progress: Progress, check: Callable[[], None]
) -> Iterator[JobResult]:
    """Train the jobs in so many processes; results come as they finish, `check` may end it."""
    left = list(jobs)
    while left:
        try:
            for job, result in _pooled(left, workers, progress, check):
                left.remove(job)
                yield result
        except BrokenProcessPool:
            # A worker was killed: by the system when memory ran out, most likely. What is left
            # trains alone; a stack that is killed even so has failed, and the rest goes on.
            if workers == 1:
                job = left.pop(0)
                yield give_up(job, "the worker was killed (out of memory?)")
            workers = 1


def _pooled(
    jobs: Sequence[Job], workers: int, progress: Progress, check: Callable[[], None]
) -> Iterator[tuple[Job, JobResult]]:
    """The jobs and their results as they finish; BrokenProcessPool where a worker was killed."""
    context = get_context("spawn")  # a forked torch may deadlock
    messages: Queue[_Message] = context.Queue()
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, _start_worker, (messages, stop))
    with _ended(pool, stop):
        # Heavy stacks were planned first where it matters; the pool takes them in order.
        with _signals_later():
            job_of = {pool.submit(_work, job): job for job in jobs}
        pending: set[Future[JobResult]] = set(job_of)
        while pending:
            done, pending = wait(pending, _POLL_SECONDS, return_when=FIRST_COMPLETED)
            _relay(messages, progress)
            for future in sorted(done, key=lambda f: f.exception() is not None):
                yield job_of[future], future.result()
            check()


@contextmanager
def _signals_later() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while workers are started.

    A worker that is started by halves, or that Ctrl-C reaches (as it does the whole process group)
    before it ignores it, ends with a traceback.
    """
    if threading.current_thread() is not threading.main_thread():  # no signal is handled here
        yield
        return
    held: list[int] = []
    # Workers inherit what this thread blocks; the other threads still take signals for us.
    blocks = hasattr(signal, "pthread_sigmask")  # not on Windows
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if blocks else set()
    handlers = {n: signal.signal(n, lambda number, frame: held.append(number)) for n in _SIGNALS}
    try:
        yield
    finally:
        if blocks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in held:
            signal.raise_signal(each)


@contextmanager
def _ended(pool: ProcessPoolExecutor, stop: Event) -> Iterator[None]:
    """Wait for the workers at the end; on an error or an interrupt, end them within seconds.

    What they have committed is whole. Of a stack in training they keep the state after the present
    epoch; one whose epoch takes longer goes on from its last checkpoint.
    """
    try:
        yield
    except BaseException:
        processes = list((pool._processes or {}).values())
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in processes:
            process.join(max(0.0, deadline - time.monotonic()))
            process.kill()
        pool.shutdown(wait=True)
        raise
    pool.shutdown()


def _relay(messages: Queue[_Message], progress: Progress) -> None:
    """Hand on what the workers have said so far."""
    while True:
        try:
            what, *facts = messages.get_nowait()
        except Empty:
            return
        getattr(progress, what)(*facts)


class _Stopped(Exception):
    """The command ends early, and this worker with it."""


_messages: Any = None  # set in each worker
_stop: Any = None


def _start_worker(messages: Queue[_Message], stop: Event) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    global _messages, _stop
    _messages, _stop = messages, stop


def _end_with_parent() -> None:
    """End this worker when its parent is gone, however it went: nobody else would."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _work(job: Job) -> JobResult:
    stack = job.stack
    _messages.put(("stack_started", stack.stack_id, len(stack.run_ids)))
    return carry_out(job, _advanced, _seen)


def _advanced(stack_id: str, epoch: int, run_epochs: int) -> None:
    _messages.put(("advanced", stack_id, epoch, run_epochs))
    if _stop.is_set():
        raise _Stopped


def _seen(stack_id: str, epoch: int, losses: Losses) -> None:
    _messages.put(("seen", stack_id, epoch, losses))
