"""All reading and writing of result files.

What is read may come from anyone, so no file is opened but a regular one of a sane size. What is
written is there whole or not at all, and durable before it is relied on.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO, TypeVar

from regbench.errors import BadData, BadStudy, Unwritable
from regbench.results.disk import disk

T = TypeVar("T")

# Of a table: a million runs are about 600 MiB.
MOST_BYTES = 1 << 30
MOST_NOTE = 1 << 23
# Of a note that names all runs: those of three million.
MOST_LIST = 1 << 26
_EACH = 8  # bytes of a value in a note, at the least on average
# A log of a hundred thousand commands.
MOST_LOG = 1 << 26
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


@contextmanager
def opened(path: Path, most: int = MOST_BYTES) -> Iterator[BinaryIO]:
    """A file to read.

    Args:
        most: bytes; a larger file is refused.
    Raises:
        BadData: with the path and what the operating system said; or it is no regular file, or too
            large.
    """
    with _reading(path):
        file = disk.open(path, most)
    with file:
        try:
            yield file
        except OSError as error:
            raise _unreadable(path, error) from error


def read(path: Path, most: int = MOST_BYTES) -> bytes:
    """A file's content.

    Raises:
        BadData: as `opened`.
    """
    with opened(path, most) as file:
        return file.read()


def names(folder: Path, ending: str = "") -> list[str]:
    """The names in a folder that end so, in order; none where there is no such folder.

    Raises:
        BadData: it cannot be read, or is no folder: what it holds is not known then.
    """
    with _reading(folder):
        return [name for name in disk.list(folder) if name.endswith(ending)]


def there(path: Path) -> bool:
    """Whether there is something of that name.

    Raises:
        BadData: the system does not tell.
    """
    with _reading(path):
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # a NUL in the path
        raise BadData(f"{str(path)!r} is no file name: {error}") from error


def _unreadable(path: Path, error: OSError) -> BadData:
    return BadData(f"{path}: cannot be read: {error.strerror or error}")


def is_damage(error: BadData) -> bool:
    """Whether a file holds what it should not; else the disk does not give it."""
    return not isinstance(error.__cause__, OSError)


def read_note(path: Path, understand: Callable[[Any], T], most: int = MOST_NOTE) -> T:
    """What a small file says in JSON; it may come from anyone.

    Args:
        understand: makes of it what is wanted; fails where it is something else.
        most: bytes; a larger file is refused.
    Raises:
        BadData: it cannot be read, is no JSON, or not what is wanted.
    """
    content = read(path, most)
    try:
        if _values(content) > most // _EACH:
            raise ValueError(f"more than {most // _EACH} values")
        return understand(json.loads(content))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise BadData(f"{path}: cannot be understood: {error}") from error


def write_note(path: Path, values: object, most: int = MOST_NOTE) -> None:
    """Write a small file that `read_note` reads.

    Raises:
        BadStudy: it would be too large for that.
        Unwritable: as `write_atomic`.
    """
    content = json.dumps(values).encode()
    if len(content) > most or _values(content) > most // _EACH:
        raise BadStudy(f"{path}: the study is too large for one folder: part it into several")
    write_atomic(path, content)


def _values(content: bytes) -> int:
    """At least as many values as JSON holds: of few bytes a parser can make many objects."""
    return sum(map(content.count, (b",", b"[", b"{")))


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


def make_within(folder: Path, *parts: str) -> Path:
    """Make a folder within a results folder, durably, and give its path.

    Raises:
        Unwritable: as `make_folder`; or the results folder is gone, which is not made anew.
    """
    path = folder.joinpath(*parts)
    with _writing(folder):
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    make_folder(path)
    return path


def keep_folder(path: Path) -> None:
    """Make what a folder holds now durable, if there is such a folder.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    with _writing(path):
        if path.is_dir():
            disk.flush_folder(path)


def write_atomic(path: Path, content: bytes, require: Callable[[], None] | None = None) -> None:
    """Replace a file whole: write beside it, flush it, rename it, flush the folder.

    A reader sees the old file or the new one; after a crash one of the two is there. When this
    returns, it is the new one, even if the power fails. A flush that failed is not repeated: the
    system may by then have forgotten what it could not write, and the second time report success.

    Args:
        require: raises where the file must not take its place after all.
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
            if require is not None:
                require()
            disk.rename(temporary, path)
        except BaseException:
            with suppress(OSError):  # what went wrong first is what counts
                disk.remove(temporary)
            raise
        disk.flush_folder(path.parent)


def copy_durably(source: Path, target: Path, most: int = MOST_BYTES) -> None:
    """Copy a file, whole or not at all.

    Raises:
        BadData: the source cannot be read.
        Unwritable: the target cannot be written.
    """
    write_atomic(target, read(source, most))


def append_lines(path: Path, lines: Iterable[str], most: int) -> None:
    """Append lines to a log, so that they are there whole or not at all.

    Raises:
        BadData: the log cannot be read.
        Unwritable: with the path and what the operating system said.
    """
    before = read(path, most) if there(path) else b""
    if before and not before.endswith(b"\n"):  # somebody else's line, or a copy's
        before += b"\n"
    write_atomic(path, before + "".join(f"{line}\n" for line in lines).encode())


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


def is_leftover(name: str) -> bool:
    """Whether a file is what a command that was killed had begun to write beside another."""
    return _LEFTOVER.fullmatch(name) is not None


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove what a command that was killed had begun to write beside a file.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    remove(
        folder / name for folder in folders for name in names(folder, ".tmp") if is_leftover(name)
    )


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
