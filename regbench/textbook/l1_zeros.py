"""An L1 penalty makes weights exactly zero, L2 does not, and the elastic net lies between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.api import Results
from regbench.textbook.finding import Finding, decided, less
from regbench.textbook.lesson import Evidence, Lesson, Train
from regbench.textbook.linear import LinearModel, kkt_violation, linear_models

_PAPER = "Tibshirani 1996, section 2; Zou & Hastie 2005, section 2"
_KKT = "derived: the subgradient of mean squared error + l1 sum|w| + l2 sum(w^2) holds 0"
_STEP = "derived: a step of lr (gradient + l1 sign(w)) goes across 0, and not to it"
_SIGN = "derived: of 40 weights that should be 0 some lie on the side that their gradient pulls to"
_SUPPORT = "Wainwright 2009, theorem 1: no relevant feature is missed where its weight is clear"
_OPTIMAL = 1e-9
_ROUGH = "l1 by subgradient"
_CELLS = ("none", "l2", "elastic", "l1", _ROUGH)


def precision(weight: Floats, informative: int) -> float:
    """Of the weights other than 0, the share on the first `informative` features, which matter."""
    return float((weight[:informative] != 0).sum() / max((weight != 0).sum(), 1))


def recall(weight: Floats, informative: int) -> float:
    """Of the features that matter, the share whose weight is not 0."""
    return float((weight[:informative] != 0).mean())


def _look(train: Train) -> Evidence:
    results = train("l1-zeros")
    found = {cell: linear_models(results, cell) for cell in _CELLS}
    findings = [*_certificates(results, found), *_subgradient(results, found)]
    return Evidence([*findings, *_supports(results, found)], lambda: _figure(results, found))


def _certificates(results: Results, found: dict[str, list[LinearModel]]) -> list[Finding]:
    what = "largest violation of the optimality conditions in {} runs of {}"
    findings = []
    for cell in ("l2", "elastic", "l1"):
        worst = max(_violations(results, found, cell))
        findings.append(
            decided(
                what.format(len(found[cell]), cell),
                f"{worst:.2g}",
                f"at most {_OPTIMAL:g}",
                _KKT,
                worst <= _OPTIMAL,
            )
        )
    return findings


def _subgradient(results: Results, found: dict[str, list[LinearModel]]) -> list[Finding]:
    """What the subgradient leaves where the optimum, which l1 found, is 0."""
    l1, _ = _strengths(results, _ROUGH)
    pairs = list(zip(found[_ROUGH], found["l1"], strict=True))
    left = np.concatenate([np.abs(rough.weight[exact.weight == 0]) for rough, exact in pairs])
    least = min(_violations(results, found, _ROUGH))
    return [
        decided(
            f"|w| of {_ROUGH}, where l1's w is 0",
            f"{left.min():.2g} to {left.max():.2g}",
            "above 0",
            _STEP,
            bool(left.min() > 0),
        ),
        decided(
            f"least violation of the optimality conditions in {len(pairs)} runs of {_ROUGH}",
            f"{least:.2g}",
            f"at least l1 = {l1:g}",
            _SIGN,
            least >= l1,
        ),
    ]


def _violations(results: Results, found: dict[str, list[LinearModel]], cell: str) -> list[float]:
    l1, l2 = _strengths(results, cell)
    return [kkt_violation(fit, l1, l2) for fit in found[cell]]


def _supports(results: Results, found: dict[str, list[LinearModel]]) -> list[Finding]:
    informative = _informative(results)
    recalls = [recall(fit.weight, informative) for fit in found["l1"]]
    precisions = {
        cell: np.array([precision(fit.weight, informative) for fit in found[cell]])
        for cell in ("l2", "elastic", "l1")
    }
    findings = [
        decided(
            f"support recall of l1, least of {len(recalls)} runs",
            f"{min(recalls):g}",
            "1",
            _SUPPORT,
            min(recalls) == 1,
        )
    ]
    for low, high in (("l2", "elastic"), ("elastic", "l1")):
        what = f"support precision of {low} less that of {high}"
        compared = less(what, precisions[low] - precisions[high], _PAPER)
        means = f"{precisions[low].mean():.2f} - {precisions[high].mean():.2f}"
        findings.append(replace(compared, found=f"{means} = {compared.found}"))
    return findings


def _strengths(results: Results, cell: str) -> tuple[float, float]:
    (setting,) = [each.setting for each in results.study.cells if each.name == cell]
    l1, l2 = setting.regularizer.l1, setting.regularizer.l2
    assert isinstance(l1, float)
    assert isinstance(l2, float)
    return l1, l2


def _informative(results: Results) -> int:
    dataset = results.study.base.dataset
    assert dataset.name == "sparse_linear"
    return dataset.n_informative


def _figure(results: Results, found: dict[str, list[LinearModel]]) -> bytes:
    from regbench.report.figures import Line, Panel, panels_figure
    from regbench.report.figures.style import CYCLE

    colours = dict(zip(("l2", "elastic", "l1", _ROUGH), CYCLE, strict=False))
    first = {cell: found[cell][0].weight for cell in colours}
    features = np.arange(1.0, len(first["l1"]) + 1)
    weights = [
        Line(cell, features, first[cell], style="", dots=True, colour=colours[cell])
        for cell in ("l2", "elastic", "l1")
    ]
    # A logarithmic axis has no place for 0: a line ends where its weights do.
    sizes = {cell: np.sort(np.abs(weight))[::-1] for cell, weight in first.items()}
    falling = [
        Line(
            cell,
            features,
            np.where(sizes[cell] > 0, sizes[cell], np.nan),
            colour=colours[cell],
            width=3.0 if cell == "l1" else 1.5,
        )
        for cell in (_ROUGH, "l2", "elastic", "l1")
    ]
    return panels_figure(
        f"L1 makes weights exactly zero (features 1 to {_informative(results)} matter; seed 0)",
        [
            Panel("weights", "feature", "weight", weights),
            Panel(
                "by size: a line ends where 0 begins",
                "weights, the largest first",
                "|weight|",
                falling,
                log_y=True,
            ),
        ],
        columns=2,
        panel_height=2.8,
    )


LESSON = Lesson(
    title="An L1 penalty makes weights exactly zero, L2 does not; elastic lies between",
    source=_PAPER,
    look=_look,
    minutes=0.2,
)
