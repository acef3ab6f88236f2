"""Parts and averages of a gap table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import eq, ne
from statistics import fmean
from typing import Any

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.claims import COMPARE
from regbench.analysis.gap import gap_columns
from regbench.config.messages import did_you_mean
from regbench.errors import BadStudy
from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.words import number_in

_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|!=|==|=|<|>)\s*(.*?)\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = COMPARE | {"=": eq, "!=": ne}


def selected(
    table: Sequence[CellGap], runs: Runs, where: Sequence[str], sort: str | None
) -> list[CellGap]:
    """The cells that meet all conditions, in the order of a column.

    Args:
        where: `column=value`, or with !=, <, <=, > or >=; columns are those of gap.csv.
        sort: a column; with a leading minus from the largest. Missing values come last.
    Raises:
        BadStudy: a condition cannot be understood, or there is no such column.
    """
    header, values = gap_columns(runs, table)
    rows = [
        (dict(zip(header, row, strict=True)), cell) for row, cell in zip(values, table, strict=True)
    ]
    for text in where:
        holds = _condition(text, header)
        rows = [row for row in rows if holds(row[0])]
    if sort is not None:
        name = require_column(sort.removeprefix("-"), header, "--sort")
        known = [row for row in rows if row[0][name] not in (None, "")]
        unknown = [row for row in rows if row[0][name] in (None, "")]
        known.sort(key=lambda row: _sortable(row[0][name]), reverse=sort.startswith("-"))
        rows = known + unknown
    return [cell for _, cell in rows]


def _sortable(value: object) -> tuple[int, float, str]:
    number = number_in(str(value))
    return (0, number, "") if number is not None else (1, 0.0, str(value))


def _condition(text: str, header: Sequence[str]) -> Callable[[Mapping[str, object]], bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise BadStudy(f"--where: expected column=value or column<number, not {text!r}")
    name, op, wanted = match.groups()
    name = require_column(name, header, "--where")
    number = number_in(wanted)
    if op not in ("=", "==", "!=") and number is None:
        raise BadStudy(f"--where: {op} needs a number, not {wanted!r}")

    def holds(row: Mapping[str, object]) -> bool:
        value = row[name]
        own = number_in(str(value))
        if number is not None and own is not None:
            return _COMPARE[op](own, number)
        shown = "" if value is None else str(value)
        return op in ("=", "==", "!=") and _COMPARE[op](shown, wanted)

    return holds


def require_column(name: str, header: Sequence[str], option: str) -> str:
    """The name of a column that is there.

    Raises:
        BadStudy: naming the option that asked for it, and the nearest column.
    """
    if name in header:
        return name
    hint = did_you_mean(name, header) or f"; there are {', '.join(header[:12])}, ..."
    raise BadStudy(f"{option}: no column {name!r}{hint}")


def averaged(runs: Runs, key: str) -> Runs:
    """A study whose cells are the values of one key: within each seed, runs are averaged.

    Averaging first keeps a seed one observation, so that intervals stay over seeds. A group in
    which a seed has lost a run is averaged over the runs that it has.
    """
    known = ("cell", "regularizer", *runs.varying)
    if key not in known:
        raise BadStudy(f"--group-by: no key {key!r}{did_you_mean(key, known)}")
    groups: dict[tuple[str, int], list[RunRow]] = {}
    for row in runs.rows:
        value = {"cell": row.cell, "regularizer": row.regularizer, **row.settings}[key]
        groups.setdefault((value, row.seed), []).append(row)
    rows = []
    for (value, seed), members in groups.items():
        sound = [row for row in members if row.ok] or members
        alike = {row.regularizer for row in members}
        metrics = {name: fmean(r.metrics[name] for r in sound) for name in sound[0].metrics}
        rows.append(
            replace(
                sound[0],
                cell=f"{key}={value}" if key != "cell" else value,
                regularizer=alike.pop() if len(alike) == 1 else "several",
                seed=seed,
                metrics=metrics,
                settings={key: value} if key in runs.varying else {},
            )
        )
    order = {cell: i for i, cell in enumerate(dict.fromkeys(row.cell for row in rows))}
    rows.sort(key=lambda row: (order[row.cell], row.seed))
    # The cell and its regularizer are columns of every table already.
    return replace(runs, varying=tuple({key} & set(runs.varying)), rows=tuple(rows))
