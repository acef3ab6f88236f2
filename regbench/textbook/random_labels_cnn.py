"""A convolutional network memorises random labels, too."""

from __future__ import annotations

from regbench.textbook.curves import curve
from regbench.textbook.lesson import Evidence, Lesson, Train
from regbench.textbook.random_labels import accuracies_figure, later

_PAPER = "Zhang et al. 2017, section 2"
_CELLS = {"true": "true labels", "random": "random labels"}


def _look(train: Train) -> Evidence:
    results = train("random-labels-cnn")
    parts = {
        part: {word: curve(results, cell, f"{part}_acc") for cell, word in _CELLS.items()}
        for part in ("train", "test")
    }
    findings = [later("random labels", "true labels", parts["train"], _PAPER)]
    return Evidence(findings, lambda: accuracies_figure(parts, "A convnet memorises random labels"))


LESSON = Lesson(
    title="Convolutional networks memorise random labels, too",
    source=_PAPER,
    look=_look,
    minutes=1,
)
