"""An L2 penalty is weight decay under plain SGD, and neither under momentum nor under Adam."""

from __future__ import annotations

import numpy as np

from regbench.analysis.statistics import Floats
from regbench.api import Results
from regbench.report.figures import Line, Panel, panels_figure
from regbench.textbook.curves import curve
from regbench.textbook.finding import Finding, decided
from regbench.textbook.lesson import Evidence, Lesson, Train

_DERIVED = "derived: both steps are w (1 - 2 lr l2) - lr g"
# Steps, and how far the losses are apart after each.
Apart = tuple[Floats, Floats]
_LAST_BIT = 1e-17
_PAPER = "Loshchilov & Hutter 2019, prop. 1 and 2"


def _look(train: Train) -> Evidence:
    results = train("weight-decay")
    apart = {name: _apart(results, name) for name in ("sgd", "momentum", "adam")}
    return Evidence(_findings(apart), lambda: _figure(apart))


def _apart(results: Results, optimizer: str) -> Apart:
    """(E,) epochs, and the largest difference over seeds of the losses of l2 and decay."""
    penalised, decayed = (
        curve(results, f"optimizer={optimizer}, regularizer={kind}", "train_loss")
        for kind in ("l2", "decay")
    )
    epochs = penalised.epochs.astype(np.float64)
    return epochs, np.abs(penalised.values - decayed.values).max(axis=0)


def _findings(apart: dict[str, Apart]) -> list[Finding]:
    largest = {name: float(values.max()) for name, (_, values) in apart.items()}
    what = "largest difference of training losses over all epochs, {}"
    same, differs = "at most 1e-12", "at least 1e-3"
    return [
        decided(
            what.format("sgd"), f"{largest['sgd']:.2g}", same, _DERIVED, largest["sgd"] <= 1e-12
        ),
        *(
            decided(
                what.format(name), f"{largest[name]:.2g}", differs, _PAPER, largest[name] >= 1e-3
            )
            for name in ("momentum", "adam")
        ),
    ]


def _figure(apart: dict[str, Apart]) -> bytes:
    lines = [
        # What is equal to the last bit has no place on a logarithmic axis.
        Line(name, epochs, np.maximum(values, _LAST_BIT))
        for name, (epochs, values) in apart.items()
    ]
    panel = Panel(
        "",
        "steps",
        "largest difference of\ntraining losses (nats)",
        lines,
        log_y=True,
    )
    return panels_figure(
        "l2: 0.01 against weight_decay: 0.02",
        [panel],
    )


LESSON = Lesson(
    title="L2 is weight decay under plain SGD, not under momentum, not under Adam",
    source=_PAPER,
    look=_look,
    minutes=0.1,
)
