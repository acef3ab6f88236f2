"""Explanations of a study's cells: tables of what acts where, and notes on what that means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.text import Text

from regbench.advice.explain import Explanation, Kernel, by_kernel, told
from regbench.report.aligned import print_plain, room_left
from regbench.report.markdown import escaped, markdown_table
from regbench.report.say import say
from regbench.report.translations import print_marked, print_notes
from regbench.vocabulary.optimizers import UNKNOWN
from regbench.vocabulary.regularizers import KINDS, Kind
from regbench.vocabulary.words import counted, some

_MOST_ROWS = 40
_ELSEWHERE = (
    "elsewhere: on kernels alone, so leave biases and norms out of PyTorch's and Keras's decay; ~ "
    "has the same fixed point only, and none has no equal (regbench convert says why)"
)
_PRIOR = (
    "prior: a weight's normal deviation (l2) or Laplace scale (l1) before {n} examples are seen"
)

_WHERE = {
    "a step": "lr * weight_decay, the share that a step takes off every weight",
    "half-life": "of a weight without gradient",
} | {kind.title: kind.where for kind in KINDS.values() if kind.where}

Rows = list[list[object]]
Column = Callable[[Explanation], str]


def _joined(kernels: Sequence[Kernel], text: Callable[[Kernel], str]) -> str:
    """What a column says: once where all kernels agree, else kernel by kernel."""
    each = [text(kernel) or "-" for kernel in kernels]
    return each[0] if len(set(each)) == 1 else " / ".join(each)


def _g(value: float | None) -> str:
    return f"{value:.4g}" if value else ""


def _acting(kind: Kind) -> Column:
    """What a regularizer's column says, kernel by kernel where it acts there."""
    last = -1 if kind.acts_on == "hidden layers" else None

    def column(one: Explanation) -> str:
        if not by_kernel(kind, one.setting):
            return _said(told(one.setting.regularizer, kind)) or "-"
        kernels = one.kernels[:last]
        return _joined(kernels, lambda k: _said(k.strengths[kind.key])) if kernels else "-"

    return column


