"""MNIST-1D tells models apart; and test loss rises while test accuracy rises too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from regbench.textbook.curves import Curve, curve, mean_line, value_at
from regbench.textbook.finding import Finding, less, near
from regbench.textbook.lesson import Evidence, Lesson, Train

__all__ = ["LESSON", "findings"]

_PAPER = "Greydanus & Kobak 2024 (one unseeded draw)"
_NOTEBOOK = "Greydanus & Kobak 2024, notebook mnist1d-classification (one draw)"
_SOURCES = {"paper": _PAPER, "notebook": _NOTEBOOK}
# Test accuracy in percent: in the paper, and after step 6,000 of the notebook.
_PUBLISHED = {"logistic": (32.0, 31.5), "mlp": (68.0, 65.1)}
_TOLERANCE = 4.0
_STEPS_PER_EPOCH = 40  # 4,000 rows in batches of 100
_EARLY, _LATE = 1_000, 6_000


def _look(train: Train) -> Evidence:
    results = train("mnist1d-table")
    of = {
        model: {part: curve(results, model, f"test_{part}") for part in ("acc", "loss")}
        for model in _PUBLISHED
    }
    return Evidence(findings(of), lambda: _figure(of))


def findings(of: Mapping[str, Mapping[str, Curve]]) -> list[Finding]:
    """The table, and the network's test loss and accuracy late less early.

    Args:
        of: `acc` and `loss` on the test part, by model.
    """
    found = []
    for model, published in _PUBLISHED.items():
        percent = 100 * float(_after(_LATE, of[model]["acc"]).mean())
        for expected, (where, source) in zip(published, _SOURCES.items(), strict=True):
            what = f"test accuracy of {model}, percent, against the {where}"
            found.append(near(what, percent, expected, _TOLERANCE, source))
    loss, acc = of["mlp"]["loss"], of["mlp"]["acc"]
    return [
        *found,
        *(
            less(
                f"mlp, test {name}: after {_EARLY:,} steps less after {_LATE:,}",
                _after(_EARLY, each) - _after(_LATE, each), _NOTEBOOK,
            )
            for name, each in (("loss", loss), ("accuracy", acc))
        ),
    ]  # fmt: skip


def _after(steps: int, of: Curve) -> npt.NDArray[np.float64]:
    """(S,) each seed's value after so many steps."""
    return value_at(of, np.full(len(of.seeds), steps / _STEPS_PER_EPOCH))


def _figure(of: Mapping[str, Mapping[str, Curve]]) -> bytes:
    from regbench.report.figures import Dot, Mark, Panel, panels_figure
    from regbench.report.figures.style import BLUE, ORANGE

    colours = {"logistic": BLUE, "mlp": ORANGE}
    marks = [Mark(_EARLY / _STEPS_PER_EPOCH, f"{_EARLY:,} steps")]
    last = _LATE / _STEPS_PER_EPOCH
    dots = [
        Dot(last, paper / 100, f"{model}, published", colours[model], "D", filled=False)
        for model, (paper, _) in _PUBLISHED.items()
    ]
    panels = [
        Panel("", f"epoch ({_STEPS_PER_EPOCH} steps)", f"test {name}",
              [mean_line(model, of[model][part], colours[model]) for model in of],
              marks, dots=dots if part == "acc" else (), ends=(0, 0.75 if part == "acc" else None))
        for part, name in (("acc", "accuracy"), ("loss", "loss (nats)"))
    ]  # fmt: skip
    return panels_figure(
        "MNIST-1D: the network's test loss rises, and its test accuracy too (means over seeds)",
        panels,
        columns=2,
        panel_height=2.7,
    )


LESSON = Lesson(
    title="MNIST-1D tells models apart; test loss rises while test accuracy rises too",
    source="Greydanus & Kobak 2024",
    look=_look,
    minutes=1.5,
)
