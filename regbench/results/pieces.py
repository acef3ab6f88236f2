"""A committed stack as one self-verifying file.

`.regbench/stacks/<stack_id>.<digest>.safetensors` holds the runs' facts as JSON in its metadata and
their curves end to end, one tensor a column.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regbench.errors import BadData
from regbench.results.files import make_within, names, there, write_atomic
from regbench.results.records import RunRecord, Span
from regbench.results.sealed import Damaged, seal, unseal

_PLACE = (".regbench", "stacks")


def stacks_folder(folder: Path) -> Path:
    """Where a results folder keeps its committed stacks."""
    return folder.joinpath(*_PLACE)


def commit(folder: Path, stack_id: str, records: Sequence[RunRecord]) -> Path:
    """Keep a trained stack: after this returns, it is on the disk and whole.

    Args:
        folder: the results folder.
        stack_id: `s0001` and on; run ids say what the piece holds, the name only tells it apart.
    Raises:
        Unwritable: the folder is full or read-only.
    """
    columns = sorted({name for record in records for name in record.curves})
    rows = [max((len(c) for c in record.curves.values()), default=0) for record in records]
    curves = {name: _end_to_end(records, rows, name) for name in columns}
    facts = [
        {each.name: getattr(record, each.name) for each in fields(record) if each.name != "curves"}
        | {"rows": length}
        for record, length in zip(records, rows, strict=True)
    ]
    name, content = seal(stack_id, curves, {"runs": json.dumps(facts)})
    path = make_within(folder, *_PLACE) / name
    write_atomic(path, content)
    return path


def read_piece(path: Path) -> list[RunRecord]:
    """The records of a committed stack.

    Raises:
        Damaged: the content does not match the name, or cannot be understood.
        BadData: the disk does not give it; it may be whole all the same.
    """
    try:
        arrays, metadata = unseal(path)
        curves = {name: array.astype(np.float64, copy=False) for name, array in arrays.items()}
        return list(_records(json.loads(metadata["runs"]), curves))
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"{path}: {error}") from error


class Pieces:
    """The committed stacks of a results folder, each read once.

    Attributes:
        records: every committed run by id.
        stack_of: the stack that trained it.
        names: the files that were read.
    """

    def __init__(self, folder: Path) -> None:
        self.records: dict[str, RunRecord] = {}
        self.stack_of: dict[str, str] = {}
        self.names: set[str] = set()
        self._folder = folder

    def read_new(self) -> Iterator[tuple[Path, Damaged]]:
        """Read what was not there before; the files that are damaged, which hide no other.

        Raises:
            BadData: the disk does not give a file.
        """
        for name in names(stacks_folder(self._folder), ".safetensors"):
            if name in self.names:
                continue
            path = stacks_folder(self._folder) / name
            try:
                records = read_piece(path)
            except Damaged as damage:
                yield path, damage
                continue
            except BadData:
                if there(path):
                    raise
                continue  # removed since it was listed
            self.names.add(path.name)
            for record in records:
                # A failed run may have been tried again, with another end.
                if self.records.get(record.run_id, record).status in ("failed", record.status):
                    self.records[record.run_id] = record
                    self.stack_of[record.run_id] = path.name.partition(".")[0]


def _end_to_end(
    records: Sequence[RunRecord], rows: Sequence[int], name: str
) -> npt.NDArray[np.float64]:
    parts = [
        curve if (curve := record.curves.get(name)) is not None else np.full(length, np.nan)
        for record, length in zip(records, rows, strict=True)
    ]
    return np.concatenate(parts, dtype=np.float64) if parts else np.zeros(0)


def _records(
    facts: Sequence[Mapping[str, object]], curves: Mapping[str, npt.NDArray[np.float64]]
) -> Iterator[RunRecord]:
    start = 0
    same: dict[str, object] = {}  # most runs have the same sizes, and no scores of their own
    for fact in facts:
        values = {
            key: same.setdefault(repr(value), value) if isinstance(value, dict) else value
            for key, value in fact.items()
        }
        end = start + int(str(values.pop("rows")))
        yield RunRecord(**values, curves=Span(curves, start, end))  # type: ignore[arg-type]
        start = end
