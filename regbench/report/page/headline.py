"""The answer in two sentences, and in three figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regbench.analysis.cell_gap import CellGap, Delta
from regbench.analysis.sentence import sentence
from regbench.analysis.statistics import Interval
from regbench.report.columns import number

__all__ = ["Tile", "answer", "tiles"]


@dataclass(frozen=True)
class Tile:
    """A large figure with what it is above it and how sure it is below."""

    what: str
    figure: str
    detail: str


def answer(table: Sequence[CellGap]) -> tuple[str, str]:
    """What regularization did to the gap, and what it did to the loss on unseen data."""
    return sentence(table), _second(table)


def _second(table: Sequence[CellGap]) -> str:
    best = _best(table)
    if best is None:
        return ""
    found = best.metrics["val_loss"]
    start = f"Validation loss is least in {best.cell}: {number(found.mean)}{_within(found)}"
    delta = best.deltas.get("val_loss")
    if best.baseline is None or delta is None or delta.interval.mean is None:
        return start + "."
    change = f"{abs(delta.interval.mean):.3g}"
    less = "less" if delta.interval.mean < 0 else "more"
    return f"{start}, {change} {less} than in {best.baseline}{_sureness(delta)}."


def _sureness(delta: Delta) -> str:
    found = delta.interval
    if found.low is None or found.high is None:
        return ""
    if found.low <= 0 <= found.high:
        change = f" (change {found.low:+.3g} to {found.high:+.3g})"
        return f"{change}, which chance could have done"
    ends = sorted((abs(found.low), abs(found.high)))
    several = "" if delta.side else ", but not sure among so many comparisons (Holm)"
    return f" ({ends[0]:.3g} to {ends[1]:.3g}){several}"


def _best(table: Sequence[CellGap]) -> CellGap | None:
    sound = [row for row in table if row.metrics["val_loss"].mean is not None]
    return min(sound, key=lambda row: row.metrics["val_loss"].mean or 0.0, default=None)


def _within(found: Interval) -> str:
    if found.low is None or found.high is None:
        return ""
    return f" ({found.low:.3g} to {found.high:.3g})"


def tiles(table: Sequence[CellGap]) -> list[Tile]:
    """The baseline's gap, the cell that narrows it most, the cell of least validation loss."""
    found = []
    compared = [
        row for row in table if "gap_loss" in row.deltas and row.deltas["gap_loss"].interval.mean
    ]
    if compared:
        first = min(compared, key=lambda row: row.deltas["gap_loss"].interval.mean or 0.0)
        base = next(row for row in table if row.cell == first.baseline)
        gap = base.metrics["gap_loss"]
        found.append(Tile(f"gap in loss in {base.cell}", number(gap.mean), _sure(gap)))
        delta = first.deltas["gap_loss"].interval
        share = ""
        if gap.mean and gap.mean > 0 and delta.mean is not None:
            share = f"{100 * delta.mean / gap.mean:+.0f}%".replace("-", "\u2212")
        signed = "" if delta.mean is None else f"{delta.mean:+.3f}".replace("-", "\u2212")
        sure = _sure(delta, f"{signed}, ")
        if first.deltas["gap_loss"].side < 0:
            found.append(Tile(f"narrowed most by {first.cell}", share or signed, sure))
        else:
            what = "does a regularizer narrow it?"
            found.append(Tile(what, "undecided", f"most: {first.cell}, {sure}"))
    best = _best(table)
    if best is not None:
        loss = best.metrics["val_loss"]
        found.append(Tile(f"least validation loss: {best.cell}", number(loss.mean), _sure(loss)))
    return found


def _sure(found: Interval, start: str = "") -> str:
    seeds = "1 seed: no interval" if found.n == 1 else f"{found.n} seeds"
    if found.low is None or found.high is None:
        return start + seeds
    low, high = (f"{end:.3f}".replace("-", "\u2212") for end in (found.low, found.high))
    return f"{start}95% interval {low} to {high}, {seeds}"
