"""Several files as one source: read one after the other, and what is parsed is what was hashed."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, NamedTuple, cast

from regbench.data.description import Description, described
from regbench.data.files.problems import MOST_TOLD
from regbench.data.files.reading import (
    Blocks,
    Stamp,
    as_it_is,
    content_of,
    keep,
    own_keys,
    refusing,
    stamp_of,
)
from regbench.data.files.text import unpacked
from regbench.data.source import Source
from regbench.data.table import DataShape, Table
from regbench.errors import BadData

# Of these a process keeps the tables: images are large.
_TABLES = 2


class Found(NamedTuple):
    """A file of the data set: `name` counts in its fingerprint, `label` is what messages say."""

    name: str
    path: Path
    label: str


Read = Callable[[Found], bytes]


class Trouble:
    """What is wrong with the files: all of it at once."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def refuse(self, found: Found, why: str) -> None:
        """Note a problem of a file."""
        self._lines.append(f"{found.label}: {why}")

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what cannot be read or decoded, and go on."""
        try:
            yield
        except BadData as error:
            self._lines += map(str, error.args)

    def require_none(self) -> None:
        """
        Raises:
            BadData: there is some; it has a line for each problem, up to a bound.
        """
        if not self._lines:
            return
        told, more = self._lines[:MOST_TOLD], len(self._lines) - MOST_TOLD
        raise BadData(*told, *([f"and {more} more problems"] if more > 0 else []))


def as_gzip_or_not(config: Any, file: BinaryIO) -> Blocks:
    """The `decode` of a format that is distributed packed: its bytes, unpacked."""
    head = file.read(2)
    file.seek(0)
    if head == b"\x1f\x8b":
        file = cast(BinaryIO, gzip.GzipFile(fileobj=file))
    while block := unpacked(config.label, file, 1 << 20):
        yield block


def listed(label: str, path: Path) -> list[str]:
    """The names in a folder, sorted; messages call it by its label.

    Raises:
        BadData: it is none, or cannot be read.
    """
    with refusing(label, path, "folder"):
        return sorted(each.name for each in path.iterdir())


def files_source(
    find: Callable[[Any, Path], Sequence[Found]],
    parse: Callable[[Any, Sequence[Found], Read], Table],
    decode: Callable[[Any, BinaryIO], Blocks] = as_it_is,
    shape: Callable[[Any, Sequence[Found]], DataShape] | None = None,
    notes: Callable[[Any, Path], tuple[str, ...]] | None = None,
) -> Source:
    """The source of a format of several files.

    Args:
        find: (dataset block, the study's folder) -> its files, in the order of their names.
        parse: (dataset block, the files, what reads one of them) -> the table. It must read each
            of them once, in their order, and not look at how the table is split.
        decode: what unpacks one of them.
        shape: without reading them all, where that can be.
        notes: (dataset block, the study's folder) -> what a user should know, a sentence each.
    """

    def describe(config: Any, folder: Path) -> Description:
        found = files.describe(config, folder)
        return replace(found, notes=notes(config, folder)) if notes else found

    files = _Files(find, parse, decode)
    return Source(
        table=lambda config, seed, folder: files.table(config, folder),
        shape=lambda config, folder: (
            shape(config, find(config, folder)) if shape else files.table(config, folder).shape
        ),
        fingerprint=files.fingerprint,
        describe=describe,
    )


class _Pass:
    """One pass over the files, hashed as it goes."""

    def __init__(self, decode: Callable[[Any, BinaryIO], Blocks]) -> None:
        self._decode, self._hash = decode, hashlib.sha256()

    def read(self, found: Found) -> bytes:
        file = SimpleNamespace(path=str(found.path), label=found.label)
        content = b"".join(content_of(file, Path(), self._decode))
        self._hash.update(json.dumps([found.name, len(content)]).encode())
        self._hash.update(content)
        return content

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


Key = tuple[str, tuple[Found, ...]]


class _Files:
    """A format, and what was read of it lately."""

    def __init__(self, find: Any, parse: Any, decode: Any) -> None:
        self._find, self._parse, self._decode = find, parse, decode
        self._digests: dict[tuple[Found, ...], tuple[tuple[Stamp, ...], str]] = {}
        self._tables: dict[tuple[str, str], tuple[Table, Description]] = {}

    def fingerprint(self, config: Any, folder: Path) -> str:
        """The SHA-256 of the files' names and contents as they are now."""
        found = tuple(self._find(config, folder))
        return self._known(found) or self._hashed(found)

    def table(self, config: Any, folder: Path) -> Table:
        """The table as it is now, with the fingerprint of just these contents."""
        return self._read(config, folder)[0]

    def describe(self, config: Any, folder: Path) -> Description:
        """What there is in the files as they are now."""
        return self._read(config, folder)[1]

    def _read(self, config: Any, folder: Path) -> tuple[Table, Description]:
        found = tuple(self._find(config, folder))
        own = own_keys(config)
        known = self._tables.get((own, self._known(found) or ""))
        if known is not None:
            return known
        reading, before = _Pass(self._decode), _stamps(found)
        table = replace(self._parse(config, found, reading.read), fingerprint=reading.digest)
        self._note(found, before, reading.digest)
        key = (own, reading.digest)
        if key not in self._tables:  # else one copy is enough
            keep(self._tables, key, (table, described(table)), _TABLES)
        return self._tables[key]

    def _known(self, found: tuple[Found, ...]) -> str | None:
        """The digest of files that are as they were when they were read last."""
        stamps, digest = self._digests.get(found, (None, None))
        return digest if stamps is not None and stamps == _stamps(found) else None

    def _hashed(self, found: tuple[Found, ...]) -> str:
        reading, before = _Pass(self._decode), _stamps(found)
        for each in found:
            reading.read(each)
        self._note(found, before, reading.digest)
        return reading.digest

    def _note(
        self, found: tuple[Found, ...], before: tuple[Stamp, ...] | None, digest: str
    ) -> None:
        if before is not None and before == _stamps(found):
            self._digests[found] = before, digest


def _stamps(found: tuple[Found, ...]) -> tuple[Stamp, ...] | None:
    """None where a file is too new to tell a change."""
    stamps = []
    for each in found:
        stamp = stamp_of(each.path)
        if stamp is None:
            return None
        stamps.append(stamp)
    return tuple(stamps)
