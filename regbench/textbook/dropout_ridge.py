"""Dropout on a linear model's inputs is an adaptive ridge, Gaussian noise on them a plain one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.api import Results
from regbench.textbook.finding import Finding, decided
from regbench.textbook.lesson import Evidence, Lesson, Train
from regbench.textbook.linear import linear_models, ridge

if TYPE_CHECKING:
    from regbench.report.figures import Panel


Kind = Literal["adaptive", "plain"]

_PAPERS: dict[Kind, str] = {
    "adaptive": "Wager, Wang & Liang 2013, section 2; Srivastava et al. 2014, section 9.1",
    "plain": "Bishop 1995",
}
_OTHER: dict[Kind, Kind] = {"adaptive": "plain", "plain": "adaptive"}
# Of 30 weights with 40 seeds, chance would take one beyond 4 standard errors in 1 of 120 studies.
_NEAR, _FAR = 4.0, 20.0
_STRENGTHS = np.geomspace(1e-4, 10, 2001)


@dataclass(frozen=True)
class Averaged:
    """A cell's weights, averaged over its seeds.

    Attributes:
        kind: of the ridge that they should be; strength: what it multiplies.
        mean: (I,); error: (I,), the standard error of the mean.
        x, y: (n, I) and (n,), the training part, the same for all seeds.
    """

    cell: str
    kind: Kind
    strength: float
    mean: Floats
    error: Floats
    x: Floats
    y: Floats


def penalty(kind: Kind, strength: float, x: Floats) -> Floats:
    """(I,) what a squared weight costs: strength * mean(x_j^2), or strength alone.

    Dropped inputs are 0, kept ones x_j / (1 - p): of mean x_j and of variance x_j^2 p / (1 - p).
    The squared loss grows on average by the variance of the output, which is the sum of
    w_j^2 x_j^2 p / (1 - p). Noise of standard deviation s has the variance s^2 at every input.
    """
    return strength * ((x**2).mean(axis=0) if kind == "adaptive" else np.ones(x.shape[1]))


def distance(found: Averaged, kind: Kind, strength: float) -> float:
    """From a ridge's closed form: the largest over the weights, in standard errors."""
    exact = ridge(found.x, found.y, penalty(kind, strength, found.x))
    return float((np.abs(found.mean - exact) / found.error).max())


def nearest(found: Averaged, kind: Kind) -> float:
    """The least distance from any ridge of that kind, whatever its strength."""
    return min(distance(found, kind, strength) for strength in _STRENGTHS)


def _look(train: Train) -> Evidence:
    found = averages(train("dropout-ridge"))
    return Evidence(_findings(found), lambda: _figure(found))


def averages(results: Results) -> list[Averaged]:
    """The mean weights of every cell, with the ridge that each should be."""
    found = []
    for cell in results.study.cells:
        runs = linear_models(results, cell.name)
        weights = np.array([fit.weight for fit in runs])
        rate, noise = cell.setting.regularizer.input_dropout, cell.setting.regularizer.input_noise
        found.append(
            Averaged(
                cell.name,
                "adaptive" if rate else "plain",
                rate / (1 - rate) if rate else noise**2,
                weights.mean(axis=0),
                weights.std(axis=0, ddof=1) / np.sqrt(len(weights)),
                runs[0].x,
                runs[0].y,
            )
        )
    return found


def _findings(found: list[Averaged]) -> list[Finding]:
    findings = []
    for each in found:
        near, other = distance(each, each.kind, each.strength), _OTHER[each.kind]
        far = nearest(each, other)
        findings += [
            decided(
                f"{each.cell}: mean weights from the {each.kind} ridge of strength "
                f"{each.strength:.4g}, in standard errors",
                f"{near:.2g}",
                f"at most {_NEAR:g}",
                _PAPERS[each.kind],
                near <= _NEAR,
            ),
            decided(
                f"{each.cell}: from the nearest {other} ridge, of any strength",
                f"{far:.3g}",
                f"at least {_FAR:g}",
                _PAPERS[each.kind],
                far >= _FAR,
            ),
        ]
    return findings


def _figure(found: list[Averaged]) -> bytes:
    from regbench.report.figures import panels_figure

    kinds: tuple[Kind, Kind] = ("adaptive", "plain")
    return panels_figure(
        "Dropout follows the adaptive ridge (left), Gaussian noise the plain one (right)",
        [_panel(kind, [each for each in found if each.kind == kind]) for kind in kinds],
        columns=2,
        share_y=True,
        panel_height=2.8,
        note="Dots: mean over the seeds; their 95% intervals are smaller than the dots.",
    )


def _panel(kind: Kind, found: list[Averaged]) -> Panel:
    """The weights of x, x^3 and x^5 against the rate or the noise."""
    from regbench.report.figures import Line, Panel
    from regbench.report.figures.style import CYCLE

    x, y = found[0].x, found[0].y
    strengths = np.array([each.strength for each in found])
    finely = np.linspace(0.5 * strengths.min(), 1.1 * strengths.max(), 60)
    # The other kind with the same mean penalty, so that only the shape differs.
    factor = (x**2).mean() ** (1 if kind == "adaptive" else -1)
    own = np.array([ridge(x, y, penalty(kind, s, x)) for s in finely])
    other = np.array([ridge(x, y, penalty(_OTHER[kind], s * factor, x)) for s in finely])
    where = (lambda s: s / (1 + s)) if kind == "adaptive" else np.sqrt
    lines = []
    for power, colour in zip((1, 3, 5), CYCLE, strict=False):
        name, at = ("x" if power == 1 else f"x^{power}"), power - 1
        dots = [each.mean[at] for each in found]
        lines += [
            Line(f"{name}: the ridge named above", where(finely), own[:, at], colour=colour),
            Line(f"{name}: the other one", where(finely), other[:, at], colour=colour, style="--"),
            Line("", where(strengths), dots, colour=colour, dots=True, style=""),
        ]
    xlabel = "dropout rate on the inputs" if kind == "adaptive" else "standard deviation of noise"
    return Panel(f"{kind} ridge", xlabel, "weight", lines)


LESSON = Lesson(
    title="Dropout on a linear model's inputs is an adaptive ridge, noise on them a plain one",
    source=_PAPERS["adaptive"],
    look=_look,
    minutes=0.3,
)
