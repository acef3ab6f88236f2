"""Whether a study's claims hold: PASS, FAIL, or UNDECIDED by so few seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, Literal

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import Floats, differences, intervals, seeds_to_decide
from regbench.config.cell import Cell
from regbench.config.claims import Addresses, Claim, Term, resolve
from regbench.vocabulary.words import counted

Decision = Literal["PASS", "FAIL", "UNDECIDED"]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq}
# What is counted rather than estimated: every run must satisfy the claim.
COUNTED = ("zero_fraction", "epochs_run")
_ADVICE = "(an estimate, at 80% power)"
# Stands where the advice to add seeds does; the figures are those of docs/statistics.md.
LOOKING_AGAIN = (
    "to add seeds until something is decided errs more often than 5%: 12% with looks at 3, 5 and "
    "10 seeds, 23% with one at every seed from 3 to 20; choose their number once"
)


@dataclass(frozen=True)
class Outcome:
    """A claim's decision and the figures behind it."""

    claim: Claim
    decision: Decision
    evidence: str

    @property
    def advises(self) -> bool:
        """Whether the evidence says how many seeds would decide it."""
        return self.evidence.endswith(_ADVICE)


def decide(claim: Claim, cells: Sequence[Cell] | Addresses, by_seed: BySeed) -> Outcome:
    """Decide a claim; where it speaks of several pairs of cells it must hold in each.

    `a < b` and comparisons with a number pass when the whole 95% interval (paired by seed between
    cells) lies on the claimed side and fail when it lies wholly on the other. `a == b +- m` passes
    when the 90% interval lies inside the margin (two one-sided tests) and fails when the 95% one
    lies wholly outside. Counted metrics, exact equality and single-seed studies: every run must
    satisfy the claim.

    Differences between cells that are all equal show no order, unless the cells are equal in every
    metric: then they are one. Nothing passes while a value that it rests on is missing.
    """
    found = [_decide_pair(claim, left, right, by_seed) for left, right in resolve(claim, cells)]
    for worst in ("FAIL", "UNDECIDED", "PASS"):
        for decision, evidence in found:
            if decision == worst:
                return Outcome(claim, decision, evidence)
    return Outcome(claim, "UNDECIDED", "no runs")


def _decide_pair(
    claim: Claim, left: Cell, right: Cell | None, by_seed: BySeed
) -> tuple[Decision, str]:
    metrics = {left.name: claim.left.metric}
    values = by_seed.row(claim.left.metric, left.name)
    number, name = 0.0, left.name
    if right is None:
        assert isinstance(claim.right, float)
        number = claim.right
        values = differences(values, np.full_like(values, number))
    else:
        assert isinstance(claim.right, Term)
        values = differences(values, by_seed.row(claim.right.metric, right.name))
        name = f"{left.name} - {right.name}"
        metrics[right.name] = claim.right.metric
    known = values[np.isfinite(values)]
    missing = _missing(metrics, by_seed)
    if not len(known):
        return "UNDECIDED", f"{name}: no runs to compare{missing}"
    exact = claim.left.metric in COUNTED or (claim.op == "==" and claim.margin is None)
    if exact or len(by_seed.seeds) == 1:
        decision, evidence = _every_run(claim, known, name, number)
        if not exact:
            evidence += "; one seed: the bare value is judged"
    elif len(known) == 1:
        return "UNDECIDED", f"{name}: one seed of {len(by_seed.seeds)} has numbers{missing}"
    elif right is not None and claim.margin is None and _all_equal(known):
        decision, evidence = _tied(claim, known, name, by_seed.is_identical(left.name, right.name))
    elif right is None and not known.any() and claim.op in ("<", ">"):
        return "UNDECIDED", f"{name}: all {len(known)} values are {number:g}{missing}"
    else:
        ratio = float(by_seed.ratio(claim.left.metric)[by_seed.cells.index(left.name)])
        decision, evidence = _by_interval(claim, known, name, number, ratio)
        evidence += speaks_of(claim.left.metric, by_seed)
        if decision == "UNDECIDED" and claim.margin is None and not missing:
            evidence += _more_seeds(known, by_seed)
    if missing and decision == "PASS":
        decision = "UNDECIDED"
    return decision, evidence + missing


def _missing(metrics: dict[str, str], by_seed: BySeed) -> str:
    """Runs of these cells whose value of their metric is no number."""
    found = [by_seed.incomplete(metric).get(cell, "") for cell, metric in metrics.items()]
    return "".join(f"; {what}" for what in found if what)


def _all_equal(values: Floats) -> bool:
    (found,) = intervals(values[None])
    return found.low == found.high


def _tied(claim: Claim, known: Floats, name: str, identical: bool) -> tuple[Decision, str]:
    """Differences that are all equal: an answer for cells that are one, no evidence for others.

    A claim that allows equality holds for values that tie.
    """
    holds = not known.any() and COMPARE[claim.op](0, 0)
    if identical:
        what = f"equal in every metric, in {len(known)} pairs of runs"
        return ("PASS" if holds else "FAIL"), f"{name}: {what}"
    if holds:
        return "PASS", f"{name}: equal in {len(known)} pairs of runs"
    return "UNDECIDED", (
        f"{name}: all {len(known)} differences are {known[0]:.4g}, though other metrics differ: "
        "equal values have no spread to judge by"
    )


def speaks_of(metric: str, by_seed: BySeed) -> str:
    """Whom an interval of what is scored on unseen rows speaks of."""
    if not metric.startswith(("val_", "test_")):
        return ""
    whom = "other rows of this kind" if by_seed.over == "rows" else "other seeds on these data"
    return f", for {whom}"


def _every_run(claim: Claim, differences: Floats, name: str, number: float) -> tuple[Decision, str]:
    if claim.margin is not None:
        holds = [abs(value) <= claim.margin for value in differences.tolist()]
    else:
        holds = [COMPARE[claim.op](value, 0) for value in differences.tolist()]
    values = [value + number for value in differences.tolist()]
    runs = f"{sum(holds)} of {counted(len(holds), 'run')}"
    evidence = f"{name}: {runs}, {min(values):.4g} to {max(values):.4g}"
    return ("PASS" if all(holds) else "FAIL"), evidence


def _by_interval(
    claim: Claim, differences: Floats, name: str, number: float, ratio: float
) -> tuple[Decision, str]:
    (found,) = intervals(differences[None], ratio=ratio)
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    low, high = found.low + number, found.high + number
    shown = f"{found.mean + number:.4g} (95% interval {low:.4g} to {high:.4g})"
    evidence = f"{name}: {shown}, n = {found.n}"
    if claim.margin is not None:
        (narrow,) = intervals(differences[None], level=0.90, ratio=ratio)
        assert narrow.low is not None
        assert narrow.high is not None
        if -claim.margin <= narrow.low and narrow.high <= claim.margin:
            return "PASS", evidence
        outside = found.low > claim.margin or found.high < -claim.margin
        return ("FAIL" if outside else "UNDECIDED"), evidence
    compare = COMPARE[claim.op]
    sides = [compare(found.low, 0), compare(found.high, 0)]
    if any(sides) and not all(sides):
        return "UNDECIDED", evidence
    return ("PASS" if all(sides) else "FAIL"), evidence


def _more_seeds(differences: Floats, by_seed: BySeed) -> str:
    """How many seeds would decide it, if mean and spread are what they seem."""
    if by_seed.over == "rows":  # whose interval seeds narrow only so far
        return ""
    needed = seeds_to_decide(differences.tolist())
    return f"; about {needed} seeds would decide it {_ADVICE}" if needed else ""
