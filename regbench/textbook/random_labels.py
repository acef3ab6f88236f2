"""Networks memorise random labels; regularizers do not prevent it, they slow it."""

from __future__ import annotations

import numpy as np

from regbench.api import Results
from regbench.textbook.curves import Curve, curve, mean_line, reached
from regbench.textbook.finding import Finding, decided, less
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Zhang et al. 2017, abstract"
_SLOWED = "Arpit et al. 2017, abstract (of dropout)"
_LEVEL = 0.9
# Names in the study, and in words.
CELLS = {
    "dataset.label_noise=true, regularizer=none": "true labels",
    "dataset.label_noise=random, regularizer=none": "random labels",
    "dataset.label_noise=random, regularizer=l2": "random labels, l2",
    "dataset.label_noise=random, regularizer=dropout": "random labels, dropout",
}


def _look(train: Train) -> Evidence:
    results = train("random-labels")
    parts = {
        part: {word: curve(results, cell, f"{part}_acc") for cell, word in CELLS.items()}
        for part in ("train", "test")
    }
    return Evidence(
        [_right_by_chance(results), *findings(parts["train"])],
        lambda: accuracies_figure(parts, "Networks memorise random labels"),
    )


def _right_by_chance(results: Results) -> Finding:
    """Redrawn over ten classes, a label is its old self once in ten times."""
    rows = results.runs[results.runs["cell"].str.contains("random")]
    wrong = rows["flip_rate"].to_numpy(np.float64)
    spread = 4 * np.sqrt(0.9 * 0.1 / 300)
    found = f"{wrong.min():.3f} to {wrong.max():.3f}"
    expected = f"0.9 ± {spread:.2g} in every run (4 standard deviations of 300 draws)"
    holds = bool((np.abs(wrong - 0.9) <= spread).all())
    return decided("share of labels that are wrong", found, expected, "derived", holds)


def findings(of: dict[str, Curve]) -> list[Finding]:
    """How much later nine tenths of the labels are learnt, paired by seed.

    Args:
        of: training accuracies, by the words of CELLS.
    """
    slower = [("random labels", "true labels", _PAPER)]
    slower += [(f"random labels, {kind}", "random labels", _SLOWED) for kind in ("l2", "dropout")]
    return [later(late, quick, of, source) for late, quick, source in slower]


def later(late: str, quick: str, of: dict[str, Curve], source: str) -> Finding:
    """Whether nine tenths are learnt later in one of these curves than in another."""
    what = f"epochs until {_LEVEL:.0%} are learnt: {quick}, less those of {late}"
    epochs = [reached(of[word], _LEVEL) for word in (quick, late)]
    missed = sum(int(np.isinf(each).sum()) for each in epochs)
    if missed:
        return Finding(what, f"{missed} runs do not get there", "below 0", source, "UNDECIDED")
    return less(what, epochs[0] - epochs[1], source)


def accuracies_figure(parts: dict[str, dict[str, Curve]], sentence: str) -> bytes:
    """Training beside test accuracies; `parts` has both, by words for the cells."""
    from regbench.report.figures import Mark, Panel, panels_figure

    chance = (Mark(0.1, "chance", horizontal=True),)
    panels = [
        Panel("", "epoch", f"{name} accuracy", [mean_line(*each) for each in cells.items()],
              chance, log_x=True, ends=(0, 1.02))
        for name, cells in (("training", parts["train"]), ("test", parts["test"]))
    ]  # fmt: skip
    return panels_figure(
        f"{sentence} (means and 95% intervals over the seeds)",
        panels,
        columns=2,
        panel_height=2.6,
    )


LESSON = Lesson(
    title="Networks memorise random labels; regularizers do not prevent it, they slow it",
    source=_PAPER,
    look=_look,
    minutes=0.4,
)
