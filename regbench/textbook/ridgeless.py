"""More data can hurt least squares; the best ridge penalty takes the peak away."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf, sqrt

import numpy as np

from regbench.analysis.statistics import Floats, intervals
from regbench.report.figures.log_axis import log_ticks
from regbench.report.figures.style import BLUE, GREY, ORANGE, canvas, rendered
from regbench.textbook.finding import Finding, decided, less, near
from regbench.textbook.growing_sample import excess_risks
from regbench.textbook.lesson import Evidence, Lesson, Train
from regbench.textbook.ridgeless_risk import ridge_limit, ridgeless_risk, ridgeless_variance

_FEATURES, _SIGMA = 500, 0.5
_PENALTY = _FEATURES * _SIGMA**2  # the best one where beta has norm 1
# Next to the peak draws differ most, and most are taken.
_NEAR = (450, 490, 510, 550)
_NEAR_DRAWS, _DRAWS = 400, 100
SIZES = (100, 250, 400, *_NEAR, 600, 1000, 2000)

_FORMULA = "Belkin et al. 2020, theorem 1; setting of Nakkiran et al. 2021, fig. 1"
_PAPER = "Nakkiran et al. 2021 (arXiv 2003.01897), fig. 1"
_LIMIT = "Dobriban & Wager 2018, theorem 2.1"


def _look(train: Train) -> Evidence:  # no study: nothing is trained by steps here
    ridgeless, ridge = _draws()
    return Evidence(findings(ridgeless, ridge), lambda: _figure(ridgeless, ridge))


def _draws() -> tuple[Floats, Floats]:
    """(D, N) excess risks, a row for each data set that grows; NaN where it did not grow so far."""
    from threadpoolctl import threadpool_limits

    risks = np.full((2, _NEAR_DRAWS, len(SIZES)), np.nan)
    seeds, more = range(_DRAWS), range(_DRAWS, _NEAR_DRAWS)
    at_near = [SIZES.index(n) for n in _NEAR]
    draw = partial(excess_risks, d=_FEATURES, sigma=_SIGMA, penalty=_PENALTY)
    # A draw is too small to be shared out between cores, so each core takes draws of its own.
    with threadpool_limits(1), ThreadPoolExecutor() as pool:
        risks[:, :_DRAWS] = np.stack(list(pool.map(partial(draw, sizes=SIZES), seeds)), axis=1)
        near = np.stack(list(pool.map(partial(draw, sizes=_NEAR), more)), axis=1)
    risks[:, _DRAWS:, at_near] = near
    return risks[0], risks[1]


def findings(ridgeless: Floats, ridge: Floats) -> list[Finding]:
    """Decide, given (D, N) excess risks of the two fits for the sizes of SIZES; NaN is no draw."""
    draws = np.isfinite(ridgeless).sum(axis=0)
    found = [
        near(
            f"mean excess risk of {count} ridgeless fits at n = {n}",
            float(np.nanmean(risks)),
            ridgeless_risk(n, _FEATURES, _SIGMA),
            4 * sqrt(ridgeless_variance(n, _FEATURES, _SIGMA) / count),
            _FORMULA,
        )
        for n, count, risks in zip(SIZES, draws.tolist(), ridgeless.T, strict=True)
    ]
    before, peak = SIZES.index(250), SIZES.index(490)
    worse = less("ridgeless at n = 250 less that at n = 490", _of(ridgeless, before, peak), _PAPER)
    apart = np.abs(np.nanmean(ridge, axis=0) - _limits(SIZES))
    most, at = float(apart.max()), SIZES[int(apart.argmax())]
    what = "largest distance of ridge's mean from its limit for large d"
    limit = decided(what, f"{most:.2g} (n = {at})", "at most 0.01", _LIMIT, most <= 0.01)
    return [*found, worse, limit, _falls(ridge), _below(ridgeless, ridge)]


def _of(risks: Floats, one: int, other: int) -> Floats:
    """(D,) differences of two sizes, in the draws that have both."""
    found: Floats = risks[:, one] - risks[:, other]
    return found[np.isfinite(found)]


def _falls(ridge: Floats) -> Finding:
    steps = np.diff(ridge, axis=1)
    at = _least_clear(steps)
    what = f"best ridge at n = {SIZES[at + 1]} less that at n = {SIZES[at]}, the least clear step"
    return less(what, _of(ridge, at + 1, at), _PAPER)


def _below(ridgeless: Floats, ridge: Floats) -> Finding:
    apart = ridge - ridgeless
    at = _least_clear(apart)
    what = f"best ridge less ridgeless at n = {SIZES[at]}, the least clear of all n"
    return less(what, apart[np.isfinite(apart[:, at]), at], _PAPER)


def _least_clear(differences: Floats) -> int:
    """Of (D, K) differences the column whose interval reaches highest: if it passes, all do."""
    highest = [each.high for each in intervals(differences.T)]
    return max(range(len(highest)), key=lambda k: inf if (high := highest[k]) is None else high)


def _limits(sizes: Iterable[int]) -> Floats:
    return np.array([ridge_limit(n, _FEATURES, _SIGMA) for n in sizes])


def _figure(ridgeless: Floats, ridge: Floats) -> bytes:
    draws = np.isfinite(ridgeless).sum(axis=0)
    with canvas(7.5, 3.8) as figure:
        axes = figure.subplots()
        for side in (np.arange(80, 499), np.arange(502, 2101)):
            line = [ridgeless_risk(int(n), _FEATURES, _SIGMA) for n in side]
            axes.plot(side, line, color=ORANGE, label="ridgeless" if side[0] < _FEATURES else "")
        every = np.geomspace(80, 2100, 200).astype(int)
        axes.plot(every, _limits(every.tolist()), color=BLUE, label="ridge at its best penalty")
        sure = [4 * sqrt(ridgeless_variance(n, _FEATURES, _SIGMA)) for n in SIZES] / np.sqrt(draws)
        spread = 4 * np.nanstd(ridge, axis=0, ddof=1) / np.sqrt(draws)
        label = "drawn and fitted: mean, four standard errors"
        for risks, error, colour in ((ridgeless, sure, ORANGE), (ridge, spread, BLUE)):
            means = np.nanmean(risks, axis=0)
            axes.errorbar(SIZES, means, error, fmt="o", ms=4, capsize=2, color=colour, label=label)
            label = ""
        axes.axvline(_FEATURES, color=GREY, linestyle=":", linewidth=1)
        axes.annotate("n = d", (_FEATURES, 60), (4, 0), textcoords="offset points")
        axes.axhline(1, color=GREY, linewidth=0.6)
        axes.annotate("predicting 0", (82, 1.05))
        axes.set(xscale="log", yscale="log", ylim=(0.05, 90))
        log_ticks(axes, "y")
        axes.set_xlabel(f"examples n ({_FEATURES} features, noise of standard deviation {_SIGMA})")
        axes.set_ylabel("excess risk |b - beta|²")
        ticks = (100, 200, 300, 500, 1000, 2000)
        axes.set_xticks(ticks, [str(n) for n in ticks])
        axes.minorticks_off()
        axes.legend()
        return rendered(figure, "svg")


LESSON = Lesson(
    title="More data can hurt a fit without a penalty; the best ridge penalty takes the peak away",
    source=_PAPER,
    look=_look,
    minutes=0.4,
    study=False,
)
