"""Intervals and tests over seeds, for many rows at once.

Student's t and the paired t-test need only scipy.special: scipy.stats would take longer to import
than a table takes to print, so it is imported where the bootstrap or Wilcoxon's test is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

Floats = npt.NDArray[np.float64]
IntervalMethod = Literal["t", "bca"]
TestMethod = Literal["t", "wilcoxon"]

# Below this many seeds the BCa bootstrap covers far less than it says (70-90% at n = 3-10).
BCA_FROM = 30
_RESAMPLES = 9_999
_POWER, _MOST_SEEDS = 0.8, 1_000
# Numbers are decimals and their differences binary: .93 - .91 and .83 - .81 are the same.
_ROUNDING = 1e-12
# What the CSV files call the ways to an interval.
METHODS = {
    "t": "Student's t, 95%",
    "bca": "BCa bootstrap, 95%",
    "rows": "corrected t over rows, 95%",
}


@dataclass(frozen=True)
class Interval:
    """A mean over n values, and the confidence interval for it; None where n is too small.

    Attributes:
        method: how it was made, as METHODS has it; empty where it is a point or there is none.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int
    method: str = field(default="", repr=False, compare=False)

    @property
    def is_finite(self) -> bool:
        """Whether none of its numbers was too large to be one."""
        return all(isfinite(each or 0.0) for each in (self.mean, self.low, self.high))

    @property
    def half(self) -> float | None:
        """Half the interval's width: what stands after the plus-minus sign."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def above(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.low is not None and self.low > 0

    @property
    def below(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.high is not None and self.high < 0

    def text(self, form: str = ".4g") -> str:
        """The mean with its interval, as people write it.

        >>> Interval(0.5, 0.25, 0.75, 5).text(), Interval(0.5, None, None, 1).text("+.3g")
        ('0.5 (0.25 to 0.75)', '+0.5')
        """
        if self.mean is None:
            return "unknown"
        mean = f"{self.mean:{form}}"
        if self.low is None or self.high is None:
            return mean
        return f"{mean} ({self.low:{form}} to {self.high:{form}})"

    def within(self, bounds: tuple[float, float]) -> Interval:
        """What is said of it: no accuracy lies above 1. Decisions and tables have the whole.

        >>> Interval(0.95, 0.85, 1.05, 3).within((0, 1))
        Interval(mean=0.95, low=0.85, high=1, n=3)
        """
        least, most = bounds
        if self.low is None or self.high is None or not least <= (self.mean or 0.0) <= most:
            return self
        return replace(self, low=max(self.low, least), high=min(self.high, most))


NO_INTERVAL = Interval(None, None, None, 0)


def interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The mean and Student's t interval of one row; see `intervals`.

    >>> interval([1.0, 2.0, 3.0])  # doctest: +ELLIPSIS
    Interval(mean=2.0, low=-0.4841377117..., high=4.4841377117..., n=3)
    >>> interval([5.0]), interval([2.0, 2.0])
    (Interval(mean=5.0, low=None, high=None, n=1), Interval(mean=2.0, low=2.0, high=2.0, n=2))
    """
    return intervals(np.array(values, dtype=np.float64).reshape(1, -1), level)[0]


def differences(values: Floats, others: Floats) -> Floats:
    """values - others, where what is equal but for rounding differs by exactly 0.

    >>> differences(np.array([0.93 - 0.91]), np.array([0.83 - 0.81]))
    array([0.])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return snapped(values - others, np.abs(values) + np.abs(others))


def snapped(found: Floats, size: Floats) -> Floats:
    """Differences of numbers of such a size, 0 where rounding alone made them."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(np.abs(found) <= _ROUNDING * size, 0.0, found)


def intervals(
    values: Floats,
    level: float = 0.95,
    method: IntervalMethod = "t",
    ratio: Floats | float = 0.0,
) -> list[Interval]:
    """A mean and its interval for each row of (K, S) values, NaN being no value.

    t: mean +- t(n - 1, (1 + level) / 2) * s * sqrt(1 / n + ratio). bca: the bias-corrected and
    accelerated bootstrap (Efron 1987), for rows of at least 30 values; rows of fewer get t. One
    value has no interval, and values that are all equal are their own.

    Args:
        ratio: (K,) or one number: 0 speaks of other seeds; n_val / n_train of other rows, as the
            corrected t of Nadeau & Bengio 2003 has it.
    """
    mean, spread, n = _moments(values)
    more = np.broadcast_to(np.asarray(ratio, dtype=np.float64), mean.shape)
    low, high = _by_t(mean, _error(spread, n, more), n, level)
    methods = [METHODS["rows"] if each > 0 else METHODS["t"] for each in more.tolist()]
    if method == "bca":
        for k in np.flatnonzero((n >= BCA_FROM) & (spread > 0)):
            low[k], high[k] = _bca(values[k], level)
            methods[k] = METHODS["bca"]
    return [
        NO_INTERVAL
        if n_k == 0
        else Interval(mean_k, None, None, 1)
        if n_k == 1
        else Interval(mean_k, low_k, high_k, n_k, how if low_k != high_k else "")
        for mean_k, low_k, high_k, n_k, how in zip(
            mean.tolist(), low.tolist(), high.tolist(), n.tolist(), methods, strict=True
        )
    ]


