"""An L2 penalty is weight decay under plain SGD, and neither under momentum nor under Adam."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from regbench.api import Results
from regbench.textbook.curves import curve
from regbench.textbook.finding import Finding, decided
from regbench.textbook.lesson import Evidence, Lesson, Train

__all__ = ["LESSON"]

_DERIVED = "derived: both steps are w (1 - 2 lr l2) - lr g"
_PAPER = "Loshchilov & Hutter 2019, prop. 1 and 2"


def _look(train: Train) -> Evidence:
    results = train("weight-decay")
    apart = {name: _apart(results, name) for name in ("sgd", "momentum", "adam")}
    return Evidence(_findings(apart), lambda: _figure(apart))


def _apart(results: Results, optimizer: str) -> npt.NDArray[np.float64]:
    """(E,) largest difference over seeds between the training losses of l2 and decay."""
    penalised, decayed = (
        curve(results, f"optimizer={optimizer}, regularizer={kind}", "train_loss")
        for kind in ("l2", "decay")
    )
    largest: npt.NDArray[np.float64] = np.abs(penalised.values - decayed.values).max(axis=0)
    return largest


def _findings(apart: dict[str, npt.NDArray[np.float64]]) -> list[Finding]:
    largest = {name: float(values.max()) for name, values in apart.items()}
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


def _figure(apart: dict[str, npt.NDArray[np.float64]]) -> bytes:
    from io import BytesIO

    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.5), layout="constrained")
    axes = figure.subplots()
    for name, values in apart.items():
        axes.semilogy(np.maximum(values, 1e-18), label=name)
    axes.legend(frameon=False)
    content = BytesIO()
    figure.savefig(content, format="svg")
    return content.getvalue()


LESSON = Lesson(
    title="L2 is weight decay under plain SGD, not under momentum, not under Adam",
    source=_PAPER,
    look=_look,
    minutes=0.4,
)
