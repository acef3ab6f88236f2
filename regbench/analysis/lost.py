"""What is missing from a table's numbers: runs that were lost, and values that are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, isnan

from regbench.analysis.words import counted, some
from regbench.results.runs import RunRow, Runs

__all__ = ["lost", "no_number", "odd_values"]


def lost(runs: Runs) -> list[str]:
    """Sentences to be said before any other: of lost runs, then of values that are no numbers."""
    return [*_lost_runs(runs), *odd_values(runs)]


def _lost_runs(runs: Runs) -> Iterator[str]:
    """How many runs diverged or failed, and in which cells."""
    for status in ("diverged", "failed"):
        cells: dict[str, int] = {}
        for row in runs.rows:
            cells[row.cell] = cells.get(row.cell, 0) + (row.status == status)
        number = sum(cells.values())
        if not number:
            continue
        seeds = {cell: sum(row.cell == cell for row in runs.rows) for cell, n in cells.items() if n}
        most = sorted(seeds, key=lambda cell: -cells[cell])
        where = some([f"{cells[cell]} of {seeds[cell]} in {cell}" for cell in most])
        yield (
            f"{number} of {counted(len(runs.rows), 'run')} {status} ({where}): they are in no mean "
            "below, and what is left may be the lucky ones"
        )


def odd_values(runs: Runs) -> list[str]:
    """The finished runs in which a column is infinite, or empty though others of the cell have it.

    Columns of which the same is to be said are named together.
    """
    by_cell: dict[str, list[RunRow]] = {}
    for row in runs.rows:
        if row.ok:
            by_cell.setdefault(row.cell, []).append(row)
    columns: dict[tuple[str, ...], list[str]] = {}
    for name in runs.metrics:
        if name.startswith("noisy_rows"):  # empty where the noise happened to change no label
            continue
        odd = [row for rows in by_cell.values() for row in _odd(rows, name)]
        if odd:
            named = tuple(f"{row.cell} seed {row.seed} ({no_number(row, name)})" for row in odd)
            columns.setdefault(named, []).append(name)
    return [
        f"no number for {some(names)} in {counted(len(rows), 'finished run')}: {some(rows)}; means "
        "are over the others"
        for rows, names in columns.items()
    ]


def _odd(rows: Sequence[RunRow], name: str) -> list[RunRow]:
    odd = [row for row in rows if not isfinite(row.metrics[name])]
    every = len(odd) == len(rows)
    # A column without any number is one that the cell does not have.
    return [] if every and all(isnan(row.metrics[name]) for row in odd) else odd


def no_number(row: RunRow, name: str) -> str:
    """What stands in place of a number: `diverged`, `empty`, `inf`."""
    if not row.ok:
        return row.status
    value = row.metrics[name]
    return "empty" if isnan(value) else f"{value:g}"
