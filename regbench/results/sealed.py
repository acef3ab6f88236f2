"""Arrays and facts as one self-verifying file: `<stem>.<digest>.safetensors`.

The digest in the name is the start of the content's SHA-256, so that a torn or damaged file cannot
pass for a whole one. Facts stand as text in safetensors' metadata; pickle is read nowhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

__all__ = ["Arrays", "Damaged", "seal", "unseal"]

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


def unseal(path: Path, content: bytes) -> tuple[dict[str, npt.NDArray[np.generic]], dict[str, str]]:
    """The arrays (read-only) and the metadata of a file with that content.

    Raises:
        Damaged: the content does not match the name, or cannot be understood.
    """
    if _digest(content) != path.name.split(".")[-2]:
        raise Damaged(f"{path}: the content does not match its digest")
    try:
        arrays = load(content)
        # A header's length as eight bytes, and the header: safetensors' format.
        end = 8 + int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8:end]).get("__metadata__", {})
    except (SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{path}: {error}") from error
    return arrays, metadata


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]
