"""The best dropout rate lies inside: none overfits, too much underfits."""

from __future__ import annotations

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.statistics import intervals
from regbench.api import Results
from regbench.textbook.finding import Finding, decided, less
from regbench.textbook.lesson import Evidence, Lesson, Train

_PAPER = "Srivastava et al. 2014, section 7.3 and figure 9a"


def best(rates: list[str], by_seed: BySeed) -> str:
    """The rate of the least mean validation loss; the test part takes no part in the choice."""
    means = [float(by_seed.row("val_loss", rate).mean()) for rate in rates]
    return rates[int(np.argmin(means))]


def _look(train: Train) -> Evidence:
    results = train("dropout-rate")
    return Evidence(_findings(results), lambda: _figure(results))


def _findings(results: Results) -> list[Finding]:
    by_seed = BySeed(results.rows)
    rates = [cell.name for cell in results.study.cells]
    chosen, ends = best(rates, by_seed), (rates[0], rates[-1])
    return [
        decided(
            "rate of the least mean validation loss",
            chosen,
            f"between {ends[0]} and {ends[1]}",
            _PAPER,
            chosen not in ends,
        ),
        *(
            less(
                f"{part} loss at the rate {chosen} less that at {end}",
                by_seed.row(f"{metric}_loss", chosen) - by_seed.row(f"{metric}_loss", end),
                _PAPER,
            )
            for part, metric in (("validation", "val"), ("test", "test"))
            for end in ends
        ),
    ]


def _figure(results: Results) -> bytes:
    from regbench.report.figures import Line, Panel, interval_line, panels_figure
    from regbench.report.figures.style import TEST, TRAIN, VAL

    by_seed = BySeed(results.rows)
    rates = [float(cell.name) for cell in results.study.cells]
    parts = (("train", "training", TRAIN), ("val", "validation", VAL), ("test", "test", TEST))

    def line(metric: str, label: str, colour: str) -> Line:
        return interval_line(label, rates, intervals(by_seed[metric]), colour, dots=True)

    panels = [
        Panel("", "dropout rate", name, [line(f"{p}_{s}", word, hue) for p, word, hue in parts])
        for s, name in (("loss", "loss"), ("acc", "accuracy"))
    ]
    return panels_figure(
        "The best dropout rate lies inside (means and 95% intervals over the seeds)",
        panels,
        columns=2,
        panel_height=2.6,
    )


LESSON = Lesson(
    title="The best dropout rate lies inside: none overfits, too much underfits",
    source=_PAPER,
    look=_look,
    minutes=0.7,
)
