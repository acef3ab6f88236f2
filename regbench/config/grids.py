"""The sweep of a study file, with what is wrong with its axes and labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from regbench.config.characters import forbidden_character
from regbench.config.identity import BLOCKS, EXECUTION, EXECUTION_KEYS
from regbench.config.messages import did_you_mean, shown
from regbench.config.problems import Problems
from regbench.config.sweep import Axis, Choice, Grid, grids_of, read_grids
from regbench.config.yaml_text import KeyPath

_MAX_LABEL = 200
_NO_AXES = ("name", "seeds", "expect", "metrics", "interval", "sweep", "schema_version")


def checked_grids(values: Mapping[str, Any], problems: Problems) -> list[Grid]:
    """The grids of a study's plain values; none where one of them is wrong."""
    parts = grids_of(values)
    union = isinstance(values.get("sweep"), list)
    sound = True
    for i, part in enumerate(parts):
        sound &= _check_grid(part, ("sweep", i) if union else ("sweep",), problems)
    if not sound:
        return []
    grids = read_grids(parts if union else parts[0])
    axes = [axis for grid in grids for axis in grid]
    for choice in [choice for axis in axes for choice in axis.choices]:
        _check_label(choice, problems)
    for axis in axes:
        _check_twins(axis, problems)
    return grids


def _check_grid(grid: Any, path: KeyPath, problems: Problems) -> bool:
    """Whether its axes can be swept."""
    if not isinstance(grid, Mapping):
        what = "a mapping of axes, or a list of such mappings"
        problems.add(path, f"expected {what}, not {shown(grid)}")
        return False
    sound = True
    for key, values in grid.items():
        first = str(key).split(".")[0]
        if first in _NO_AXES:
            problems.add((*path, key), f"{first} cannot be swept", key=True)
        elif first not in BLOCKS:
            hint = did_you_mean(first, BLOCKS) or f"; an axis begins with {', '.join(BLOCKS)}"
            problems.add((*path, key), f"unknown axis{hint}", key=True)
        elif isinstance(values, list | Mapping) and not values:
            problems.add((*path, key), "an axis needs at least one value")
        elif execution := list(_execution_keys(key, values)):
            for place in execution:
                message = "where and how a run is carried out is no axis"
                problems.add((*path, *place), message, key=True)
        else:
            continue
        sound = False
    return sound


def _execution_keys(key: str, values: Any) -> Iterator[KeyPath]:
    """Where an axis sets what is no part of a setting, in it or in whole blocks of it.

    >>> list(_execution_keys("training", {"long": {"epochs": 9, "device": "cpu"}}))
    [('training', 'long', 'device')]
    """
    if key in EXECUTION_KEYS:
        yield (key,)
    if key != "training":
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(values, Mapping | list):
        items = values.items() if isinstance(values, Mapping) else enumerate(values)
    for place, value in items:
        if isinstance(value, Mapping):
            yield from ((key, place, each) for each in value if each in EXECUTION)


def _check_label(choice: Choice, problems: Problems) -> None:
    """A label names cells in tables, in messages and in claims."""
    label, character = choice.label, forbidden_character(choice.label)
    if character is not None:
        problems.add(choice.path, f"a label cannot hold {character!r}", key=True)
    elif len(label) > _MAX_LABEL:
        written = choice.path[-1] == label
        hint = "" if written else ": name the values (short: value) instead of listing them"
        message = f"this label has {len(label)} characters, more than {_MAX_LABEL}{hint}"
        problems.add(choice.path, message, key=True)
    elif not label:
        problems.add(choice.path, "a label cannot be empty", key=True)


def _check_twins(axis: Axis, problems: Problems) -> None:
    """Two labels that look alike would make a table, and a claim, that nobody can read."""
    known: dict[str, str] = {}
    for choice in axis.choices:
        first = known.setdefault(unicodedata.normalize("NFKC", choice.label), choice.label)
        if first != choice.label:
            problems.add(choice.path, f"this label looks like another, {first!a}", key=True)
