"""The files that -o names, and others beside a results folder: one rule for what may be there.

A file is replaced whole, also at the end of links, which stay. What is no file is never replaced: a
device, a pipe or what a shell has opened (`/dev/stdout`, `>(...)`) is written to, anything else is
refused.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISCHR, S_ISFIFO, S_ISREG
from typing import Any

from regbench.cli.consoles import stderr
from regbench.errors import BadStudy, Unwritable


def by_ending(path: Path | None, forms: Iterable[Any]) -> Any:
    """The one of these formats that a file's name ends in; None where there is none."""
    ending = "" if path is None else path.suffix.lower().removeprefix(".")
    ending = "html" if ending == "htm" else ending
    return ending if ending in forms else None


def write_file(target: Path, content: bytes, inputs: Iterable[Path] = ()) -> None:
    """Write a file, and say so.

    Args:
        inputs: what the command has read.
    Raises:
        BadStudy: the target is one of these, or a table of a results folder.
        Unwritable: with the path, and why.
    """
    from regbench.report.say import say
    from regbench.results.store import TABLES

    own = (target.parent / ".regbench").is_dir() and target.name in TABLES
    if own or os.path.realpath(target) in map(os.path.realpath, inputs):
        raise BadStudy(f"-o {target}: holds results: choose another name")
    write_output(target, content)
    say(stderr(), f"{target}: {len(content) / 1000:.0f} kB")


def write_output(target: Path, content: bytes) -> None:
    """Write a file whole or not at all; or to what stands there, if that can only be written to.

    Raises:
        Unwritable: with the path, and why.
    """
    from regbench.results.files import write_atomic

    try:
        descriptor = _opened(target)
        if descriptor is None:
            write_atomic(Path(os.path.realpath(target)), content)
        else:
            _write(descriptor, content)
    except OSError as error:
        raise Unwritable(f"{target}: cannot be written: {error.strerror or error}") from error


def append_to(target: Path, text: str) -> None:
    """Add to the end of a file, which is made where there is none.

    Raises:
        Unwritable: with the path, and why.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
    try:
        _write(os.open(target, flags, 0o666), text.encode())
    except OSError as error:
        raise Unwritable(f"{target}: cannot be written: {error.strerror or error}") from error


def _opened(target: Path) -> int | None:
    """A descriptor of what must be written to as it is; None where a file can be replaced.

    Raises:
        OSError: it can be neither.
    """
    try:
        there = os.stat(target)
    except FileNotFoundError:
        return None
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        if os.path.samestat(there, os.fstat(descriptor)) and not S_ISCHR(there.st_mode):
            stream.flush()
            return os.dup(descriptor)  # opened anew, it would begin at the file's start
    # What lies there stands for what a process has opened.
    of_a_process = os.path.realpath(target.parent).startswith("/proc/")
    if S_ISREG(there.st_mode) and not of_a_process:
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return None
    if not (of_a_process or S_ISFIFO(there.st_mode) or S_ISCHR(there.st_mode)):
        kind = errno.EISDIR if os.path.isdir(target) else errno.EINVAL
        raise OSError(kind, os.strerror(kind) if kind == errno.EISDIR else "is no regular file")
    # A pipe that nobody reads would hold the command up for ever: this way it is an error.
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO and S_ISFIFO(there.st_mode):
            raise OSError(error.errno, "nobody reads this pipe") from error
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _write(descriptor: int, content: bytes) -> None:
    """Write it all, and close; a reader may have seen enough."""
    left = memoryview(content)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except BrokenPipeError:
        pass
    finally:
        os.close(descriptor)
