"""Which columns the gap table shows, and how their numbers look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.statistics import Interval
from regbench.results.runs import Runs
from regbench.vocabulary.metrics import METRICS, OF_EVERY_STUDY, metrics_among, score_among


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        of: its text for a row.
        name: of the same in gap.csv.
        text: whether it is text, not a number.
        rank: how early it goes where the terminal is narrow: 0 never, then the highest first; those
            up to `FOLDED` only where the names of cells are folded already.
    """

    title: str
    of: Callable[[CellGap], str]
    name: str
    text: bool = False
    rank: int = 0


_NEAR_1 = 2


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
        Column("cell", lambda row: row.cell, "cell", text=True),
        Column("train loss", metric("train_loss"), "train_loss", rank=5),
        Column("val loss", metric("val_loss"), "val_loss", rank=3),
        Column("gap loss", spread("gap_loss"), "gap_loss"),
    ]
    if any(row.deltas for row in table):
        columns.append(Column("vs none", _delta, "delta_gap_loss", rank=1))
        columns.append(Column("p", _p, "p_adjusted", rank=7))
    columns += [
        Column(f"val {score}", metric(f"val_{score}"), f"val_{score}", rank=4),
        Column(f"gap {score}", spread(f"gap_{score}"), f"gap_{score}", rank=8),
    ]
    if noisy:
        columns.append(Column("clean acc", metric("train_acc_clean"), "train_acc_clean", rank=9))
    for asked in (metric for metric in metrics_among(runs.metrics) if not metric.always):
        name = f"val_{asked.name}"
        columns.append(Column(f"val {asked.name}", metric(name), name, rank=10))
        gap = asked.gap_column
        columns.append(Column(f"gap {asked.name}", spread(gap), gap, rank=11))
    columns.append(Column("best epoch", lambda row: _epoch(row.best_epoch), "best_epoch", rank=6))
    if any(row.verdict for row in table):
        columns.append(Column("verdict", lambda row: row.verdict, "verdict", text=True, rank=2))
    if any(row.n_failed for row in table):
        columns.append(Column("failed", _failed, "n_failed"))
    return columns


_SEEDS = "over seeds, given the data set"
_ROWS = "for other rows of the same kind (corrected t of Nadeau & Bengio)"
_ONE_TEST = ", on the test part, the same for all folds, over trainings alone"


def legend(columns: Sequence[Column], table: Sequence[CellGap]) -> str:
    """What the signs of these columns mean."""
    titles = {column.title for column in columns}
    parts = []
    if any("±" in column.of(row) for row in table for column in columns):
        of_rows = any(row.over == "rows" for row in table)
        alone = _ONE_TEST if any(row.one_test for row in table) else ""
        whom = _ROWS + alone if of_rows else _SEEDS
        parts.append(f"± is half the 95% confidence interval {whom}")
    parts += _constant(table)
    if "vs none" in titles:
        parts.append("vs none: the gap less that without a regularizer, paired by seed")
    if "p" in titles:
        parts.append("p: paired t, adjusted for the families of regularizers (see gap.csv)")
    if "clean acc" in titles:
        parts.append("clean acc: training accuracy against the labels before noise")
    return "; ".join(parts)


def _constant(table: Sequence[CellGap]) -> list[str]:
    """What the constant prediction has, beside which losses and scores are to be read."""
    found: dict[str, list[float]] = {}
    for metric in OF_EVERY_STUDY:
        name = metric.constant_column
        means = [row.metrics[name].mean for row in table if name in row.metrics]
        found[metric.name] = [mean for mean in means if mean is not None]
    parts = []
    for score, what in (("acc", "the class shares"), ("r2", "the mean")):
        if found[score]:
            scores = f"{METRICS[score].title} {_range(found[score])}"
            parts.append(f"predicting {what} has loss {_range(found['loss'])}, {scores}")
    # The unit of a standardised target; what it is on the validation rows is their luck.
    if found["r2"] and not found["acc"] and all(_NEAR_1 > v > 1 / _NEAR_1 for v in found["loss"]):
        parts = [f"a loss of 1 is predicting the mean (here {parts[0].partition(' has ')[2]})"]
    return parts


def _range(values: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(number(end) for end in (min(values), max(values))))


def _delta(row: CellGap) -> str:
    found = row.gap_delta.interval
    if found.mean is None:
        return ""
    return ("+" if found.mean > 0 else "") + plus_minus(found)


def _p(row: CellGap) -> str:
    p = row.gap_delta.p_adjusted
    return "" if p is None else p_value(p)


def _failed(row: CellGap) -> str:
    return f"{row.n_failed}/{row.n + row.n_failed}"


def _epoch(found: Interval) -> str:
    return "-" if found.mean is None else f"{found.mean:.0f}"
