"""Gates: how far a metric may move (compare --fail-on) or lie (check --max), and whether it did.

Each has three answers. A cell is inside where its own 95% interval is; all cells must be, so that
no adjustment is needed (Berger 1982). A gate fails by evidence alone: where the mean over the cells
lies beyond the margin, one-sided at .025, or one of the m cells does at .025 / m (Holm 1979).
Together, a gate with nothing beyond its margin fails in at most .05 of cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from regbench.analysis.claims import COUNTED, Decision
from regbench.analysis.compare import Change
from regbench.analysis.statistics import (
    Floats,
    Interval,
    holm,
    intervals,
    one_sided_ps,
    snapped,
)
from regbench.errors import BadStudy, Problem
from regbench.vocabulary.metrics import COLUMNS, worse_sign
from regbench.vocabulary.words import counted, some

_NUMBER = r"([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?"
_GATE = re.compile(rf"\s*(\w+)\s*:\s*([+-]?)\s*{_NUMBER}\s*(%?)\s*", re.I)
_LIMIT = re.compile(rf"\s*(\w+)\s*:\s*(<=|>=|<|>)?\s*([+-]?){_NUMBER}\s*", re.I)
_FAIL_AT = 0.025  # each of the two ways to fail
_MOST_CELLS = 10  # of one gate that are listed


@dataclass(frozen=True)
class Gate:
    """How far a metric may move.

    Attributes:
        text: as given.
        sign: +1 where a rise fails, -1 where a fall does.
        margin: how far it may move; with `relative` a share of BASE, seed by seed.
    """

    text: str
    metric: str
    sign: int
    margin: float
    relative: bool = False

    def excess(self, base: Floats, new: Floats) -> Floats:
        """(K, S) how far each pair is beyond the margin; below 0, what is left of it.

        A share is of the size of BASE: NEW - (1 + m) BASE where a rise fails and BASE is above 0.
        What is at the margin but for rounding is at it: .93 - .91 is no more than .02.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            side = np.where(np.nansum(base, axis=1, keepdims=True) < 0, -1.0, 1.0)
            allowed = self.margin * side * base if self.relative else self.margin
            return snapped(self.sign * (new - base) - allowed, np.abs(base) + np.abs(new))

    def shown(self, excess: Interval) -> str:
        """A mean excess with its interval, as the change that it is."""
        if self.relative:
            order = "NEW - BASE" if self.sign > 0 else "BASE - NEW"
            return f"{order} less {100 * self.margin:g}% of BASE {_interval(excess, 1, 0.0, '+')}"
        return _interval(excess, self.sign, self.sign * self.margin, "+")


@dataclass(frozen=True)
class Limit:
    """Where a metric may lie at most (sign +1) or at least (-1)."""

    text: str
    metric: str
    sign: int
    bound: float
    strict: bool = False

    def excess(self, values: Floats) -> Floats:
        """(K, S) how far each value is beyond the bound; below 0, what is left."""
        return snapped(self.sign * (values - self.bound), np.abs(values) + abs(self.bound))

    def shown(self, excess: Interval) -> str:
        """A mean excess with its interval, as the value that it is."""
        return _interval(excess, self.sign, self.bound)


def _interval(excess: Interval, sign: int, offset: float, form: str = "") -> str:
    """A mean and its interval, mapped back: offset + sign * excess."""
    if excess.mean is None:
        return "no value"
    mean = f"{offset + sign * excess.mean:{form}.4g}"
    if excess.low is None or excess.high is None:
        return f"{mean} (one seed)"
    ends = sorted(offset + sign * end for end in (excess.low, excess.high))
    return f"{mean} (95% interval {ends[0]:{form}.4g} to {ends[1]:{form}.4g})"


@dataclass(frozen=True)
class Judged:
    """A cell under a gate.

    Attributes:
        excess: how far its mean is beyond the margin (below 0: how much is left); -inf without a
            value.
        figures: the numbers behind the decision.
        why: what leaves it undecided, or what passed it by other than its interval.
    """

    cell: str
    decision: Decision
    excess: float
    figures: str
    why: str = ""


