"""From a base and a sweep to cells: products and unions by scikit-learn's ParameterGrid rules.

    grids = read_grids(sweep)                       # axes and labelled choices; raises nothing yet
    count(grids)                                    # before anything is enumerated
    cells = expand(base_blocks, grids, validate)

`base_blocks` are the plain values of dataset, model, regularizer, optimizer and training as the
file has them (missing ones absent). `validate(block, raw, choices)` turns the plain values of one
block into its schema class; it is called once for each different combination of the choices that
touch the block, and returns None where the values are wrong (having noted the problem): cells with
such a block are left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

from regbench.config.blocks.kinds import Block
from regbench.config.blocks.regularizer import BARE_REGULARIZERS
from regbench.config.cell import Cell, Labels
from regbench.config.identity import (
    BLOCKS,
    EXECUTION,
    canonical,
    flat,
    inert,
    regularizer_label,
    short,
)
from regbench.config.schema import Setting
from regbench.config.yaml_text import KeyPath


@dataclass(frozen=True)
class Choice:
    """One value of an axis: where it stands in the file, its label and its plain value."""

    axis: str
    label: str
    value: Any
    path: KeyPath


@dataclass(frozen=True)
class Axis:
    """A key that is swept, and its values in order."""

    key: str
    choices: tuple[Choice, ...]

    @property
    def block(self) -> str:
        """The block of the setting that it touches."""
        return self.key.split(".", 1)[0]


Grid = tuple[Axis, ...]
Validate = Callable[[str, Any, tuple[Choice, ...]], Block | None]


def grids_of(values: Mapping[str, Any]) -> list[Any]:
    """The grids of a study's plain values as written, sound or not."""
    sweep = values.get("sweep")
    sweep = {} if sweep is None else sweep
    return sweep if isinstance(sweep, list) else [sweep]


def read_grids(sweep: Any) -> list[Grid]:
    """The grids of a sweep: a mapping is one product, a list of mappings a union of products.

    An axis given as a mapping has labels for keys, a list is labelled by its values, and anything
    else is an axis of one value. No sweep is a grid without axes: one cell.

    >>> (grid,) = read_grids({"regularizer": {"none": "none", "weak": {"l2": 1e-3}}, "seed": 3})
    >>> [(axis.key, [choice.label for choice in axis.choices]) for axis in grid]
    [('regularizer', ['none', 'weak']), ('seed', ['3'])]
    """
    if isinstance(sweep, list):
        return [_read_grid(grid, ("sweep", i)) for i, grid in enumerate(sweep)] or [()]
    return [_read_grid(sweep, ("sweep",))]


def _read_grid(sweep: Mapping[str, Any], path: KeyPath) -> Grid:
    axes = []
    for key, values in sweep.items():
        place = (*path, key)
        if isinstance(values, Mapping):
            named = [(str(label), value, (*place, label)) for label, value in values.items()]
        elif isinstance(values, list):
            named = [(short(value), value, (*place, i)) for i, value in enumerate(values)]
        else:
            named = [(short(values), values, place)]
        axes.append(Axis(key, tuple(Choice(key, *each) for each in named)))
    return tuple(axes)


def count(grids: Sequence[Grid]) -> int:
    """How many points the grids have, without going through them.

    >>> count(read_grids({"a": list(range(1000)), "b": list(range(1000)), "c": [1, 2, 3]}))
    3000000
    """
    return sum(prod(len(axis.choices) for axis in grid) for grid in grids)


