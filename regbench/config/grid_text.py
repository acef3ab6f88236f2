"""Axes from the command line: `key=value,value,...`, values parsed as in the file.

-g regularizer.l2=0,1e-4,1e-3            a list
-g regularizer.dropout=range(0,5)        0, 1, 2, 3, 4 (Python's range; a step may follow)
-g regularizer.l2=0,logspace(-4,-1,4)    0, 1e-4, 1e-3, 1e-2, 1e-1 (powers of ten)
-g optimizer.lr=linspace(0.1,0.5,5)      evenly spaced, ends included
-g regularizer=none,dropout,{l2: 1e-3}   whole blocks
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from regbench.config.yaml_text import parse_scalar, parse_yaml
from regbench.errors import BadStudy

MOST_VALUES = 100_000

_CALL = re.compile(r"([a-z]+)\((.*)\)", re.DOTALL)
_OPEN, _CLOSE = "([{", ")]}"


class BadAxis(ValueError):
    """An axis that cannot be understood."""


def parse_axis(text: str) -> tuple[str, list[Any]]:
    """The key and the values of one axis.

    Raises:
        BadAxis: saying what is wrong.

    >>> parse_axis("regularizer.l2=0,logspace(-4,-2,3)")
    ('regularizer.l2', [0, 0.0001, 0.001, 0.01])
    >>> parse_axis("regularizer=none,{l1: 1e-3, l2: 0.1}")
    ('regularizer', ['none', {'l1': 0.001, 'l2': 0.1}])
    >>> parse_axis("model.hidden=[48, 48],[8]")
    ('model.hidden', [[48, 48], [8]])
    >>> parse_axis("training.epochs=range(5,16,5)")
    ('training.epochs', [5, 10, 15])
    """
    key, equals, rest = text.partition("=")
    if not equals or not key.strip() or not rest.strip():
        raise BadAxis(f"expected key=value,value,..., not {text!r}")
    values: list[Any] = []
    for item in _items(rest):
        values += _values(item.strip())
        if len(values) > MOST_VALUES:
            raise BadAxis(f"has more than {MOST_VALUES} values")
    return key.strip(), values


def _items(text: str) -> Iterator[str]:
    """The text between the commas that stand outside brackets and quotes."""
    depth, start, quote = 0, 0, ""
    for i, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _OPEN:
            depth += 1
        elif character in _CLOSE:
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:i]
            start = i + 1
    yield text[start:]


def _values(item: str) -> list[Any]:
    if not item:
        raise BadAxis("has an empty value: write '' for an empty text, null for none")
    call = _CALL.fullmatch(item)
    if call is not None:
        name, arguments = call.groups()
        if name not in _FUNCTIONS:
            raise BadAxis(f"unknown function {name!r}; there are {', '.join(_FUNCTIONS)}")
        return _FUNCTIONS[name](item, [parse_scalar(each.strip()) for each in arguments.split(",")])
    try:
        return [parse_yaml(item, "-g").value]
    except BadStudy as error:
        raise BadAxis(f"{item!r} {error.problems[0].message}") from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and abs(value) < float("inf"))


def _range(item: str, arguments: list[Any]) -> list[Any]:
    if not 1 <= len(arguments) <= 3 or not all(map(_is_whole, arguments)) or arguments[2:] == [0]:
        raise BadAxis(f"{item} takes whole numbers: range(stop), range(start,stop[,step])")
    found = range(*arguments)
    if not found or len(found) > MOST_VALUES:
        raise BadAxis(f"{item} has {'no' if not found else 'too many'} values")
    return list(found)


def _spaced(name: str, of: Callable[[float], float]) -> Callable[[str, list[Any]], list[Any]]:
    def values(item: str, arguments: list[Any]) -> list[Any]:
        if (
            len(arguments) != 3
            or not all(map(_is_finite, arguments))
            or not _is_whole(arguments[2])
        ):
            raise BadAxis(f"{item} takes three numbers: {name}(first,last,count)")
        first, last, n = arguments
        if not 1 <= n <= MOST_VALUES:
            raise BadAxis(f"{item} needs a count from 1 to {MOST_VALUES}")
        steps = [first + (last - first) * i / max(n - 1, 1) for i in range(n)]
        try:
            # Twelve digits: 10 ** -3 is .001, and not the binary number beside it.
            return [float(f"{of(step):.12g}") for step in steps]
        except OverflowError:
            raise BadAxis(f"{item} is beyond the largest number") from None

    return values


_FUNCTIONS: dict[str, Callable[[str, list[Any]], list[Any]]] = {
    "range": _range,
    "linspace": _spaced("linspace", lambda x: x),
    "logspace": _spaced("logspace", lambda x: 10.0**x),
}
