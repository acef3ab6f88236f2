"""Intervals and tests over seeds.

Only scipy.special is used: scipy.stats would take longer to import than a table takes to print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

import numpy as np
from scipy.special import stdtr, stdtrit

__all__ = ["Interval", "holm", "interval", "paired_p"]


@dataclass(frozen=True)
class Interval:
    """A mean over n values, and the confidence interval for it; None where n is too small."""

    mean: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def half(self) -> float | None:
        """Half the interval's width: what stands after the plus-minus sign."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The mean and Student's t interval.

    mean +- t(n - 1, (1 + level) / 2) * s / sqrt(n); with one value there is no interval, and with
    values that are all equal it is the point.

    >>> interval([1.0, 2.0, 3.0])  # doctest: +ELLIPSIS
    Interval(mean=2.0, low=-0.4841377117..., high=4.4841377117..., n=3)
    >>> interval([5.0]), interval([2.0, 2.0])
    (Interval(mean=5.0, low=None, high=None, n=1), Interval(mean=2.0, low=2.0, high=2.0, n=2))
    """
    found = np.array([value for value in values if isfinite(value)])
    n = len(found)
    if n == 0:
        return Interval(None, None, None, 0)
    mean = float(found.mean())
    if n == 1:
        return Interval(mean, None, None, 1)
    if np.all(found == found[0]):
        return Interval(float(found[0]), float(found[0]), float(found[0]), n)
    half = float(stdtrit(n - 1, (1 + level) / 2) * found.std(ddof=1) / sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def paired_p(differences: Sequence[float]) -> float | None:
    """Two-sided p of the paired t-test that the mean difference is 0.

    None with fewer than two differences, or where all are equal: there is no spread to judge by.

    >>> round(paired_p([1.0, 2.0, 3.0]), 6)
    0.07418
    """
    found = np.array([value for value in differences if isfinite(value)])
    if len(found) < 2 or np.all(found == found[0]):
        return None
    t = found.mean() / (found.std(ddof=1) / sqrt(len(found)))
    return float(2 * stdtr(len(found) - 1, -abs(t)))


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for so many tests (Holm 1979); None stays None and is no test.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    order = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = highest
    return adjusted