def set_key(blocks: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key in plain values, opening bare words and switches on the way.

    >>> blocks = {"regularizer": "l1"}
    >>> set_key(blocks, "regularizer.l2", 0.1)
    >>> set_key(blocks, "optimizer.lr", 0.5)
    >>> blocks
    {'regularizer': {'l1': 0.001, 'l2': 0.1}, 'optimizer': {'lr': 0.5}}
    """
    *parents, last = key.split(".")
    inner = blocks
    for depth, name in enumerate(parents):
        opened = inner.get(name)
        if isinstance(opened, str):
            bare = depth == 0 and name == "regularizer"
            opened = BARE_REGULARIZERS.get(opened, {}) if bare else {"name": opened}
        # A switch (true, false, null) or nothing is opened as a block of defaults.
        inner[name] = copy.deepcopy(opened) if isinstance(opened, dict) else {}
        inner = inner[name]
    inner[last] = value


def _apply(base: Mapping[str, Any], block: str, choices: Sequence[Choice]) -> Any:
    """The block's plain values at a point: whole blocks before dotted keys.

    A whole `training` block says how a run trains; where it is carried out stays the base's.

    >>> choice = Choice("training", "short", {"epochs": 3}, ())
    >>> _apply({"training": {"device": "cpu", "batch_size": 8}}, "training", [choice])
    {'device': 'cpu', 'epochs': 3}
    """
    blocks = {block: copy.deepcopy(base[block])} if block in base else {}
    for choice in sorted(choices, key=lambda choice: "." in choice.axis):
        value, before = choice.value, blocks.get(block)
        if choice.axis == "training" and isinstance(before, Mapping) and isinstance(value, Mapping):
            value = {**{key: before[key] for key in EXECUTION if key in before}, **value}
        set_key(blocks, choice.axis, value)
    return blocks.get(block)


def expand(base: Mapping[str, Any], grids: Sequence[Grid], validate: Validate) -> tuple[Cell, ...]:
    """The cells of all grids in order; a setting that comes again keeps its first place."""
    cells: dict[tuple[int, ...], Cell] = {}
    also: dict[tuple[int, ...], list[Labels]] = {}
    contents = _Contents()
    for grid in grids:
        for choices, blocks in _points(base, grid, validate):
            key = tuple(contents.number(block) for block in blocks)
            labels = tuple((choice.axis, choice.label) for choice in choices)
            if key in cells:
                also.setdefault(key, []).append(labels)
            else:
                named: dict[str, Any] = dict(zip(BLOCKS, blocks, strict=True))
                # Validated block by block already.
                setting = Setting.model_construct(**named)
                cells[key] = Cell("", labels, setting, regularizer_label(setting.regularizer))
    found = list(cells.values())
    names = _names(found)
    values = _varying_values(found)
    others = [tuple(also.get(key, ())) for key in cells]
    return tuple(
        replace(cell, name=name, values=value, also=other)
        for cell, name, value, other in zip(found, names, values, others, strict=True)
    )


def _points(
    base: Mapping[str, Any], grid: Grid, validate: Validate
) -> Iterator[tuple[tuple[Choice, ...], list[Block]]]:
    """The valid points of a grid, the last axis fastest; each block is validated once."""
    touching = [[i for i, axis in enumerate(grid) if axis.block == block] for block in BLOCKS]
    known: dict[tuple[str, tuple[int, ...]], Block | None] = {}
    for numbers in product(*(range(len(axis.choices)) for axis in grid)):
        blocks = []
        for block, axes in zip(BLOCKS, touching, strict=True):
            key = (block, tuple(numbers[i] for i in axes))
            if key not in known:
                chosen = tuple(grid[i].choices[numbers[i]] for i in axes)
                known[key] = validate(block, _apply(base, block, chosen), chosen)
            blocks.append(known[key])
        valid = [block for block in blocks if block is not None]
        if len(valid) == len(blocks):
            yield tuple(axis.choices[n] for axis, n in zip(grid, numbers, strict=True)), valid


class _Contents:
    """Numbers blocks so that blocks of the same content have the same number."""

    def __init__(self) -> None:
        self._by_object: dict[int, tuple[Block, int]] = {}
        self._by_content: dict[str, int] = {}

    def number(self, block: Block) -> int:
        if id(block) not in self._by_object:
            # Execution keys (device, what to save) are no content, but a cell has only one of each.
            content = f"{type(block).__name__} {sorted(_placed(block).items())!r}"
            number = self._by_content.setdefault(content, len(self._by_content))
            self._by_object[id(block)] = (block, number)  # holds the block, so its id stays its own
        return self._by_object[id(block)][1]


def _placed(block: Block) -> dict[str, Any]:
    """The content of a block, and where it finds more: what lies there is not known here."""
    return canonical(block) | {key: getattr(block, key) for key in block.places}


def _names(cells: Sequence[Cell]) -> list[str]:
    """Labels alone where one axis is swept, with their keys where there are several."""
    short_names = [
        cell.labels[0][1] if len(cell.labels) == 1 else _long(cell.labels) or cell.regularizer
        for cell in cells
    ]
    if len(set(short_names)) == len(cells):
        return short_names
    names = [_long(cell.labels) or cell.regularizer for cell in cells]
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:  # other grids of a union may have used the same labels
            names[i] = f"{name} ({seen[name]})"
    return names


def _long(labels: Labels) -> str:
    return ", ".join(f"{key}={label}" for key, label in labels)


def _varying_values(cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """For each cell, the keys whose values differ somewhere in the study."""
    flats = []
    cache: dict[int, dict[str, Any]] = {}
    for cell in cells:
        values: dict[str, Any] = {}
        for name in BLOCKS:
            block = getattr(cell.setting, name)
            if id(block) not in cache:
                content = _placed(block)
                if "class_weight" in content:  # one value, whatever its classes are called
                    content["class_weight"] = short(content["class_weight"])
                cache[id(block)] = flat(content, f"{name}.")
            values |= cache[id(block)]
        flats.append(values)
    keys = list(dict.fromkeys(key for values in flats for key in values))
    order = {key: i for i, key in enumerate(keys)}
    varying = [
        key
        for key in sorted(keys, key=lambda key: (BLOCKS.index(key.split(".")[0]), order[key]))
        if len({repr(values.get(key, inert(key))) for values in flats}) > 1
    ]
    return [{key: _scalar(values.get(key, inert(key))) for key in varying} for values in flats]


def _scalar(value: Any) -> Any:
    return short(value) if isinstance(value, list) else value
