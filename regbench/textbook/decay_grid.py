"""Where the best strength lies for each learning rate: L2 under Adam and SGD, and AdamW."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regbench.analysis.statistics import Floats, interval
from regbench.api import Results
from regbench.report.figures.log_axis import log_ticks
from regbench.report.figures.style import ORANGE, canvas, rendered
from regbench.textbook.finding import Finding, decided, less, shown
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Loshchilov & Hutter 2019, figure 2"
_BEST = "Loshchilov & Hutter 2019, section 4"
_NAMES = {"adam": "Adam + L2", "adamw": "AdamW", "sgd": "SGD + L2"}


@dataclass(frozen=True)
class Grid:
    """A score over learning rates and strengths.

    Attributes:
        lr: (P,), ascending.
        strength: (Q,) 2 l2, or weight_decay, as in w -= lr * strength * w; ascending.
        val: (S, Q, P) validation losses; test: (S, Q, P).
    """

    lr: Floats
    strength: Floats
    val: Floats
    test: Floats


def _look(train: Train) -> Evidence:
    results = train("decay-grid")
    grids = {name: _grid(results, name) for name in _NAMES}
    return Evidence(findings(grids), lambda: _figure(grids))


def _grid(results: Results, optimizer: str) -> Grid:
    runs = results.runs
    runs = runs[runs["cell"].str.startswith(f"optimizer={optimizer},")]
    decay = runs["regularizer.weight_decay"].fillna(0)
    runs = runs.assign(strength=2 * runs["regularizer.l2"].fillna(0) + decay)
    tables = [
        [
            of_seed.pivot(index="strength", columns="optimizer.lr", values=column)
            for _, of_seed in runs.groupby("seed")
        ]
        for column in ("val_loss", "test_loss")
    ]
    val, test = (np.stack([table.to_numpy(np.float64) for table in each]) for each in tables)
    frame = tables[0][0]
    return Grid(frame.columns.to_numpy(np.float64), frame.index.to_numpy(np.float64), val, test)


def valley(grid: Grid, loss: Floats) -> Floats:
    """(P,) the natural logarithm of the best strength at each learning rate.

    The lowest point of the parabola through the least loss and its neighbours on the logarithmic
    axis. NaN where the least stands on the grid's edge: the best may lie beyond.

    Args:
        loss: (Q, P).
    """
    x, found = np.log(grid.strength), np.full(len(grid.lr), np.nan)
    for place, column in enumerate(loss.T):
        least = int(np.nanargmin(column))
        if 0 < least < len(x) - 1:
            around = slice(least - 1, least + 2)
            a, b, _ = np.polyfit(x[around] - x[least], column[around], 2)
            found[place] = x[least] - b / (2 * a)
    return found


def slopes(grid: Grid) -> Floats:
    """(S,) of log best strength on log lr, by least squares: 0 is along the axis."""
    x, found = np.log(grid.lr), []
    for loss in grid.test:
        y = valley(grid, loss)
        seen = np.isfinite(y)
        found.append(np.polyfit(x[seen], y[seen], 1)[0] if seen.sum() > 2 else np.nan)
    return np.array(found)


def findings(grids: dict[str, Grid]) -> list[Finding]:
    """The paper's sentences, on its axis and on ours."""
    adam, adamw, sgd = (slopes(grids[name]) for name in _NAMES)
    on_paper = adamw + 1  # of log(lr * weight_decay) on log lr
    what = "|slope| of AdamW's best {} on lr less that of Adam's best l2"
    best = {name: _best(grid) for name, grid in grids.items()}
    return [
        less(what.format("lr * weight_decay"), np.abs(on_paper) - np.abs(adam), _PAPER),
        less(what.format("weight_decay"), np.abs(adamw) - np.abs(adam), _PAPER + "; our axis"),
        less("slope of SGD's best l2 on lr: slanted down", sgd, _PAPER),
        *(
            _along(f"slope of the best {name} on lr", found)
            for name, found in (
                ("l2, Adam", adam),
                ("weight_decay, AdamW", adamw),
                ("l2, SGD", sgd),
            )
        ),
        less("test loss, best AdamW - best Adam + L2", best["adamw"] - best["adam"], _BEST),
    ]  # fmt: skip


def _along(what: str, found: Floats) -> Finding:
    """Nearer to the axis than half way to the diagonal, with the whole interval."""
    mean = interval(found.tolist())
    holds = mean.low is not None and mean.high is not None and -0.5 < mean.low < mean.high < 0.5
    source = "derived: where the weights rest does not depend on lr"
    return decided(what, shown(mean), "-0.5 to 0.5", source, holds)


def _best(grid: Grid) -> Floats:
    """(S,) test losses at the setting of least mean validation loss."""
    mean = grid.val.mean(axis=0)
    row, column = np.unravel_index(int(np.nanargmin(mean)), mean.shape)
    chosen: Floats = grid.test[:, row, column]
    return chosen


def _figure(grids: dict[str, Grid]) -> bytes:
    panels = [
        (_NAMES["adam"], "2 · l2", grids["adam"], 0),
        (_NAMES["sgd"], "2 · l2", grids["sgd"], 0),
        (_NAMES["adamw"], "weight_decay", grids["adamw"], 0),
        (f"{_NAMES['adamw']}, the paper's axis", "lr · weight_decay", grids["adamw"], 1),
    ]
    least = min(float(np.nanmin(grid.test.mean(axis=0))) for grid in grids.values())
    with canvas(7.5, 6) as figure:
        for axes, (title, label, grid, power) in zip(
            figure.subplots(2, 2).flat, panels, strict=True
        ):
            x, y = np.meshgrid(grid.lr, grid.strength)
            mean = grid.test.mean(axis=0)
            drawn = axes.pcolormesh(
                x,
                y * x**power,
                mean,
                vmin=least,
                vmax=2 * least,
                cmap="viridis_r",
                shading="nearest",
            )
            best = np.exp(valley(grid, mean)) * grid.lr**power
            axes.plot(grid.lr, best, "o-", color=ORANGE, ms=4)
            axes.set(xscale="log", yscale="log", title=title, xlabel="lr", ylabel=label)
            log_ticks(axes, "x", most=4)
            log_ticks(axes, "y")
        figure.colorbar(
            drawn,
            ax=figure.axes,
            label="test loss (nats), mean over seeds",
            extend="max",
            shrink=0.6,
        )
        return rendered(figure, "svg")


LESSON = Lesson(
    title="AdamW's best decay does not depend on the learning rate, L2's best does",
    source=_PAPER,
    look=_look,
    minutes=2,
)
