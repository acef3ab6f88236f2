"""Ticks of logarithmic axes, as people write numbers."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def log_ticks(axes: Axes, which: str, zero: float | None = None, most: int = 6) -> None:
    """Ticks at decades as plain numbers (1e-3, 0.1, 10), and at 2 and 5 where there is room.

    Args:
        zero: where a 0 stands.
        most: about as many ticks fit beside each other.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    least, largest = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis.set_major_locator(FixedLocator(_log_places(least, largest, zero, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: "0" if x == zero else decimal(x)))


def _log_places(least: float, most: float, zero: float | None, ticks: int) -> list[float]:
    """
    >>> _log_places(0.9, 1100, None, 6), _log_places(1, 9, None, 4)
    ([1.0, 10.0, 100.0, 1000.0], [1.0, 2.0, 5.0])
    """
    span = range(floor(log10(least)), ceil(log10(most)) + 1)
    between = log10(most / least) / ticks
    chosen = [] if zero is None else [zero]
    for leading in ((1,), (2, 5)):
        for k in span:
            for x in (float(f"{m}e{k}") for m in leading):
                # Nothing near the 0, which stands where no number does.
                clear = zero is None or x > zero * 10 ** max(0.4, between)
                apart = all(abs(log10(x / other)) >= between for other in chosen)
                if least <= x <= most and clear and apart:
                    chosen.append(x)
        if len(chosen) > 3:
            break
    return sorted(chosen)


def decimal(x: float) -> str:
    """A number of a logarithmic axis.

    >>> [decimal(x) for x in (0.001, 0.0005, 0.05, 1.0, 20000.0, 1e5)]
    ['1e-3', '5e-4', '0.05', '1', '20000', '1e5']
    """
    if x and (x < 0.009 or x >= 99_999):
        mantissa, _, power = f"{x:.3e}".partition("e")
        return f"{float(mantissa):g}e{int(power)}"
    return f"{x:g}"