def _said(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return value if isinstance(value, str) else _g(value)


def _prior(one: Explanation) -> str:
    def text(kernel: Kernel) -> str:
        unit = one.prior_unit
        parts = [f"sd {_g(kernel.prior_sd)}{unit and f' {unit}'}"] if kernel.prior_sd else []
        if kernel.prior_scale:
            parts.append(f"scale {_g(kernel.prior_scale)}{unit and f' {unit}^2'}")
        return ", ".join(parts)

    return _joined(one.kernels, text)


def _columns() -> dict[str, Column]:
    columns: dict[str, Column] = {"lr": lambda one: f"{one.setting.optimizer.lr:g}"}
    for kind in KINDS.values():
        columns[kind.title] = _acting(kind)
        if kind.key == "weight_decay":
            columns["a step"] = lambda one: _joined(one.kernels, lambda k: _g(k.decay_a_step))
    return columns


_ACTING = _columns()
_MEANING: dict[str, Column] = {
    "prior": _prior,
    "half-life": lambda one: _joined(
        one.kernels, lambda k: f"{_g(k.half_life_epochs)} epochs" if k.half_life_epochs else ""
    ),
    "keras": lambda one: _joined(one.kernels, lambda kernel: kernel.keras),
    "torch": lambda one: _joined(one.kernels, lambda kernel: kernel.torch),
}


def _table(found: Sequence[Explanation], columns: dict[str, Column]) -> tuple[list[str], Rows]:
    """Header and rows; columns in which nothing acts are left out, and an lr that all share."""
    texts = {name: [text(one) for one in found] for name, text in columns.items()}
    used = [
        name
        for name, column in texts.items()
        if set(column) != {"-"} and (name != "lr" or len(set(column)) > 1)
    ]
    names = _names(found)
    cells = [some([names[cell.name] for cell in one.cells]) for one in found]
    rows: Rows = [[cell, *(texts[name][i] for name in used)] for i, cell in enumerate(cells)]
    return ["cell", *used], rows


def _shared(found: Sequence[Explanation]) -> list[tuple[str, str]]:
    """The labels that all of several cells have."""
    labels = [cell.labels for one in found for cell in one.cells]
    return (
        [pair for pair in labels[0] if all(pair in each for each in labels)] if labels[1:] else []
    )


def _names(found: Sequence[Explanation]) -> dict[str, str]:
    """What tells each cell from the others, by its name: the labels that they do not share."""
    shared = _shared(found)
    names = {}
    for one in found:
        for cell in one.cells:
            own = [pair for pair in cell.labels if pair not in shared]
            alone = len(own) == 1
            words = [label if alone else f"{axis}={label}" for axis, label in own]
            names[cell.name] = ", ".join(words) if shared else cell.name
    return names


def _frames(found: Iterable[Explanation]) -> list[list[Explanation]]:
    """Explanations on the same data and kernels, with the same kind of steps."""
    frames: dict[object, list[Explanation]] = {}
    for one in found:
        optimizer = one.setting.optimizer.model_copy(update={"lr": 1.0})
        shapes = tuple(kernel.shape for kernel in one.sizes.network.kernels)
        data = (one.setting.dataset.name, one.sizes.train, one.sizes.batch, shapes)
        key = (data, optimizer, one.setting.model)
        frames.setdefault(key, []).append(one)
    return list(frames.values())


def _head(frame: Sequence[Explanation]) -> list[str]:
    """What all cells of a frame share, in two sentences."""
    one = frame[0]
    setting, sizes = one.setting, one.sizes
    optimizer = setting.optimizer
    rates = list(dict.fromkeys(f"{each.setting.optimizer.lr:g}" for each in frame))
    momentum = getattr(optimizer, "momentum", 0.0)
    step = f"{optimizer.name} at lr {some(rates)}" + (f", momentum {momentum:g}" * bool(momentum))
    if optimizer.schedule.name != "constant":
        step += f", {optimizer.schedule.name} schedule"
    own = setting.model.name == "module"
    shapes = [_shape(k.name if own else str(i), k) for i, k in enumerate(one.kernels)]
    norms = max(each.free[1] for each in frame)
    whose = "its norm layers'" if own else "batchnorm's"
    counts = [f"{one.free[0]} biases" if one.free[0] > 1 else "1 bias"] if one.free[0] else []
    counts += [f"{whose} {norms} scales and shifts"] if norms else []
    free = " and ".join(counts) or "none"
    spared = f"nor what no linear or convolution layer holds: {some(one.spared, 8)}"
    shared = "".join(f"{axis}={label}: " for axis, label in _shared(frame))
    return [
        f"{shared}{setting.dataset.name}, {counted(sizes.train, 'training example')} in batches of "
        f"{sizes.batch}, {counted(sizes.steps, 'step')} an epoch; {step}",
        f"kernels {some(shapes, 8)}; never penalised or decayed: {free}",
        *([spared] if one.spared else []),
    ]


def _shape(name: str, kernel: Kernel) -> str:
    """A kernel's inputs and outputs; of a convolution, the sides of its window, too."""
    sides = " x ".join(map(str, kernel.window))
    return f"{name}: {kernel.inputs} x {kernel.outputs}" + (f" of {sides}" if sides else "")


def _notes(found: Sequence[Explanation], warnings: Sequence[str]) -> list[tuple[str, str]]:
    """Every trap once, with the cells that it holds for; then what holds for the study."""
    cells: dict[str, list[str]] = {}
    for one in found:
        for trap in one.traps:
            cells.setdefault(trap, []).extend(cell.name for cell in one.cells)
    every = sum(len(one.cells) for one in found)
    named = [f"{trap} [{_whose(names, every)}]" for trap, names in cells.items()]
    named += [warning for warning in warnings if warning not in cells]
    return [("!", note) for note in named]


def _whose(names: Sequence[str], every: int) -> str:
    if len(names) == every:
        return "all cells" if every > 1 else names[0]
    if len(names) > 3 or any("," in name for name in names[1:]):
        return f"{counted(len(names), 'cell')}, such as {names[0]}"
    return ", ".join(names)


def _legend(frame: Sequence[Explanation], header: Sequence[str]) -> list[str]:
    words = []
    if "prior" in header:
        unit = frame[0].prior_unit
        words.append(
            _PRIOR.format(n=frame[0].sizes.train)
            + (f"; {unit}: the deviation of the noise" if unit else "")
        )
    if "keras" in header:
        words.append(_ELSEWHERE)
        if any(UNKNOWN in (kernel.keras + kernel.torch) for one in frame for kernel in one.kernels):
            words.append(f"{UNKNOWN}: not known of {frame[0].setting.optimizer.name}")
    own = frame[0].setting.model.name == "module"
    where = {**_WHERE, "dropout": "of its nn.Dropout layers"} if own else _WHERE
    return words + [f"{name}: {where[name]}" for name in header if name in where]


def print_explanations(
    console: Console, found: Sequence[Explanation], warnings: Sequence[str]
) -> None:
    """Tables for each kind of net and data, and the traps below them."""
    for i, frame in enumerate(_frames(found)):
        if i:
            console.print()
        for line in _head(frame):
            say(console, line)
        for columns in (_ACTING, _MEANING):
            _print_table(console, frame, columns)
    print_notes(console, _notes(found, warnings))


def _print_table(
    console: Console,
    frame: Sequence[Explanation],
    columns: dict[str, Column],
) -> None:
    header, rows = _table(frame, columns)
    if columns is _MEANING:
        rows = [row for row in rows if set(row[1:]) != {"-"}]
    if len(header) == 1 or not rows:
        return
    console.print()
    shown = rows[:_MOST_ROWS]
    if room_left(console, [header, *(list(map(str, row)) for row in shown)]) < 0:
        for cell, *values in shown:
            said = [f"{n} {v}" for n, v in zip(header[1:], values, strict=True) if v != "-"]
            print_marked(console, f"{cell}:", "; ".join(said) or "-")
    else:
        print_plain(console, header, shown)
    if len(rows) > _MOST_ROWS:
        say(console, f"... and {len(rows) - _MOST_ROWS} more")
    for line in _legend(frame, header):
        say(console, Text(line, "dim"))


def explanations_markdown(study: str, found: Sequence[Explanation], warnings: Sequence[str]) -> str:
    """The same as Markdown."""
    lines = [f"# {escaped(study)}", ""]
    for frame in _frames(found):
        lines += [*map(escaped, _head(frame)), ""]
        for columns in (_ACTING, _MEANING):
            header, rows = _table(frame, columns)
            if len(header) > 1:
                lines += [markdown_table(header, rows), *map(escaped, _legend(frame, header)), ""]
    lines += [f"- {escaped(note)}" for _, note in _notes(found, warnings)]
    return "\n".join(lines) + "\n"


def explanation_records(found: Sequence[Explanation]) -> list[dict[str, Any]]:
    """Everything, layer by layer, for JSON."""
    return [
        {
            "cells": [cell.name for cell in one.cells],
            "optimizer": one.setting.optimizer.name,
            "lr": one.setting.optimizer.lr,
            "training_examples": one.sizes.train,
            "batch_size": one.sizes.batch,
            "steps_an_epoch": one.sizes.steps,
            **{
                kind.key: told(one.setting.regularizer, kind) or None
                for kind in KINDS.values()
                if not by_kernel(kind, one.setting)
            },
            "kernels": [_record(kernel) for kernel in one.kernels],
            "prior_unit": one.prior_unit or None,
            "biases": one.free[0],
            "scales_and_shifts": one.free[1],
            "spared": list(one.spared),
            "traps": list(one.traps),
        }
        for one in found
    ]


def _record(kernel: Kernel) -> dict[str, Any]:
    values = asdict(kernel)
    return {**values.pop("strengths"), **values}
