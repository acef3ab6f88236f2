"""What a command line or a caller sets in a study, before it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regbench.config.characters import as_texts
from regbench.config.grid_text import BadAxis, parse_axis
from regbench.config.identity import BLOCKS, EXECUTION_KEYS
from regbench.config.messages import did_you_mean, shown
from regbench.config.plain import plain
from regbench.config.problems import Problems
from regbench.config.schema import StudyFile
from regbench.config.sweep import grids_of, set_key
from regbench.config.yaml_text import parse_yaml
from regbench.errors import BadStudy

# How many, or which: a list, or as on the command line `0,3,7`.
Seeds = str | int | Sequence[int] | None

_KEYS = tuple(StudyFile.model_fields)


def set_data(values: dict[str, Any], given: Mapping[str, Any] | None, problems: Problems) -> None:
    """Set what data given from Python bring; their block needs no name."""
    if given is None:
        return
    dataset = values.get("dataset")
    block = {"name": dataset} if isinstance(dataset, str) else dataset
    block = {} if block is None else block
    if not isinstance(block, Mapping):
        return  # what it is instead will be said
    if block.get("name", given["name"]) != given["name"]:
        named = shown(block["name"])
        problems.add(("dataset",), f"names {named}, and data are given, too: leave one out")
        return
    values["dataset"] = {**block, **given}


def override(
    values: dict[str, Any],
    problems: Problems,
    axes: Sequence[str],
    overrides: Sequence[str],
    seeds: Seeds,
) -> None:
    """Set in a study's plain values what the options -g, -s and --seeds ask for."""
    overrides = as_texts(overrides, "overrides")
    for text in axes:
        _set_axis(values, text, problems)
    # Whole blocks before what stands in them, as in a sweep.
    for text in sorted(overrides, key=lambda text: text.partition("=")[0].count(".")):
        _set(values, text, "-s", problems)
    if isinstance(seeds, str):
        _set(values, f"seeds=[{seeds}]" if "," in seeds else f"seeds={seeds}", "--seeds", problems)
    elif seeds is not None:
        values |= plain({"seeds": seeds}, "--seeds")
        problems.options["seeds"] = "--seeds"


def _set(values: dict[str, Any], text: str, option: str, problems: Problems) -> None:
    """Set the base by `key=value`."""
    key, equals, value = text.partition("=")
    key = key.strip()
    shown_key = "" if option == "--seeds" else key
    if not equals or not key:
        problems.add_to_option(option, f"expected key=value, not {text!r}")
        return
    first = key.split(".")[0]
    if first not in _KEYS or ("." in key and first not in BLOCKS):
        problems.add_to_option(option, f"unknown key{did_you_mean(first, _KEYS)}", shown_key)
        return
    if _is_swept(values, key):
        problems.add_to_option(option, "is swept in the study: change the sweep there", shown_key)
        return
    try:
        parsed = parse_yaml(value, option).value
    except BadStudy as error:
        problems.add_to_option(option, error.problems[0].message, shown_key)
        return
    problems.options[key] = option
    set_key(values, key, parsed)


def _is_swept(values: Mapping[str, Any], key: str) -> bool:
    if key in EXECUTION_KEYS:  # the base's, even where whole training blocks are swept
        return False
    axes = [str(axis) for grid in grids_of(values) if isinstance(grid, Mapping) for axis in grid]
    return any(key == axis or key.startswith(f"{axis}.") for axis in axes)


def _set_axis(values: dict[str, Any], text: str, problems: Problems) -> None:
    """Add an axis to every grid of the sweep by `key=value,value`, or replace that key's."""
    try:
        key, choices = parse_axis(text)
    except BadAxis as error:
        key = text.partition("=")[0].strip()
        problems.add_to_option("-g", str(error), key if key != text else "")
        return
    if f"sweep.{key}" in problems.options:
        problems.add_to_option("-g", "is given twice", key)
        return
    problems.options[f"sweep.{key}"] = "-g"
    sweep = values.get("sweep") or {}
    if isinstance(sweep, list):  # a union of grids: each gets the axis
        values["sweep"] = [
            {**grid, key: choices} if isinstance(grid, Mapping) else grid for grid in sweep
        ]
    elif isinstance(sweep, Mapping):
        values["sweep"] = {**sweep, key: choices}
