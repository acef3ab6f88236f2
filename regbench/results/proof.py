"""Whether a table is as regbench wrote it: `.regbench/tables.json` holds the digest of each.

Committed stacks are the truth, and tables are made from them; a digit that flips in a table later
(a damaged disk, an editor, a merge of branches) would otherwise read as a result. A table that lies
somewhere alone has no such proof.
"""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from regbench.errors import BadData
from regbench.results.files import is_damage, read_note, there, write_note

_CHUNK = 1 << 20


def note_table(folder: Path, name: str, content: bytes) -> None:
    """Note what is about to be written.

    The digest before it stays noted, too: a crash may leave either table there, and both are
    regbench's.

    Raises:
        BadData: what was noted before cannot be read.
        Unwritable: the folder is full or read-only.
    """
    try:
        noted = _noted(folder)
    except BadData as error:
        if not is_damage(error):
            raise
        noted = {}  # every table is about to be written
    digest = _digest([content])
    before = noted.get(name, [])
    if digest in before[:1]:
        return
    noted[name] = [digest, *before[:1]]
    write_note(_path(folder), noted)


def require_as_written(folder: Path, name: str, file: BinaryIO) -> None:
    """Refuse a table that is not what regbench wrote to this folder.

    Args:
        file: the table, to be read from its begin; a byte order mark and CRLF line ends change
            nothing.
    Raises:
        BadData: it was changed.
    """
    noted = _noted(folder).get(name)
    if noted is not None and _digest(iter(lambda: file.read(_CHUNK), b"")) not in noted:
        path = folder / name
        # Only where something is wrong: it looks at all that the folder holds.
        from regbench.results.health import how_to_mend

        raise BadData(f"{path}: was changed since regbench wrote it: {how_to_mend(folder)}")


def _path(folder: Path) -> Path:
    return folder / ".regbench" / "tables.json"


def _noted(folder: Path) -> dict[str, Sequence[str]]:
    def noted(found: Any) -> dict[str, Sequence[str]]:
        if not all(isinstance(digests, list) for digests in found.values()):
            raise TypeError("not what regbench writes")
        return dict(found)

    # Else tables alone, as in a repository.
    return read_note(_path(folder), noted) if there(_path(folder)) else {}


def _digest(chunks: Iterable[bytes]) -> str:
    """Of a table without a byte order mark, line ends as LF; a table holds no NUL, a hole only."""
    digest, held = hashlib.sha256(), b""
    for i, chunk in enumerate(chunks):
        if b"\0" in chunk:
            return ""
        text = (chunk if i else chunk.removeprefix(BOM_UTF8)).replace(b"\r\n", b"\n")
        # Of a line end that stands in two chunks.
        digest.update(held[: len(held) - text.startswith(b"\n")])
        held = text[-1:] if text.endswith(b"\r") else b""
        digest.update(text.removesuffix(b"\r"))
    digest.update(held)
    return digest.hexdigest()
