"""One word a cell, with the figures that it rests on.

By the 95% intervals over seeds, and for differences by Holm's p as well, the first that holds:

diverged                  no run has numbers
memorises                 train_acc >= .99 although some training labels are wrong
over-regularized          the gap is narrower than the baseline's, and val_loss is higher
regularized               the gap is narrower than the baseline's, and val_loss is not higher
overfits in accuracy      gap_acc (or gap_r2) and gap_loss lie above 0
overfits in loss only     gap_loss lies above 0
underfits                 no gap, and train_loss and val_loss are both higher than another cell's
no gap shown              none of these

A cell with numbers of one seed has no verdict: there is nothing to judge chance by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import CellGap, Edge
from regbench.analysis.statistics import Interval, intervals
from regbench.vocabulary.metrics import score_among

__all__ = ["with_verdicts"]

# From here on a training accuracy counts as having learned the labels by heart.
_BY_HEART = 0.99
_FEWEST_ON_AN_AXIS = 3
_FACTOR = 2  # between neighbours, from which an axis grows by factors


def with_verdicts(table: Sequence[CellGap], by_seed: BySeed) -> list[CellGap]:
    """The table with each cell's verdict, its evidence and the grid edges it is best on."""
    edges = _edges(table)
    best = _best(table)
    worse: dict[str, list[Interval]] = {}
    if best is not None:
        for name in ("train_loss", "val_loss"):
            worse[name] = intervals(by_seed[name] - by_seed.row(name, best.cell))
    judged = []
    for k, row in enumerate(table):
        behind = {name: found[k] for name, found in worse.items()}
        word, evidence = _judge(row, best, behind)
        on_edge = edges.get(row.cell, ())
        if on_edge and word:
            evidence += "; best on the grid's edge: " + ", ".join(map(str, on_edge))
        judged.append(replace(row, verdict=word, evidence=evidence, edges=tuple(on_edge)))
    return judged


def _judge(row: CellGap, best: CellGap | None, behind: Mapping[str, Interval]) -> tuple[str, str]:
    """The verdict and its evidence; `behind` is by how much the best cell is better."""
    if row.n == 0:
        return "diverged", f"{row.n_failed} of {row.n_failed} runs have no numbers"
    if row.n < 2:
        return "", ""
    flips, train = row.metrics.get("flip_rate"), row.metrics.get("train_acc")
    if flips and train and (flips.mean or 0) > 0 and (train.mean or 0) >= _BY_HEART:
        wrong = f"{100 * (flips.mean or 0):.1f}%"
        return "memorises", f"train_acc {train.mean:.4f}, while {wrong} of the labels are wrong"
    gap = row.metrics["gap_loss"]
    kind = score_among(row.metrics)
    score = row.metrics.get(kind.gap_column)
    if "gap_loss" in row.deltas and row.deltas["gap_loss"].side < 0:
        loss = row.deltas["val_loss"].interval
        word = "over-regularized" if row.deltas["val_loss"].side > 0 else "regularized"
        narrower = _signed("gap_loss", row.deltas["gap_loss"].interval)
        return word, f"{narrower}, {_signed('val_loss', loss)} against {row.baseline}"
    if gap.above and score is not None and score.above:
        shown = f"{_shown('gap_loss', gap)}, {_shown(kind.gap_column, score)}"
        return f"overfits in {kind.title}", shown
    if gap.above:
        return "overfits in loss only", _shown("gap_loss", gap)
    if best is not None and all(found.above for found in behind.values()):
        listed = ", ".join(_signed(name, found) for name, found in behind.items())
        return "underfits", f"{listed} against {best.cell}"
    return "no gap shown", _shown("gap_loss", gap) if gap.mean is not None else "no validation"


def _best(table: Sequence[CellGap]) -> CellGap | None:
    """The cell of least mean validation loss."""
    sound = [row for row in table if row.n > 1 and row.metrics["val_loss"].mean is not None]
    return min(sound, key=lambda row: row.metrics["val_loss"].mean or 0.0, default=None)


def _edges(table: Sequence[CellGap]) -> dict[str, list[Edge]]:
    """The values on whose least or largest value a cell is the best of its row of the grid.

    A row of the grid are cells that differ in one number only, at least three of them. The edge at
    0 is none: there is nothing below it.
    """
    found: dict[str, list[Edge]] = {}
    keys = list(table[0].settings) if table else []
    for key in keys:
        rows: dict[tuple[tuple[str, str], ...], list[tuple[float, CellGap]]] = {}
        for row in table:
            value = _number(row.settings[key])
            if value is None or row.metrics["val_loss"].mean is None:
                continue
            rest = tuple(item for item in row.settings.items() if item[0] != key)
            rows.setdefault(rest, []).append((value, row))
        for line in rows.values():
            values = sorted({value for value, _ in line})
            if len(values) < _FEWEST_ON_AN_AXIS:
                continue
            value, best = min(line, key=lambda each: each[1].metrics["val_loss"].mean or 0.0)
            if value == values[-1]:
                edge = Edge(key, value, "largest", _beyond(value, values[-2]))
            elif value == values[0] != 0:
                edge = Edge(key, value, "least", _beyond(value, values[1]))
            else:
                continue
            found.setdefault(best.cell, []).append(edge)
    return found


def _beyond(edge: float, neighbour: float) -> float:
    """One step on: by the same factor where the axis grows by factors, else by the same step.

    >>> _beyond(0.1, 0.01), _beyond(0.001, 0.01), round(_beyond(0.6, 0.4), 9)
    (1.0, 0.0001, 0.8)
    """
    if neighbour <= 0 or edge <= 0 or max(edge / neighbour, neighbour / edge) < _FACTOR:
        return edge + (edge - neighbour)
    return edge * (edge / neighbour)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _shown(name: str, found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{name} {found.mean:.4g}"
    return f"{name} {found.mean:.4g} ({found.low:.4g} to {found.high:.4g})"


def _signed(name: str, found: Interval) -> str:
    if found.mean is None or found.low is None or found.high is None:
        return f"{name} unknown"
    return f"{name} {found.mean:+.4g} ({found.low:+.4g} to {found.high:+.4g})"
