"""How a study's numbers move along one swept axis."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.axis_path import AxisPath
from regbench.report.figures.panel import (
    Dot,
    Line,
    Panel,
    empty_figure,
    interval_line,
    panels_figure,
)
from regbench.report.figures.style import INK, NARROW, TRAIN, VAL, WIDE, Form, colour_of
from regbench.vocabulary.metrics import COLUMNS, LOSS, METRICS
from regbench.vocabulary.words import counted

_SHOWN = (
    *(LOSS.gap_column, "weight_norm", "zero_fraction"),
    *(f"val_{metric.name}" for metric in METRICS.values() if metric is not LOSS),
)
_MOST = 6  # lines in one panel


def axis_path_figure(
    study: str,
    paths: Sequence[AxisPath],
    *,
    width: float = WIDE,
    form: Form = "svg",
) -> bytes:
    """Validation loss, gap, weight norm and share of zeros against the axis, with 95% intervals.

    The least validation loss and the choice by one standard error are marked on the first panel.

    Args:
        paths: of one axis; with one path its training loss is shown, too.
    """
    shown = [path for path in paths if len(path.points) > 1]
    shown = sorted(shown, key=lambda path: -len(path.points))[:_MOST]
    if not shown:
        why = "The axis has too few values for a path."
        return empty_figure(study and f"{study}: path", why, width, form)
    key = shown[0].key
    log_x = spans_decades([point.value for path in shown for point in path.points])
    panels = [_loss_panel(shown, key, log_x)]
    for name in _SHOWN:
        label = COLUMNS[name].typeset
        lines = [_line(path, name, place, len(shown)) for place, path in enumerate(shown)]
        numbers = [y for line in lines for y in line.y if y is not None]
        if numbers and not (name == "zero_fraction" and not any(numbers)):
            panels.append(Panel(label, key, label, lines, log_x=log_x))
    left_out = len(paths) - len(shown)
    note = "diamond: least validation loss; square: largest value within one standard error of it"
    if left_out:
        note += f"; {counted(left_out, 'more path')} not shown"
    columns = 3 if len(panels) in (3, 5, 6) else 2
    return panels_figure(
        f"{study}: along {key}" if study else "",
        panels,
        columns=columns if width > NARROW else 1,
        width=width,
        panel_height=2.2,
        note=note,
        form=form,
    )


def spans_decades(values: Sequence[float]) -> bool:
    """Whether a logarithmic axis suits these values.

    >>> spans_decades([0, 1e-4, 1e-2]), spans_decades([0.2, 0.5, 0.8]), spans_decades([-1, 100])
    (True, False, False)
    """
    above = [value for value in values if value > 0]
    return bool(above) and min(values) >= 0 and max(above) > 8 * min(above)


def _name(path: AxisPath) -> str:
    short = {key.rpartition(".")[2]: value or "none" for key, value in path.rest.items()}
    return ", ".join(f"{key}={value}" for key, value in short.items())


def _loss_panel(paths: Sequence[AxisPath], key: str, log_x: bool) -> Panel:
    """The losses, with the marks at the least and at the choice by one standard error."""
    alone = len(paths) == 1
    lines, dots = [], []
    for place, path in enumerate(paths):
        if alone:
            lines.append(_line(path, "train_loss", 0, 1, "training", TRAIN))
            lines.append(_line(path, "val_loss", 0, 1, "validation", VAL))
        else:
            lines.append(_line(path, "val_loss", place, len(paths)))
        colour = VAL if alone else colour_of(place)[0]
        for at, shape, size in ((path.minimum, "D", 6), (path.one_standard_error, "s", 9)):
            if at is not None:
                loss = path.points[at].row.metrics["val_loss"].mean
                assert loss is not None  # the marks stand where there is a loss
                value = path.points[at].value
                dots.append(Dot(value, loss, "", colour, shape, size, shape == "D"))
    title = "loss" if alone else "validation loss"
    return Panel(title, key, "loss", lines, dots=dots, log_x=log_x)


def _line(
    path: AxisPath, name: str, place: int, many: int, label: str = "", colour: str | None = None
) -> Line:
    points = [point for point in path.points if name in point.row.metrics]
    found = [point.row.metrics[name] for point in points]
    cycle, style = colour_of(place)
    if many == 1:
        cycle = colour or INK
    label = label or (_name(path) if many > 1 else "")
    return interval_line(
        label, [point.value for point in points], found, cycle, dots=True, style=style
    )