def bounds(values: Floats) -> tuple[Floats, Floats, Floats]:
    """(K,) mean and ends of the 95% interval of each row, as `intervals` has them by t.

    >>> bounds(np.array([[1.0, 1.0, 1.0], [2.0, np.nan, np.nan]]))
    (array([1., 2.]), array([ 1., nan]), array([ 1., nan]))
    """
    mean, spread, n = _moments(values)
    low, high = _by_t(mean, _error(spread, n, 0.0), n, 0.95)
    return (
        np.where(n > 0, mean, np.nan),
        np.where(n > 1, low, np.nan),
        np.where(n > 1, high, np.nan),
    )


def _by_t(
    mean: Floats, error: Floats, n: npt.NDArray[np.int64], level: float
) -> tuple[Floats, Floats]:
    with np.errstate(over="ignore", invalid="ignore"):
        half = stdtrit(np.maximum(n - 1, 1), (1 + level) / 2) * error
        return mean - half, mean + half


def standard_errors(values: Floats, ratio: Floats | float = 0.0) -> list[tuple[float, float]]:
    """The mean and its standard error for each row of (K, S) values.

    The error of a single value is 0, and the mean of none is no number.

    >>> rows = np.array([[1.0, 5.0, 1.0, 5.0], [2.0, np.nan, np.nan, np.nan]])
    >>> [(mean, round(error, 12)) for mean, error in standard_errors(rows, ratio=0.5)]
    [(3.0, 2.0), (2.0, 0.0)]
    """
    mean, spread, n = _moments(values)
    mean = np.where(n > 0, mean, np.nan)
    return list(zip(mean.tolist(), _error(spread, n, ratio).tolist(), strict=True))


def _error(spread: Floats, n: npt.NDArray[np.int64], ratio: Floats | float) -> Floats:
    """(K,) standard errors of the means."""
    with np.errstate(invalid="ignore", over="ignore"):
        found: Floats = spread * np.sqrt(1 / np.maximum(n, 1) + ratio)
    return found


