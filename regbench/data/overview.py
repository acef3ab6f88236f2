"""What was made of a data set, and how a seed splits it, in plain values: for people and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.datasets import DatasetConfig
from regbench.data.description import Column, channels
from regbench.data.sources import SOURCES, describe, suspicions
from regbench.data.split import PartIds, part_ids, split_seed
from regbench.data.transform import Transform

_BINS, _MOST_TEXTS = 20, 12
_EDGES = np.linspace(0, 1, _BINS + 1)
_ROWS = 1024  # of bytes at a time


def overview(config: DatasetConfig, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Rows, columns by kind, target, parts, and what looks wrong.

    A column's `counts` are its rows by part: of a number in bins of equal width, whose `edges` are
    one more; of a category in its most frequent texts, `shown`, and a last one for all others.
    `in_training` are the texts that the training part has: the others have no input of their own.
    Where `inputs` are fewer than texts, the rarest in training share the last.
    Of images and signals (`by_channel`) a column is a channel; its `mean` and `deviation` are those
    of the training part, by which it is scaled.

    Raises:
        BadData: the data cannot be read, or cannot be split as asked.
    """
    described = describe(config, folder)
    table = SOURCES[config.name].table(config, split_seed(config, seed), folder)
    ids = part_ids(config, table, seed)
    part = np.full(len(table.target), -1)
    for k, rows in enumerate(ids):
        part[rows] = k
    target = described.target
    if table.by_channel:
        pairs = zip(described.columns, channels(table), strict=True)
        scaler = Transform.fit(table, ids.train).scaler
        points = slice(None, None, table.shape.inputs // len(described.columns))
        numbers = zip(scaler.mean[points].tolist(), scaler.scale[points].tolist(), strict=True)
        columns = [
            _told_channel(column, values, part) | {"mean": mean, "deviation": scale}
            for (column, (_, values)), (mean, scale) in zip(pairs, numbers, strict=True)
        ]
    else:
        columns = [
            _told(column, table.column(j), part) for j, column in enumerate(described.columns)
        ]
    return {
        "data": config.label,
        "rows": described.rows,
        "inputs": table.shape.inputs,
        "example": list(table.shape.example),
        "by_channel": table.by_channel,
        "seed": seed,
        "parts": {name: len(rows) for name, rows in zip(PartIds._fields, ids, strict=True)},
        "target": {
            "task": table.task,
            **_told(target, table.target.astype(np.float64), part),
            "name": getattr(config, "target", None) or target.name,
        },
        "columns": columns,
        "left_out": dict(described.left_out),
        "notes": list(described.notes),
        "warnings": [
            {"kind": each.kind, "column": each.column, "text": each.text}
            for each in suspicions(config, folder, seed)
        ],
    }


def _told_channel(
    column: Column, values: npt.NDArray[Any], part: npt.NDArray[Any]
) -> dict[str, Any]:
    """As `_told`, of (N, points) values; bytes are counted level by level, for they are many."""
    if values.dtype != np.uint8:
        return _told(column, values.ravel(), part.repeat(values.shape[1]))
    levels = np.zeros((len(PartIds._fields) + 1, 256), np.int64)  # the last: in no part
    for start in range(0, len(values), _ROWS):
        images, of = values[start : start + _ROWS], part[start : start + _ROWS]
        for k in np.unique(of):
            levels[k] += np.bincount(images[of == k].ravel(), minlength=256)
    every = levels.sum(axis=0)
    low, high = np.flatnonzero(every)[[0, -1]].tolist()
    edges = np.linspace(low, high, _BINS + 1)
    place = np.clip((np.arange(256) - low) / ((high - low) or 1) * _BINS, 0, _BINS - 1)
    return {
        "name": column.name,
        "kind": column.kind,
        "missing": {},
        "low": float(low),
        "median": float(np.searchsorted(every.cumsum(), every.sum() / 2)),
        "high": float(high),
        "edges": edges.tolist(),
        "counts": {
            name: np.bincount(place.astype(np.int64), levels[k], _BINS).astype(int).tolist()
            for k, name in enumerate(PartIds._fields)
        },
    }


def _told(column: Column, values: npt.NDArray[Any], part: npt.NDArray[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "missing": dict(column.missing),
    }
    there = ~np.isnan(values)
    if column.kind == "category":
        texts = list(column.texts)
        codes = np.where(there, values, -1).astype(np.int64)
        in_training = np.bincount(codes[(part == 0) & (codes >= 0)], minlength=len(texts)) > 0
        order = sorted(range(len(texts)), key=lambda j: (-column.texts[texts[j]], j))
        shown = order if len(order) <= _MOST_TEXTS + 1 else order[:_MOST_TEXTS]
        rank = np.full(len(texts) + 1, len(shown))
        rank[shown] = np.arange(len(shown))
        bins = len(shown) + (len(shown) < len(texts))
        where = rank[codes]
        told |= {
            "texts": dict(column.texts),
            "in_training": int(in_training.sum()),
            "inputs": column.inputs,
            "shown": [texts[j] for j in shown],
        }
    else:
        known = np.sort(values[there])
        low, high, middle = float(known[0]), float(known[-1]), len(known) // 2
        width = (high - low) or 1.0
        bins = _BINS
        where = np.full(len(values), bins)
        where[there] = np.minimum((values[there] - low) / width * bins, bins - 1)
        told |= {
            "low": low,
            "median": float(known[middle] + known[-1 - middle]) / 2,
            "high": high,
            "mean": float(known.mean()),
            "edges": (low + (high - low) * _EDGES).tolist(),
        }
    told["counts"] = {
        name: np.bincount(where[there & (part == k)], minlength=bins)[:bins].tolist()
        for k, name in enumerate(PartIds._fields)
    }
    return told
