"""Stacks over this process, or over local worker processes; the same bytes either way."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process, resource_tracker
from types import SimpleNamespace
from typing import Any

from regbench.data.given import Given, given_to, hold
from regbench.engine.member import Losses
from regbench.executors.estimate import WORKER_START_SECONDS
from regbench.executors.job import Job, JobResult
from regbench.executors.progress import Progress
from regbench.executors.train import carry_out, give_up

__all__ = ["choose_workers", "train_here", "train_in_workers"]

_POLL_SECONDS = 0.1
# How long workers have to end an epoch and keep their stacks' state when the command ends early.
_STOP_SECONDS = 2.0
# Of a stack whose worker is lost; and of starting workers that do not come to train.
_MOST_TRIES = 3
_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_BLOCKS = hasattr(signal, "pthread_sigmask")  # not on Windows
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
    jobs: Sequence[Job],
    workers: int,
    progress: Progress,
    check: Callable[[], None],
    warn: Callable[[str], None],
) -> Iterator[JobResult]:
    """Train the jobs in so many processes; results come as they finish, `check` may end it.

    A stack whose worker is lost is tried again when no other is at work, as it may be memory that
    ran out; lost three times, its runs have failed. Where no worker starts, this process trains.

    Args:
        warn: told what was lost, and that no worker starts.
    """
    # Heavy stacks were planned first where it matters; they are taken in order.
    waiting, lost, tries = deque(jobs), deque[Job](), Counter[str]()
    members = [member for job in jobs for member in job.stack.members]
    crew = _Crew(given_to(member.setting.dataset for member in members))
    with crew.ended():
        while waiting or lost or crew.busy:
            crew.grow(min(workers, len(waiting) + crew.busy) or 1)
            if not crew.members:
                warn(f"no worker process starts here ({crew.why}): this process trains alone")
                yield from train_here([*waiting, *lost], progress, check)
                return
            crew.hand_out(waiting)
            if lost and not crew.busy:
                crew.hand_out(lost, 1)
            results, gone, errors = crew.hear(progress)
            yield from results
            for job, why in gone:
                stack_id = job.stack.stack_id
                tries[stack_id] += 1
                if tries[stack_id] == _MOST_TRIES:
                    yield give_up(job, why)
                    continue
                warn(f"stack {stack_id}: {why}; it was tried again")
                lost.append(job)
            for error in errors:
                raise error
            check()


class _Worker:
    """A process that trains one stack after the other, as it is told through a pipe.

    No queue, no lock: those need semaphores, which not every machine has, and what a process that
    is killed held of them stays held.
    """

    def __init__(self, given: tuple[Given, ...]) -> None:
        context = get_context("spawn")  # a forked torch may deadlock
        self.pipe, theirs = context.Pipe()
        stop, self.stop = context.Pipe(duplex=False)
        self.process = context.Process(target=_serve, args=(theirs, stop, given), daemon=True)
        try:
            with _without_script():
                self.process.start()
        finally:
            theirs.close()
            stop.close()
        self.ready = False
        self.job: Job | None = None

    def messages(self) -> Iterator[_Message]:
        """What it has said so far; ("gone",) when it is no more."""
        try:
            while self.pipe.poll():
                yield self.pipe.recv()
        except (EOFError, OSError):
            yield ("gone",)

    def give(self, job: Job) -> None:
        """Have it train a stack."""
        self.job = job
        with suppress(OSError):  # it is gone, as will be heard
            self.pipe.send((_work, job))

    def why_gone(self) -> str:
        """How it ended."""
        self.process.join(_STOP_SECONDS)
        code = self.process.exitcode
        if code is None or code < 0:
            return "the worker was killed (out of memory?)"
        return f"the worker ended by itself, with code {code}"


class _Crew:
    """The workers, each of which is given the data that no file holds.

    Attributes:
        why: what the last one was lost to before it had trained anything.
    """

    def __init__(self, given: tuple[Given, ...]) -> None:
        self._given = given
        self.members: list[_Worker] = []
        self.why = ""
        self._failures = 0

    @property
    def busy(self) -> int:
        """How many train."""
        return sum(worker.job is not None for worker in self.members)

    def grow(self, number: int) -> None:
        """Start workers until there are so many, unless that failed too often."""
        while len(self.members) < number and self._failures < _MOST_TRIES:
            try:
                _start_helper()
                with _signals_later():
                    self.members.append(_Worker(self._given))
            except Exception as error:  # whatever a machine lacks for it
                self._fail(str(error) or type(error).__name__)

    def _fail(self, why: str) -> None:
        self._failures, self.why = self._failures + 1, why

    def hand_out(self, jobs: deque[Job], most: int | None = None) -> None:
        """Give jobs to workers that have none and are ready."""
        idle = [worker for worker in self.members if worker.ready and worker.job is None]
        for worker in idle[:most]:
            if jobs:
                worker.give(jobs.popleft())

    def hear(
        self, progress: Progress
    ) -> tuple[list[JobResult], list[tuple[Job, str]], list[Exception]]:
        """Wait a moment; what was trained, what was lost and why, and what went wrong."""
        results: list[JobResult] = []
        gone: list[tuple[Job, str]] = []
        errors: list[Exception] = []
        connection.wait([worker.pipe for worker in self.members], _POLL_SECONDS)
        for worker in list(self.members):
            for what, *facts in worker.messages():
                if what == "ready":
                    worker.ready = True
                elif what == "done":
                    results += facts
                    worker.job, self._failures = None, 0
                elif what == "error":
                    errors += facts
                elif what == "gone":
                    self.members.remove(worker)
                    if worker.job is None:
                        self._fail(worker.why_gone())
                    else:
                        gone.append((worker.job, worker.why_gone()))
                else:
                    getattr(progress, what)(*facts)
        return results, gone, errors

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Let the workers go at the end; on an error or an interrupt, end them within seconds.

        What they have committed is whole. Of a stack in training they keep the state after the
        present epoch; one whose epoch takes longer goes on from its last checkpoint.
        """
        try:
            yield
        finally:
            for worker in self.members:
                worker.stop.close()
            left, deadline = self.members, time.monotonic() + _STOP_SECONDS
            while left and time.monotonic() < deadline:
                # Who is not listened to cannot go on to its end.
                connection.wait([worker.pipe for worker in left], _POLL_SECONDS)
                left = [worker for worker in left if not _has_left(worker)]
            for worker in self.members:
                worker.process.join(max(0.0, deadline - time.monotonic()))
                worker.process.kill()
                worker.process.join()