@dataclass(frozen=True)
class GateOutcome:
    """A gate's decision; of its cells those that failed first, then those that are undecided.

    Attributes:
        mean: the mean over all cells that are not identical, by seed, in words; empty where they
            are fewer than two.
        mean_failed: whether that is beyond the margin. It never passes a gate.
        unusable: cells whose mean or interval is no number: values too large to add or to square.
        refused: cells of which no share can be taken: BASE's interval holds 0.
    """

    text: str
    cells: tuple[Judged, ...]
    mean: str = ""
    mean_failed: bool = False
    unusable: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def decision(self) -> Decision:
        """FAIL by the mean or by one cell; PASS only where every cell is inside."""
        if self.mean_failed or self.failed:
            return "FAIL"
        whole = self.cells and not self.undecided and not self.unusable and not self.refused
        return "PASS" if whole else "UNDECIDED"

    @property
    def empty(self) -> bool:
        """Whether no cell has a value to judge."""
        return not any(isfinite(cell.excess) for cell in self.cells)

    @property
    def failed(self) -> tuple[Judged, ...]:
        """The cells that failed."""
        return tuple(cell for cell in self.cells if cell.decision == "FAIL")

    @property
    def undecided(self) -> tuple[Judged, ...]:
        """The cells that are neither inside nor shown to be beyond."""
        return tuple(cell for cell in self.cells if cell.decision == "UNDECIDED")

    @property
    def reasons(self) -> list[str]:
        """The mean where it failed, then each failed cell, or how many beyond the first few."""
        lines = [f"{self.text} failed in the mean: {self.mean}"] if self.mean_failed else []
        for cell in self.failed[:_MOST_CELLS]:
            why = f"; {cell.why}" if cell.why else ""
            lines.append(f"{self.text} failed in {cell.cell}: {cell.figures}{why}")
        if (more := len(self.failed) - _MOST_CELLS) > 0:
            lines.append(f"{self.text} failed in {counted(more, 'more cell')}")
        return lines

    @property
    def notes(self) -> list[str]:
        """Why cells are undecided, or passed other than by their interval, each reason once."""
        cells: dict[tuple[Decision, str], list[str]] = {}
        for cell in self.cells:
            if cell.why and cell.decision != "FAIL":
                cells.setdefault((cell.decision, cell.why), []).append(cell.cell)
        return [
            f"{self.text}: {decision} in {some(names)}: {why}"
            for (decision, why), names in cells.items()
        ]


