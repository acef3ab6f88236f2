"""All that a report or a figure of a results folder is made of, read once."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from regbench.analysis.axes import Grid, grids, swept_keys
from regbench.analysis.axis_path import AxisPath, axis_paths
from regbench.analysis.cell_gap import CellGap, learned, least_val_loss
from regbench.analysis.claims import Outcome
from regbench.analysis.curves import CellCurves, cell_curves
from regbench.analysis.gap import gap_table
from regbench.analysis.saved import (
    Calibration,
    PredictionSurface,
    WeightShape,
    calibration,
    weight_shape,
)
from regbench.analysis.statistics import IntervalMethod
from regbench.config.speaks import Over
from regbench.report.figures.noise import NOISE_COLUMNS
from regbench.results.files import MOST_LOG, MOST_NOTE, read, there
from regbench.results.frames import read_epochs
from regbench.results.runs import Runs
from regbench.results.saved import read_predictions, read_weights
from regbench.results.sealed import Arrays
from regbench.vocabulary.metrics import Metric, metrics_among, score_among

_MOST_CELLS = 6  # whose weights and predictions are read
_MOST_RUNS = 5  # of each
_NOISE = [name for name in NOISE_COLUMNS if name != "train_acc"]  # which every study has


@dataclass(frozen=True)
class Content:
    """A results folder's numbers; what a figure needs is read when it is asked for.

    Attributes:
        claims: the study's claims, decided; empty where the folder holds no study.
        surfaces: predictions over one or two inputs, where weights were saved.
        over, method: what intervals speak of, and how they are made.
    """

    folder: Path
    runs: Runs
    claims: Sequence[Outcome] = ()
    surfaces: Sequence[PredictionSurface] = field(default=(), repr=False)
    over: Over = "seeds"
    method: IntervalMethod = "t"

    @cached_property
    def table(self) -> list[CellGap]:
        """The gap table."""
        return gap_table(self.runs, over=self.over, method=self.method)

    @property
    def score(self) -> Metric:
        """Accuracy or R^2."""
        return score_among(self.runs.metrics)

    @cached_property
    def curves(self) -> list[CellCurves]:
        """Learning curves, means over seeds."""
        metrics = metrics_among(self.runs.metrics)
        parts = [f"{part}_{metric.name}" for metric in metrics for part in ("train", "val")]
        columns = [*parts, *_NOISE]
        return cell_curves(self.runs, read_epochs(self.folder, columns), columns)

    @cached_property
    def noisy(self) -> bool:
        """Whether some training labels are wrong."""
        flips = [row.metrics.get("flip_rate", np.nan) for row in self.runs.rows]
        return bool(np.nansum(flips) > 0)

    @cached_property
    def paths(self) -> list[list[AxisPath]]:
        """The paths along each swept key."""
        keys = swept_keys(self.table)
        return [axis_paths(self.runs, self.table, key, self.over) for key in keys]

    @cached_property
    def grids(self) -> list[Grid]:
        """Validation loss over two swept keys."""
        return grids(self.table, "val_loss")

    def _saved(self, kind: str) -> dict[str, list[Arrays]]:
        found: dict[str, list[Arrays]] = {}
        if not os.path.isdir(self.folder / kind):
            return found
        load = read_weights if kind == "weights" else read_predictions
        cells = telling(self.table)
        for row in self.runs.rows:
            if not row.ok or row.cell not in cells or len(found.get(row.cell, [])) == _MOST_RUNS:
                continue
            arrays = load(self.folder, row.run_id)
            if arrays is not None:
                found.setdefault(row.cell, []).append(arrays)
        return found

    @cached_property
    def weights(self) -> list[WeightShape]:
        """Histograms and norms of the first cells' saved weights."""
        saved = self._saved("weights")
        kernels = [
            np.abs(run[name]).ravel()
            for own in saved.values()
            for run in own
            for name in run
            if name.startswith("layers.") and name.endswith(".weight")
        ]
        if not kernels:
            return []
        largest = float(np.quantile(np.concatenate(kernels), 0.999)) or 1.0
        return [weight_shape(cell, own, largest) for cell, own in saved.items()]

    @cached_property
    def calibrations(self) -> list[Calibration]:
        """Reliability on the test part (else on the validation part), all saved seeds together."""
        found = []
        for cell, own in self._saved("predictions").items():
            part = "test" if all("test_probability" in run for run in own) else "val"
            able = [run for run in own if f"{part}_probability" in run]
            if able:
                probability = np.concatenate([run[f"{part}_probability"] for run in able])
                y = np.concatenate([run[f"{part}_y"] for run in able])
                found.append(calibration(cell, probability.astype(np.float64), y))
        return found

    @cached_property
    def provenance(self) -> list[dict[str, Any]]:
        """What provenance.jsonl notes, the last of it where that is long; lines that are none are
        left out.
        """
        path = self.folder / "provenance.jsonl"
        log = read(path, MOST_LOG)[-MOST_NOTE:] if there(path) else b""
        notes = []
        for line in log.decode(errors="replace").splitlines():
            try:
                note = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(note, dict):
                notes.append(note)
        return notes

    @cached_property
    def study_yaml(self) -> str:
        """The study as resolved; empty where it is not there."""
        path = self.folder / "study.yaml"
        return read(path, MOST_NOTE).decode(errors="replace") if there(path) else ""


def telling(table: Sequence[CellGap]) -> set[str]:
    """The few cells that tell most: the largest gap, the least validation loss, the least gap.

    What room is left goes to the first cells of the plan.
    """
    sound = [row for row in table if row.metrics["val_loss"].mean is not None]
    best = least_val_loss(learned(table) or table)
    if best is None:
        return set()
    gap = [(row.gap.mean or 0.0, row.cell) for row in sound]
    first = [max(gap)[1], best.cell, min(gap)[1]]
    return set(list(dict.fromkeys([*first, *(row.cell for row in sound)]))[:_MOST_CELLS])
