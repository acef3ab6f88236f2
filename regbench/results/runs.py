"""runs.csv as typed rows; pandas is not needed for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

from regbench.errors import BadData
from regbench.results.csv_text import read_csv

__all__ = ["RunRow", "Runs", "read_runs"]

_FACTS = ("study", "run_id", "cell", "regularizer", "seed", "status", "error")
_EPOCHS = ("epochs_run", "best_epoch", "reading_epoch")
# The last column before the config keys that vary.
_LAST_METRIC = "zero_fraction"


@dataclass(frozen=True)
class RunRow:
    """One run.

    Attributes:
        metrics: every number of the row, epochs included; NaN where the table is empty.
        settings: the config keys that vary, as text.
    """

    run_id: str
    cell: str
    regularizer: str
    seed: int
    status: str
    error: str
    metrics: Mapping[str, float]
    settings: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether the run has numbers."""
        return self.status == "ok"


@dataclass(frozen=True)
class Runs:
    """A study's runs, in plan order.

    Attributes:
        study: its name.
        metrics: the metric columns, in the table's order.
        varying: the config keys that vary.
    """

    study: str
    metrics: tuple[str, ...]
    varying: tuple[str, ...]
    rows: tuple[RunRow, ...]

    def cells(self) -> dict[str, list[RunRow]]:
        """The runs of each cell, cells in the order of the plan."""
        cells: dict[str, list[RunRow]] = {}
        for row in self.rows:
            cells.setdefault(row.cell, []).append(row)
        return cells


def read_runs(path: Path) -> Runs:
    """The runs of a results folder, or of a runs.csv.

    Raises:
        BadData: naming the file and what is wrong in which line.
    """
    if path.is_dir():
        path = path / "runs.csv"
    header, rows = read_csv(path)
    missing = [name for name in (*_FACTS, *_EPOCHS, _LAST_METRIC) if name not in header]
    if missing:
        raise BadData(f"{path}: has no column '{missing[0]}': is it a runs.csv?")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadData(f"{path}: has two columns '{twice[0]}'")
    last = header.index(_LAST_METRIC)
    varying = tuple(header[last + 1 :])
    metrics = tuple(header[header.index("reading_epoch") + 1 : last + 1])
    numbers = (*_EPOCHS, *metrics)
    parsed = tuple(
        _row(path, line, dict(zip(header, row, strict=True)), numbers, varying)
        for line, row in enumerate(rows, 2)
    )
    return Runs(rows[0][header.index("study")] if rows else "", metrics, varying, parsed)


def _row(
    path: Path, line: int, row: Mapping[str, str], numbers: Sequence[str], varying: Sequence[str]
) -> RunRow:
    try:
        seed = int(row["seed"])
    except ValueError:
        raise BadData(f"{path}:{line} seed: expected a number, not {row['seed']!r}") from None
    metrics = {name: _number(path, line, name, row[name]) for name in numbers}
    return RunRow(
        *(row["run_id"], row["cell"], row["regularizer"], seed, row["status"], row["error"]),
        metrics,
        {name: row[name] for name in varying},
    )


def _number(path: Path, line: int, name: str, text: str) -> float:
    if text == "":
        return nan
    try:
        return float(text)
    except ValueError:
        raise BadData(f"{path}:{line} {name}: expected a number, not {text!r}") from None
