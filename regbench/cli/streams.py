"""stdout and stderr that hold whatever becomes of those who read them: the work goes on.

What cannot be said on stderr is not said. What could not be written to stdout is remembered, and
ends a command that found nothing else wrong with code 4; a reader that has seen enough is no fault.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


# A pipe that the system calls ready takes so much at once, by POSIX.
_AT_ONCE = 512
# How long one who does not read holds a command up, where waiting is not what was asked for.
_STDERR_SECONDS, _NON_BLOCKING_SECONDS = 1.0, 10.0


class _Output(io.RawIOBase):
    """A file descriptor to write to.

    Attributes:
        lost: why something could not be written; None while all was, or the reader has left.
    """

    def __init__(self, descriptor: int, seconds: float | None, *, may_skip: bool) -> None:
        self.lost: OSError | None = None
        self._descriptor, self._seconds, self._may_skip = descriptor, seconds, may_skip
        self._left = False

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        return True

    def write(self, content: ReadableBuffer, /) -> int:
        part = memoryview(content).cast("B")
        if self._left or self.lost is not None:
            return len(part)
        try:
            if self._seconds is not None:
                part = part[:_AT_ONCE]
                if not select.select([], [self._descriptor], [], self._seconds)[1]:
                    raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")
            return os.write(self._descriptor, part)
        except BlockingIOError:  # somebody who shares it has made it so
            self._seconds = self._seconds or _NON_BLOCKING_SECONDS
            return 0
        except BrokenPipeError:
            self._left = True
        except OSError as error:
            if isinstance(error, TimeoutError) and self._may_skip:
                self._seconds = 0.0  # what comes later is said if there is room by then
            else:
                self.lost = error
        return len(part)


def open_streams() -> None:
    """Put streams that hold in place of sys.stdout and sys.stderr, with the encoding they had."""
    if os.name == "nt":  # has a console of its own kind, and no select for files
        return
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        old: TextIO | None = getattr(sys, name)  # None where it was closed
        is_stderr, terminal = name == "stderr", os.isatty(descriptor)
        seconds = None if os.get_blocking(descriptor) else _NON_BLOCKING_SECONDS
        if is_stderr and not terminal:  # where Ctrl-S holds back what a person wants to read
            seconds = _STDERR_SECONDS
        stream = io.TextIOWrapper(
            io.BufferedWriter(_Output(descriptor, seconds, may_skip=is_stderr)),
            encoding=old.encoding if old else "utf-8",
            errors="backslashreplace",
            line_buffering=terminal or is_stderr,
            write_through=getattr(old, "write_through", False),
        )
        setattr(sys, name, stream)


def lost_output() -> OSError | None:
    """Why something that was meant for stdout was not written, if so."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, _Output) else None
