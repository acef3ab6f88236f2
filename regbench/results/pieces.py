"""A committed stack as one self-verifying file.

`.regbench/stacks/<stack_id>.<digest>.safetensors` holds the runs' facts as JSON in its metadata and
their curves end to end, one tensor a column. The digest in the name is the SHA-256 of the content,
so a torn or damaged file cannot pass for a whole one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from regbench.results.files import make_folder, write_atomic
from regbench.results.records import RunRecord

__all__ = ["DamagedPiece", "commit", "read_piece", "stacks_folder"]

_DIGEST_LENGTH = 16


class DamagedPiece(Exception):
    """The file is not what was committed."""


def stacks_folder(folder: Path) -> Path:
    """Where a results folder keeps its committed stacks."""
    return folder / ".regbench" / "stacks"


def commit(folder: Path, stack_id: str, records: Sequence[RunRecord]) -> Path:
    """Keep a trained stack: after this returns, it is on the disk and whole.

    Args:
        folder: the results folder.
        stack_id: `s0001` and on; run ids say what the piece holds, the name only tells it apart.
    Raises:
        Unwritable: the folder is full or read-only.
    """
    names = sorted({name for record in records for name in record.curves})
    curves = {name: _end_to_end(records, name) for name in names}
    facts = [
        {key: value for key, value in asdict(record).items() if key != "curves"}
        | {"rows": _length(record)}
        for record in records
    ]
    content = save(curves, {"runs": json.dumps(facts)})
    make_folder(stacks_folder(folder))
    path = stacks_folder(folder) / f"{stack_id}.{_digest(content)}.safetensors"
    write_atomic(path, content)
    return path


def read_piece(path: Path) -> list[RunRecord]:
    """The records of a committed stack.

    Raises:
        DamagedPiece: the content does not match the name, or cannot be understood.
    """
    try:
        if _digest(path.read_bytes()) != path.name.split(".")[-2]:
            raise DamagedPiece(f"{path}: the content does not match its digest")
        with safe_open(path, framework="numpy") as file:
            facts = json.loads(file.metadata()["runs"])
            curves = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return list(_records(facts, curves))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamagedPiece(f"{path}: {error}") from error


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGEST_LENGTH]


def _length(record: RunRecord) -> int:
    return max((len(curve) for curve in record.curves.values()), default=0)


def _end_to_end(records: Sequence[RunRecord], name: str) -> npt.NDArray[np.float64]:
    parts = [record.curves.get(name, np.full(_length(record), np.nan)) for record in records]
    return np.concatenate(parts, dtype=np.float64) if parts else np.zeros(0)


def _records(
    facts: Sequence[Mapping[str, object]], curves: Mapping[str, npt.NDArray[np.float64]]
) -> Iterator[RunRecord]:
    start = 0
    for fact in facts:
        values = dict(fact)
        end = start + int(str(values.pop("rows")))
        own = {name: curve[start:end] for name, curve in curves.items()}
        yield RunRecord(**values, curves=own)  # type: ignore[arg-type]
        start = end
