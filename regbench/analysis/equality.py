"""Whether two studies have the same numbers, statuses and settings."""

from __future__ import annotations

from math import isnan

import numpy as np

from regbench.analysis.pairs import Pairs
from regbench.vocabulary.words import counted, some

_FIRST = 5  # that are listed


def differences(pairs: Pairs, rtol: float, atol: float) -> list[str]:
    """What is not equal, the first few one by one and all of it counted; nothing if all is equal.

    Numbers are equal as numpy.isclose(NEW, BASE, rtol, atol, equal_nan=True) has it, in every
    column that both studies have and whatever the status of the run. Statuses and the settings
    that both studies vary are equal or not.
    """
    unequal = np.zeros((len(pairs.rows), len(pairs.metrics) + 1), dtype=bool)
    for i, name in enumerate(pairs.metrics):
        base, new = pairs.column(name)
        with np.errstate(over="ignore", invalid="ignore"):
            unequal[:, i] = ~np.isclose(new, base, rtol=rtol, atol=atol, equal_nan=True)
    unequal[:, -1] = [a.status != b.status for a, b in pairs.rows]
    found = []
    for row, column in np.argwhere(unequal)[:_FIRST].tolist():
        a, b = pairs.rows[row]
        if column == len(pairs.metrics):
            text = f"status is {a.status} in BASE and {b.status} in NEW"
        else:
            name = pairs.metrics[column]
            text = f"{name} is {_full(a.metrics[name])} in BASE and {_full(b.metrics[name])} in NEW"
        found.append(f"not equal: {a.cell} seed {a.seed}: {text}")
    if found:
        rows = int(unequal.any(axis=1).sum())
        found.append(
            f"{counted(int(unequal.sum()), 'value')} in {rows} of "
            f"{counted(len(pairs.rows), 'pair')} of runs differ, by more than rtol {rtol:g} and "
            f"atol {atol:g} allow"
        )
    if pairs.other_settings:
        found.append(f"not equal: the settings of {some(pairs.other_settings)}")
    return found


def _full(value: float) -> str:
    """A number with all its digits.

    >>> _full(0.1 + 0.2), _full(30.0), _full(float("nan"))
    ('0.30000000000000004', '30', 'empty')
    """
    return "empty" if isnan(value) else repr(value).removesuffix(".0")
