"""Numbers of a file that was saved with fewer digits, as a spreadsheet does.

Rounding is no change: it can move all pairs of a cell one way, and a test over them would take that
for evidence. Where one file has few digits and the other all of them, numbers that agree within the
few are equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from math import floor, isfinite, log10, ulp

from regbench.results.runs import RunRow

Pair = tuple[RunRow, RunRow]

# A float's own digits are 15 to 17; a file in which no number has more than 15 was rounded.
_FEW = 15
_SIDES = ("BASE", "NEW")


def within_precision(pairs: Sequence[Pair]) -> tuple[tuple[Pair, ...], list[str]]:
    """The pairs with a rounded side's numbers as exact as the other's where they agree, and a note.

    A number x of a file whose numbers have at most S significant digits and D decimals is taken for
    y of the other where |x - y| <= max(10^-D, 10^(1 + floor(log10|x|) - S)) / 2: the first is the
    precision of a file rounded to decimals, the second of one rounded to digits.
    """
    digits = [max((_digits(v)[0] for v in _upto(pairs, side)), default=0) for side in (0, 1)]
    side = digits.index(min(digits))
    few = digits[side]
    rounded = 0 < few <= _FEW
    others = [_digits(value)[0] > few for value in _fractions(pairs, 1 - side)] if rounded else []
    if 2 * sum(others) <= len(others):  # not even half of them could have been rounded
        return tuple(pairs), []
    step = 10.0 ** -max(_digits(value)[1] for value in _fractions(pairs, side))
    found, count = [], 0
    for pair in pairs:
        short, exact = pair[side], pair[1 - side]
        same = {
            name: y
            for name, x in short.metrics.items()
            if (y := exact.metrics.get(name, x)) != x and _agree(x, y, few, step)
        }
        count += len(same)
        both = [exact, exact]
        both[side] = replace(short, metrics={**short.metrics, **same})
        found.append((both[0], both[1]))
    note = (
        f"{_SIDES[side]} is rounded: none of its numbers has more than {few} digits, most of "
        f"{_SIDES[1 - side]}'s have; {count} that agree within these count as equal"
    )
    return tuple(found), [note] if count else []


def _agree(x: float, y: float, digits: int, step: float) -> bool:
    if not (isfinite(x) and isfinite(y)):
        return False
    own = 10.0 ** (1 + floor(log10(abs(x))) - digits) if x else 0.0
    return abs(x - y) <= max(step, own) / 2 + ulp(x)


def _fractions(pairs: Iterable[Pair], side: int) -> Iterator[float]:
    """What is no whole number, and so has digits that can be lost."""
    for pair in pairs:
        for value in pair[side].metrics.values():
            if isfinite(value) and value % 1:
                yield value


def _upto(pairs: Iterable[Pair], side: int) -> Iterator[float]:
    """The numbers up to the first that has more than few digits: all there is to know of them."""
    for value in _fractions(pairs, side):
        yield value
        if _digits(value)[0] > _FEW:
            return


def _digits(value: float) -> tuple[int, int]:
    """How many significant digits a number has in its shortest form, and how many decimals.

    >>> _digits(0.00123), _digits(12.5), _digits(1 / 3)
    ((3, 5), (3, 1), (16, 16))
    """
    _, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    return len(digits), max(0, -exponent)
