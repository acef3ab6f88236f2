"""A study and its plan: a cell and a seed are a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regbench.config.cell import Cell
from regbench.config.claims import Claim
from regbench.config.identity import BLOCKS, cell_digest, fingerprint, run_id
from regbench.config.resolved import kinds_swept, resolved
from regbench.config.schema import SCHEMA_VERSION, Setting
from regbench.config.speaks import Over
from regbench.errors import BadStudy, Problem

__all__ = ["Plan", "Run", "Study", "make_plan"]


@dataclass(frozen=True)
class Study:
    """A study file, resolved and checked.

    Attributes:
        folder: what CSV paths are relative to.
        source: where it was read, for messages.
        base: the setting before the sweep; a data set that only the sweep names is its first.
        sweep: the axes, as written.
        expect: the claims, as written; `claims` are the same, parsed.
        metrics: what is asked for besides what every study has.
        given: all that was written, overrides included; `study_from_mapping` makes the same study
            of it.
        interval: what intervals and decisions speak of.
        warnings: what is allowed but probably not meant.
    """

    name: str
    folder: Path
    source: str
    base: Setting
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    sweep: Any = field(default_factory=dict)
    expect: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    interval: Over = "seeds"
    warnings: tuple[str, ...] = ()

    def resolved(self) -> dict[str, Any]:
        """The study as plain values with the defaults filled in: again a study, of the same runs.

        Where the sweep changes the kind of a block, the block holds what was given only.
        """
        grids = self.sweep if isinstance(self.sweep, list) else [self.sweep]
        as_given = kinds_swept(axis for grid in grids for axis in grid)
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            **self._blocks(as_given),
            "seeds": list(self.seeds),
            "sweep": self.sweep,
            "metrics": list(self.metrics),
            "expect": list(self.expect),
            "interval": self.interval,
        }

    def fixed(self) -> dict[str, Any]:
        """What all commands on one results folder must agree on: the name, and the base with the
        defaults, whatever is swept.
        """
        return {"name": self.name, **self._blocks(())}

    def _blocks(self, as_given: Collection[str]) -> dict[str, Any]:
        blocks = [block for block in BLOCKS if block != "dataset" or block in self.given]
        return {block: resolved(getattr(self.base, block), block, as_given) for block in blocks}


@dataclass(frozen=True)
class Run:
    """A cell and a seed: one row of runs.csv."""

    run_id: str
    cell: Cell
    seed: int


@dataclass(frozen=True)
class Plan:
    """Every run of a study, cell by cell and within a cell by seed.

    Attributes:
        data: what each data set holds, by name, or for files by path as the study gives it.
        varying: the config keys that differ between cells, by block, as they first appear.
    """

    study: Study
    runs: tuple[Run, ...]
    data: Mapping[str, str]
    varying: tuple[str, ...]


def make_plan(study: Study, data: Mapping[str, str] | None = None) -> Plan:
    """The plan of a study; loads no data (a CSV file's bytes are hashed).

    Args:
        data: what the data sets hold, where that is known and their files may be elsewhere.
    Raises:
        BadData: a CSV file cannot be read.
        BadStudy: two files of the study hold the same bytes; or two runs have one id, which has
            never been seen.
    """
    runs = []
    cells: dict[bytes, Cell] = {}
    known = dict(data or {})
    for cell in study.cells:
        dataset = cell.setting.dataset
        name = dataset.path if dataset.name == "csv" else dataset.name
        if name not in known:
            known[name] = fingerprint(dataset, study.folder)
        digest = cell_digest(cell.setting, known[name])
        first = cells.setdefault(digest, cell)
        if first is not cell:
            raise _same_bytes(study, first, cell)
        runs += [Run(run_id(digest, seed), cell, seed) for seed in study.seeds]
    if len({run.run_id for run in runs}) < len(runs):
        raise BadStudy("two different runs have the same id: change any key of the study slightly")
    varying = tuple(study.cells[0].values) if study.cells else ()
    return Plan(study, tuple(runs), known, varying)


def _same_bytes(study: Study, first: Cell, second: Cell) -> BadStudy:
    """Why two cells are one: of a file its bytes count, not its place."""
    paths = [getattr(cell.setting.dataset, "path", cell.name) for cell in (first, second)]
    message = f"{paths[0]} and {paths[1]} hold the same bytes: leave one of them out"
    return BadStudy(Problem(message, study.source, key="dataset.path"))
