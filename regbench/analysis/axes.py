"""Which keys of a sweep are axes to draw along, and a metric over two of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.statistics import Floats
from regbench.vocabulary.words import number_in

_FEWEST = 3  # values that make a path


@dataclass(frozen=True)
class Grid:
    """A metric over two axes: (len(y), len(x)) means, NaN where there is no cell."""

    x_key: str
    y_key: str
    rest: Mapping[str, str]
    x: Sequence[float]
    y: Sequence[float]
    values: Floats


def swept_keys(table: Sequence[CellGap], fewest: int = _FEWEST) -> list[str]:
    """The numeric keys along which at least so many cells differ in nothing else."""
    found = []
    for key in table[0].settings if table else ():
        lines = Counter(
            row.settings_but(key) for row in table if number_in(row.settings[key]) is not None
        )
        if max(lines.values(), default=0) >= fewest:
            found.append(key)
    return found


def grids(table: Sequence[CellGap], metric: str) -> list[Grid]:
    """The metric over each pair of swept keys whose grid is full, the largest grids first."""
    found = []
    for first, second in combinations(swept_keys(table, 2), 2):
        # The strength of a penalty stands on the horizontal axis.
        x_key, y_key = (second, first) if second.startswith("regularizer") else (first, second)
        places: dict[tuple[tuple[str, str], ...], dict[tuple[float, float], float]] = {}
        for row in table:
            x, y = number_in(row.settings[x_key]), number_in(row.settings[y_key])
            mean = row.metrics[metric].mean
            if x is None or y is None or mean is None:
                continue
            places.setdefault(row.settings_but(x_key, y_key), {})[x, y] = mean
        for rest, known in places.items():
            xs, ys = sorted({x for x, _ in known}), sorted({y for _, y in known})
            # Half of the places at least: two regularizers of which one is always 0 are no grid.
            if min(len(xs), len(ys)) >= 2 and len(known) > 4 and len(known) * 2 > len(xs) * len(ys):
                field = np.array([[known.get((x, y), np.nan) for x in xs] for y in ys])
                found.append(Grid(x_key, y_key, dict(rest), xs, ys, field))
    return sorted(found, key=lambda grid: -grid.values.size)
