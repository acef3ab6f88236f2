"""A file as a source: it is read once, and what is parsed is what was hashed."""

from __future__ import annotations

import hashlib
import os
import time
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from regbench.config.schema import SPLITTING, Block
from regbench.data.source import Source
from regbench.data.table import Table
from regbench.errors import BadData

__all__ = ["as_text", "file_source", "plain_text", "read_whole"]

# Tables kept by a process; of their files only the digests.
_TABLES = 4
# A file may be written twice within a tick of its clock (two seconds on some file systems), so the
# state of one that was new when it was read says nothing of its content (as in git's index).
_SETTLED_NS = 2_000_000_000

Stamp = tuple[int, ...]


class _Read(NamedTuple):
    content: bytes
    stamp: Stamp | None


def file_source(
    parse: Callable[[Any, bytes], Table],
    decode: Callable[[Any, bytes], bytes] = lambda config, raw: raw,
) -> Source:
    """The source of a file format; its block has a `path`.

    Args:
        parse: (dataset block, content) -> the table. It must not look at how the table is split.
        decode: (dataset block, bytes of the file) -> the content: unpacked, and where it is text
            in UTF-8 without what changes no value. Its SHA-256 is the fingerprint.
    """
    file = _File(parse, decode)
    return Source(
        table=lambda config, seed, folder: file.table(config, folder),
        shape=lambda config, folder: file.table(config, folder).shape,
        fingerprint=file.fingerprint,
    )


class _File:
    """A format, and what was read of it lately."""

    def __init__(
        self, parse: Callable[[Any, bytes], Table], decode: Callable[[Any, bytes], bytes]
    ) -> None:
        self._parse, self._decode = parse, decode
        self._digests: dict[tuple[Path, str], tuple[Stamp, str]] = {}
        self._tables: dict[tuple[str, str], Table] = {}

    def fingerprint(self, config: Any, folder: Path) -> str:
        """The SHA-256 of the file's content as it is now.

        Raises:
            BadData: it cannot be read or decoded.
        """
        return self._known(config, folder) or self._read(config, folder)[0]

    def table(self, config: Any, folder: Path) -> Table:
        """The table as it is now, with the fingerprint of just this content.

        Raises:
            BadData: it cannot be read, or is not what the block says it is.
        """
        known = self._tables.get((_own(config), self._known(config, folder) or ""))
        if known is not None:
            return known
        digest, content = self._read(config, folder)
        key = (_own(config), digest)
        if key not in self._tables:
            table = replace(self._parse(config, content), fingerprint=digest)
            self._tables = dict([*list(self._tables.items())[1 - _TABLES :], (key, table)])
        return self._tables[key]

    def _known(self, config: Any, folder: Path) -> str | None:
        """The digest of a file that is as it was when it was read last."""
        path = folder / config.path
        stamp, digest = self._digests.get((path, _own(config)), (None, None))
        return digest if stamp is not None and stamp == _stamp_of(path) else None

    def _read(self, config: Any, folder: Path) -> tuple[str, bytes]:
        path = folder / config.path
        raw, stamp = _read(path, config.label)
        content = self._decode(config, raw)
        digest = hashlib.sha256(content).hexdigest()
        if stamp is not None:
            self._digests[path, _own(config)] = stamp, digest
        return digest, content


def _own(config: Block) -> str:
    """The keys by which a file is read: cells that only split it otherwise share its table."""
    return config.model_dump_json(exclude=SPLITTING)


def as_text(config: Any, raw: bytes) -> bytes:
    """The `decode` of a text format."""
    return plain_text(config.label, raw)


def plain_text(name: str, raw: bytes) -> bytes:
    """The text of a file: UTF-8 without a byte order mark, every line end a \\n.

    pandas loses a row where lone \\r and empty lines meet.

    Raises:
        BadData: it is not UTF-8; with the line.

    >>> plain_text("a.csv", b"\\xef\\xbb\\xbfx,y\\r\\n1,2\\r")
    b'x,y\\n1,2\\n'
    """
    text = raw.removeprefix(BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        byte = text[error.start]
        raise BadData(f"{name}: line {line}: byte 0x{byte:02x} is not UTF-8 text") from None
    return text


def read_whole(path: Path, name: str) -> bytes:
    """The bytes of a file.

    Args:
        name: the path as messages give it.
    Raises:
        BadData: it cannot be read.
    """
    return _read(path, name).content


def _read(path: Path, name: str) -> _Read:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BadData(f"{name}: is no regular file")  # a device has no end
        with path.open("rb") as file:
            stamp = _stamp(os.fstat(file.fileno()))
            return _Read(file.read(), stamp)
    except FileNotFoundError:
        raise BadData(f"{name}: no such file (looked for {path.absolute()})") from None
    except IsADirectoryError:
        raise BadData(f"{name}: is a folder, not a file") from None
    except OSError as error:
        raise BadData(f"{name}: cannot be read: {error.strerror}") from None
    except ValueError as error:  # a NUL in the path
        raise BadData(f"{name!r} is no file name: {error}") from None


def _stamp_of(path: Path) -> Stamp | None:
    try:
        return _stamp(path.stat())
    except (OSError, ValueError):
        return None  # opening it will say what is wrong


def _stamp(info: os.stat_result) -> Stamp | None:
    """What tells a file that was changed or replaced; None for one too new to tell.

    The time of the last change of state counts, too: that of the content can be set at will.
    """
    changed = max(info.st_mtime_ns, info.st_ctime_ns)
    if time.time_ns() - changed < _SETTLED_NS:
        return None
    return (info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
