"""Every operation by which regbench touches the disk for its results, in one place.

All of it goes through the one object `disk`, which asks its `hook` before each operation. In
production the hook does nothing. Tests put one in that counts, delays, refuses, cuts short or ends
the process, so that what a crash or a full disk leaves behind can be tried at every single step.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import BinaryIO

from filelock import FileLock

_BINARY = getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
# Nothing waits for a pipe's other end, and nothing is opened through a link.
_OLD = os.O_RDONLY | _BINARY | sum(getattr(os, n, 0) for n in ("O_NONBLOCK", "O_NOFOLLOW"))
# What file systems without an order to flush folders answer; there is nothing to wait for then.
_NO_FLUSH = {errno.EINVAL, errno.ENOTSUP}


@dataclass(frozen=True)
class Operation:
    """What is about to happen.

    Attributes:
        number: counted from 1, by this process.
        name: the method of `Disk`.
        target: where `rename` moves the file.
        content: what `write` still has to write; None of any other.
    """

    number: int
    name: str
    path: Path
    target: Path | None = None
    content: memoryview | None = None


# A hook may raise. For a write it may say how many bytes go through at once, as the system may.
Hook = Callable[[Operation], int | None]


def _require_regular(info: os.stat_result, most: int) -> None:
    if S_ISLNK(info.st_mode):
        raise OSError(errno.ELOOP, "it is a link, and a results folder holds its own files")
    if S_ISDIR(info.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if info.st_size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 20} MiB")


def _nothing(operation: Operation) -> None:
    """Go on."""


class Disk:
    """The operations; each raises OSError as the system does.

    Attributes:
        hook: asked before every operation.
        count: the operations so far.
    """

    def __init__(self) -> None:
        self.hook: Hook = _nothing
        self.count = 0

    def _ask(
        self,
        name: str,
        path: Path,
        target: Path | None = None,
        content: memoryview | None = None,
    ) -> int | None:
        self.count += 1
        return self.hook(Operation(self.count, name, path, target, content))

    def open(self, path: Path, most: int) -> BinaryIO:
        """A file to read: one that is known to be a regular file of at most so many bytes.

        Whoever made the folder may have put a device without end there, a pipe, a link to one or
        a file with holes of terabytes; none of them is so much as opened.
        """
        self._ask("read", path)
        _require_regular(os.lstat(path), most)
        handle = os.open(path, _OLD)
        try:
            _require_regular(os.fstat(handle), most)  # it may have been replaced in between
            return os.fdopen(handle, "rb")
        except BaseException:
            os.close(handle)
            raise

    def list(self, path: Path) -> list[str]:
        """The names in a folder, in order; none where there is no such folder."""
        self._ask("read", path)
        try:
            return sorted(os.listdir(path))
        except FileNotFoundError:
            return []

    def make_folder(self, path: Path) -> None:
        """Make one folder in a folder that is there; no matter if another process was faster."""
        self._ask("make_folder", path)
        path.mkdir(exist_ok=True)

    def create(self, path: Path) -> int:
        """Make a file that was not there (nor a link of its name), and open it for writing."""
        self._ask("create", path)
        return os.open(path, _NEW, 0o666)

    def write(self, path: Path, handle: int, content: bytes) -> None:
        """Write all of the content; the system may take it in parts."""
        left = memoryview(content)
        while left:
            at_once = self._ask("write", path, content=left)
            left = left[os.write(handle, left[:at_once]) :]

    def flush(self, path: Path, handle: int) -> None:
        """Wait until the file's content is on the disk."""
        self._ask("flush", path)
        os.fsync(handle)

    def close(self, path: Path, handle: int) -> None:
        """Close the file. It may be here that a network's disk says that it is full."""
        try:
            self._ask("close", path)
        finally:
            os.close(handle)

    def rename(self, path: Path, target: Path) -> None:
        """Move a file, in place of another if there is one."""
        self._ask("rename", path, target)
        path.replace(target)

    def flush_folder(self, path: Path) -> None:
        """Wait until the names in a folder are on the disk: files made, renamed and removed."""
        self._ask("flush_folder", path)
        if os.name == "nt":  # has no such order
            return
        try:
            handle = os.open(path, os.O_RDONLY)
        except PermissionError:  # a folder that may be written and not read cannot be flushed
            return
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_FLUSH:
                raise
        finally:
            os.close(handle)

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        self._ask("remove", path)
        path.unlink(missing_ok=True)

    def lock(self, path: Path) -> FileLock:
        """Lock a file, which the system unlocks when this process ends, however it does.

        Raises:
            filelock.Timeout: another process has it.
        """
        self._ask("lock", path)
        lock = FileLock(path, timeout=0)
        lock.acquire()
        return lock

    def free_bytes(self, path: Path) -> int:
        """The space left to us where a folder lies."""
        self._ask("free_bytes", path)
        return shutil.disk_usage(path).free


disk = Disk()
