"""A study and its plan: a cell and a seed are a run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regbench.config import identity
from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.cell import Cell
from regbench.config.claims import Claim
from regbench.config.identity import BLOCKS, cell_digest, run_id
from regbench.config.resolved import kinds_swept, resolved
from regbench.config.schema import SCHEMA_VERSION, Setting
from regbench.config.speaks import Over
from regbench.errors import BadStudy, Problem

# What stands for the user's own module among the fingerprints of what a plan reads.
MODULE = "the module"


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

    @property
    def datasets(self) -> dict[str, DatasetConfig]:
        """Each of its data sets once, by the block's `origin`."""
        return {cell.setting.dataset.origin: cell.setting.dataset for cell in self.cells}

    @property
    def has_module(self) -> bool:
        """Whether some cell's model is the user's own module."""
        return any(cell.setting.model.name == "module" for cell in self.cells)

    @property
    def files(self) -> list[DatasetConfig]:
        """Those that lie somewhere, and may change there."""
        return [dataset for dataset in self.datasets.values() if dataset.places]

    @property
    def folded(self) -> frozenset[str]:
        """The cells with folds, all seeds of which have one test part."""
        return frozenset(c.name for c in self.cells if c.setting.dataset.folds is not None)

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


@dataclass(frozen=True, slots=True)
class Run:
    """A cell and a seed: one row of runs.csv.

    Attributes:
        data: the fingerprint of what it trains on.
        module: the identity of the user's own module, where the model is one.
    """

    run_id: str
    cell: Cell
    seed: int
    data: str
    module: str = ""


@dataclass(frozen=True)
class Plan:
    """Every run of a study, cell by cell and within a cell by seed.

    Attributes:
        data: the fingerprint of each data set, by its block's `origin`; and as `MODULE` that of
            the user's own module, where there is one.
        varying: the config keys that differ between cells, by block, as they first appear.
        version: of the numerics that its run ids stand for.
    """

    study: Study
    runs: tuple[Run, ...]
    data: Mapping[str, str]
    varying: tuple[str, ...]
    version: int


def make_plan(study: Study, data: Mapping[str, str], version: int | None = None) -> Plan:
    """The plan of a study; opens no data.

    Args:
        data: the fingerprint of each data set of the study, by its block's `origin`
            (`regbench.data.fingerprints`); as `MODULE` the identity of the user's own module. A
            plan without it has other run ids.
        version: of the numerics; by default what this regbench computes.
    Raises:
        BadStudy: two files of the study hold the same; or two runs have one id, which has never
            been seen.
        KeyError: a fingerprint is missing.
    """
    runs = []
    cells: dict[bytes, Cell] = {}
    version = identity.NUMERICS_VERSION if version is None else version
    for cell in study.cells:
        found = data[cell.setting.dataset.origin]
        module = data.get(MODULE, "") if cell.setting.model.name == "module" else ""
        digest = cell_digest(cell.setting, found, version, module)
        first = cells.setdefault(digest, cell)
        if first is not cell:
            raise _same_content(study, first, cell)
        runs += [Run(run_id(digest, seed), cell, seed, found, module) for seed in study.seeds]
    if len({run.run_id for run in runs}) < len(runs):
        raise BadStudy("two different runs have the same id: change any key of the study slightly")
    varying = tuple(study.cells[0].values) if study.cells else ()
    return Plan(study, tuple(runs), dict(data), varying, version)


def _same_content(study: Study, first: Cell, second: Cell) -> BadStudy:
    """Why two cells are one: of a file its content counts, not its place."""
    one, two = first.setting.dataset, second.setting.dataset
    message = f"{one.label} and {two.label} hold the same data: leave one of them out"
    return BadStudy(Problem(message, study.source, key=".".join(["dataset", *two.places[:1]])))
