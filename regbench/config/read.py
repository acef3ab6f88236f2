"""From a study's plain values to a `Study`, or to all of its problems at once."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import lcm
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.blocks.kinds import Block
from regbench.config.bounds import MAX_RUNS
from regbench.config.cell import Cell
from regbench.config.claims import Addresses, BadClaim, Claim, read_claim
from regbench.config.crosschecks import contradictions, decays_nothing, doubts, incomplete
from regbench.config.grids import checked_grids
from regbench.config.identity import BLOCKS, EXECUTION_KEYS
from regbench.config.messages import did_you_mean, mistakes, shown
from regbench.config.overrides import Seeds, override, set_data
from regbench.config.plan import Study
from regbench.config.problems import Problems
from regbench.config.schema import Setting, StudyFile
from regbench.config.speaks import Over, one_test_part, usual, why_no_rows
from regbench.config.study_name import why_no_name
from regbench.config.sweep import Choice, Grid, count, expand, grids_of
from regbench.config.yaml_text import Document, KeyPath
from regbench.errors import BadStudy
from regbench.vocabulary.metrics import METRICS, OF_EVERY_STUDY

_KEYS = tuple(StudyFile.model_fields)
_TYPES = get_type_hints(StudyFile, include_extras=True)
_SEEDS = 5


def read_study(
    document: Document,
    source: str,
    folder: Path,
    name: str,
    *,
    overrides: Sequence[str] = (),
    axes: Sequence[str] = (),
    seeds: Seeds = None,
    max_runs: int = MAX_RUNS,
    given: Mapping[str, Any] | None = None,
) -> Study:
    """The study that a document describes.

    Args:
        source: what problems name as the place.
        folder: what paths of data files are relative to.
        name: what it is called unless it says so itself.
        overrides: `key=value` texts that set the base, values parsed as in a file.
        axes: `key=value,value` texts (see `grid_text`) that add axes to the sweep, or replace one.
        seeds: how many, or which (a list, or `0,3,7`), instead of the study's.
        max_runs: a larger plan is refused before anything is enumerated.
        given: keys of the dataset block that data given from Python bring.
    Raises:
        BadStudy: with all problems, in the order of the file.
    """
    if not isinstance(max_runs, int):
        raise BadStudy(f"max_runs: expected a count, not {max_runs!r}")
    problems, root = Problems(document, source), document.value
    if not isinstance(root, Mapping):
        what = "is empty" if root is None else f"holds {shown(root)} at the top"
        problems.add((), f"{what}: a study is a mapping of keys such as dataset, model, sweep")
        problems.raise_any()
    values = dict(root)
    set_data(values, given, problems)
    override(values, problems, axes, overrides, seeds)
    return _Reader(values, problems, source, folder, max_runs).read(name)


@cache
def _validator(key: str) -> TypeAdapter[Any]:
    config = None if key in BLOCKS else ConfigDict(strict=True)  # classes have their own
    return TypeAdapter(_TYPES[key], config=config)


@dataclass
class _Reader:
    """Reads a study's plain values, collecting problems instead of stopping at the first."""

    _values: dict[str, Any]
    _problems: Problems
    _source: str
    _folder: Path
    _max_runs: int
    _lost: bool = False  # some block is wrong, so cells are missing

    def read(self, default_name: str) -> Study:
        """The study.

        Raises:
            BadStudy: with all problems, in the order of the file.
        """
        hints = []
        for key in self._values:
            if key not in _KEYS:
                hints.append(did_you_mean(key, _KEYS))
                known = f"; the keys are {', '.join(_KEYS)}"
                self._problems.add((key,), f"unknown key{hints[-1] or known}", key=True)
        name = self._name(default_name)
        seeds = self._seeds()
        self._simple("schema_version")
        expect = self._simple("expect") or ()
        metrics = self._simple("metrics") or ()
        interval: Over | None = self._simple("interval")
        grids = checked_grids(self._values, self._problems)
        if did_you_mean("dataset", _KEYS) not in hints:  # else it is there, misspelt
            self._require_dataset()
        base = {block: self._block(block, self._values.get(block), ()) for block in BLOCKS}
        cells = self._cells(grids, len(seeds), metrics)
        folds = {n for cell in cells if (n := cell.setting.dataset.folds) is not None}
        if not seeds:
            seeds = tuple(range(lcm(*folds) if folds else _SEEDS))
            self._bounded(len(cells), len(seeds))
        metrics = self._metrics(metrics, cells)
        datasets = [cell.setting.dataset for cell in cells]
        if interval == "rows":
            self._require_splits(datasets)
        interval = interval or usual(datasets)
        claims = self._claims(expect, cells, metrics)
        if interval == "rows":
            self._require_own_rows(claims, folds)
        # Who reads a folder need not look for folds.
        spoken = {} if interval == "seeds" else {"interval": interval}
        self._problems.raise_any()
        for block in BLOCKS:  # a block that is only in the sweep
            if base[block] is None:
                base[block] = getattr(cells[0].setting, block)
        return Study(
            name=name,
            folder=self._folder,
            source=self._source,
            base=Setting.model_construct(**base),  # type: ignore[arg-type]
            seeds=seeds,
            cells=cells,
            sweep=self._values.get("sweep") or {},
            expect=expect,
            metrics=metrics,
            given={**self._values, "name": name, **spoken},
            claims=claims,
            interval=interval,
            warnings=_warnings(cells, seeds),
        )

    def _require_own_rows(self, claims: Sequence[Claim], folds: Collection[int]) -> None:
        """Refuse claims over rows on what all seeds have the same rows for."""
        for claim in claims:
            if why := one_test_part(claim.metrics, folds):
                self._problems.add(
                    ("expect", self._values["expect"].index(claim.text)), f"interval: {why}"
                )

    def _require_splits(self, datasets: Sequence[DatasetConfig]) -> None:
        """Refuse intervals over rows where all seeds have one split."""
        why = next(filter(None, map(why_no_rows, datasets)), "")
        if why:
            message = f"rows speaks of other rows, and {why}: take seeds, or leave that out"
            self._problems.add(("interval",), message)

    def _name(self, default: str) -> str:
        name = self._values.get("name", default)
        if not isinstance(name, str):
            self._problems.add(("name",), f"expected a text, not {shown(name)}")
            return default
        what = shown(name)
        if "name" not in self._values:
            name = unicodedata.normalize("NFC", name)  # some systems take file names apart
            what = f"there is no name, and the file's stem {what}"
        if why := why_no_name(name):
            self._problems.add(("name",), f"{what} {why}")
        return name

    def _seeds(self) -> tuple[int, ...]:
        """As given; none where the data sets' folds decide."""
        value = self._simple("seeds")
        if value is None:
            return ()
        if isinstance(value, int):
            if value > self._max_runs:
                self._problems.add(
                    ("seeds",), f"{shown(value)} seeds are more than --max-runs ({self._max_runs})"
                )
                return (0,)
            return tuple(range(value))
        twice = [seed for seed, times in Counter(value).items() if times > 1]
        if twice:
            self._problems.add(("seeds",), f"the seed {min(twice)} is given twice")
        return tuple(value)

    def _simple(self, key: str) -> Any:
        """A top-level key that is no block; None where it is missing or wrong."""
        if key not in self._values:
            return None
        return self._validated(key, self._values[key], ())

    def _validated(self, key: str, raw: Any, choices: Sequence[Choice]) -> Any:
        try:
            return _validator(key).validate_python(raw)
        except ValidationError as error:
            for path, is_key, message in mistakes(key, raw, error.errors(include_url=False)):
                origin = self._origin((key, *path), choices, key=is_key)
                self._problems.add(origin, message, key=is_key)
            return None

    def _origin(self, path: KeyPath, choices: Sequence[Choice], *, key: bool = False) -> KeyPath:
        """Where a part of a block was written: in the base, in a choice, or as an axis's key."""
        if ".".join(map(str, path[:2])) in EXECUTION_KEYS:
            return path
        for choice in sorted(choices, key=lambda choice: "." not in choice.axis):
            axis = tuple(choice.axis.split("."))
            if path == axis and key:
                return choice.path[: choice.path.index(choice.axis) + 1]
            if path[: len(axis)] == axis:
                return (*choice.path, *path[len(axis) :])
        return path

    def _require_dataset(self) -> None:
        swept = [isinstance(grid, Mapping) and "dataset" in grid for grid in grids_of(self._values)]
        given = "dataset" in self._values or (swept and all(swept))
        if not given:
            self._problems.add(
                (), "the key 'dataset' is missing: it is the only one that must be given"
            )

    def _block(self, block: str, raw: Any, choices: Sequence[Choice]) -> Block | None:
        if raw is None and block not in self._values and not choices:
            default = StudyFile.model_fields[block].default
            return default if isinstance(default, Block) else None
        result: Block | None = self._validated(block, raw, choices)
        self._lost |= result is None
        return result

    def _cells(self, grids: Sequence[Grid], seeds: int, metrics: Sequence[str]) -> tuple[Cell, ...]:
        if not self._bounded(count(grids), seeds):
            return ()
        base = {block: self._values[block] for block in BLOCKS if block in self._values}
        cells = expand(base, grids, self._block)
        for cell in cells:
            for key, message in contradictions(cell.setting, metrics):
                self._problems.add(self._nearest(key, cell, grids), message)
        return cells

    def _bounded(self, cells: int, seeds: int) -> bool:
        """Whether the plan is no larger than allowed; if not, it is a problem. 0 seeds: unknown."""
        if cells * (seeds or 1) <= self._max_runs:
            return True
        seeds = seeds or _SEEDS
        runs = cells * seeds
        many = [f"{n}" if n < 10**18 else "more than 10^18" for n in (cells, runs)]
        self._problems.add(
            ("sweep",),
            f"{many[0]} cells with {seeds} seeds are {many[1]} runs, more than --max-runs "
            f"({self._max_runs})",
            key=True,
        )
        return False

    def _nearest(self, key: str, cell: Cell, grids: Sequence[Grid]) -> KeyPath:
        """Where the value of a key in a cell was written: in the sweep, or in the base."""
        path = tuple(key.split("."))
        labels = dict(cell.labels)
        for grid in grids:
            if [axis.key for axis in grid] != list(labels):
                continue
            chosen = [c for axis in grid for c in axis.choices if labels[c.axis] == c.label]
            return self._origin(path, chosen)
        return path

    def _metrics(self, asked: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
        """What is asked for besides what every study has, once each."""
        tasks = {cell.setting.dataset.task for cell in cells}
        for i, name in enumerate(asked):
            task = METRICS[name].task
            if tasks and task is not None and task not in tasks:
                own = [m.name for m in METRICS.values() if m.task in tasks]
                message = f"a {min(tasks)} has no {name}: there are {', '.join(own)}"
                self._problems.add(("metrics", i), message)
        every = [metric.name for metric in OF_EVERY_STUDY]
        return tuple(dict.fromkeys(name for name in asked if name not in every))

    def _claims(
        self, expect: Sequence[str], cells: Sequence[Cell], metrics: Sequence[str]
    ) -> tuple[Claim, ...]:
        claims = []
        known = Addresses(cells) if cells and not self._lost else None
        for i, text in enumerate(expect):
            try:
                claims.append(read_claim(text, metrics, known))
            except BadClaim as error:
                self._problems.add(("expect", i), str(error), column=error.column)
        return tuple(claims)


def _warnings(cells: Sequence[Cell], seeds: Sequence[int]) -> tuple[str, ...]:
    settings = [cell.setting for cell in cells]
    found = dict.fromkeys(doubt for setting in settings for doubt in doubts(setting))
    for folds in dict.fromkeys(setting.dataset.folds for setting in settings):
        if folds is not None and (lacking := incomplete(folds, seeds)):
            found[lacking] = None
    if decays_nothing(settings):
        found["adamw decays nothing here: set regularizer.weight_decay"] = None
    return tuple(found)
