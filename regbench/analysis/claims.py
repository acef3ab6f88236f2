"""Whether a study's claims hold: PASS, FAIL, or UNDECIDED by so few seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Literal

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import Interval, interval, seeds_to_decide
from regbench.config.cell import Cell
from regbench.config.claims import Addresses, Claim, Term, resolve

__all__ = ["Decision", "Outcome", "decide"]

Decision = Literal["PASS", "FAIL", "UNDECIDED"]

_COMPARE = {"<": lt, "<=": le, ">": gt, ">=": ge, "==": eq}
# What is counted rather than estimated: every run must satisfy the claim.
_EXACT = ("zero_fraction", "epochs_run")


@dataclass(frozen=True)
class Outcome:
    """A claim's decision and the figures behind it."""

    claim: Claim
    decision: Decision
    evidence: str


def decide(claim: Claim, cells: Sequence[Cell] | Addresses, by_seed: BySeed) -> Outcome:
    """Decide a claim; where it speaks of several pairs of cells it must hold in each.

    `a < b` and comparisons with a number pass when the whole 95% interval (paired by seed between
    cells) lies on the claimed side and fail when it lies wholly on the other. `a == b +- m` passes
    when the 90% interval lies inside the margin (two one-sided tests) and fails when the 95% one
    lies wholly outside. Counted metrics, exact equality and single-seed studies: every run must
    satisfy the claim.
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
    values = by_seed.row(claim.left.metric, left.name)
    number, name = 0.0, left.name
    if right is None:
        assert isinstance(claim.right, float)
        number = claim.right
        values = values - number
    else:
        assert isinstance(claim.right, Term)
        values = values - by_seed.row(claim.right.metric, right.name)
        name = f"{left.name} - {right.name}"
    differences: list[float] = values[np.isfinite(values)].tolist()
    if not differences:
        return "UNDECIDED", f"{name}: no runs to compare"
    exact = claim.left.metric in _EXACT or (claim.op == "==" and claim.margin is None)
    if exact or len(by_seed.seeds) == 1:
        return _every_run(claim, differences, name, number)
    if len(differences) == 1:
        return "UNDECIDED", f"{name}: one seed of {len(by_seed.seeds)} has numbers"
    return _by_interval(claim, differences, name, number)


def _every_run(
    claim: Claim, differences: Sequence[float], name: str, number: float
) -> tuple[Decision, str]:
    if claim.margin is not None:
        holds = [abs(value) <= claim.margin for value in differences]
    else:
        holds = [_COMPARE[claim.op](value, 0) for value in differences]
    values = [value + number for value in differences]
    evidence = f"{name}: {sum(holds)} of {len(holds)} runs, {min(values):.4g} to {max(values):.4g}"
    return ("PASS" if all(holds) else "FAIL"), evidence


def _by_interval(
    claim: Claim, differences: Sequence[float], name: str, number: float
) -> tuple[Decision, str]:
    found = interval(differences)
    evidence = f"{name}: {_shown(found, number)}, n = {found.n}"
    assert found.low is not None
    assert found.high is not None
    if claim.margin is not None:
        narrow = interval(differences, level=0.90)
        assert narrow.low is not None
        assert narrow.high is not None
        if -claim.margin <= narrow.low and narrow.high <= claim.margin:
            return "PASS", evidence
        outside = found.low > claim.margin or found.high < -claim.margin
        return ("FAIL" if outside else "UNDECIDED"), evidence
    compare = _COMPARE[claim.op]
    sides = [compare(found.low, 0), compare(found.high, 0)]
    if any(sides) and not all(sides):
        return "UNDECIDED", evidence + _more_seeds(differences)
    return ("PASS" if all(sides) else "FAIL"), evidence


def _more_seeds(differences: Sequence[float]) -> str:
    """How many seeds would make the interval narrow enough, if mean and spread stay as they are."""
    needed = seeds_to_decide(differences)
    return f"; about {needed} seeds would decide it" if needed else ""


def _shown(found: Interval, number: float) -> str:
    assert found.mean is not None
    assert found.low is not None
    assert found.high is not None
    low, high = found.low + number, found.high + number
    return f"{found.mean + number:.4g} (95% interval {low:.4g} to {high:.4g})"
