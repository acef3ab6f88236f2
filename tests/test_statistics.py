"""Intervals and tests against scipy, worked examples, and their coverage in simulated studies."""

import numpy as np
import pytest
from scipy import stats

from regbench.analysis.statistics import (
    holm,
    interval,
    intervals,
    min_detectable,
    p_improvement,
    paired_ps,
    wilcoxon_can_decide,
)

RNG = np.random.default_rng(20)
ROWS = [RNG.normal(0.3, 1, n) for n in (2, 3, 5, 10, 40)]


@pytest.mark.parametrize("row", ROWS, ids=len)
@pytest.mark.parametrize("level", [0.90, 0.95])
def test_t_intervals_are_scipys(row, level):
    found = interval(row, level)
    expected = stats.ttest_1samp(row, 0).confidence_interval(level)
    assert found.mean == pytest.approx(row.mean(), rel=1e-14)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_the_sleep_data_of_student_1908():
    # Hours of sleep gained by ten patients with two drugs: t = -4.0621, p = 0.002833, interval
    # (-2.4599, -0.7001) in R's t.test(extra ~ group, paired = TRUE).
    one = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    two = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    difference = (one - two).reshape(1, -1)
    (found,) = intervals(difference)
    assert (found.low, found.high) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)
    assert paired_ps(difference) == [pytest.approx(0.00283289, abs=5e-9)]
    # Nine of the ten slept longer with the second; one did not change.
    assert p_improvement(difference) == [0.95]
    # (2.2622 + 0.8834) * 1.2299 / sqrt(10)
    assert min_detectable(difference) == [pytest.approx(1.2235, abs=5e-4)]


def test_missing_values_are_left_out_row_by_row():
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 4.0], [np.nan] * 3, [2.0, 2.0, 2.0]])
    whole, one, none, equal = intervals(values)
    assert (whole.mean, whole.n) == (2.0, 2)
    assert (one.mean, one.low, one.n) == (4.0, None, 1)
    assert (none.mean, none.n) == (None, 0)
    assert (equal.mean, equal.low, equal.high) == (2.0, 2.0, 2.0)
    assert (
        paired_ps(values) == [pytest.approx(stats.ttest_1samp([1.0, 3.0], 0).pvalue)] + [None] * 3
    )


def test_equal_values_are_a_point_exactly():
    # Computed, the mean of three tenths is .10000000000000002, and their spread is not 0.
    (found,) = intervals(np.full((1, 3), 0.1))
    assert (found.mean, found.low, found.high) == (0.1, 0.1, 0.1)
    assert paired_ps(np.full((1, 3), 0.1)) == [None]


@pytest.mark.parametrize("row", [row for row in ROWS if len(row) >= 5], ids=len)
def test_wilcoxon_is_scipys_exact_test(row):
    expected = stats.wilcoxon(row, method="exact").pvalue
    assert paired_ps(row.reshape(1, -1), "wilcoxon") == [pytest.approx(expected)]


def test_wilcoxon_can_decide_only_from_enough_pairs():
    # The least p of n pairs is 2^(1 - n): 5 pairs give .0625.
    assert stats.wilcoxon([1, 2, 3, 4, 5]).pvalue == 0.0625
    assert not wilcoxon_can_decide(5, 1)
    assert wilcoxon_can_decide(6, 1)
    assert not wilcoxon_can_decide(6, 2)


def test_bca_is_scipys_and_only_from_30_seeds():
    rows = np.vstack([RNG.exponential(size=40), np.r_[RNG.exponential(size=29), [np.nan] * 11]])
    enough, few = intervals(rows, method="bca")
    expected = stats.bootstrap(
        (rows[0],), np.mean, method="BCa", rng=np.random.default_rng(0), n_resamples=9_999
    ).confidence_interval
    assert (enough.low, enough.high) == (expected.low, expected.high)
    assert few == interval(rows[1])
    # It leans to the side on which the data are skewed; t cannot.
    assert enough.high - enough.mean > enough.mean - enough.low


def test_holm_is_worked_by_hand():
    # Holm 1979: sorted .01 .02 .03 .04 times 4 3 2 1, and never falling.
    assert holm([0.04, 0.01, None, 0.03, 0.02]) == pytest.approx([0.06, 0.04, None, 0.06, 0.06])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_min_detectable_keeps_its_word():
    """With a true difference of that size, four studies in five find it."""
    n, rng = 8, np.random.default_rng(1)
    # The formula at the true spread, 1: what a study's own figure estimates.
    size = (stats.t.ppf(0.975, n - 1) + stats.t.ppf(0.8, n - 1)) / np.sqrt(n)
    found = paired_ps(rng.normal(size, 1, (4000, n)))
    assert np.mean([p < 0.05 for p in found]) == pytest.approx(0.8, abs=0.02)


# --- coverage: 2,000 simulated studies with a known effect -------------------------------------

STUDIES = 2_000


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_t_intervals_cover_what_they_say(n):
    rng = np.random.default_rng(n)
    found = intervals(rng.normal(0.2, 1, (STUDIES, n)))
    covered = np.mean([each.low <= 0.2 <= each.high for each in found])
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
def test_bootstrap_coverage_is_reported(record_property):
    """BCa at 30 seeds covers nearly what it says; at 5 it would not, which is why it is refused."""
    from regbench.analysis import statistics

    rng = np.random.default_rng(2)
    coverage = {}
    for n in (5, 30):
        rows = rng.normal(0.2, 1, (300, n))
        found = [statistics._bca(row, 0.95, resamples=999) for row in rows]
        coverage[n] = float(np.mean([low <= 0.2 <= high for low, high in found]))
        record_property(f"bca_coverage_{n}", coverage[n])
    assert 0.90 <= coverage[30] <= 0.97
    assert coverage[5] < 0.90


@pytest.mark.slow
def test_holm_holds_the_family_wise_error():
    """Six regularizers that do nothing: rarely is any of them called significant."""
    rng = np.random.default_rng(3)
    false = 0
    for _ in range(STUDIES):
        # Differences from one baseline: correlated, as in a gap table.
        baseline = rng.normal(size=(1, 5))
        differences = rng.normal(size=(6, 5)) - baseline
        false += min(holm(paired_ps(differences))) < 0.05
    assert false / STUDIES <= 0.06
