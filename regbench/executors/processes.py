"""Stacks over worker processes of this machine; the same bytes as one process gives."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process, resource_tracker
from typing import IO, Any

from regbench.data import Carried, bring
from regbench.executors.executor import (
    Epoch,
    Event,
    Failed,
    Job,
    Lost,
    NoWorkers,
    Tell,
    Trained,
)
from regbench.executors.shared import SharedFile, shared, take

_POLL_SECONDS = 0.1
# How long workers have to end an epoch and hand over their stacks' state when the command ends.
_STOP_SECONDS = 2.0
# Of starting workers that do not come to train.
_MOST_STARTS = 3
_SIGNALS = {signal.SIGINT, signal.SIGTERM}
_BLOCKS = hasattr(signal, "pthread_sigmask")  # not on Windows
# What a worker says that is no event: it has started; it can train; it is no more.
_HERE, _READY, _GONE = "here", "ready", "gone"


class _Worker:
    """A process that trains one stack after the other, as it is told through a pipe.

    No queue, no lock: those need semaphores, which not every machine has, and what a process that
    is killed held of them stays held. Of what it is given when it starts, only a file may be large:
    were more written than a pipe holds, a process that dies before it reads would leave this one
    waiting for ever. All else is sent when it says that it is there.
    """

    def __init__(self, file: SharedFile | None) -> None:
        context = get_context("spawn")  # a forked torch may deadlock
        self.pipe, theirs = context.Pipe()
        stop, self.stop = context.Pipe(duplex=False)
        self.process = context.Process(target=_serve, args=(theirs, stop, file), daemon=True)
        try:
            with _without_script():
                self.process.start()
        finally:
            theirs.close()
            stop.close()
        self.ready = False
        self.job: Job | None = None

    def messages(self) -> Iterator[Event | str]:
        """What it has said so far."""
        try:
            while self.pipe.poll():
                yield self.pipe.recv()
        except (EOFError, OSError):
            yield _GONE

    def give(self, job: Job) -> None:
        """Have it train a stack."""
        self.job = job
        self.send(job)

    def send(self, what: Any) -> None:
        """Send it something."""
        with suppress(OSError):  # it is gone, as will be heard
            self.pipe.send(what)

    def why_gone(self) -> str:
        """How it ended."""
        self.process.join(_STOP_SECONDS)
        code = self.process.exitcode
        if code is None or code < 0:
            return "the worker was killed (out of memory?)"
        return f"the worker ended by itself, with code {code}"


class Processes:
    """So many worker processes, which are started when there is work for them.

    Args:
        tables: the data that are not made where they are needed; all workers have one copy.
    """

    def __init__(self, workers: int, tables: Mapping[str, Carried] | None = None) -> None:
        self._most = workers
        self._file, self._tables = shared(tables or {})
        self._workers: list[_Worker] = []
        self._waiting: deque[Job] = deque()
        self._failures, self._why = 0, ""

    @property
    def _in_hand(self) -> int:
        return len(self._waiting) + sum(worker.job is not None for worker in self._workers)

    @property
    def room(self) -> int:
        """One job a worker."""
        return self._most - self._in_hand

    def submit(self, job: Job) -> None:
        """Take a job."""
        self._waiting.append(job)

    def wait(self, tell: Tell) -> None:
        """Hand out what was submitted, and tell what workers say.

        Raises:
            NoWorkers: none starts.
        """
        self._start_workers()
        idle = (worker for worker in self._workers if worker.ready and worker.job is None)
        for worker, _ in zip(idle, tuple(self._waiting), strict=False):
            worker.give(self._waiting.popleft())
        connection.wait([worker.pipe for worker in self._workers], _POLL_SECONDS)
        for worker in list(self._workers):
            for said in worker.messages():
                self._hear(worker, said, tell)

    def _start_workers(self) -> None:
        """Start as many as there is work for, unless that failed too often."""
        while len(self._workers) < self._in_hand and self._failures < _MOST_STARTS:
            try:
                _start_helper()
                with _signals_later():
                    self._workers.append(_Worker(self._file))
            except Exception as error:  # whatever a machine lacks for it
                self._fail(str(error) or type(error).__name__)
        if not self._workers:
            raise NoWorkers(self._why)

    def _fail(self, why: str) -> None:
        self._failures, self._why = self._failures + 1, why

    def _hear(self, worker: _Worker, said: Event | str, tell: Tell) -> None:
        if said == _HERE:
            worker.send(self._tables)
        elif said == _READY:
            worker.ready = True
        elif said == _GONE:
            self._workers.remove(worker)
            if worker.job is None:
                self._fail(worker.why_gone())
            else:
                tell(Lost(worker.job.stack.stack_id, worker.why_gone(), alone=True))
        else:
            assert not isinstance(said, str)
            if isinstance(said, Trained):
                worker.job, self._failures = None, 0
            tell(said)

    def cancel(self, tell: Tell) -> None:
        """Let the workers go; those in training end within seconds.

        Of a stack in training they hand over the state after the present epoch; one whose epoch
        takes longer goes on from its last checkpoint.
        """
        try:
            for worker in self._workers:
                worker.stop.close()
            left, deadline = self._workers, time.monotonic() + _STOP_SECONDS
            while left and time.monotonic() < deadline:
                # Who is not listened to cannot go on to its end.
                connection.wait([worker.pipe for worker in left], _POLL_SECONDS)
                left = [worker for worker in left if not _has_left(worker, tell)]
        finally:
            for worker in self._workers:
                worker.process.kill()
            for worker in self._workers:
                worker.process.join()


def _has_left(worker: _Worker, tell: Tell) -> bool:
    """Tell what a worker still says; whether it is gone."""
    messages = worker.messages()
    while True:
        try:
            said = next(messages, None)
        except Exception:  # an interrupt has torn the message that was being read
            return False
        if said is None or said == _GONE:
            return said == _GONE
        if not isinstance(said, str):
            tell(said)


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


_stop = threading.Event()  # of a worker


def _serve(
    pipe: connection.Connection, stop: connection.Connection, file: IO[bytes] | None
) -> None:
    """What a worker does: train what it is given, until the command ends."""
    take(file)
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _BLOCKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    from regbench.executors.train import Splits, train

    splits: Splits = {}

    def tell(event: Event) -> None:
        pipe.send(event)
        if isinstance(event, Epoch) and _stop.is_set():
            raise _Stopped

    with suppress(_Stopped, EOFError):  # the latter where the command is gone
        pipe.send(_HERE)
        bring(pipe.recv())
        pipe.send(_READY)
        while not _stop.is_set():
            if not pipe.poll(_POLL_SECONDS):
                continue
            job: Job = pipe.recv()
            try:
                train(job, tell, splits)
            except Exception as error:
                if isinstance(error, _Stopped):
                    raise
                error.add_note("".join(traceback.format_exception(error)))
                pipe.send(Failed(error))


def _watch(stop: connection.Connection) -> None:
    """Note when the command ends; end this worker when its parent is gone, however it went."""
    parent = parent_process()
    if parent is not None:
        if stop in connection.wait([parent.sentinel, stop]):
            _stop.set()
        connection.wait([parent.sentinel])
        os._exit(1)
