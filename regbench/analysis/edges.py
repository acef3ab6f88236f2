"""Where the best cell of a row of a grid is its last: the best value may lie outside."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.cell_gap import CellGap, Edge, learned, least_val_loss
from regbench.vocabulary.words import number_in

_FEWEST_ON_AN_AXIS = 3
_FACTOR = 2  # between neighbours, from which an axis grows by factors


def edges(table: Sequence[CellGap]) -> dict[str, list[Edge]]:
    """The values on whose least or largest value a cell is the best of its row of the grid.

    A row of the grid are cells that differ in one number only, at least three of them. The edge at
    0 is none: there is nothing below it. A cell that has collapsed, or diverged, is never the best.
    """
    found: dict[str, list[Edge]] = {}
    keys = list(table[0].settings) if table else []
    for key in keys:
        rows: dict[tuple[tuple[str, str], ...], list[tuple[float, CellGap]]] = {}
        for row in table:
            value = number_in(row.settings[key])
            if value is None or row.metrics["val_loss"].mean is None:
                continue
            rows.setdefault(row.settings_but(key), []).append((value, row))
        for line in rows.values():
            values = sorted({value for value, _ in line})
            if len(values) < _FEWEST_ON_AN_AXIS:
                continue
            best = least_val_loss(learned(row for _, row in line))
            if best is None:
                continue
            value = next(value for value, row in line if row is best)
            if value == values[-1]:
                edge = Edge(key, value, "largest", _beyond(value, values[-2]))
            elif value == values[0] != 0:
                edge = Edge(key, value, "least", _beyond(value, values[1]))
            else:
                continue
            found.setdefault(best.cell, []).append(edge)
    return found


def _beyond(edge: float, neighbour: float) -> float:
    """One step on: by the same factor where the axis grows by factors, else by the same step.

    >>> _beyond(0.1, 0.01), _beyond(0.001, 0.01), round(_beyond(0.6, 0.4), 9)
    (1.0, 0.0001, 0.8)
    """
    if neighbour <= 0 or edge <= 0 or max(edge / neighbour, neighbour / edge) < _FACTOR:
        return edge + (edge - neighbour)
    return edge * (edge / neighbour)
