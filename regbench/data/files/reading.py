"""A file as a source: read in blocks, and what is parsed is what was hashed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar

from regbench.config.blocks.dataset import SPLITTING
from regbench.config.blocks.kinds import Block
from regbench.data.description import Description, described
from regbench.data.files.text import text_blocks
from regbench.data.source import Source
from regbench.data.table import Table
from regbench.errors import BadData

# Tables kept by a process; of their files only the digests and the descriptions.
_TABLES = 4
# A file may be written twice within a tick of its clock (two seconds on some file systems), so the
# state of one that was new when it was read says nothing of its content (as in git's index).
_SETTLED_NS = 2_000_000_000
_BLOCK_BYTES = 1 << 20

K = TypeVar("K")
V = TypeVar("V")
Stamp = tuple[int, ...]
Blocks = Iterator[bytes]
Open = Callable[[], Blocks]
Decode = Callable[[Any, BinaryIO], Blocks]


class Scan(NamedTuple):
    """What a first look at a file found.

    description: what there is, without its values.
    table: the content, once more -> the table.
    held: -> the table, made of what the first look has kept; None where that was not all.
    """

    description: Description
    table: Callable[[Blocks], Table]
    held: Callable[[], Table | None] = lambda: None


def as_it_is(config: Any, file: BinaryIO) -> Blocks:
    """The `decode` of a format whose bytes are its content."""
    while block := file.read(_BLOCK_BYTES):
        yield block


def as_text(config: Any, file: BinaryIO) -> Blocks:
    """The `decode` of a text format: unpacked, UTF-8 without a byte order mark, LF line ends."""
    return text_blocks(config.label, file, getattr(config, "encoding", "utf-8"))


def whole(parse: Callable[[Any, bytes], Table]) -> Callable[[Any, Open], Scan]:
    """The `scan` of a format that is parsed at once: (dataset block, content) -> its table."""

    def scan(config: Any, content: Open) -> Scan:
        table = parse(config, b"".join(content()))
        return Scan(described(table), lambda blocks: parse(config, b"".join(blocks)), once(table))

    return scan


def once(table: Table) -> Callable[[], Table | None]:
    """Gives the table the first time that it is asked for, and holds it no longer."""
    held = [table]
    return lambda: held.pop() if held else None


def content_of(config: Any, folder: Path, decode: Decode) -> Blocks:
    """The content of a file, in blocks.

    Raises:
        BadData: it cannot be read or decoded.
    """
    return iter(_Reading(config, folder, decode))


def file_source(scan: Callable[[Any, Open], Scan], decode: Decode = as_it_is) -> Source:
    """The source of a file format; its block has a `path`.

    Args:
        scan: (dataset block, a function that opens the content) -> what there is. It must not look
            at how the table is split.
        decode: (dataset block, the open file) -> the content in blocks: unpacked, and where it is
            text in UTF-8 without what changes no value. Its SHA-256 is the fingerprint.
    """
    file = _File(scan, decode)
    return Source(
        table=lambda config, seed, folder: file.table(config, folder),
        shape=lambda config, folder: file.describe(config, folder).shape,
        fingerprint=file.fingerprint,
        describe=file.describe,
    )


class _Reading:
    """One pass over the content of a file, hashed as it goes."""

    def __init__(self, config: Any, folder: Path, decode: Decode) -> None:
        self._config, self._path, self._decode = config, folder / config.path, decode
        self._hash = hashlib.sha256()
        self.stamp: Stamp | None = None

    def __iter__(self) -> Blocks:
        name = self._config.label
        with _opened(self._path, name) as file:
            try:
                self.stamp = _stamp(os.fstat(file.fileno()))
                for block in self._decode(self._config, file):
                    self._hash.update(block)
                    yield block
            except OSError as error:
                raise BadData(f"{name}: cannot be read: {error.strerror or error}") from None

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class _File:
    """A format, and what was read of it lately."""

    def __init__(self, scan: Callable[[Any, Open], Scan], decode: Decode) -> None:
        self._scan, self._decode = scan, decode
        self._digests: dict[tuple[Path, str], tuple[Stamp, str]] = {}
        self._scans: dict[tuple[str, str], Scan] = {}
        self._tables: dict[tuple[str, str], Table] = {}

    def fingerprint(self, config: Any, folder: Path) -> str:
        """The SHA-256 of the file's content as it is now.

        Raises:
            BadData: it cannot be read or decoded.
        """
        known = self._known(config, folder)
        if known is not None:
            return known
        reading = _Reading(config, folder, self._decode)
        for _ in reading:
            pass
        return self._noted(config, folder, reading)

    def describe(self, config: Any, folder: Path) -> Description:
        """What there is in the file as it is now.

        Raises:
            BadData: it cannot be read, or is not what the block says it is.
        """
        return self._scanned(config, folder)[1].description

    def table(self, config: Any, folder: Path) -> Table:
        """The table as it is now, with the fingerprint of just this content.

        Raises:
            BadData: it cannot be read, is not what the block says it is, or is being written.
        """
        known = self._tables.get((own_keys(config), self._known(config, folder) or ""))
        if known is not None:
            return known
        digest, scan = self._scanned(config, folder)
        key = (own_keys(config), digest)
        if key not in self._tables:
            table = scan.held()
            if table is None:
                reading = _Reading(config, folder, self._decode)
                table = scan.table(iter(reading))
                _require_one([digest, self._noted(config, folder, reading)], config)
            keep(self._tables, key, replace(table, fingerprint=digest), _TABLES)
        return self._tables[key]

    def _scanned(self, config: Any, folder: Path) -> tuple[str, Scan]:
        own, digest = own_keys(config), self._known(config, folder)
        if digest is None or (own, digest) not in self._scans:
            readings: list[_Reading] = []

            def content() -> Blocks:
                readings.append(_Reading(config, folder, self._decode))
                return iter(readings[-1])

            scan = self._scan(config, content)
            digest = _require_one(
                [self._noted(config, folder, reading) for reading in readings], config
            )
            keep(self._scans, (own, digest), scan, _TABLES)
        return digest, self._scans[own, digest]

    def _known(self, config: Any, folder: Path) -> str | None:
        """The digest of a file that is as it was when it was read last."""
        path = folder / config.path
        stamp, digest = self._digests.get((path, own_keys(config)), (None, None))
        return digest if stamp is not None and stamp == stamp_of(path) else None

    def _noted(self, config: Any, folder: Path, reading: _Reading) -> str:
        if reading.stamp is not None:
            self._digests[folder / config.path, own_keys(config)] = reading.stamp, reading.digest
        return reading.digest


def _require_one(digests: list[str], config: Any) -> str:
    if len(set(digests)) > 1:
        raise BadData(f"{config.label}: was changed while it was read: try again once it is whole")
    return digests[0]


def keep(cache: dict[K, V], key: K, value: V, most: int) -> None:
    """Put a value into a cache of so many, in the place of the oldest."""
    while len(cache) >= most:
        del cache[next(iter(cache))]
    cache[key] = value


def own_keys(config: Block) -> str:
    """The keys by which a file is read: cells that only split it otherwise share its table."""
    return config.model_dump_json(exclude=SPLITTING)


def _opened(path: Path, name: str) -> BinaryIO:
    """The file, open; a caller's messages give it as `name`.

    Raises:
        BadData: it cannot be read.
    """
    with refusing(name, path, "file"):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BadData(f"{name}: is no regular file")  # a device has no end
        return path.open("rb")


@contextmanager
def refusing(name: str, path: Path, kind: Literal["file", "folder"]) -> Iterator[None]:
    """Say what is wrong where a file or folder cannot be opened.

    Raises:
        BadData: in a line, which calls it by its name.
    """
    try:
        yield
    except FileNotFoundError:
        raise BadData(f"{name}: no such {kind} (looked for {path.absolute()})") from None
    except IsADirectoryError:
        raise BadData(f"{name}: is a folder, not a file") from None
    except NotADirectoryError:
        raise BadData(f"{name}: is a file, not a folder") from None
    except OSError as error:
        raise BadData(f"{name}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the path
        raise BadData(f"{name!r} is no {kind} name: {error}") from None


def stamp_of(path: Path) -> Stamp | None:
    """What tells a changed or replaced file; None for one that is too new, or not there."""
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
