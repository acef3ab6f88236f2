"""All writing of result files: whole or not at all, and durable before it is relied on."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from regbench.errors import BadData, Unwritable
from regbench.results.disk import disk

__all__ = [
    "append_line",
    "copy_durably",
    "keep_folder",
    "make_folder",
    "read",
    "remove",
    "remove_leftovers",
    "require_space",
    "set_aside",
    "understood",
    "write_atomic",
]

T = TypeVar("T")

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def _writing(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn the operating system's refusal into the one line that says which path and why."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        if needed and error.errno in _FULL:
            why += f" ({needed} bytes needed)"
        raise Unwritable(f"{path}: cannot be written: {why}") from error


def read(path: Path) -> bytes:
    """A file's content.

    Raises:
        BadData: with the path and what the operating system said.
    """
    try:
        return disk.read(path)
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror or error}") from error


def understood(path: Path, content: bytes, understand: Callable[[Any], T]) -> T:
    """What a file says in JSON; it may come from anyone.

    Args:
        content: the file's.
        understand: makes of it what is wanted; fails where it is something else.
    Raises:
        BadData: it is no JSON, or not what is wanted.
    """
    try:
        return understand(json.loads(content))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise BadData(f"{path}: cannot be understood: {error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents, where they are missing, each durably.

    Raises:
        Unwritable: the path is no folder or cannot be made.
    """
    with _writing(path):
        missing = [each for each in (path, *path.parents) if not each.exists()]
        if missing:
            # A command that was killed may have made the last one that is there, and not flushed.
            disk.flush_folder(missing[-1].parent.parent)
        for each in reversed(missing):
            disk.make_folder(each)
            disk.flush_folder(each.parent)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def keep_folder(path: Path) -> None:
    """Make what a folder holds now durable, if there is such a folder.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    with _writing(path):
        if path.is_dir():
            disk.flush_folder(path)


def write_atomic(path: Path, content: bytes) -> None:
    """Replace a file whole: write beside it, flush it, rename it, flush the folder.

    A reader sees the old file or the new one; after a crash one of the two is there. When this
    returns, it is the new one, even if the power fails. A flush that failed is not repeated: the
    system may by then have forgotten what it could not write, and the second time report success.

    Raises:
        Unwritable: with the path and what the operating system said; if it is the folder that could
            not be flushed, the new file may be there.
    """
    with _writing(path, len(content)):
        temporary = path.with_name(f".{path.name[:40]}.{token_hex(4)}.tmp")
        handle = disk.create(temporary)
        try:
            try:
                disk.write(temporary, handle, content)
                disk.flush(temporary, handle)
            finally:
                disk.close(temporary, handle)
            disk.rename(temporary, path)
        except BaseException:
            with suppress(OSError):  # what went wrong first is what counts
                disk.remove(temporary)
            raise
        disk.flush_folder(path.parent)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all.

    Raises:
        BadData: the source cannot be read.
        Unwritable: the target cannot be written.
    """
    write_atomic(target, read(source))


def append_line(path: Path, line: str) -> None:
    """Append one line to a log, so that it is there whole or not at all.

    Raises:
        BadData: the log cannot be read.
        Unwritable: with the path and what the operating system said.
    """
    before = read(path) if path.exists() else b""
    if before and not before.endswith(b"\n"):  # somebody else's line, or a copy's
        before += b"\n"
    write_atomic(path, before + line.encode() + b"\n")


def set_aside(path: Path) -> Path:
    """Rename a damaged file to `<name>.damaged`, and give its new path.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    aside = path.with_name(path.name + ".damaged")
    with _writing(path):
        disk.rename(path, aside)
        disk.flush_folder(path.parent)
    return aside


def remove(paths: Iterable[Path]) -> None:
    """Remove files, as far as they are there, so that they do not come back.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    folders = set()
    for path in paths:
        with _writing(path):
            disk.remove(path)
        folders.add(path.parent)
    for folder in sorted(folders):
        with _writing(folder):
            disk.flush_folder(folder)


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove what a command that was killed had begun to write beside a file.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    found = [path for folder in folders for path in sorted(folder.glob(".*.tmp"))]
    remove(path for path in found if _LEFTOVER.fullmatch(path.name))


def require_space(folder: Path, needed: int) -> None:
    """Go on if so many bytes are free there.

    Raises:
        Unwritable: with the folder, what is needed and what there is.
    """
    with _writing(folder):
        free = disk.free_bytes(folder)
    if free < needed:
        raise Unwritable(
            f"{folder}: the disk is too full: about {needed} bytes needed, {free} free"
        )
