"""What least squares should give on n examples of d Gaussian features, before anything is drawn.

y = x beta + noise, with x ~ N(0, I_d), beta of norm 1 and noise ~ N(0, sigma^2). The excess risk of
an estimate b is E (x b - x beta)^2 = |b - beta|^2. "Ridgeless" is the least-squares fit of least
norm: what ridge regression gives as its penalty goes to 0.
"""

from __future__ import annotations

from math import inf, sqrt


def ridgeless_risk(n: int, d: int, sigma: float) -> float:
    """The expected excess risk of the fit of least norm.

    1 - n/d + sigma^2 n / (d - n - 1)    for n < d - 1
    sigma^2 d / (n - d - 1)              for n > d + 1

    The first term is the part of beta that n examples do not see; the other is
    sigma^2 E tr(W^-1), where W is the smaller Gram matrix, and W^-1 is inverse Wishart. Within one
    of n = d there is no expectation.

    Source: Belkin, Hsu & Xu 2020, "Two models of double descent for weak features", theorem 1.

    >>> round(ridgeless_risk(490, 500, 0.5), 2), ridgeless_risk(500, 500, 0.5)
    (13.63, inf)
    """
    rank, unseen, freedom = _shape(n, d)
    return unseen + sigma**2 * rank / freedom if freedom > 0 else inf


def ridgeless_variance(n: int, d: int, sigma: float) -> float:
    """The variance of that excess risk from one draw of n examples to the next.

    Var(unseen) + sigma^4 (Var tr M + 2 E tr M^2),    M = W^-1

    Which directions are unseen does not depend on W, so the variances add; the unseen part of beta
    is Beta((d - n)/2, n/2). Infinite for |n - d| < 4.

    Close to the peak draws are so skewed that a sample's own standard error comes out too small
    just where its mean does; this one does not depend on the sample.

    >>> round(ridgeless_variance(490, 500, 0.5) ** 0.5, 1), ridgeless_variance(497, 500, 0.5)
    (7.3, inf)
    """
    p, unseen, k = _shape(n, d)
    if k <= 2:
        return inf
    variance, square = inverse_wishart_traces(p, k)
    return unseen * (1 - unseen) / (d / 2 + 1) + sigma**4 * (variance + 2 * square)


def inverse_wishart_traces(p: int, k: int) -> tuple[float, float]:
    """Var tr M and E tr M^2, where M^-1 is a Wishart matrix of side p with p + 1 + k freedoms.

    Summed over the elements of M, whose means are 1/k on the diagonal and 0 beside it, with

    Var M_ii = 2 / (k^2 (k-2)),  Cov(M_ii, M_jj) = Var M_ii / (k+1),  Var M_ij = 1 / ((k+1) k (k-2))

    Args:
        k: > 2.
    Source: von Rosen 1988, "Moments for the inverted Wishart distribution".
    """
    own = 2 / (k**2 * (k - 2))
    beside = 1 / ((k + 1) * k * (k - 2))
    return p * own * (1 + (p - 1) / (k + 1)), p * (own + 1 / k**2 + (p - 1) * beside)


def ridge_limit(n: int, d: int, sigma: float) -> float:
    """The excess risk of ridge regression at its best penalty, lambda = d sigma^2, for large d.

    sigma^2 E tr (X^T X + lambda)^-1 = sigma^2 g m(-g sigma^2),    g = d/n

    where m(-z) = (sqrt((1 - g + z)^2 + 4 g z) - (1 - g + z)) / (2 g z) is the Stieltjes transform
    of the Marchenko-Pastur law. Falls with every example; has no peak.

    Source: Dobriban & Wager 2018, theorem 2.1.

    >>> [round(ridge_limit(n, 500, 0.5), 2) for n in (100, 500, 2000)]
    [0.85, 0.39, 0.08]
    """
    g = d / n
    z = g * sigma**2
    shifted = 1 - g + z
    return (sqrt(shifted**2 + 4 * g * z) - shifted) / (2 * g * z) * z


def _shape(n: int, d: int) -> tuple[int, float, int]:
    """The rank of the examples, the share of beta they cannot see, and k = |n - d| - 1."""
    return min(n, d), max(0.0, 1 - n / d), abs(n - d) - 1
