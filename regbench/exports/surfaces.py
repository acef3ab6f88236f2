"""Saved weights put to work again: predictions over the whole space of one or two inputs."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np

from regbench.analysis.saved import PredictionSurface
from regbench.config.plan import Run
from regbench.errors import BadData
from regbench.results.planned import recorded_plan
from regbench.results.runs import Runs
from regbench.results.saved import read_weights

_STEPS = {1: 300, 2: 70}


def surfaces(folder: Path, runs: Runs, cells: Container[str]) -> list[PredictionSurface]:
    """The first run with weights of each of these cells.

    Nothing where the data have more than two inputs (or a regression more than one), or no weights
    were saved.

    Raises:
        BadData: weights or data cannot be read, do not fit each other, or the data are no longer
            those that the weights were trained on.
    """
    if not os.path.isdir(folder / "weights"):
        return []
    plan = recorded_plan(folder)
    planned = {run.run_id: run for run in plan.runs}
    found: dict[str, PredictionSurface] = {}
    for row in runs.rows:
        if row.cell in found or row.cell not in cells or not row.ok or row.run_id not in planned:
            continue
        surface = _surface(folder, planned[row.run_id], plan.study.folder)
        if surface is not None:
            found[row.cell] = surface
        elif not found:
            return []
    return list(found.values())


def _surface(folder: Path, run: Run, data: Path) -> PredictionSurface | None:
    import torch

    from regbench.data import sources
    from regbench.engine.network import build

    setting, run_id, seed = run.cell.setting, run.run_id, run.seed
    if setting.model.name == "module":  # which is not here
        return None
    sources.require_unchanged(setting.dataset, data, run.data)
    shape = sources.shape(setting.dataset, data)
    if shape.inputs > 2 or (shape.inputs == 2 and setting.dataset.task == "regression"):
        return None
    arrays = read_weights(folder, run_id)
    if arrays is None:
        return None
    split = sources.load(setting.dataset, seed, data, run.data)
    like = torch.zeros((), dtype=torch.float64)
    network = build([setting], [seed], shape.example, shape.outputs, like)
    try:
        network.load(0, arrays)
    except (KeyError, RuntimeError, TypeError) as error:
        raise BadData(f"{folder}: weights of {run_id} do not fit the study: {error}") from error
    axes = tuple(_around(split.train.x[:, i], _STEPS[shape.inputs]) for i in range(shape.inputs))
    places = np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")], axis=1)
    with torch.no_grad():
        x = torch.from_numpy(places[None]).to(like.dtype)
        outputs = network.forward(x)[0].T
        if split.task == "classification":
            outputs = torch.softmax(outputs, 1)
    values = outputs.numpy().reshape(*(len(axis) for axis in axes), -1)
    return PredictionSurface(
        run.cell.name,
        seed,
        tuple(split.feature_names),
        split.classes,
        axes,
        values[..., 0] if split.task == "regression" else values,
        *(_floats(array) for part in (split.train, split.val) for array in (part.x, part.y)),
    )


def _around(values: np.ndarray, steps: int) -> np.ndarray:
    room = 0.15 * (values.max() - values.min()) or 1.0
    return np.linspace(values.min() - room, values.max() + room, steps)


def _floats(values: Sequence[float] | np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)
