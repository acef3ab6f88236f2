"""The answer in a few figures: what the sentences say, large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regbench.analysis.cell_gap import COLLAPSED, CellGap
from regbench.analysis.sentence import constant_name, share
from regbench.analysis.statistics import METHODS, Interval
from regbench.analysis.story import Move, Story, stories
from regbench.report.columns import number
from regbench.vocabulary.metrics import LOSS

_MINUS = "\u2212"


@dataclass(frozen=True)
class Tile:
    """A large figure with what it is above it and how sure it is below."""

    what: str
    figure: str
    detail: str


def tiles(table: Sequence[CellGap]) -> list[Tile]:
    """The baseline's gap, what narrows it most, the least validation loss, and its test loss.

    Of several data sets, which are not compared, there are none.
    """
    told = stories(table)
    if len(told) != 1:
        return []
    (story,) = told
    found = []
    if story.baseline is not None:
        gap = story.baseline.gap
        found.append(Tile(f"gap in loss in {story.baseline.cell}", _figure(gap), _sure(gap)))
        found.append(_change(story, story.baseline))
    best = story.best
    if best is not None:
        least = "least validation loss" + ", not collapsed" * story.passes_over
        for name, what in (
            ("val_loss", f"{least}: {best.cell}"),
            ("test_loss", "test loss of that choice"),
        ):
            loss = best.metrics.get(name)
            if loss is not None and loss.mean is not None:
                found.append(Tile(what, _figure(loss), _sure(loss.within(LOSS.bounds))))
    return found


def _change(story: Story, baseline: CellGap) -> Tile:
    """What narrows the gap most, or that nothing is shown to."""
    if story.narrowing:
        move = story.narrowing[0]
        percent = share(move.cell, baseline)
        figure = f"{_MINUS}{percent}" if percent else _signed(move)
        detail = _sure(_delta(move), f"{_signed(move)}, " if percent else "")
        return Tile(f"narrowed most by {move.name}", figure, detail)
    what = "does a regularizer narrow it?"
    if story.hollow:
        why = f"is not shown to be better than {constant_name(baseline)}"
        if story.hollow[0].cell.verdict == COLLAPSED:
            why = "collapsed to a constant prediction"
        detail = f"{story.hollow[0].name} does, but {why}"
        return Tile("does a regularizer help?", "not shown", detail)
    moved = [*story.lowering, *story.raising]
    if moved and not story.overfits:
        move = max(moved, key=lambda move: abs(_delta(move).mean or 0.0))
        return Tile(f"moved most by {move.name}", _signed(move), _sure(_delta(move)))
    move = min(story.undecided or moved, key=lambda move: _delta(move).mean or 0.0)
    return Tile(
        what, "not shown", f"most: {move.name}, {_sure(_delta(move), f'{_signed(move)}, ')}"
    )


def _delta(move: Move) -> Interval:
    return move.cell.gap_delta.interval


def _signed(move: Move) -> str:
    mean = _delta(move).mean
    return "" if mean is None else f"{mean:+.3f}".replace("-", _MINUS)


def _figure(found: Interval) -> str:
    return number(found.mean).replace("-", _MINUS)


def _sure(found: Interval, start: str = "") -> str:
    seeds = "1 seed: no interval" if found.n == 1 else f"{found.n} seeds"
    if found.low is None or found.high is None:
        return start + seeds
    low, high = (f"{end:.3f}".replace("-", _MINUS) for end in (found.low, found.high))
    whom = " for other rows (corrected t)" if found.method == METHODS["rows"] else ""
    return f"{start}95% interval {low} to {high}{whom}, {seeds}"
