"""Which columns the gap table shows, and how their numbers look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from regbench.analysis.gap import CellGap
from regbench.analysis.statistics import Interval
from regbench.results.runs import Runs

__all__ = ["Column", "columns_for", "number", "plus_minus", "score_of"]


@dataclass(frozen=True)
class Column:
    """A column of the table: its title, its text for a row, whether it is text or a number.

    `width_from` is the terminal width from which there is room for it.
    """

    title: str
    of: Callable[[CellGap], str]
    text: bool = False
    width_from: int = 0


def number(value: float | None) -> str:
    """A number with three decimals, or three digits where it is large; a dash for none.

    >>> number(0.12345), number(1234.5), number(None), number(-0.0001)
    ('0.123', '1.23e+03', '-', '-0.000')
    """
    if value is None:
        return "-"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.3g}"


def plus_minus(found: Interval) -> str:
    """A mean and half its interval.

    >>> plus_minus(Interval(0.5, 0.4, 0.6, 5)), plus_minus(Interval(0.5, None, None, 1))
    ('0.500 ±0.100', '0.500')
    """
    return number(found.mean) + (f" ±{number(found.half)}" if found.half is not None else "")


def score_of(runs: Runs) -> str:
    """`acc` or `r2`, whichever the study has."""
    return "acc" if "val_acc" in runs.metrics else "r2"


def columns_for(runs: Runs, table: Sequence[CellGap]) -> list[Column]:
    """The columns of a study's table, in order."""
    score = score_of(runs)
    noisy = "train_acc_clean" in runs.metrics

    def metric(name: str) -> Callable[[CellGap], str]:
        return lambda row: number(row.metrics[name].mean)

    def spread(name: str) -> Callable[[CellGap], str]:
        return lambda row: plus_minus(row.metrics[name])

    columns = [
        Column("cell", lambda row: row.cell, text=True),
        Column("train loss", metric("train_loss")),
        Column("val loss", metric("val_loss")),
        Column("gap loss", spread("gap_loss")),
    ]
    if any(row.deltas for row in table):
        columns.append(Column("vs none", _delta, width_from=100))
        columns.append(Column("p", _p, width_from=112))
    columns += [
        Column(f"val {score}", metric(f"val_{score}")),
        Column(f"gap {score}", spread(f"gap_{score}"), width_from=96),
    ]
    if noisy:
        columns.append(Column("clean acc", metric("train_acc_clean"), width_from=130))
    columns.append(Column("best epoch", lambda row: _epoch(row.best_epoch)))
    if len({(row.n, row.n_failed) for row in table}) > 1 or any(row.n_failed for row in table):
        columns.append(Column("failed", lambda row: f"{row.n_failed}/{row.n + row.n_failed}"))
    return columns


def _delta(row: CellGap) -> str:
    delta = row.deltas.get("gap_loss")
    if delta is None or delta.interval.mean is None:
        return ""
    sign = "+" if delta.interval.mean > 0 else ""
    return sign + plus_minus(delta.interval)


def _p(row: CellGap) -> str:
    delta = row.deltas.get("gap_loss")
    if delta is None or delta.p_adjusted is None:
        return ""
    return "<.001" if delta.p_adjusted < 0.001 else f"{delta.p_adjusted:.3f}".lstrip("0")


def _epoch(found: Interval) -> str:
    return "-" if found.mean is None else f"{found.mean:.0f}"
