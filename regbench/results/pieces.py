"""A committed stack as one self-verifying file.

`.regbench/stacks/<stack_id>.<digest>.safetensors` holds the runs' facts as JSON in its metadata and
their curves end to end, one tensor a column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regbench.results.files import make_folder, read, write_atomic
from regbench.results.records import RunRecord
from regbench.results.sealed import Damaged, seal, unseal

__all__ = ["commit", "read_piece", "stack_of", "stacks_folder"]


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
    name, content = seal(stack_id, curves, {"runs": json.dumps(facts)})
    make_folder(stacks_folder(folder))
    write_atomic(stacks_folder(folder) / name, content)
    return stacks_folder(folder) / name


def stack_of(path: Path) -> str:
    """The stack that a piece is of.

    >>> stack_of(Path("s0001.a94c8490341b2ce9.safetensors"))
    's0001'
    """
    return path.name.partition(".")[0]


def read_piece(path: Path) -> list[RunRecord]:
    """The records of a committed stack.

    Raises:
        Damaged: the content does not match the name, or cannot be understood.
        BadData: the disk does not give it; it may be whole all the same.
    """
    try:
        arrays, metadata = unseal(path, read(path))
        curves = {name: array.astype(np.float64, copy=False) for name, array in arrays.items()}
        return list(_records(json.loads(metadata["runs"]), curves))
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{path}: {error}") from error


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
