"""Families of cells: the questions that a table asks, and in which order it asks them. No NumPy.

A family is one question: does this set of regularizers change the gap? Its strengths are steps of
one sequence, from the strongest to the weakest, each tested at the family's level until one is not
decided (a fixed sequence: Maurer, Hothorn & Lehmacher 1995). The F families of a table share alpha
equally (Bonferroni). A family without such an order shares its part among its k cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from regbench.vocabulary.regularizers import kind_of, stronger
from regbench.vocabulary.words import number_in

# A key begins with a letter; the plus of 1e+20 is followed by a digit.
_NEXT = re.compile(r"\+(?=[A-Za-z_])")
_Rest = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Member:
    """What a cell says of itself: its name, its regularizer in short, and what varies."""

    cell: str
    regularizer: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """The cells of one baseline with the same kinds of regularizers switched on.

    Attributes:
        kinds: what is switched on: elastic is l1 and l2.
        cells: from the strongest to the weakest where `ordered`, else as planned.
    """

    baseline: str
    kinds: tuple[str, ...]
    cells: tuple[str, ...]
    ordered: bool

    @property
    def shares(self) -> int:
        """Into how many parts the family's level is divided: its cells, where it has no order."""
        return 1 if self.ordered else len(self.cells)


def baselines(members: Iterable[Member]) -> dict[str, str]:
    """For each regularized cell, the one that is alike in all else and has no regularizer."""
    listed = list(members)
    plain = {_rest(m): m.cell for m in listed if m.regularizer == "none"}
    return {
        m.cell: plain[_rest(m)] for m in listed if m.regularizer != "none" and _rest(m) in plain
    }


def _rest(member: Member) -> _Rest:
    items = member.settings.items()
    return tuple((key, value) for key, value in items if not key.startswith("regularizer"))


def families(members: Iterable[Member]) -> list[Family]:
    """The families of a table, over all of its baselines, in the order of their first cells.

    >>> def cell(name): return Member(name, name, {})
    >>> names = ["none", "max_norm=2", "max_norm=1", "l1=0.1+l2=0.2", "l1=0.2+l2=0.1"]
    >>> for family in families(map(cell, names)):
    ...     print(family.kinds, family.cells, family.ordered)
    ('max_norm',) ('max_norm=1', 'max_norm=2') True
    ('l1', 'l2') ('l1=0.1+l2=0.2', 'l1=0.2+l2=0.1') False
    """
    listed = list(members)
    found: dict[tuple[str, tuple[str, ...]], list[tuple[str, Mapping[str, str]]]] = {}
    base = baselines(listed)
    for member in listed:
        if member.cell in base:
            parts = _parts(member.regularizer)
            kinds = tuple(sorted({kind_of(key) for key in parts}))
            found.setdefault((base[member.cell], kinds), []).append((member.cell, parts))
    return [_family(baseline, kinds, cells) for (baseline, kinds), cells in found.items()]


def _parts(regularizer: str) -> dict[str, str]:
    """
    >>> _parts("l1=0.001+early_stopping.gl=2+batchnorm"), _parts("l2=1e+20+l1_method=subgradient")
    ({'l1': '0.001', 'early_stopping.gl': '2', 'batchnorm': ''}, \
{'l2': '1e+20', 'l1_method': 'subgradient'})
    """
    pairs = (part.partition("=") for part in _NEXT.split(regularizer))
    return {key: value for key, _, value in pairs}


def _family(
    baseline: str, kinds: tuple[str, ...], cells: Sequence[tuple[str, Mapping[str, str]]]
) -> Family:
    names = tuple(cell for cell, _ in cells)
    strengths = _strengths([parts for _, parts in cells])
    if strengths is None:
        return Family(baseline, kinds, names, ordered=len(cells) == 1)
    by_strength = sorted(zip(strengths, range(len(names)), strict=True), reverse=True)
    together = all(
        all(a >= b for a, b in zip(one, other, strict=True)) and one != other
        for (one, _), (other, _) in pairwise(by_strength)
    )
    if not together:
        return Family(baseline, kinds, names, ordered=False)
    return Family(baseline, kinds, tuple(names[i] for _, i in by_strength), ordered=True)


def _strengths(cells: Sequence[Mapping[str, str]]) -> list[tuple[float, ...]] | None:
    """By cell, what varies within the family, larger being stronger; None where there is no order.

    A key without a direction that varies, a key that not all have, and a list with one strength a
    layer leave none.
    """
    keys = list(dict.fromkeys(key for parts in cells for key in parts))
    varying = [key for key in keys if len({parts.get(key) for parts in cells}) > 1]
    found: list[list[float]] = [[] for _ in cells]
    for key in varying:
        way = stronger(key)
        for own, parts in zip(found, cells, strict=True):
            value = number_in(parts.get(key, ""))
            if way is None or value is None or not isfinite(value):
                return None
            own.append(way * value)
    return [tuple(own) for own in found]


def adjusted(
    tests: Sequence[Family], ps: Mapping[str, float | None], ties: Iterable[str] = ()
) -> dict[str, float | None]:
    """p of each cell, adjusted so that a table errs in at most alpha wherever it decides at alpha.

    Of strength k in an ordered family: F * max(p_1 .. p_k), at most 1, p_1 being the strongest's;
    of one of k cells without an order: F * k * p.

    Args:
        ps: two-sided; None where there is no test. Such a cell decides nothing, and nothing after
            it can be decided.
        ties: cells that are the baseline over again, or have no pairs: the sequence passes them by.

    >>> family = Family("none", ("l2",), ("l2=3", "l2=2", "l2=1"), ordered=True)
    >>> adjusted([family], {"l2=3": 0.04, "l2=2": 0.001, "l2=1": None})
    {'l2=3': 0.04, 'l2=2': 0.04, 'l2=1': None}
    """
    skipped = set(ties)
    result: dict[str, float | None] = {}
    for family in tests:
        highest = 0.0
        for cell in family.cells:
            p = ps[cell]
            if p is None:
                result[cell] = None
                if cell not in skipped:
                    highest = 1.0
                continue
            highest = max(highest, p) if family.ordered else p
            result[cell] = min(1.0, len(tests) * family.shares * highest)
    return result
