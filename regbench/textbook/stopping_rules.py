"""Stopping rules replayed on recorded trajectories: what waiting costs, and what it gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from regbench.analysis.statistics import Floats, interval
from regbench.api import Results
from regbench.report.figures.log_axis import log_ticks
from regbench.report.figures.style import BLUE, GREEN, GREY, ORANGE, canvas, rendered
from regbench.textbook.curves import curve
from regbench.textbook.finding import Finding, decided, less, near, shown
from regbench.textbook.lesson import Evidence, Lesson, Train

Ints = npt.NDArray[np.int64]

CRITERIA = (
    *("GL 1", "GL 2", "GL 3", "GL 5"),
    *("PQ 0.5", "PQ 0.75", "PQ 1", "PQ 2", "PQ 3"),
    *("UP 2", "UP 3", "UP 4", "UP 6", "UP 8"),
)
LIBRARIES = ("Keras", "Lightning", "skorch", "scikit-learn")
_PAPER = "Prechelt 1998, Neural Networks 11:761"
_CONTRACT = "regbench: a run's row uses epochs up to its own stop"


@dataclass(frozen=True)
class Replayed:
    """What each rule did on each seed's trajectory.

    Attributes:
        rules: K names.
        stop, reading: (S, K) epochs.
        regret: (S, K) as runs.csv has it: test loss at the reading less the least up to the stop.
        test: (S, E) test loss after each epoch of the whole trajectory; val: (S, E).
    """

    rules: Sequence[str]
    stop: Ints
    reading: Ints
    regret: Floats
    test: Floats
    val: Floats

    def at_reading(self) -> Floats:
        """(S, K) test loss at the readings."""
        read: Floats = np.take_along_axis(self.test, self.reading - 1, axis=1)
        return read

    def over_least(self) -> Floats:
        """(S, K) test loss at the reading over the least of the whole trajectory."""
        ratio: Floats = self.at_reading() / self.test.min(axis=1, keepdims=True)
        return ratio


def _look(train: Train) -> Evidence:
    results = train("stopping-rules")
    replayed = _replayed(results)
    return Evidence([*findings(replayed), _prefixes(results)], lambda: _figure(replayed))


def _replayed(results: Results) -> Replayed:
    rules = [*CRITERIA, *LIBRARIES]

    def table(column: str) -> pd.DataFrame:
        return results.runs.pivot(index="seed", columns="cell", values=column)[rules]

    return Replayed(
        rules,
        table("epochs_run").to_numpy(np.int64),
        table("reading_epoch").to_numpy(np.int64),
        table("stopping_regret").to_numpy(np.float64),
        curve(results, "none", "test_loss").values,
        curve(results, "none", "val_loss").values,
    )


def findings(replayed: Replayed) -> list[Finding]:
    """What Prechelt says of slower criteria, and what a replay must be."""
    fourteen = [replayed.rules.index(name) for name in CRITERIA]
    stop, loss = replayed.stop[:, fourteen].astype(np.float64), replayed.at_reading()[:, fourteen]
    quickest = int(stop.mean(axis=0).argmin())
    others = np.delete(np.arange(len(CRITERIA)), quickest)
    gain = 100 * (1 - loss[:, others] / loss[:, [quickest]]).mean(axis=1)
    cost = (stop[:, others] / stop[:, [quickest]]).mean(axis=1)
    name = CRITERIA[quickest]
    what = f"the thirteen slower criteria against {name}"
    right = np.array([
        [test[read - 1] - test[:stop].min() for read, stop in zip(reads, stops, strict=True)]
        for test, reads, stops in zip(replayed.test, replayed.reading, replayed.stop, strict=True)
    ])  # fmt: skip
    hindsight = replayed.at_reading() - replayed.test.min(axis=1, keepdims=True)
    later = int((hindsight > right).sum())
    skorch = replayed.stop[:, replayed.rules.index("skorch")]
    same = sum(skorch_stop(val) == stop for val, stop in zip(replayed.val, skorch, strict=True))
    return [
        _between(f"test loss saved by {what}, percent", gain, 0, 10, "about 4", _PAPER),
        _between(f"epochs of {what}, ratio", cost, 2, np.inf, "about 4", _PAPER),
        near(
            "regret less that of the trajectory up to the stop (largest)",
            float(np.abs(replayed.regret - right).max()), 0, 1e-12, _CONTRACT,
        ),
        decided(
            "readings that would have more regret if later epochs counted",
            f"{later} of {right.size}", "some", _CONTRACT, later > 0,
        ),
        decided(
            "skorch's relative threshold stops where its min_delta does here",
            f"{same} of {len(skorch)} seeds", "all", "skorch, callbacks/training.py",
            same == len(skorch),
        ),
    ]  # fmt: skip


def _between(
    what: str, values: Floats, low: float, high: float, published: str, source: str
) -> Finding:
    """A mean over seeds whose whole interval lies between two numbers."""
    above, below = less(what, -values, source, than=-low), less(what, values, source, than=high)
    expected = f"{published}; here {low:g} to {high:g}"
    decisions = {above.decision, below.decision}
    worst = next(each for each in ("FAIL", "UNDECIDED", "PASS") if each in decisions)
    return Finding(what, shown(interval(values.tolist())), expected, source, worst)


def skorch_stop(losses: Sequence[float] | Floats) -> int:
    """The epoch after which skorch's EarlyStopping would stop by default; the last if it would not.

    Five epochs in a row that are not below the last improvement by a ten-thousandth of it.

    Source: skorch/callbacks/training.py, restated.

    >>> skorch_stop([1.0, 0.99995, 0.99994, 0.99993, 0.99992, 0.99991, 0.5])
    6
    """
    misses, limit = 0, np.inf
    for epoch, loss in enumerate(losses, 1):
        misses, limit = (0, loss - 1e-4 * loss) if loss < limit else (misses + 1, limit)
        if misses == 5:
            return epoch
    return len(losses)


def _prefixes(results: Results) -> Finding:
    """Whether each rule's recorded curve is a beginning of the whole trajectory."""
    whole = curve(results, "none", "test_loss").values
    apart = 0.0
    for name in (*CRITERIA, *LIBRARIES):
        part = curve(results, name, "test_loss").values
        apart = max(apart, float(np.nanmax(np.abs(part - whole[:, : part.shape[1]]))))
    what = "each rule's curve less the whole trajectory's (largest)"
    return decided(what, f"{apart:g}", "0", _CONTRACT, apart == 0)


def _figure(replayed: Replayed) -> bytes:
    with canvas(7.5, 4) as figure:
        axes = figure.subplots()
        families = {"GL": BLUE, "PQ": ORANGE, "UP": GREEN}
        for place, name in enumerate(replayed.rules):
            colour = families.get(name[:2], GREY)
            above = interval((100 * (replayed.over_least()[:, place] - 1)).tolist())
            assert above.mean is not None
            assert above.high is not None
            x, half = float(replayed.stop[:, place].mean()), above.high - above.mean
            axes.errorbar(x, above.mean, half, fmt="o", ms=4, lw=1, color=colour)
            axes.annotate(
                name, (x, above.high), (0, 3), textcoords="offset points",
                rotation=60, ha="left", va="bottom", color=colour, fontsize=7,
            )  # fmt: skip
        axes.set(xscale="log", ylim=(0, None), xlabel="epochs until the stop (mean over seeds)")
        log_ticks(axes, "x")
        axes.set_ylabel("test loss at the reading above\nthe least of the trajectory (%)")
        return rendered(figure, "svg")


LESSON = Lesson(
    title="Slower stopping rules gain a few percent, at several times the cost",
    source=_PAPER,
    look=_look,
    minutes=0.3,
)
