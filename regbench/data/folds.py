"""K folds: of rows, as equal as can be; of groups, none of which is divided."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from regbench.data.table import Ints

Keys = npt.NDArray[np.uint64]


def folds_of_rows(labels: npt.NDArray[np.generic], keys: Keys, folds: int) -> Ints:
    """(N,) the fold of each row: those of a class are dealt out in turn, by their keys.

    So folds differ by at most one row, and by at most one row of any class, as those of
    scikit-learn's StratifiedKFold do.

    >>> folds_of_rows(np.array([0, 0, 0, 1, 1]), np.arange(5, dtype=np.uint64), 2).tolist()
    [0, 1, 0, 1, 0]
    """
    result = np.empty(len(labels), dtype=np.int64)
    result[np.lexsort((keys, labels))] = np.arange(len(labels)) % folds
    return result


def folds_of_groups(labels: Ints, groups: Ints, keys: Keys, folds: int) -> Ints:
    """(N,) the fold of each row, the same for all rows of a group.

    Groups are taken from the largest to the smallest (by powers of two, so that other keys give
    other folds), those of one size by their keys. Each goes to the fold f in which it costs least:

    cost[f] = sum over classes c of n[g, c] held[f, c] / N[c]^2  +  n[g] held[f] / N^2

    the rise of the sum of squared shares that the folds hold of every class and of all rows. With
    one class it is the lightest fold, so that folds differ by no more than the largest group
    (Graham 1969); with several, what StratifiedGroupKFold is after.

    Args:
        groups: (N,) their numbers; not all need be there.
        keys: a key for each number.
    """
    # Every seed of a repeat asks, and many groups take seconds.
    return _dealt(labels.tobytes(), groups.tobytes(), keys.tobytes(), folds)


@lru_cache(maxsize=4)
def _dealt(label_bytes: bytes, group_bytes: bytes, key_bytes: bytes, folds: int) -> Ints:
    labels, groups = (np.frombuffer(each, np.int64) for each in (label_bytes, group_bytes))
    keys = np.frombuffer(key_bytes, np.uint64)
    number, within, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    _, classes, in_all = np.unique(labels, return_inverse=True, return_counts=True)
    lines = len(in_all) + 1
    # Line c counts the rows of class c, the last line all rows; a group's own lines stand together.
    pairs = np.concatenate([within * lines + classes, within * lines + lines - 1])
    pairs, own = np.unique(pairs, return_counts=True)
    group, line = np.divmod(pairs, lines)
    weight = own / np.append(in_all, len(labels))[line] ** 2
    starts = np.searchsorted(group, np.arange(len(sizes) + 1)).tolist()
    held = np.zeros((lines, folds))
    fold_of = np.empty(len(sizes), dtype=np.int64)
    for g in np.lexsort((keys[number], -np.floor(np.log2(sizes)))).tolist():
        of_group = slice(starts[g], starts[g + 1])
        where = line[of_group]
        # Line by line, and not through BLAS: folds are the same everywhere.
        fold = (held[where] * weight[of_group, None]).sum(axis=0).argmin()
        held[where, fold] += own[of_group]
        fold_of[g] = fold
    found: Ints = fold_of[within]
    return found
