"""What so many seeds can decide, before anything is trained. No NumPy: `validate` says it, too."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin, sqrt, tan

from regbench.analysis.families import Family, Member, families
from regbench.config.cell import Cell
from regbench.config.plan import Study
from regbench.vocabulary.words import counted

ALPHA = 0.05
_NEXT = (6, 10, 20, 30, 50, 100)  # seeds that people take
_MORE = 1.5  # times as many seeds are worth a word


def t_quantile(p: float, freedom: int) -> float:
    """The quantile of Student's t for 1/2 < p < 1 and whole degrees of freedom.

    By bisection on the finite series of its distribution (Abramowitz & Stegun 26.7.3 and 26.7.4);
    scipy.special would take longer to import than a study takes to check.

    >>> round(t_quantile(0.975, 2), 6)
    4.302653
    """
    low, high = 0.0, pi / 2
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return tan(middle) * sqrt(freedom)
        low, high = (middle, high) if _within(middle, freedom) < 2 * p - 1 else (low, middle)


def _within(angle: float, freedom: int) -> float:
    """P(|t| < tan(angle) * sqrt(freedom))."""
    sine, cosine = sin(angle), cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    return (2 / pi) * (angle + sine * total) if odd else sine * total


def decidable(seeds: int, tests: int, ratio: float = 0.0) -> float:
    """The least mean difference that n seeds decide, in standard deviations of the differences.

    t(n - 1, 1 - alpha / (2 F)) * sqrt(1 / n + ratio), where F tests share alpha = .05.

    >>> [round(decidable(n, 4), 1) for n in (3, 6, 10)]
    [5.1, 1.6, 1.0]
    """
    return t_quantile(1 - ALPHA / 2 / tests, seeds - 1) * sqrt(1 / seeds + ratio)


def fold_ratio(study: Study) -> float:
    """What speaking of other rows adds to the variance of a mean over folds: n_val / n_train.

    >>> from regbench.config.load import study_from_mapping
    >>> fold_ratio(study_from_mapping({"dataset": {"name": "iris", "folds": 5}}))
    0.25
    """
    if study.interval == "seeds":
        return 0.0
    folds = [cell.setting.dataset.folds for cell in study.cells]
    return max(1 / (n - 1) if n else 0.0 for n in folds)


def study_families(cells: Sequence[Cell]) -> list[Family]:
    """The families that the table of a study will have."""
    return families(
        Member(cell.name, cell.regularizer, {k: str(v) for k, v in cell.values.items()})
        for cell in cells
    )


def what_seeds_decide(seeds: int, tests: Sequence[Family], ratio: float = 0.0) -> str:
    """What a plan of so many seeds can decide against its baselines; empty where it has none.

    Args:
        ratio: as in `decidable`.

    >>> families = [Family("none", (kind,), (kind,), True) for kind in ("l1", "l2", "dropout", "x")]
    >>> what_seeds_decide(3, families)
    'with 3 seeds and 4 families only a difference beyond 5.1 of its own standard deviation is \
decided; with 6, 1.6; with 10, 1.0'
    """
    if not tests:
        return ""
    many = counted(len(tests), "family")
    if seeds < 2:
        return f"with 1 seed none of the {many} is decided: there is no spread to judge by"
    more = [n for n in _NEXT if n >= _MORE * seeds][:2]
    text = (
        f"with {seeds} seeds and {many} only a difference beyond "
        f"{decidable(seeds, len(tests), ratio):.1f} of its own standard deviation is decided"
    )
    text += "".join(f"; with {n}, {decidable(n, len(tests), ratio):.1f}" for n in more)
    loose = [family for family in tests if not family.ordered]
    if loose:
        text += f" ({_named(loose)}: more, as their strengths have no order)"
    return text


def _named(loose: Sequence[Family]) -> str:
    return ", ".join(dict.fromkeys("+".join(family.kinds) for family in loose))
