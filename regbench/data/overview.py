"""What was made of a data set, and how a seed splits it, in plain values: for people and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.datasets import DatasetConfig
from regbench.data.description import Column
from regbench.data.sources import SOURCES, describe, suspicions
from regbench.data.split import PartIds, part_ids, split_seed

__all__ = ["overview"]

_BINS, _MOST_TEXTS = 20, 12
_EDGES = np.linspace(0, 1, _BINS + 1)


def overview(config: DatasetConfig, folder: Path, seed: int = 0) -> dict[str, Any]:
    """Rows, columns by kind, target, parts, and what looks wrong.

    A column's `counts` are its rows by part: of a number in bins of equal width, whose `edges` are
    one more; of a category in its most frequent texts, `shown`, and a last one for all others.
    `in_training` are the texts that the training part has: the others have no input of their own.
    Where `inputs` are fewer than texts, the rarest in training share the last.

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
    columns = [
        _told(column, table.values[:, j], part) for j, column in enumerate(described.columns)
    ]
    return {
        "data": config.label,
        "rows": described.rows,
        "inputs": table.shape.inputs,
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
