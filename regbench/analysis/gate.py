"""Gates on a comparison: how far a metric may move, and whether it did."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from regbench.analysis.compare import Change
from regbench.analysis.words import counted
from regbench.errors import BadStudy
from regbench.vocabulary.metrics import worse_sign

__all__ = ["Gate", "GateOutcome", "Judged", "decide", "figures", "parse_gates"]

_GATE = re.compile(
    r"\s*(\w+)\s*:\s*([+-]?)\s*([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?\s*(%?)\s*", re.I
)
# A margin is a decimal and so are most scores: 0.93 - 0.91 is no more than 0.02.
_ROUNDING = 1e-12
_MOST_CELLS = 10  # of one gate that are listed


@dataclass(frozen=True)
class Gate:
    """How far a metric may move.

    Attributes:
        text: as given.
        sign: +1 where a rise fails, -1 where a fall does.
        margin: how far it may move; with `relative` a share of BASE's mean.
    """

    text: str
    metric: str
    sign: int
    margin: float
    relative: bool = False

    def limit(self, base: float) -> float:
        """The largest move that passes.

        >>> Gate("val_loss:5%", "val_loss", 1, 0.05, relative=True).limit(-2.0)
        0.1
        """
        return self.margin * abs(base) if self.relative else self.margin


@dataclass(frozen=True)
class Judged:
    """A cell under a gate: how far its mean moved past the limit (below 0: how much is left)."""

    change: Change
    excess: float
    failed: bool


@dataclass(frozen=True)
class GateOutcome:
    """A gate's decision; cells that failed first, and in each part those that went furthest.

    Attributes:
        unusable: cells whose mean or interval is no number: values too large to add or to square.
    """

    gate: Gate
    cells: tuple[Judged, ...]
    unusable: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Judged, ...]:
        """The cells that failed."""
        return tuple(cell for cell in self.cells if cell.failed)

    @property
    def reasons(self) -> list[str]:
        """Each failed cell with its figures, or how many there are beyond the first few."""
        lines = []
        for cell in self.failed[:_MOST_CELLS]:
            change, share = cell.change, ""
            if self.gate.relative and change.base and change.interval.mean is not None:
                share = f" ({100 * change.interval.mean / abs(change.base):+.3g}%)"
            lines.append(f"{self.gate.text} failed in {change.cell}: {figures(change)}{share}")
        if (more := len(self.failed) - _MOST_CELLS) > 0:
            lines.append(f"{self.gate.text} failed in {counted(more, 'more cell')}")
        return lines


def parse_gates(texts: Sequence[str]) -> tuple[Gate, ...]:
    """Gates as the command line has them.

    `gap_acc:+0.02` fails on a rise of more than .02, `val_acc:-0.01` on a fall, `val_loss:5%` on a
    change for the worse by more than 5% of BASE's mean.

    Raises:
        BadStudy: naming all that cannot be understood.

    >>> parse_gates(["val_acc:2%"])
    (Gate(text='val_acc:2%', metric='val_acc', sign=-1, margin=0.02, relative=True),)
    """
    gates, problems = [], []
    for text in dict.fromkeys(texts):
        match = _GATE.fullmatch(text)
        if match is None:
            problems.append(
                f"--fail-on: expected METRIC:MARGIN, such as gap_acc:+0.02, val_acc:-0.01 or "
                f"val_loss:5%, not {text!r}"
            )
            continue
        metric, sign, digits, exponent, percent = match.groups()
        margin = float(digits + (exponent or "")) / (100 if percent else 1)
        if not isfinite(margin):
            problems.append(f"--fail-on: the margin of {text!r} is not finite")
        elif not sign and worse_sign(metric) == 0:
            problems.append(
                f"--fail-on: {text!r} needs a sign: for {metric} neither direction is the worse one"
            )
        else:
            direction = {"+": 1, "-": -1, "": worse_sign(metric)}[sign]
            gates.append(Gate(text.strip(), metric, direction, margin, bool(percent)))
    if problems:
        raise BadStudy(*problems)
    return tuple(gates)


def decide(gate: Gate, found: Sequence[Change]) -> GateOutcome:
    """Judge each cell that has a pair.

    A cell fails where its mean paired change passes the limit and the 95% interval excludes 0;
    with one pair there is no interval, and the value alone decides.
    """
    judged, unusable = [], []
    for change in found:
        mean, base, new = change.interval.mean, change.base, change.new
        if mean is None or base is None or new is None:
            continue
        if not all(isfinite(x or 0.0) for x in (mean, change.interval.low, change.interval.high)):
            unusable.append(change.cell)
            continue
        excess = gate.sign * mean - gate.limit(base)
        shown = change.n == 1 or change.interval.above or change.interval.below
        judged.append(Judged(change, excess, shown and excess > _ROUNDING * (abs(base) + abs(new))))
    judged.sort(key=lambda cell: (not cell.failed, -cell.excess))
    return GateOutcome(gate, tuple(judged), tuple(unusable))


def figures(change: Change) -> str:
    """A change in one line.

    >>> from regbench.analysis.statistics import Interval
    >>> figures(Change("l2", "gap_acc", 0.1, 0.13, Interval(0.03, 0.02, 0.04, 5), None, "worse"))
    '+0.03 (95% interval +0.02 to +0.04, 5 pairs), from 0.1 to 0.13'
    """
    found = change.interval
    if found.mean is None:
        return "no pairs"
    if change.word == "identical":
        return f"identical in {counted(found.n, 'pair')}"
    how = (
        "one pair"
        if found.low is None or found.high is None
        else f"95% interval {found.low:+.4g} to {found.high:+.4g}, {found.n} pairs"
    )
    return f"{found.mean:+.4g} ({how}), from {change.base:.4g} to {change.new:.4g}"
