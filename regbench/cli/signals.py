"""Ctrl-C and SIGTERM: the first unwinds the program, the second ends it at once."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from regbench.errors import one_line

# Unwinding may take so long; a file that is being written then is written by the next command.
_UNWIND_SECONDS = 6.0


class Interrupted(BaseException):
    """Ctrl-C. No KeyboardInterrupt, which Typer would swallow."""

    exit_code = 130


class Terminated(Interrupted):
    """SIGTERM, as `kill`, a time-out or a cancelled CI job sends it."""

    exit_code = 143


_KINDS = {signal.SIGINT: Interrupted, signal.SIGTERM: Terminated}


def how_to_go_on() -> str:
    """What a command that was interrupted says."""
    again = [argument for argument in sys.argv[1:] if argument != "--overwrite"]
    command = one_line(shlex.join(["regbench", *again]))
    return f"interrupted: finished work is kept; to go on: {command}"


@contextmanager
def signals() -> Iterator[None]:
    """Raise Interrupted or Terminated, so that workers end and locks are released.

    Whatever it becomes on its way (code that is importing itself makes an ImportError of it), it
    leaves here as what it was. A second signal ends the process wherever it is, and so do some
    seconds: workers end with their parent, the system takes the lock back, and no file is half
    written under its name.
    """
    came: list[type[Interrupted]] = []

    def handle(number: int, frame: FrameType | None) -> NoReturn:
        kind = _KINDS[signal.Signals(number)]
        if came:
            _end(kind.exit_code, how_to_go_on())
        came.append(kind)
        # Where nothing can be raised (while an object is deleted), Python would print a traceback.
        sys.unraisablehook = threading.excepthook = _ignore
        end_within(_UNWIND_SECONDS, kind.exit_code, how_to_go_on())
        raise kind

    hooks = sys.unraisablehook, threading.excepthook
    before = {number: signal.signal(number, handle) for number in _KINDS}
    try:
        yield
    except BaseException as error:
        if came and not isinstance(error, Interrupted):
            raise came[0] from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.unraisablehook, threading.excepthook = hooks
        if came:
            end_within(0, 0)


def end_within(seconds: float, exit_code: int, last_words: str = "") -> None:
    """End the process unless it ends by itself in so many seconds; 0 takes that back."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGALRM, lambda number, frame: _end(exit_code, last_words))
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _end(exit_code: int, last_words: str) -> NoReturn:
    with suppress(OSError):  # past Python's own buffers, which whoever was interrupted may hold
        if last_words and (os.name == "nt" or select.select([], [2], [], 0)[1]):
            os.write(2, f"{last_words}\n".encode(errors="backslashreplace"))
    os._exit(exit_code)


def _ignore(problem: object) -> None:
    """Say nothing."""
