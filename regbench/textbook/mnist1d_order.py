"""A convolution lives on the order of the points; an mlp and a logistic regression do not."""

from __future__ import annotations

from regbench.api import Results
from regbench.textbook.curves import curve, mean_line
from regbench.textbook.lesson import Evidence, Lesson, Train

# Test accuracy, one unseeded run each.
PUBLISHED = {
    "ordered": {"logistic": 0.32, "mlp": 0.68, "cnn": 0.94},
    "shuffled": {"logistic": 0.32, "mlp": 0.68, "cnn": 0.56},
}


def _look(train: Train) -> Evidence:
    results = train("mnist1d-order")
    return Evidence([], lambda: _figure(results))


def _figure(results: Results) -> bytes:
    from regbench.report.figures import Line, Panel, panels_figure
    from regbench.report.figures.style import BLUE, GREEN, ORANGE

    colours = {"logistic": BLUE, "mlp": ORANGE, "cnn": GREEN}

    def lines(order: str) -> list[Line]:
        drawn = []
        for model, value in PUBLISHED[order].items():
            found = curve(results, f"model={model}, dataset.shuffled={order}", "test_acc")
            colour = colours[model]
            drawn.append(mean_line(model, found, colour))
            end, name = [found.epochs[-1]], f"{model}, as published (one run)"
            drawn.append(Line(name, end, [value], colour=colour, style="", dots=True))
        return drawn

    panels = [
        Panel(f"points {order}", "epoch", "share of the test rows", lines(order), ends=(0, 1))
        for order in PUBLISHED
    ]
    return panels_figure(
        "MNIST-1D, test accuracy: only the convolutions miss the order (95% intervals)",
        panels,
        columns=2,
        panel_height=2.7,
    )


LESSON = Lesson(
    title="Convolutions live on the order of the points: shuffled, they fall behind an mlp",
    source="Greydanus & Kobak 2024 (arXiv 2011.14439), comparison of classifiers",
    look=_look,
    minutes=2,
)
