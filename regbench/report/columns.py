"""Which columns the gap table shows, and how their numbers look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.statistics import Interval
from regbench.results.runs import Runs
from regbench.vocabulary.metrics import metrics_among, score_among

__all__ = ["Column", "columns_for", "legend", "number", "p_value", "plus_minus"]


@dataclass(frozen=True)
class Column:
    """A column of the table: its title, its text for a row, whether it is text or a number.

    `rank` says how early the column goes where the terminal is narrow: 0 never, then the highest
    first.
    """

    title: str
    of: Callable[[CellGap], str]
    text: bool = False
    rank: int = 0


def number(value: float | None) -> str:
    """A number with three decimals, or three digits where it is large; a dash for none.

    >>> number(0.12345), number(1234.5), number(None), number(-0.0001)
    ('0.123', '1.23e+03', '-', '0.000')
    """
    if value is None:
        return "-"
    text = f"{value:.3f}" if abs(value) < 100 else f"{value:.3g}"
    return text.removeprefix("-") if float(text) == 0 else text


def p_value(p: float) -> str:
    """
    >>> p_value(0.01234), p_value(1e-9), p_value(1.0)
    ('.012', '<.001', '1.000')
    """
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def plus_minus(found: Interval) -> str:
    """A mean and half its interval.

    >>> plus_minus(Interval(0.5, 0.4, 0.6, 5)), plus_minus(Interval(0.5, None, None, 1))
    ('0.500 ±0.100', '0.500')
    """
    return number(found.mean) + (f" ±{number(found.half)}" if found.half is not None else "")


def columns_for(runs: Runs, table: Sequence[CellGap]) -> list[Column]:
    """The columns of a study's table, in order."""
    score = score_among(runs.metrics).name
    noisy = "train_acc_clean" in runs.metrics

    def metric(name: str) -> Callable[[CellGap], str]:
        return lambda row: number(row.metrics[name].mean)

    def spread(name: str) -> Callable[[CellGap], str]:
        return lambda row: plus_minus(row.metrics[name])

    columns = [
        Column("cell", lambda row: row.cell, text=True),
        Column("train loss", metric("train_loss"), rank=2),
        Column("val loss", metric("val_loss"), rank=1),
        Column("gap loss", spread("gap_loss")),
    ]
    if any(row.deltas for row in table):
        columns.append(Column("vs none", _delta, rank=5))
        columns.append(Column("p", _p, rank=7))
    columns += [
        Column(f"val {score}", metric(f"val_{score}"), rank=3),
        Column(f"gap {score}", spread(f"gap_{score}"), rank=8),
    ]
    if noisy:
        columns.append(Column("clean acc", metric("train_acc_clean"), rank=9))
    for asked in (metric for metric in metrics_among(runs.metrics) if not metric.always):
        columns.append(Column(f"val {asked.name}", metric(f"val_{asked.name}"), rank=10))
        columns.append(Column(f"gap {asked.name}", spread(asked.gap_column), rank=11))
    columns.append(Column("best epoch", lambda row: _epoch(row.best_epoch), rank=4))
    if any(row.verdict for row in table):
        columns.append(Column("verdict", lambda row: row.verdict, text=True, rank=6))
    if any(row.n_failed for row in table):
        columns.append(Column("failed", lambda row: f"{row.n_failed}/{row.n + row.n_failed}"))
    return columns


def legend(columns: Sequence[Column], table: Sequence[CellGap]) -> str:
    """What the signs of these columns mean."""
    titles = {column.title for column in columns}
    parts = []
    if any("±" in column.of(row) for row in table for column in columns):
        parts.append("± is half the 95% confidence interval over seeds, given the data set")
    if "vs none" in titles:
        parts.append("vs none: the gap less that without a regularizer, paired by seed")
    if "p" in titles:
        parts.append("p: paired t, Holm")
    if "clean acc" in titles:
        parts.append("clean acc: training accuracy against the labels before noise")
    return "; ".join(parts)


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
    return p_value(delta.p_adjusted)


def _epoch(found: Interval) -> str:
    return "-" if found.mean is None else f"{found.mean:.0f}"