def parse_gates(texts: Sequence[str]) -> tuple[Gate, ...]:
    """Gates as the command line has them.

    `gap_acc:+0.02` fails on a rise of more than .02, `val_acc:-0.01` on a fall, `val_loss:5%` on a
    change for the worse by more than 5% of BASE.

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


def parse_limit(text: str) -> Limit:
    """A limit as the command line has it: `gap_acc:0.1` (no cell above), `val_acc:>=0.9`.

    Raises:
        BadStudy: it cannot be understood.

    >>> parse_limit("val_acc:>=0.9")
    Limit(text='val_acc:>=0.9', metric='val_acc', sign=-1, bound=0.9, strict=False)
    """
    from regbench.config.messages import did_you_mean  # brings pydantic

    wrong = f"expected metric:number, not {text!r}"
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise BadStudy(Problem(wrong, "--max"))
    metric, op, minus, digits, exponent = match.groups()
    bound = float(minus + digits + (exponent or ""))
    if metric not in COLUMNS:
        hint = did_you_mean(metric, COLUMNS)
        raise BadStudy(Problem(f"{wrong}: no metric {metric}{hint}", "--max"))
    if not isfinite(bound):
        raise BadStudy(Problem(wrong, "--max"))
    sign = -1 if op in (">=", ">") else 1
    return Limit(text.strip(), metric, sign, bound, op in ("<", ">"))


def decide(
    gate: Gate | Limit,
    cells: Sequence[str],
    excess: Floats,
    *,
    identical: Collection[str] = (),
    figures: Callable[[int, Interval], str] | None = None,
    incomplete: Mapping[str, str] | None = None,
    refused: Collection[str] = (),
    on_value: bool = False,
    ratio: Floats | float = 0.0,
) -> GateOutcome:
    """Judge each cell, and the mean over them.

    Args:
        excess: (K, S) by cell and seed, above 0 beyond the margin; NaN where there is no value.
        identical: cells in which nothing changed in any metric: they pass.
        figures: of a cell, by its place and the interval of its excess; `gate.shown` by default.
        incomplete: cells that lack values, and which: they cannot pass.
        refused: cells that cannot be judged at all.
        on_value: a single value decides, where it else decides nothing.
        ratio: as in `intervals`.
    """
    found = intervals(excess, ratio=ratio)
    sound = [
        k
        for k, (cell, each) in enumerate(zip(cells, found, strict=True))
        if each.n and cell not in refused and cell not in identical
    ]
    usable = [k for k in sound if found[k].is_finite]
    more = np.broadcast_to(np.asarray(ratio, dtype=np.float64), len(cells))
    exact = gate.metric in COUNTED
    ps = [None] * len(usable) if exact else one_sided_ps(excess[usable], more[usable])
    # A cell without a spread is one of the m all the same: whether it has one is chance.
    shared = holm([1.0 if p is None else p for p in ps])
    beyond = {k: q if p is not None else None for k, p, q in zip(usable, ps, shared, strict=True)}
    judged = []
    for k, cell in enumerate(cells):
        each = found[k]
        if cell in identical and each.n and cell not in refused:
            why = (incomplete or {}).get(cell, "")
            told = f"identical in {counted(each.n, 'pair')}"
            judged.append(Judged(cell, "UNDECIDED" if why else "PASS", 0.0, told, why))
        elif k in beyond:
            decision, why = _of_cell(gate, excess[k], each, beyond[k], on_value)
            if decision == "PASS" and incomplete and cell in incomplete:
                decision, why = "UNDECIDED", incomplete[cell]
            told = figures(k, each) if figures else gate.shown(each)
            judged.append(Judged(cell, decision, each.mean or 0.0, told, why))
        elif isinstance(gate, Limit) and not each.n and incomplete and cell in incomplete:
            judged.append(Judged(cell, "UNDECIDED", -inf, "no value", incomplete[cell]))
    order = ("FAIL", "UNDECIDED", "PASS")
    judged.sort(key=lambda cell: (order.index(cell.decision), -cell.excess))
    mean, failed = "", False
    if len(usable) > 1 and not exact:  # of one cell it is that cell
        mean, failed = _mean(gate, excess[usable], float(more[usable].max()))
    return GateOutcome(
        gate.text,
        tuple(judged),
        mean,
        failed,
        tuple(cells[k] for k in sound if k not in beyond),
        tuple(cell for cell in cells if cell in refused),
    )


def _of_cell(
    gate: Gate | Limit, excess: Floats, found: Interval, p: float | None, on_value: bool
) -> tuple[Decision, str]:
    """The decision of one cell, and what it rests on where that is not its interval.

    Args:
        p: one-sided and by Holm's method; None where there is no spread.
    """
    strict = isinstance(gate, Limit) and gate.strict

    def inside(highest: float) -> bool:
        return highest < 0 if strict else highest <= 0

    known = excess[np.isfinite(excess)]
    if gate.metric in COUNTED:
        return ("PASS" if inside(float(known.max())) else "FAIL"), "counted: every run is judged"
    assert found.mean is not None
    if found.n == 1:
        if not on_value:
            return "UNDECIDED", "one pair or run decides nothing: add seeds, or give --on-value"
        return ("PASS" if inside(found.mean) else "FAIL"), "judged on the bare value (--on-value)"
    assert found.high is not None
    if p is None and isinstance(gate, Gate):
        why = f"all {found.n} differences are equal: there is no spread to judge by"
        return "UNDECIDED", why
    if p is None:  # values, not differences: a network that gives the same at every seed
        return ("PASS" if inside(found.mean) else "FAIL"), f"all {found.n} values are equal"
    if inside(found.high):
        return "PASS", ""
    return ("FAIL" if p <= _FAIL_AT else "UNDECIDED"), ""


def _mean(gate: Gate | Limit, excess: Floats, ratio: float) -> tuple[str, bool]:
    """The mean over cells, seed by seed, in words; and whether it is beyond the margin."""
    there = np.isfinite(excess)
    seeds = there.any(axis=0)
    total = np.where(there, excess, 0.0)[:, seeds].sum(axis=0)
    by_seed = (total / there[:, seeds].sum(axis=0))[None]
    (found,) = intervals(by_seed, ratio=ratio)
    (p,) = one_sided_ps(by_seed, ratio)
    words = f"mean over {counted(len(excess), 'cell')} {gate.shown(found)}"
    return words, p is not None and p <= _FAIL_AT


def figures(change: Change) -> str:
    """A change in one line.

    >>> figures(Change("l2", "gap_acc", 0.1, 0.13, Interval(0.03, 0.02, 0.04, 5), None, "worse"))
    '+0.03 (95% interval +0.02 to +0.04, 5 pairs), from 0.1 to 0.13'
    """
    found = change.interval
    if found.mean is None:
        return "no pairs"
    if change.word in ("identical", "equal"):
        return f"{change.word} in {counted(found.n, 'pair')}"
    how = (
        "one pair"
        if found.low is None or found.high is None
        else f"95% interval {found.low:+.4g} to {found.high:+.4g}, {found.n} pairs"
    )
    return f"{found.mean:+.4g} ({how}), from {change.base:.4g} to {change.new:.4g}"
