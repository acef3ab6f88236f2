"""Double descent in closed form: formulas and fits against independent ones, and judging."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import invwishart
from sklearn.linear_model import Ridge

from regbench.streams import Purpose, normal
from regbench.textbook.growing_sample import excess_risks
from regbench.textbook.ridgeless import SIZES, findings
from regbench.textbook.ridgeless_risk import (
    inverse_wishart_traces,
    ridge_limit,
    ridgeless_risk,
    ridgeless_variance,
)

PUBLISHED = (0.863, 0.751, 1.210, 2.396, 13.63, 13.89, 2.551, 1.263, 0.2505, 0.0834)


def test_the_formula_gives_the_published_risks():
    found = [ridgeless_risk(n, 500, 0.5) for n in SIZES]
    np.testing.assert_allclose(found, PUBLISHED, rtol=7e-4)
    assert [ridgeless_risk(n, 500, 0.5) for n in (499, 500, 501)] == [np.inf] * 3


@pytest.mark.parametrize("n", [12, pytest.param(33, marks=pytest.mark.torture)])
def test_mean_and_variance_are_those_of_many_pseudoinverses(n):
    d, sigma, draws = 22, 0.7, 40_000
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((draws, n, d)), rng.standard_normal((draws, n))
    beta = np.full(d, d**-0.5)
    fits = np.einsum("rdn,rn->rd", np.linalg.pinv(x), x @ beta + sigma * noise)
    risks = np.square(fits - beta).sum(axis=1)
    variance = ridgeless_variance(n, d, sigma)
    assert abs(risks.mean() - ridgeless_risk(n, d, sigma)) < 4 * (variance / draws) ** 0.5
    assert risks.var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize(("p", "k"), [(6, 15), (15, 20)])
def test_traces_are_those_of_scipy_s_inverse_wishart(p, k):
    drawn = invwishart(p + 1 + k, np.eye(p)).rvs(40_000, random_state=0)
    variance, square = inverse_wishart_traces(p, k)
    assert np.trace(drawn, axis1=1, axis2=2).var() == pytest.approx(variance, rel=0.04)
    assert np.square(drawn).sum(axis=(1, 2)).mean() == pytest.approx(square, rel=0.01)


def test_the_variance_is_infinite_where_a_second_moment_is():
    assert ridgeless_variance(497, 500, 0.5) == np.inf
    assert np.isfinite(ridgeless_variance(496, 500, 0.5))


@pytest.mark.parametrize("n", SIZES)
def test_ridge_s_limit_is_an_integral_over_the_marchenko_pastur_law(n):
    d, sigma = 500, 0.5
    g = d / n
    low, high = (1 - g**0.5) ** 2, (1 + g**0.5) ** 2
    z = g * sigma**2  # lambda / n

    def density(x):
        return np.sqrt((high - x) * (x - low)) / (2 * np.pi * g * x) / (x + z)

    integral, _ = quad(density, low, high, epsabs=1e-10, epsrel=1e-8, limit=500)
    at_zero = max(0.0, 1 - 1 / g) / z
    assert ridge_limit(n, d, sigma) == pytest.approx(sigma**2 * g * (integral + at_zero), rel=1e-5)


@pytest.mark.parametrize("n", [30, 90])
def test_fits_are_numpy_s_lstsq_and_scikit_learn_s_ridge(n):
    d, sigma, penalty = 60, 0.5, 15.0
    drawn = normal(7, Purpose.SYNTHETIC, 100 * (d + 1)).reshape(100, d + 1)[:n]
    x, y = drawn[:, :d], drawn[:, 0] + sigma * drawn[:, d]
    beta = np.zeros(d)
    beta[0] = 1
    least = np.linalg.lstsq(x, y, rcond=None)[0]
    ridge = Ridge(alpha=penalty, fit_intercept=False, solver="svd").fit(x, y).coef_
    found = excess_risks(7, [20, n, 100], d, sigma, penalty)
    wanted = [np.square(each - beta).sum() for each in (least, ridge)]
    np.testing.assert_allclose([found[0][1], found[1][1]], wanted, rtol=1e-9)


def _risks():
    """Excess risks as the formulas have them, with a little noise for the intervals to hold."""
    jitter = 1 + 1e-4 * np.random.default_rng(0).standard_normal((400, len(SIZES)))
    limits = np.array([ridge_limit(n, 500, 0.5) for n in SIZES])
    ridgeless = np.array(PUBLISHED) * jitter
    ridgeless[100:, 0] = np.nan
    return ridgeless, limits * jitter


def _failed(ridgeless, ridge):
    return [each.what.split(" at n")[0] for each in findings(ridgeless, ridge) if not _passed(each)]


def _passed(finding):
    return finding.decision == "PASS"


def test_what_the_formulas_say_passes():
    assert _failed(*_risks()) == []


def test_other_risks_fail():
    ridgeless, ridge = _risks()
    count = sum("ridgeless fits" in what for what in _failed(1.2 * ridgeless, ridge))
    assert count == len(SIZES)
    flat = np.minimum(ridgeless, 0.5)
    assert "ridgeless" in _failed(flat, ridge)
    assert "best ridge less ridgeless" in _failed(flat, ridge)
    assert "largest distance of ridge's mean from its limit for large d" in _failed(
        ridgeless, ridge + 0.02
    )
    rising = ridge.copy()
    rising[:, 4] = rising[:, 3] + 0.001 * ridge[:, 3]
    assert "best ridge" in _failed(ridgeless, rising)
