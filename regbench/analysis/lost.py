"""What is missing from a table's numbers: runs that were lost, and values that are none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import isfinite, isnan, nan

from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.metrics import LOSS, OF_EVERY_STUDY, PARTS, Metric, metrics_among
from regbench.vocabulary.words import counted, some

_WHY = {
    "targets alike": "the targets of the part are all alike",
    "class missing": "the part lacks a class",
}


def lost(runs: Runs) -> list[str]:
    """Sentences to be said before any other: of lost runs, then of values that are no numbers."""
    scores = _empty_scores(runs)
    gaps = {name.replace(name.partition("_")[0], "gap", 1) for name in scores}
    return [*_lost_runs(runs), *scores.values(), *odd_values(runs, {*scores, *gaps})]


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
        left = "" if number == len(runs.rows) else ", and what is left may be the lucky ones"
        yield (
            f"{number} of {counted(len(runs.rows), 'run')} {status} ({where}): they are in no mean "
            f"below{left}"
        )


def _empty_scores(runs: Runs) -> dict[str, str]:
    """Of metrics that not every part has, what is to be said of each column that is empty."""
    found = {}
    for metric in metrics_among(runs.metrics):
        if not metric.undefined:
            continue
        own = [row for row in runs.rows if row.ok and not _of_other_task(row, metric)]
        for part in PARTS:
            name = f"{part}_{metric.name}"
            there = [row for row in own if isfinite(row.metrics.get(f"{part}_{LOSS.name}", nan))]
            empty = [row for row in there if not isfinite(row.metrics.get(name, nan))]
            if empty:
                named = some([f"{row.cell} seed {row.seed}" for row in empty])
                found[name] = (
                    f"{name} is empty in {len(empty)} of {counted(len(there), 'run')} ({named}): "
                    f"{_WHY[metric.undefined]}"
                )
    return found


def _of_other_task(row: RunRow, metric: Metric) -> bool:
    """Whether a run of a study with both tasks has the other task's score."""
    others = [m for m in OF_EVERY_STUDY if m.task and metric.task and m.task != metric.task]
    return any(isfinite(row.metrics.get(f"train_{m.name}", nan)) for m in others)


def odd_values(runs: Runs, said: Collection[str] = ()) -> list[str]:
    """The finished runs in which a column is infinite, or empty though others of the cell have it.

    Columns of which the same is to be said are named together.

    Args:
        said: columns of which something was said already.
    """
    by_cell: dict[str, list[RunRow]] = {}
    for row in runs.rows:
        if row.ok:
            by_cell.setdefault(row.cell, []).append(row)
    columns: dict[tuple[str, ...], list[str]] = {}
    for name in runs.metrics:
        # Of noisy rows there are none where the noise happened to change no label.
        if name in said or name.startswith("noisy_rows"):
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
