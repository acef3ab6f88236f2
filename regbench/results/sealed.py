"""Arrays and facts as one self-verifying file: `<stem>.<digest>.safetensors`.

The digest in the name is the start of the content's SHA-256, so that a torn or damaged file cannot
pass for a whole one. Facts stand as text in safetensors' metadata; pickle is read nowhere.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from regbench.results.files import MOST_NOTE, opened

MOST_ARRAYS = 1 << 36

Arrays = Mapping[str, npt.NDArray[np.generic]]
_DIGEST_LENGTH = 16


class Damaged(Exception):
    """The file is not what was written."""


def seal(stem: str, arrays: Arrays, metadata: Mapping[str, str]) -> tuple[str, bytes]:
    """The file's name and its content.

    >>> seal("s0001", {"lr": np.zeros(2)}, {"runs": "[]"})[0]
    's0001.a94c8490341b2ce9.safetensors'
    """
    # As safetensors takes an array's bytes as they lie; an array of no axes keeps having none.
    content = save({name: np.asarray(a, order="C") for name, a in arrays.items()}, dict(metadata))
    return f"{stem}.{_digest(content)}.safetensors", content


def unseal(path: Path) -> tuple[dict[str, npt.NDArray[np.generic]], dict[str, str]]:
    """The arrays (read-only) and the metadata of a file.

    Raises:
        Damaged: the content does not match the name, or cannot be understood.
        BadData: the disk does not give it; it may be whole all the same.
    """
    with opened(path, MOST_ARRAYS) as file:
        content = file.read() if is_laid_out(file) else b""
    if _digest(content) != path.name.split(".")[-2]:
        raise Damaged(f"{path}: the content does not match its digest")
    try:
        arrays = load(content)
        end = 8 + int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8:end]).get("__metadata__", {})
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{path}: {error}") from error
    return arrays, metadata


def is_laid_out(file: BinaryIO) -> bool:
    """Whether a file has the size that its header says: so a huge one is known without its bytes.

    A header's length as eight bytes, the header as JSON, and the arrays end to end: safetensors'
    format.
    """
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if length > min(MOST_NOTE, size - 8):
        return False
    try:
        header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return False
    file.seek(0)
    return size == 8 + length + max(ends, default=0)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
