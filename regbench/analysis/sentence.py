"""One sentence that says what the gap table shows."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.cell_gap import CellGap

__all__ = ["sentence"]

_MOST_NAMES = 5


def sentence(table: Sequence[CellGap]) -> str:
    """What regularization did to the gap in loss, with intervals; honest where nothing is decided.

    Speaks of the baseline with the largest gap and the cells compared with it.
    """
    here = {row.cell for row in table}  # a part of a table may be without its baseline
    compared = [
        row
        for row in table
        if row.baseline in here
        and "gap_loss" in row.deltas
        and row.deltas["gap_loss"].interval.mean is not None
    ]
    if not compared:
        return _without_baseline(table)
    names = {row.baseline for row in compared}
    baselines = [row for row in table if row.cell in names]
    baseline = max(baselines, key=lambda row: row.metrics["gap_loss"].mean or 0.0)
    compared = [row for row in compared if row.baseline == baseline.cell]
    several = f", the largest of {len(names)} settings without a regularizer"
    start = _gap(baseline) + (several if len(names) > 1 else "")
    # Below 0 there is no overfitting to narrow.
    overfits = (baseline.metrics["gap_loss"].mean or 0.0) > 0
    lower, higher = ("narrows", "widens") if overfits else ("lowers", "raises")
    by_side: dict[int, list[CellGap]] = {-1: [], 0: [], 1: []}
    for row in sorted(compared, key=_delta):
        by_side[row.deltas["gap_loss"].side].append(row)
    narrows, widens = by_side[-1], by_side[1][::-1]
    undecided = [_short(row, baseline) for row in table if row in by_side[0]]
    parts = [start]
    if narrows:
        first = _short(narrows[0], baseline)
        parts.append(f"{first} {lower} it most, by {_change(narrows[0], baseline)}")
        if len(narrows) > 1:
            parts.append("so do " + _named([_short(row, baseline) for row in narrows[1:]]))
    if widens:
        first = _short(widens[0], baseline)
        parts.append(f"{first} {higher} it, by {_change(widens[0], baseline)}")
    if not narrows and not widens:
        parts.append("no regularizer here changes it beyond what these seeds can tell from chance")
    elif undecided:
        parts.append(f"of {_named(undecided)} these seeds cannot tell")
    return "; ".join(parts) + "."


def _without_baseline(table: Sequence[CellGap]) -> str:
    sound = [row for row in table if row.metrics["gap_loss"].mean is not None]
    if not sound:
        return "There is no gap to speak of: no run has both a training and a validation loss."
    rows = sorted(sound, key=lambda row: row.metrics["gap_loss"].mean or 0.0)
    if len(rows) == 1:
        return _gap(rows[0]) + "."
    least, most = rows[0], rows[-1]
    return f"{_gap(least)}, the smallest; in {most.cell} it is {_mean(most)}, the largest."


def _gap(row: CellGap) -> str:
    found = row.metrics["gap_loss"]
    over = f"over {found.n} seeds" if found.n > 1 else "with one seed"
    if found.low is None or found.high is None:
        return f"In {row.cell} the gap in loss (validation less training) is {_mean(row)} {over}"
    return (
        f"In {row.cell} the gap in loss (validation less training) is {_mean(row)} "
        f"(95% interval {found.low:.3g} to {found.high:.3g} {over})"
    )


def _mean(row: CellGap) -> str:
    mean = row.metrics["gap_loss"].mean
    return "unknown" if mean is None else f"{mean:.3g}"


def _delta(row: CellGap) -> float:
    return row.deltas["gap_loss"].interval.mean or 0.0


def _short(row: CellGap, baseline: CellGap) -> str:
    """The labels in which a cell differs from its baseline, without their keys.

    "lr=0.1, regularizer=l2" beside "lr=0.1, regularizer=none" is "l2".
    """
    parts, others = row.cell.split(", "), set(baseline.cell.split(", "))
    own = [part for part in parts if part not in others]
    if len(own) == len(parts):  # one axis: the label is the name
        return row.cell
    return ", ".join(part.partition("=")[2] or part for part in own)


def _change(row: CellGap, baseline: CellGap) -> str:
    found = row.deltas["gap_loss"].interval
    base = baseline.metrics["gap_loss"].mean
    mean, low, high = (abs(value or 0.0) for value in (found.mean, found.low, found.high))
    share = f" or {100 * mean / base:.0f}%" if base is not None and base > 0 else ""
    return f"{mean:.3g}{share} ({min(low, high):.3g} to {max(low, high):.3g})"


def _named(names: Sequence[str]) -> str:
    """
    >>> _named(["a"]), _named(["a", "b", "c"]), _named(list("abcdefgh"))
    ('a', 'a, b and c', 'a, b, c, d and 4 more')
    """
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
