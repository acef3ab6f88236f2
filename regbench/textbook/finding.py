"""One sentence of a textbook beside what came out, and whether the two agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from regbench.analysis.claims import Decision, Outcome
from regbench.analysis.statistics import Floats, Interval, interval


@dataclass(frozen=True)
class Finding:
    """What was looked at, what came out, and what should have.

    Attributes:
        what: the quantity or the sentence.
        found: what came out, with its interval where it has one.
        expected: the published or derived value with its tolerance; empty where `what` says it.
        source: who published it, or what it is derived from.
    """

    what: str
    found: str
    expected: str
    source: str
    decision: Decision


def claimed(outcome: Outcome, source: str) -> Finding:
    """A claim of the study file, which says itself what is expected."""
    return Finding(outcome.claim.text, outcome.evidence, "", source, outcome.decision)


def decided(what: str, found: str, expected: str, source: str, holds: bool) -> Finding:
    """A sentence that holds or does not.

    >>> decided("order", "a, b", "a, b", "derived", True).decision
    'PASS'
    """
    return Finding(what, found, expected, source, "PASS" if holds else "FAIL")


def near(what: str, found: float, expected: float, tolerance: float, source: str) -> Finding:
    """A number within a tolerance of a published or derived one; NaN is not.

    >>> near("slope", 1.02, 1.0, 0.05, "derived").expected
    '1 ± 0.05'
    """
    holds = abs(found - expected) <= tolerance
    return decided(what, f"{found:.5g}", f"{expected:.10g} ± {tolerance:.2g}", source, holds)


def less(
    what: str,
    differences: Sequence[float] | Floats,
    source: str,
    *,
    than: float = 0.0,
) -> Finding:
    """Paired differences, one a seed, whose mean lies below a number with its whole interval.

    PASS where the 95% interval lies below it, FAIL where it lies wholly above, else UNDECIDED; so
    is one where a seed has no number, which must not vanish from the mean.

    >>> less("dropout - none", [-0.3, -0.2, -0.25], "derived").decision
    'PASS'
    """
    values = np.asarray(differences, dtype=np.float64)
    expected = f"below {than:g}"
    if missing := int((~np.isfinite(values)).sum()):
        text = f"{missing} of {len(values)} seeds have no number"
        return Finding(what, text, expected, source, "UNDECIDED")
    found = interval(values.tolist())
    decision: Decision = "UNDECIDED"
    if found.high is not None and found.high < than:
        decision = "PASS"
    elif found.low is not None and found.low > than:
        decision = "FAIL"
    return Finding(what, shown(found), expected, source, decision)


def shown(found: Interval) -> str:
    """A mean and its 95% interval.

    >>> shown(interval([1.0, 1.2, 1.4]))
    '1.2 (0.7032 to 1.697)'
    """
    if found.mean is None:
        return "no runs"
    return found.text() + " (one seed)" * (found.low is None)
