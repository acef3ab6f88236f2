"""Double descent: test error peaks where training data are just interpolated; tuned L2 has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import interval
from regbench.api import Results
from regbench.config.schema import Mlp
from regbench.textbook.finding import Finding, decided, less, near
from regbench.textbook.lesson import Evidence, Lesson, Train

__all__ = ["LESSON", "PUBLISHED", "Errors", "findings"]

Floats = npt.NDArray[np.float64]

_NOTEBOOK = "Greydanus & Kobak 2024, notebook deep-double-descent (one unseeded draw)"
_TUNED = "Nakkiran et al. 2021, Optimal regularization can mitigate double descent"
# Test error in percent by width of both hidden layers, with noise; and what a draw may be off.
PUBLISHED = {
    9: 48.97, 16: 47.24, 27: 50.69, 36: 52.80, 47: 54.05, 61: 54.02, 135: 48.39, 300: 45.47,
}  # fmt: skip
_PUBLISHED_TRAIN = {9: 47.45, 61: 0.0}
_INTERPOLATED = 0.5  # percent of training error


def tolerance(width: int) -> float:
    """Points of error that single draws are apart: the more the smaller the network."""
    return 8.0 if width <= 9 else 3.5 if width <= 36 else 2.5


@dataclass(frozen=True)
class Errors:
    """Percent of error of W widths at K strengths of L2, the first of which is none.

    Attributes:
        widths: W, ascending.
        strengths: K.
        train, val, test: (W, K, S), paired by seed.
    """

    widths: tuple[int, ...]
    strengths: tuple[float, ...]
    train: Floats
    val: Floats
    test: Floats

    def chosen(self) -> npt.NDArray[np.int64]:
        """(W,) the place of the strength of least mean validation error; test rows play no part."""
        places: npt.NDArray[np.int64] = self.val.mean(axis=2).argmin(axis=1)
        return places

    def tuned(self) -> Floats:
        """(W, S) test error at the chosen strength."""
        at: Floats = self.test[np.arange(len(self.widths)), self.chosen()]
        return at


def _look(train: Train) -> Evidence:
    errors = _errors(train("double-descent"))
    return Evidence(findings(errors), lambda: _figure(errors))


def _errors(results: Results) -> Errors:
    by_seed = BySeed(results.rows)
    places: dict[tuple[int, float], str] = {}
    for cell in results.study.cells:
        model, l2 = cell.setting.model, cell.setting.regularizer.l2
        assert isinstance(model, Mlp)
        assert isinstance(l2, float)
        places[model.hidden[0], l2] = cell.name
    widths = sorted({width for width, _ in places})
    strengths = sorted({strength for _, strength in places})

    def table(metric: str) -> Floats:
        rows = [[by_seed.row(metric, places[w, k]) for k in strengths] for w in widths]
        errors: Floats = 100 * (1 - np.array(rows, dtype=np.float64))
        return errors

    parts = (table(f"{part}_acc") for part in ("train", "val", "test"))
    return Errors(tuple(widths), tuple(strengths), *parts)


def findings(errors: Errors) -> list[Finding]:
    """Every width against the published error, the peak, and what tuned L2 leaves of it."""
    test, train, tuned = errors.test[:, 0], errors.train[:, 0], errors.tuned()
    found = [
        near(f"test error at {w} units, percent", float(test[errors.widths.index(w)].mean()),
             published, tolerance(w), _NOTEBOOK)
        for w, published in PUBLISHED.items()
    ]  # fmt: skip
    found += [
        near(f"training error at {w} units, percent", float(train[errors.widths.index(w)].mean()),
             published, tolerance(w), _NOTEBOOK)
        for w, published in _PUBLISHED_TRAIN.items()
    ]  # fmt: skip
    dip, peak = _dip_and_peak(test.mean(axis=1))
    able = np.flatnonzero(train.mean(axis=1) < _INTERPOLATED)
    first = int(able[0]) if len(able) else len(errors.widths)
    names = [f"{width}" for width in errors.widths]
    beside = " or ".join(names[max(first - 1, 0) : first + 1]) or "none that interpolates"
    found.append(
        decided(
            "units at the peak of the mean test error", names[peak],
            f"{beside}: next to where training error reaches 0", _NOTEBOOK,
            dip < peak and peak in (first - 1, first),
        )
    )  # fmt: skip
    last = len(names) - 1
    ways = [
        ("no l2", test, dip, peak, _NOTEBOOK),
        ("no l2", test, last, peak, _NOTEBOOK),
        ("tuned l2", tuned, peak, dip, _TUNED),
        ("tuned l2", tuned, last, peak, _TUNED),
    ]
    found += [
        less(
            f"test error, {word}, percent: {names[a]} units less {names[b]}", of[a] - of[b], source
        )
        for word, of, a, b, source in ways
    ]
    what = f"test error at {names[peak]} units, percent: tuned l2 less none"
    return [*found, less(what, tuned[peak] - test[peak], _TUNED)]


def _dip_and_peak(mean: Floats) -> tuple[int, int]:
    """Places of the first local minimum and of the highest error after it.

    >>> _dip_and_peak(np.array([55.0, 47, 50, 54, 48]))
    (1, 3)
    """
    falls = np.append(mean[1:] < mean[:-1], False)
    dip = int(falls.argmin())
    return dip, dip + int(mean[dip:].argmax())


def _figure(errors: Errors) -> bytes:
    from regbench.report.figures import Line, Mark, Panel, panels_figure
    from regbench.report.figures.style import GREEN, GREY, INK, ORANGE

    widths = [float(width) for width in errors.widths]

    def line(label: str, values: Floats, colour: str, style: str = "-") -> Line:
        found = [interval(each.tolist()) for each in values]
        lows, highs = [each.low for each in found], [each.high for each in found]
        means = [each.mean for each in found]
        return Line(label, widths, means, lows, highs, colour, dots=True, style=style)

    able = np.flatnonzero(errors.train[:, 0].mean(axis=1) < _INTERPOLATED)
    marks = [Mark(widths[int(able[0])], "training error 0")] if len(able) else []
    published = Line(
        "test, published", list(map(float, PUBLISHED)), list(PUBLISHED.values()), colour=INK,
        dots=True, style=":",
    )  # fmt: skip
    plain = [
        published,
        line("test, no l2", errors.test[:, 0], ORANGE),
        line("training, no l2", errors.train[:, 0], GREY),
        line("test, tuned l2", errors.tuned(), GREEN),
    ]
    every = [
        Line(f"l2 {strength:g}" if strength else "test, no l2", widths,
             errors.test[:, k].mean(axis=1).tolist(), colour=ORANGE if not k else None,
             dots=False)
        for k, strength in enumerate(errors.strengths)
    ]  # fmt: skip
    panels = [
        Panel("Without and with tuned l2", "units of each hidden layer", "error (%)", plain,
              log_x=True, ends=(0, None)),
        Panel("Each strength, test", "units of each hidden layer", "error (%)", every, marks,
              log_x=True),
    ]  # fmt: skip
    return panels_figure(
        "Double descent: 15% of labels redrawn (means and 95% intervals over the seeds)",
        panels,
        columns=2,
        panel_height=2.9,
    )


LESSON = Lesson(
    title="Double descent: test error peaks where training data are just interpolated; "
    "tuned L2 flattens the peak",
    source=_NOTEBOOK,
    look=_look,
    minutes=15,
)
