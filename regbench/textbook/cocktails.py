"""Do regularizers together beat the best of them alone?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from regbench.analysis.statistics import Floats, interval
from regbench.api import Results
from regbench.report.figures.style import BLUE, GREY, ORANGE, canvas, rendered
from regbench.textbook.finding import Finding, less
from regbench.textbook.lesson import Evidence, Lesson, Train

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


_PAPER = "Kadra et al. 2021"
_OVERALL = "mean of all data sets"


def _look(train: Train) -> Evidence:
    best = chosen(train("cocktails"))
    return Evidence(findings(best), lambda: _figure(best))


def chosen(results: Results) -> pd.DataFrame:
    """The candidates of least validation loss: one row a data set, kind and seed.

    A kind is `none`, `single` or `cocktail`. Each seed chooses by its own validation part. The mean
    over seeds would be a steadier guide, but not an honest one: every seed splits the rows anew, so
    the validation parts of the others hold this seed's test rows.

    Returns:
        columns `dataset`, `kind`, `seed` and those of runs.csv, sorted by these three.
    """
    labels = {cell.name: dict(cell.labels) for cell in results.study.cells}
    runs = results.runs[results.runs["status"] == "ok"]
    runs = runs.assign(
        dataset=[labels[cell]["dataset"] for cell in runs["cell"]],
        kind=[kind(labels[cell]["regularizer"]) for cell in runs["cell"]],
    )
    by_loss = runs.sort_values("val_loss", kind="stable")
    return (
        by_loss.groupby(["dataset", "kind", "seed"], as_index=False)
        .head(1)
        .sort_values(["dataset", "kind", "seed"])
    )


def kind(label: str) -> str:
    """What a candidate is, by its label.

    >>> kind("none"), kind("cocktail 07"), kind("L2 0.01")
    ('none', 'cocktail', 'single')
    """
    first = label.split(maxsplit=1)[0]
    return first if first in ("none", "cocktail") else "single"


def log_ratios(best: pd.DataFrame, one: str, other: str) -> dict[str, Floats]:
    """By data set, (S,) logarithms of one kind's test loss over another's; last their mean."""
    losses = _by_seed(best, "test_loss")
    ratios = {name: np.log(of[one] / of[other]) for name, of in losses.items()}
    # A seed's mean over data sets: they weigh the same, whatever their losses are.
    return ratios | {_OVERALL: np.mean(list(ratios.values()), axis=0)}


def findings(best: pd.DataFrame) -> list[Finding]:
    """Decide, given the chosen candidates."""
    what = "log of test loss, best {} over {}: {}"
    found = [
        less(what.format("cocktail", "best single", name), ratios, _PAPER)
        for name, ratios in log_ratios(best, "cocktail", "single").items()
    ]
    scores = _by_seed(best[best["test_acc"].notna()], "test_acc").values()
    fewer = np.mean([of["single"] - of["cocktail"] for of in scores], axis=0)
    accuracy = "test accuracy, best single less best cocktail: mean of the classifications"
    found.append(less(accuracy, fewer, _PAPER))
    for one in ("single", "cocktail"):
        overall = log_ratios(best, one, "none")[_OVERALL]
        found.append(less(what.format(one, "no regularizer", _OVERALL), overall, _PAPER))
    return found


def _by_seed(best: pd.DataFrame, column: str) -> dict[str, dict[str, Floats]]:
    """By data set and kind, (S,) values in the order of the seeds."""
    found: dict[str, dict[str, Floats]] = {}
    for name in best["dataset"].unique():
        rows = best[best["dataset"] == name]
        table = rows.pivot(index="seed", columns="kind", values=column)
        found[name] = {one: table[one].to_numpy(dtype=np.float64) for one in table}
    return found


def _figure(best: pd.DataFrame) -> bytes:
    with canvas(7.5, 3.0) as figure:
        beside, against = figure.subplots(1, 2, sharey=True)
        _forest(beside, {"cocktail": log_ratios(best, "cocktail", "single")})
        beside.set_title("best cocktail over best single regularizer")
        pairs = {one: log_ratios(best, one, "none") for one in ("single", "cocktail")}
        _forest(against, pairs)
        against.set_title("either over no regularizer")
        figure.legend(*against.get_legend_handles_labels(), loc="outside lower left", ncols=2)
        return rendered(figure, "svg")


def _forest(axes: Axes, rows: Mapping[str, Mapping[str, Floats]]) -> None:
    """A row a data set: the ratio of test losses with its interval, one colour a kind."""
    colours = {"single": BLUE, "cocktail": ORANGE}
    axes.axvline(1, color=GREY, linewidth=1)
    names: list[str] = []
    for place, (one, ratios) in enumerate(rows.items()):
        names = list(ratios)
        shift = 0.24 * (place - (len(rows) - 1) / 2)
        for y, values in enumerate(ratios.values()):
            found = interval(values.tolist())
            if found.mean is None or found.low is None or found.high is None:
                continue
            ends = np.exp([found.low, found.high])
            axes.plot(ends, [y + shift] * 2, color=colours[one], linewidth=1.8)
            solid = colours[one] if found.above or found.below else "white"
            label = f"best {one}" if y == 0 else ""
            mean = np.exp(found.mean)
            axes.plot(mean, y + shift, "o", color=colours[one], mfc=solid, label=label)
    axes.set(xscale="log", ylim=(len(names) - 0.5, -0.5))
    axes.set_xlabel("ratio of test losses (95% interval over seeds)")
    low, high = axes.get_xlim()
    fine, coarse = (0.8, 0.9, 1, 1.1, 1.2), (0.3, 0.4, 0.6, 0.8, 1)
    ticks = [tick for tick in (fine if low > 0.6 else coarse) if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.axhline(len(names) - 1.5, color=GREY, linewidth=0.6, linestyle=":")


LESSON = Lesson(
    title="Cocktails of regularizers beat single ones",
    source=_PAPER,
    look=_look,
    minutes=3,
)
