"""One writer a results folder: a lock that the system takes back, and the name of who holds it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from filelock import FileLock, Timeout

from regbench.errors import BadData, FolderInUse, Unwritable
from regbench.results.disk import disk
from regbench.results.files import read_note, there, write_note

# A process writes its name a moment after it has the lock.
_WAIT_SECONDS = 0.5


def take_lock(folder: Path) -> FileLock:
    """Lock a results folder for this process, and write down who that is.

    A lock that a dead process left is none: the system has taken it back.

    Raises:
        FolderInUse: another process writes it; with its host and number.
        BadData: something else lies in the lock's place.
        Unwritable: the folder cannot be written, or its file system has no locks.
    """
    lock = _locked(folder)
    try:
        owner = {"host": socket.gethostname(), "pid": os.getpid()}
        write_note(folder / ".regbench" / "owner.json", owner)
    except BaseException:
        lock.release()
        raise
    return lock


def _locked(folder: Path) -> FileLock:
    path = folder / ".regbench" / "lock"
    if there(path) and not path.is_file():
        raise BadData(f"{path}: is no regular file: remove it")
    try:
        return disk.lock(path)
    except Timeout:
        raise FolderInUse(f"{folder}: {_owner(folder)} is writing this folder") from None
    except NotImplementedError as error:
        raise Unwritable(f"{path}: cannot be locked: the file system has no locks") from error
    except OSError as error:
        raise Unwritable(f"{path}: cannot be written: {error.strerror or error}") from error


def require_unlocked(folder: Path) -> None:
    """Go on if nobody writes a results folder just now.

    Raises:
        FolderInUse, Unwritable: as `take_lock`.
    """
    if there(folder / ".regbench" / "lock"):
        _locked(folder).release()


def _owner(folder: Path) -> str:
    """Who has the lock, once that is written; never a process of this host that has ended."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            host, pid = read_note(
                folder / ".regbench" / "owner.json",
                lambda owner: (str(owner["host"]), int(owner["pid"])),
            )
        except BadData:
            host, pid = "", 0
        if pid > 0 and (host != socket.gethostname() or _alive(pid)):
            return f"process {pid} on {host}"
        if time.monotonic() > deadline:
            return "another regbench"
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    if os.name == "nt":  # where this would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
