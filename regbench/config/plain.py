"""Values of a notebook as a study file would hold them: NumPy's numbers and arrays, tuples, ranges.

NumPy is not imported: whatever has `tolist` (arrays, scalars, tensors, Series) says itself what it
is in plain values.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from regbench.config.yaml_nodes import MAX_DEPTH, MAX_VALUES
from regbench.errors import BadStudy, Problem

# As many digits as a file may give a whole number; beyond, the file's is infinity, too.
_MOST_BITS = 3322


def plain(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A mapping of plain values, bounded as a file is.

    Raises:
        BadStudy: it holds too much, itself, or what no file can hold.

    >>> plain({"seeds": range(3), "sweep": {"model.hidden": [(8, 8)], 1: None}}, "study")
    {'seeds': [0, 1, 2], 'sweep': {'model.hidden': [[8, 8]], '1': None}}
    """
    if not isinstance(values, Mapping):
        raise BadStudy(f"expected a path, a mapping or a loaded study, not {values!r}")
    return dict(_Plain(source).items(values, ()))


class _Plain:
    def __init__(self, source: str) -> None:
        self._source, self._count = source, 0

    def _refuse(self, message: str, path: tuple[str, ...] = ()) -> BadStudy:
        return BadStudy(Problem(message, self._source, key=".".join(path)))

    def value(self, value: Any, path: tuple[str, ...]) -> Any:
        self._count += 1
        if self._count > MAX_VALUES:
            raise self._refuse(f"holds more than {MAX_VALUES} values")
        if len(path) > MAX_DEPTH:
            raise self._refuse(f"is nested deeper than {MAX_DEPTH} levels")
        for method in ("tolist", "item"):
            if callable(getattr(value, method, None)):
                value = getattr(value, method)()
                break
        if isinstance(value, Mapping):
            return dict(self.items(value, path))
        if isinstance(value, list | tuple | range):
            return [self.value(each, (*path, str(i))) for i, each in enumerate(value)]
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            return inf if value > 0 else -inf
        if value is None or isinstance(value, bool | int | float | str):
            return value
        kind = type(value).__name__
        raise self._refuse(f"expected a number, text, list or mapping, not a {kind}", path)

    def items(self, values: Mapping[Any, Any], path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        known = set()
        for key, value in values.items():
            name = str(self.value(key, path))
            if name in known:
                raise self._refuse("this key is given twice", (*path, name))
            known.add(name)
            yield name, self.value(value, (*path, name))