def _moments(values: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """(K,) mean, standard deviation (n - 1) and n; exact where all values of a row are equal."""
    there = np.isfinite(values)
    n = there.sum(axis=1)
    filled = np.where(there, values, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = filled.sum(axis=1) / np.maximum(n, 1)
        deviations = np.where(there, values - mean[:, None], 0.0)
        spread = np.sqrt((deviations**2).sum(axis=1) / np.maximum(n - 1, 1))
    low = np.where(there, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(there, values, -np.inf).max(axis=1, initial=-np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        equal = (high - low <= _ROUNDING * np.maximum(np.abs(low), np.abs(high))) & (n > 0)
    return np.where(equal, low, mean), np.where(equal, 0.0, spread), n


def _bca(values: Floats, level: float, resamples: int = _RESAMPLES) -> tuple[float, float]:
    from scipy.stats import bootstrap

    found = bootstrap(
        (values[np.isfinite(values)],),
        np.mean,
        n_resamples=resamples,
        confidence_level=level,
        method="BCa",
        rng=np.random.default_rng(0),  # the same table every time
    ).confidence_interval
    return float(found.low), float(found.high)


def paired_ps(
    differences: Floats, method: TestMethod = "t", ratio: Floats | float = 0.0
) -> list[float | None]:
    """Two-sided p that each row of (K, S) paired differences is centred on 0.

    t: the paired t-test, corrected by `ratio` as `intervals` are. wilcoxon: the signed-rank test,
    exact, also with ties and zeros. None with fewer than two differences, or where all are equal:
    there is no spread to judge by.

    >>> [round(p, 6) for p in paired_ps(np.array([[1.0, 2.0, 3.0]]))]
    [0.07418]
    >>> paired_ps(np.array([[0.5, 0.5], [0.1, np.nan]]))
    [None, None]
    """
    mean, spread, n = _moments(differences)
    judged = (n > 1) & (spread > 0)
    if method == "t":
        p = 2 * stdtr(np.maximum(n - 1, 1), -np.abs(_t(mean, spread, n, ratio)))
        return [float(p_k) if ok else None for p_k, ok in zip(p, judged, strict=True)]
    return [
        _signed_rank(row[np.isfinite(row)]) if ok else None
        for row, ok in zip(differences, judged, strict=True)
    ]


def one_sided_ps(values: Floats, ratio: Floats | float = 0.0) -> list[float | None]:
    """p that the mean of each row of (K, S) lies at or below 0, by the t-test; see `paired_ps`."""
    mean, spread, n = _moments(values)
    judged = (n > 1) & (spread > 0)
    p = stdtr(np.maximum(n - 1, 1), -_t(mean, spread, n, ratio))
    return [float(p_k) if ok else None for p_k, ok in zip(p, judged, strict=True)]


def _t(mean: Floats, spread: Floats, n: npt.NDArray[np.int64], ratio: Floats | float) -> Floats:
    """(K,) t statistics; no number where there is no spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean / _error(spread, n, ratio)


def _signed_rank(differences: Floats) -> float:
    """Two-sided p of the signed-rank test, exact given the sizes: over all 2^n signs.

    Equal sizes share their mean rank; zeros are ranked and then left out (Pratt 1959).
    """
    from scipy.stats import rankdata

    twice = (2 * rankdata(np.abs(differences))).astype(np.int64)[differences != 0]
    positive = int(twice[differences[differences != 0] > 0].sum())
    shares = np.zeros(int(twice.sum()) + 1)
    shares[0] = 1.0
    for rank in twice.tolist():  # the rank's sign is + or - with equal chance
        moved = shares / 2
        moved[rank:] += shares[: len(shares) - rank] / 2
        shares = moved
    return float(min(1.0, 2 * min(shares[: positive + 1].sum(), shares[positive:].sum())))


def wilcoxon_can_decide(n: int, tests: int) -> bool:
    """Whether n pairs can reach significance at .05 / tests: their least p is 2^(1 - n).

    >>> [wilcoxon_can_decide(n, 6) for n in (5, 7, 8)]
    [False, False, True]
    """
    return n > 0 and 2.0 ** (1 - n) <= 0.05 / max(tests, 1)


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


def p_improvement(differences: Floats) -> list[float | None]:
    """Share of the seeds at which each row's difference is below 0, ties counting half.

    >>> p_improvement(np.array([[-0.1, -0.2, 0.0, 0.3]]))
    [0.625]
    """
    n = np.isfinite(differences).sum(axis=1)
    with np.errstate(invalid="ignore"):
        better = (differences < 0).sum(axis=1) + 0.5 * (differences == 0).sum(axis=1)
    return [float(b / m) if m else None for b, m in zip(better, n, strict=True)]


def min_detectable(differences: Floats, ratio: Floats | float = 0.0) -> list[float | None]:
    """The smallest true difference that so many seeds would show with 80% power.

    (t(n - 1, .975) + t(n - 1, .8)) * s / sqrt(n), two-sided at 5%, for each row of (K, S).
    Source: Bloom 1995, "Minimum detectable effects".

    >>> [round(d, 3) for d in min_detectable(np.array([[1.0, 2.0, 3.0]]))]
    [3.097]
    """
    _, spread, n = _moments(differences)
    freedom = np.maximum(n - 1, 1)
    multiple = stdtrit(freedom, 0.975) + stdtrit(freedom, _POWER)
    found = multiple * _error(spread, n, ratio)
    return [float(d) if m > 1 and isfinite(d) else None for d, m in zip(found, n, strict=True)]


def seeds_to_decide(differences: Sequence[float]) -> int | None:
    """How many seeds would decide it with 80% power, if mean and spread are what these say.

    The fewest n with (t(n - 1, .975) + t(n - 1, .8)) * s / sqrt(n) below the mean; None beyond
    1,000: then there is no effect worth the name. An estimate: mean and spread are uncertain.

    >>> seeds_to_decide([1.0, 2.0, 3.0]), seeds_to_decide([1.0, -1.0])
    (5, None)
    """
    values = np.asarray(differences, dtype=np.float64)
    mean, spread = abs(float(values.mean())), float(values.std(ddof=1))
    n = np.arange(2, _MOST_SEEDS + 1)
    multiple = stdtrit(n - 1, 0.975) + stdtrit(n - 1, _POWER)
    enough = multiple * spread < mean * np.sqrt(n)
    return int(n[enough][0]) if enough.any() else None
