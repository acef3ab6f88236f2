"""All writing of result files: whole or not at all, and durable before it is relied on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from regbench.errors import Unwritable

__all__ = ["append_line", "copy_durably", "make_folder", "remove", "set_aside", "write_atomic"]


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal into the one line that says which path and why."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"{path}: cannot be written: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents, where they are missing.

    Raises:
        Unwritable: the path is no folder or cannot be made.
    """
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_atomic(path: Path, content: bytes | Callable[[Path], None]) -> None:
    """Replace a file whole: write beside it, flush to the disk, rename, flush the folder.

    A reader sees the old file or the new one; after a crash one of the two is there.

    Args:
        content: the bytes, or a function that writes them to the path it is given.
    Raises:
        Unwritable: with the path and what the operating system said.
    """
    with _writing(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(content, bytes):
                    file.write(content)
            if not isinstance(content, bytes):
                content(temporary)
            _flush(temporary)
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _flush(path.parent)


def copy_durably(source: Path, target: Path) -> None:
    """Copy a file, whole or not at all.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    write_atomic(target, lambda path: _copy(source, path))


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def append_line(path: Path, line: str) -> None:
    """Append one line to a log and flush it to the disk.

    Raises:
        Unwritable: with the path and what the operating system said.
    """
    with _writing(path), path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def set_aside(path: Path) -> Path:
    """Rename a damaged file to `<name>.damaged`, and give its new path."""
    aside = path.with_name(path.name + ".damaged")
    with _writing(path):
        path.replace(aside)
    return aside


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    with _writing(path):
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    if path.is_dir() and os.name == "nt":  # Windows cannot flush a folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
