"""Figures of a comparison: the paired changes, and both studies beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from regbench.analysis.compare import Change
from regbench.analysis.decides import ALPHA
from regbench.report.compare import Found, urgency
from regbench.report.figures import Difference, Move, differences_figure, moves_figure
from regbench.report.figures.forest import metric_name
from regbench.report.page.picture import Picture, picture
from regbench.report.page.sections import MOST_ROWS, Section
from regbench.vocabulary.metrics import GAPS, worse_sign
from regbench.vocabulary.words import counted

MOST_METRICS = 8  # that are drawn; the table has all
_LARGEST = 1e100  # beyond it there is no axis that shows anything

_CHANGES = (
    "NEW less BASE, seed by seed, in each cell. Filled dots: the 95% interval excludes 0 and the "
    "adjusted p is at most .05. Hollow grey dots: chance could have done it, or there is one pair."
)
_BOTH = (
    "The mean gap of each cell in both studies, over the pairs. The bar is green or orange where "
    "the change is shown to be one, grey where chance could have done it."
)


def change_sections(found: Found) -> list[Section]:
    """The sections for which there are numbers."""
    metrics = list(found)[:MOST_METRICS]
    more = len(found) - len(metrics)
    words = _CHANGES + (f" In the table: {counted(more, 'more metric')}." if more else "")
    changes = [_changes(i, name, found[name]) for i, name in enumerate(metrics)]
    gaps = [_both(i, n, found[n]) for i, n in enumerate(metrics) if n in GAPS]
    sections = [
        Section("changes", "What changed", words, changes),
        Section("both", "The gap in both", _BOTH, gaps),
    ]
    return [section for section in sections if section.pictures]


def _changes(place: int, metric: str, changes: Sequence[Change]) -> Picture | None:
    kept, note = _few(changes)
    if not kept:
        return None
    rows = [
        Difference(
            c.cell, c.interval.mean or 0.0, c.interval.low, c.interval.high, _side(c), _note(c)
        )
        for c in kept
    ]
    name = metric_name(metric)
    better = -worse_sign(metric)
    sides = {
        -1: ("← better", "worse →"),
        0: ("← lower", "higher →"),
        1: ("← worse", "better →"),
    }[better]

    def draw(width: float) -> bytes:
        label = f"change in {name} (mean and 95% interval, paired by seed)"
        return differences_figure("", label, rows, sides=sides, better=better, width=width)

    alt = f"change in {name} of each cell from BASE to NEW, with 95% intervals"
    return picture(f"change-{place}", alt, f"Change in {name}. {note}".strip(), draw)


def _both(place: int, metric: str, changes: Sequence[Change]) -> Picture | None:
    kept, note = _few(changes)
    if not kept:
        return None
    rows = [Move(c.cell, c.base or 0.0, c.new or 0.0, _side(c)) for c in kept]
    name = metric_name(metric)

    def draw(width: float) -> bytes:
        label = f"{name} (mean over the pairs)"
        return moves_figure("", label, rows, names=("base", "new"), width=width)

    alt = f"{name} of each cell in BASE and in NEW"
    return picture(f"both-{place}", alt, note, draw)


def _few(changes: Sequence[Change]) -> tuple[list[Change], str]:
    """The changes that a figure has room for, in the table's order, and what is left out."""
    sound = [change for change in changes if _drawable(change)]
    kept = {change.cell for change in sorted(sound, key=urgency)[:MOST_ROWS]}
    notes = []
    if len(kept) < len(sound):
        notes.append(
            f"The {len(kept)} cells whose change is worst; {len(sound) - len(kept)} more stand in "
            "the table."
        )
    if len(sound) < len(changes):
        cells = counted(len(changes), "cell")
        notes.append(f"Nothing to draw in {len(changes) - len(sound)} of {cells}.")
    return [change for change in sound if change.cell in kept], " ".join(notes)


def _drawable(change: Change) -> bool:
    found = change.interval
    if found.mean is None or change.base is None or change.new is None:
        return False
    numbers = (change.base, change.new, found.mean, found.low or 0.0, found.high or 0.0)
    return all(isfinite(number) and abs(number) < _LARGEST for number in numbers)


def _side(change: Change) -> int:
    """-1 where it is shown to be lower, 1 where higher, 0 where it is not shown."""
    if change.p_adjusted is None or change.p_adjusted > ALPHA:
        return 0
    return 1 if change.interval.above else -1 if change.interval.below else 0


def _note(change: Change) -> str:
    """The change in figures, beside its row."""
    plain = change.word in ("identical", "equal", "no spread")
    return change.word if plain else change.interval.text("+.3g")
