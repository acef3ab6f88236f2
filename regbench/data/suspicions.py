"""What looks wrong with a table, or with the way it is split: told, never mended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.data.files.problems import shown
from regbench.data.split import PartIds
from regbench.data.table import Floats, Ints, Table

# Columns are looked at in so many rows, evenly taken.
_ROWS = 50_000
# Numbers that are hashed at once.
_AT_ONCE = 1 << 18
_FEWEST_ROWS = 20
_NINES = re.compile(r"-?9{2,}(\.9+)?")
# So many times as large as any other is no number, whatever its digits.
_BEYOND = 1e6
# A column that tells the target: correlation, share of rows, and of what a constant gets wrong.
_TELLS, _ERRORS, _OF_CONSTANT = 0.99, 0.01, 0.05
_MANY_TEXTS, _ROWS_OF_RARE = 20, 3
_COPIES, _FEWEST_COPIES = 0.01, 2
_FEWEST_GROUPS, _LIKENESS, _COMPARED = 20, 0.3, 50
_GROUP_NAME = re.compile(
    r"(?i)(.*[ _.-])?(group|patient|subject|person|user|customer|client|family|household|site|"
    r"batch|session|donor|animal|participant|student|school|hospital|device|id)([ _.-]?(id|no|nr))?"
)
_TIME_NAME = re.compile(r"(?i)(.*[ _.-])?(date|datetime|time|timestamp|day|month|year|week)")
_FOLLOWS = 0.25  # autocorrelation of rows that stand side by side
_TOLD = 3


@dataclass(frozen=True)
class Suspicion:
    """Something that may be wrong.

    kind: constant, id, sentinel, rare, tells, copies, groups or order.
    text: what was seen, and what to do.
    """

    kind: str
    column: str
    text: str


def suspicions(
    config: Any, table: Table, ids: PartIds, left_out: tuple[str, ...] = ()
) -> list[Suspicion]:
    """All that looks wrong.

    Args:
        config: the dataset block.
        ids: the parts at some seed.
        left_out: names of columns that are no features.
    """
    if len(table.target) < _FEWEST_ROWS:
        return []
    if table.by_channel:  # of a pixel there is nothing to say
        return list(_copies(config, table, ids))
    rows = np.linspace(0, len(table.target) - 1, min(_ROWS, len(table.target))).astype(np.int64)
    found = list(_columns(table, rows))
    found += _copies(config, table, ids)
    if config.split_by is None and config.unit is None:
        found += _groups(table, rows, ids)
        found += _order(table, left_out)
    return found


def _columns(table: Table, rows: Ints) -> Iterator[Suspicion]:
    y = table.target[rows].astype(np.float64)
    classes = len(table.class_names)
    telling: list[Suspicion] = []
    for j, name in enumerate(table.column_names):
        column = f"column {shown(name)}"
        if j in table.categories:
            x = table.column(j)[rows]
            if len(table.categories[j]) == 1:
                yield Suspicion("constant", name, f"{column} is the same in every row: drop it")
                continue
            if table.max_categories is None:
                yield from _rare(name, column, table.column(j))
        else:
            every = table.column(j)
            low, high = np.nanmin(every), np.nanmax(every)
            if low == high:
                yield Suspicion("constant", name, f"{column} is {low:g} in every row: drop it")
                continue
            x = every[rows]
            if j not in table.indicators:
                yield from _sentinels(name, column, every)
                if _counts(every, low, high):
                    text = f"{column} counts the rows ({low:g} to {high:g}): drop it"
                    yield Suspicion("id", name, text)
        told = _telling(x, y, classes, j in table.categories)
        if told is not None:
            text = (
                f"{column} alone tells the target ({told}): is it known before the target is? "
                "Else drop it"
            )
            telling.append(Suspicion("tells", name, text))
    if not classes:
        yield from _sentinels("target", "the target", table.target.astype(np.float64))
    yield from telling


def _rare(name: str, column: str, codes: Floats) -> Iterator[Suspicion]:
    """Many texts of a category, most of them in so few rows that nothing is learnt of each."""
    counts = np.bincount(codes[codes >= 0].astype(np.int64))
    frequent, texts = int((counts >= _ROWS_OF_RARE).sum()), np.count_nonzero(counts)
    if texts > _MANY_TEXTS and frequent < texts / 2:
        text = (
            f"{column}: {texts - frequent} of {texts} texts stand in fewer than {_ROWS_OF_RARE} "
            f"rows each: max_categories: {max(frequent + 1, 2)} lets them share one input"
        )
        yield Suspicion("rare", name, text)


def _counts(x: Floats, low: float, high: float) -> bool:
    """Whether every row has a whole number of its own, without a gap."""
    if high - low != len(x) - 1 or np.isnan(x).any() or (x != np.floor(x)).any():
        return False
    return bool((np.bincount((x - low).astype(np.int64), minlength=len(x)) == 1).all())


def _sentinels(name: str, column: str, x: Floats) -> Iterator[Suspicion]:
    """Values such as -999, 9999 or -3.4e38, at an end, and far from all others."""
    rest = x[~np.isnan(x)]
    for _ in range(_TOLD):
        for end in (rest.min(), rest.max()):
            others = rest[rest != end]
            if not len(others):
                continue
            first, last = others.min(), others.max()
            beyond = abs(end) > _BEYOND * max(abs(first), abs(last)) > 0
            if (_NINES.fullmatch(f"{end:.10g}") or beyond) and (
                min(abs(end - first), abs(end - last)) > last - first
                and len(others) > len(rest) / 2
            ):
                many = len(rest) - len(others)
                text = (
                    f"{column}: {end:.10g} stands in {many} {'row' if many == 1 else 'rows'}, far "
                    f"from all others ({first:g} to {last:g}): if it means missing, add it to "
                    "na_values"
                )
                yield Suspicion("sentinel", name, text)
                rest = others
                break
        else:
            return


def _telling(x: Floats, y: Floats, classes: int, is_category: bool) -> str | None:
    """How well the column alone predicts the target, where it does."""
    there = ~np.isnan(x)
    x, y = x[there], y[there]
    if len(x) < _FEWEST_ROWS or x.min() == x.max() or y.min() == y.max():
        return None
    if is_category:
        return _telling_category(x, y, classes)
    if not classes:
        r = abs(np.corrcoef(_within_one(x), _within_one(y))[0, 1])
        return f"correlation {r:.4f}" if r > _TELLS else None
    # Along x, how often the class changes; ties in any order. Apart from C - 1 changes, each stands
    # for rows that no interval of x has for its own.
    order = _shuffled(len(x))
    order = order[np.argsort(x[order], kind="stable")]
    changes = int(np.count_nonzero(np.diff(y[order]))) - (classes - 1)
    shares = np.bincount(y.astype(np.int64)) / len(y)
    chance = float(len(y) * (1 - (shares**2).sum()))
    if changes > min(_ERRORS * len(y), _OF_CONSTANT * chance):
        return None
    return f"its order parts the classes but for {max(changes, 0) / 2 / len(y):.1%} of the rows"


def _within_one(x: Floats) -> Floats:
    """Shifted and scaled, so that no square is too large or too small for a float."""
    x = x / np.abs(x).max()
    x -= x.mean()
    scaled: Floats = x / np.abs(x).max()
    return scaled


@lru_cache(maxsize=1)
def _shuffled(n: int) -> Ints:
    return np.random.default_rng(0).permutation(n)


def _telling_category(x: Floats, y: Floats, classes: int) -> str | None:
    groups, codes = np.unique(x, return_inverse=True)
    if len(groups) > len(x) / 5:
        return None
    if not classes:
        explained = _likeness(codes, y)
        return f"R^2 {explained:.4f}" if explained > _TELLS else None
    counts = np.zeros((len(groups), classes))
    np.add.at(counts, (codes, y.astype(np.int64)), 1)
    wrong = 1 - counts.max(axis=1).sum() / len(y)
    constant = 1 - float(counts.sum(axis=0).max()) / len(y)
    if wrong > min(_ERRORS, _OF_CONSTANT * constant):
        return None
    return f"its most frequent class is right in {1 - wrong:.1%} of the rows"


def _likeness(codes: Ints, values: Floats) -> float:
    """The share of the variance that lies between groups, beyond what chance puts there."""
    n, k = len(values), int(codes.max()) + 1
    counts = np.bincount(codes, minlength=k)
    means = np.bincount(codes, values, minlength=k) / np.maximum(counts, 1)
    within = ((values - means[codes]) ** 2).sum() / max(n - np.count_nonzero(counts), 1)
    total = values.var(ddof=1)
    return float(1 - within / total) if total > 0 else 0.0


# --- parts ----------------------------------------------------------------------------------------


def _copies(config: Any, table: Table, ids: PartIds) -> Iterator[Suspicion]:
    """Validation rows that stand in training as well, where that is no accident of few values."""
    if not len(ids.val) or _may_coincide(table):
        return
    rows = _hashed(table)
    many = int(np.isin(rows[ids.val], rows[ids.train]).sum())
    share = many / len(ids.val)
    if many < _FEWEST_COPIES or share < _COPIES:
        return
    own = ": the file's own split puts them there" if config.split_by else ""
    instead = "" if table.by_channel else ", or keep each with its copies by groups: COLUMN"
    text = (
        f"{share:.0%} of the validation rows are copies of training rows{own}: validation praises "
        f"what was learnt by heart; remove them{instead}"
    )
    yield Suspicion("copies", "", text)


def _may_coincide(table: Table) -> bool:
    """Whether there are so few different values that rows are alike by chance."""
    possible = float(len(table.class_names) or 1)
    for j in range(table.values.shape[1]):
        if j in table.categories:
            possible *= len(table.categories[j])
        else:
            some = table.values[:1000, j]
            possible *= len(np.unique(some))
        if possible > 100 * len(table.target):
            return False
    return True


def _hashed(table: Table) -> npt.NDArray[np.uint64]:
    """(N,) a number for each row, target and all."""
    if table.as_bytes:
        pairs = zip(table.values, table.target.tolist(), strict=True)
        return np.array([hash((image.tobytes(), y)) for image, y in pairs]).astype(np.uint64)
    # Sums of products modulo 2^64 by odd numbers drawn once; the halves are mixed first, as the
    # lower one of a small whole number is 0.
    odd = np.random.default_rng(0).integers(
        1 << 63, size=table.values.shape[1] + 1, dtype=np.uint64
    )
    odd, result = odd * np.uint64(2) + np.uint64(1), np.empty(len(table.target), np.uint64)
    each = max(1, _AT_ONCE // len(odd))
    for start in range(0, len(result), each):
        some = slice(start, start + each)
        cells = np.column_stack([table.values[some], table.target[some]]).astype(np.float64) + 0.0
        cells[np.isnan(cells)] = np.nan
        bits = cells.view(np.uint64)
        result[some] = (bits ^ (bits >> np.uint64(32))) @ odd
    return result


def _groups(table: Table, rows: Ints, ids: PartIds) -> Iterator[Suspicion]:
    """Columns whose values repeat in rows that are like each other, on both sides of the split."""
    if not len(ids.val):
        return
    numbers = [j for j in range(len(table.column_names)) if j not in table.categories]
    numbers = [j for j in numbers if j not in table.indicators][:_COMPARED]
    for j, name in enumerate(table.column_names):
        named = _GROUP_NAME.fullmatch(name) is not None
        if not (named or j in table.categories):
            continue
        x = table.column(j)
        if np.isnan(x).any() or (x % 1 != 0).any():
            continue
        values = np.unique(x[rows])
        if not _FEWEST_GROUPS <= len(values) <= len(rows) / 2:
            continue
        if not named:
            codes = np.searchsorted(values, x[rows])
            alike = [_likeness(codes, np.nan_to_num(table.column(k)[rows])) for k in numbers]
            if not alike or float(np.mean(alike)) <= _LIKENESS:
                continue
        share = float(np.isin(x[ids.val], x[ids.train]).mean())
        if share > 0:
            text = (
                f"column {shown(name)}: {share:.0%} of the validation rows share its value with "
                f"training rows: if new rows bring new values, groups: {name} keeps each in one "
                "part"
            )
            yield Suspicion("groups", name, text)


def _order(table: Table, left_out: tuple[str, ...]) -> Iterator[Suspicion]:
    """Rows that follow each other in time, or look as if they did."""
    dated = next(_dated(table, left_out), None)
    y = table.target.astype(np.float64)
    steps = np.diff(y)
    if (steps >= 0).all() or (steps <= 0).all():
        text = "rows are sorted by the target: harmless unless shuffle: false"
        if dated is None:
            yield Suspicion("order", "", text)
            return
    indicators = np.eye(len(table.class_names))[y.astype(np.int64)] if table.class_names else None
    follows = _follows(y[:, None] if indicators is None else indicators)
    if dated is not None:
        instead = " (not drop)" if dated in left_out else ""
        text = (
            f"column {shown(dated)} looks like time: if the model is to predict what comes later, "
            f"time: {dated}{instead} validates on later rows"
        )
        yield Suspicion("order", dated, text)
    elif follows > max(_FOLLOWS, 5 / np.sqrt(len(y))):
        text = (
            f"neighbouring rows have like targets (autocorrelation {follows:.2f}): if their order "
            "is time, name its column by time: COLUMN, to validate on later rows"
        )
        yield Suspicion("order", "", text)


def _dated(table: Table, left_out: tuple[str, ...]) -> Iterator[str]:
    """Columns that are called like a time, and could order the rows by one."""
    yield from filter(_TIME_NAME.fullmatch, left_out)
    for j, name in enumerate(table.column_names):
        if _TIME_NAME.fullmatch(name) and j not in table.categories:
            steps = np.diff(table.column(j))
            if (steps >= 0).all() or (steps <= 0).all():
                yield name


def _follows(columns: Floats) -> float:
    """The largest autocorrelation of a column with itself, one row on."""
    centred = columns - columns.mean(axis=0)
    squares = (centred**2).sum(axis=0)
    products = (centred[1:] * centred[:-1]).sum(axis=0)
    return float(
        np.max(np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0))
    )
