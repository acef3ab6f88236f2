"""A net just wide enough to fit its labels is worse than narrower and wider ones; L2 levels it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import Floats, intervals
from regbench.api import Results
from regbench.textbook.finding import Finding, decided, less, near
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Greydanus & Kobak 2024 (arXiv 2011.14439), deep double descent"
_L2 = "Nakkiran et al. 2021 (arXiv 2003.01897)"
_PERCENT = 100

# Width of the two hidden layers: the published test error (%; one unseeded run with 15% of the
# training labels redrawn) and how far from it the mean of other runs may lie.
PUBLISHED = {
    9: (48.97, 8.0),
    16: (47.24, 3.5),
    27: (50.69, 3.5),
    36: (52.80, 3.5),
    47: (54.05, 2.5),
    61: (54.02, 2.5),
    135: (48.39, 2.5),
    300: (45.47, 2.5),
}
_TRAINING = {9: (47.45, 8.0), 61: (0.0, 0.5)}
_FITTED = 1.0  # %: a net with less training error fits its labels, noise and all
_BEFORE, _PEAK, _AFTER = 16, 47, 300
_LEFT = 2.5  # points: no more than what a published error may be off


@dataclass(frozen=True)
class Errors:
    """Shares of wrong answers in percent, for H widths, L strengths of L2 and S seeds.

    Attributes:
        widths: H, ascending.
        strengths: L, ascending from 0.
        train: (H, L, S) on the training labels as given, noise included.
        val, test: (H, L, S) on true labels.
    """

    widths: Sequence[int]
    strengths: Sequence[float]
    train: Floats
    val: Floats
    test: Floats

    def plain(self, part: Floats, width: int) -> Floats:
        """(S,) without a penalty."""
        row: Floats = part[self.widths.index(width), 0]
        return row

    def chosen(self) -> npt.NDArray[np.intp]:
        """(H,) places of the strengths of least mean validation error; 0 is among them."""
        least: npt.NDArray[np.intp] = self.val.mean(axis=2).argmin(axis=1)
        return least

    def tuned(self) -> Floats:
        """(H, S) test errors at the chosen strengths."""
        found: Floats = self.test[np.arange(len(self.widths)), self.chosen()]
        return found


def _look(train: Train) -> Evidence:
    errors = _errors(train("double-descent"))
    return Evidence(findings(errors), lambda: _figure(errors))


def _errors(results: Results) -> Errors:
    by_seed, settings = BySeed(results.rows), [cell.setting for cell in results.study.cells]
    # Cells come in the order of the sweep: all strengths of a width, then the next width's.
    widths = list(dict.fromkeys(s.model.hidden[0] for s in settings if s.model.name == "mlp"))
    l2 = (s.regularizer.l2 for s in settings)
    strengths = list(dict.fromkeys(x for x in l2 if isinstance(x, float)))
    shape = (len(widths), len(strengths), len(by_seed.seeds))
    parts = (by_seed[f"{part}_acc"].reshape(shape) for part in ("train", "val", "test"))
    train, val, test = (_PERCENT * (1 - accuracy) for accuracy in parts)
    return Errors(widths, strengths, train, val, test)


def findings(errors: Errors) -> list[Finding]:
    """Decide what the study's claims do not say."""
    seeds = errors.test.shape[2]
    what = "{} error without a penalty, two layers of {}, mean of {} seeds (%)"
    published = [
        near(what.format(name, width, seeds), float(found.mean()), value, tolerance, _PAPER)
        for name, part, table in (
            ("test", errors.test, PUBLISHED),
            ("training", errors.train, _TRAINING),
        )
        for width, (value, tolerance) in table.items()
        for found in [errors.plain(part, width)]
    ]
    return [*published, _peak(errors), *_levelled(errors)]


def _peak(errors: Errors) -> Finding:
    """Where the test error is largest, against where the training error vanishes."""
    fits = errors.train[:, 0].mean(axis=1) < _FITTED
    worst = int(errors.test[:, 0].mean(axis=1).argmax())
    threshold = int(fits.argmax()) if fits.any() else len(fits)
    first = str(errors.widths[threshold]) if fits.any() else "none"
    beside = [errors.widths[k] for k in range(len(fits)) if abs(k - threshold) <= 1]
    return decided(
        f"width of the largest test error; first with training error below {_FITTED:g}%: {first}",
        str(errors.widths[worst]),
        "one of " + ", ".join(map(str, beside)),
        _PAPER,
        fits.any() and abs(worst - threshold) <= 1,
    )


def _levelled(errors: Errors) -> list[Finding]:
    plain = dict(zip(errors.widths, errors.test[:, 0], strict=True))
    tuned = dict(zip(errors.widths, errors.tuned(), strict=True))
    better = [
        less(
            f"test error of {width} with tuned L2 less that without (points)",
            tuned[width] - plain[width],
            _L2,
        )
        for width in (_PEAK, 61)
    ]
    sides = []
    for name, foot in ((f"rise from {_BEFORE}", _BEFORE), (f"fall to {_AFTER}", _AFTER)):
        what = f"test error of {_PEAK} less that of {foot} (the {name}), with tuned L2"
        height = tuned[_PEAK] - tuned[foot]
        change = height - (plain[_PEAK] - plain[foot])
        sides.append(less(f"{what} less without (points)", change, _L2))
        sides.append(less(f"{what} (points)", height, _L2, than=_LEFT))
    return [*better, *sides]


def _figure(errors: Errors) -> bytes:
    from regbench.report.figures import Line, Mark, Panel, interval_line, panels_figure
    from regbench.report.figures.style import BLUE, GREY, INK, ORANGE

    def line(label: str, values: Floats, colour: str, style: str = "-") -> Line:
        return interval_line(label, widths, intervals(values), colour, style=style, dots=True)

    widths = [float(width) for width in errors.widths]
    values = [PUBLISHED[width][0] for width in errors.widths]
    fitted = errors.train[:, 0].mean(axis=1) < _FITTED
    panel = Panel(
        "",
        "width of both hidden layers",
        "wrong answers (%)",
        [
            line("test, no penalty", errors.test[:, 0], ORANGE),
            Line("published: test, one run", widths, values, colour=INK, style="", dots=True),
            line("test, L2 chosen on validation", errors.tuned(), BLUE),
            line("training, no penalty", errors.train[:, 0], GREY, "--"),
        ],
        log_x=True,
        marks=[Mark(widths[int(fitted.argmax())], "fits every label")] if fitted.any() else [],
        ends=(-2, 72),
    )
    return panels_figure(
        "Double descent on MNIST-1D, 15% of the training labels redrawn (95% intervals)",
        [panel],
        panel_height=4.0,
    )


LESSON = Lesson(
    title="Test error peaks where a net is just wide enough to fit its labels; tuned L2 levels it",
    source=_PAPER,
    look=_look,
    minutes=20,
)
