"""Whether a table is as regbench wrote it: `.regbench/tables.json` holds the digest of each.

Committed stacks are the truth, and tables are made from them; a digit that flips in a table later
(a damaged disk, an editor, a merge of branches) would otherwise read as a result. A table that lies
somewhere alone has no such proof.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from regbench.errors import BadData
from regbench.results.files import understood, write_atomic

__all__ = ["note_table", "require_as_written"]


def note_table(folder: Path, name: str, content: bytes) -> None:
    """Note what is about to be written.

    The digest before it stays noted, too: a crash may leave either table there, and both are
    regbench's.

    Raises:
        Unwritable: the folder is full or read-only.
    """
    try:
        noted = _noted(folder)
    except BadData:
        noted = {}  # damaged: every table is about to be written
    digest = _digest(content)
    before = noted.get(name, [])
    if digest in before[:1]:
        return
    noted[name] = [digest, *before[:1]]
    write_atomic(_path(folder), json.dumps(noted).encode())


def require_as_written(folder: Path, name: str, content: bytes) -> None:
    """Refuse a table that is not what regbench wrote to this folder.

    Args:
        content: the table's bytes; a byte order mark and CRLF line ends change nothing.
    Raises:
        BadData: it was changed.
    """
    noted = _noted(folder).get(name)
    if noted is not None and _digest(content) not in noted:
        raise BadData(
            f"{folder / name}: was changed since regbench wrote it: regbench doctor {folder} "
            "--rebuild makes it anew from what was trained"
        )


def _path(folder: Path) -> Path:
    return folder / ".regbench" / "tables.json"


def _noted(folder: Path) -> dict[str, Sequence[str]]:
    path = _path(folder)

    def noted(found: Any) -> dict[str, Sequence[str]]:
        if not all(isinstance(digests, list) for digests in found.values()):
            raise TypeError("not what regbench writes")
        return dict(found)

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}  # tables alone, as in a repository
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror}") from error
    return understood(path, content, noted)


def _digest(content: bytes) -> str:
    plain = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    return hashlib.sha256(plain).hexdigest()