def _has_left(worker: _Worker) -> bool:
    try:
        return ("gone",) in worker.messages()
    except Exception:  # an interrupt has torn the message that was being read
        return False


_starting = threading.Lock()


@contextmanager
def _without_script() -> Iterator[None]:
    """Keep the user's script out of a worker that starts.

    It would run a second time there, up to the call that started the worker, if it does not ask for
    its `__name__`; one that came from stdin is not even found.
    """
    with _starting:
        main = sys.modules["__main__"].__dict__
        own: dict[str, Any] = {
            name: main.pop(name) for name in ("__spec__", "__file__") if name in main
        }
        main["__spec__"] = None
        try:
            yield
        finally:
            main.update(own)


def _start_helper() -> None:
    """Start multiprocessing's own process, which would else let through signals that are held back
    while workers start.
    """
    if _BLOCKS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it was killed, and is started anew
            resource_tracker.ensure_running()


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
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if _BLOCKS else set()
    handlers = {n: signal.signal(n, lambda number, frame: held.append(number)) for n in _SIGNALS}
    try:
        yield
    finally:
        if _BLOCKS:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in held:
            signal.raise_signal(each)


class _Stopped(Exception):
    """The command ends early, and this worker with it."""


_messages: Any = None  # set in each worker
_stop = threading.Event()


def _serve(
    pipe: connection.Connection, stop: connection.Connection, given: tuple[Given, ...]
) -> None:
    """What a worker does: train what it is given, until the command ends."""
    hold(given)
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _BLOCKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    global _messages  # noqa: PLW0603  (one worker a process)
    _messages = SimpleNamespace(put=pipe.send)
    with suppress(_Stopped):
        _messages.put(("ready",))
        while not _stop.is_set():
            if not pipe.poll(_POLL_SECONDS):
                continue
            work, job = pipe.recv()
            try:
                _messages.put(("done", work(job)))
            except Exception as error:
                if isinstance(error, _Stopped):
                    raise
                error.add_note("".join(traceback.format_exception(error)))
                _messages.put(("error", error))


def _watch(stop: connection.Connection) -> None:
    """Note when the command ends; end this worker when its parent is gone, however it went."""
    parent = parent_process()
    if parent is not None:
        if stop in connection.wait([parent.sentinel, stop]):
            _stop.set()
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
