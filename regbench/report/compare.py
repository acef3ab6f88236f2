"""A comparison for people: one table a metric, what became of the gates, one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10

from rich.console import Console
from rich.text import Text

from regbench.analysis.compare import Change, Word
from regbench.analysis.gate import GateOutcome
from regbench.analysis.pairs import Pairs
from regbench.config.speaks import Over
from regbench.report.aligned import Row, plain, print_aligned
from regbench.report.columns import p_value
from regbench.report.say import DECISIONS, say
from regbench.vocabulary.metrics import worse_sign
from regbench.vocabulary.words import counted

Found = Mapping[str, Sequence[Change]]

TITLES = ("cell", "base", "new", "change", "p", "n", "")
LEFT = (True, False, False, False, False, False, True)
_NAME_LEAST = 20  # longer names are folded where there is no room for them and the numbers
_RANKS = (0, 0, 0, 0, 1, 2, 0)  # where there is no room, n goes, then p
_STYLES = {"worse": "bold red", "no number": "bold red", "better": "green"}
# What a reader should see first.
URGENCY: tuple[Word, ...] = (
    "no number",
    "worse",
    "no pairs",
    "one pair",
    "higher",
    "lower",
    "no spread",
    "no change shown",
    "equal",
    "better",
    "identical",
)
_LEGEND = (
    "base and new: means over the pairs, runs of one cell and seed that are ok in both; change: "
    "new less base, ± half its 95% confidence interval ({}); p: {}, "
    "by Holm's method over the cells of a metric; better and worse: the interval "
    "excludes 0 and p is at most .05"
)


def legend(over: Over) -> str:
    """What the columns mean."""
    if over == "rows":
        return _LEGEND.format("corrected t, for other rows of this kind", "corrected t")
    return _LEGEND.format("Student's t, paired by seed", "paired t")


def change_columns(found: Found) -> tuple[list[str], list[list[object]]]:
    """Header and rows of the comparison as data, one row a cell and metric."""
    header = ["cell", "metric", "n", "base", "new", "change", "change_low", "change_high"]
    rows: list[list[object]] = [
        [
            *(c.cell, c.metric, c.n, c.base, c.new),
            *(c.interval.mean, c.interval.low, c.interval.high, c.p_adjusted, c.word),
        ]
        for changes in found.values()
        for c in changes
    ]
    return [*header, "p_adjusted", "outcome"], rows


def sentence(pairs: Pairs, found: Found) -> str:
    """How many cells changed which way, in each metric."""
    sound, every = sum(a.ok and b.ok for a, b in pairs.rows), counted(len(pairs.rows), "pair")
    of_all = (
        f"{every} of runs"
        if sound == len(pairs.rows)
        else f"{sound} of {every} of runs are ok in both,"
    )
    parts = []
    for metric, changes in found.items():
        words = Counter(change.word for change in changes)
        parts.append(f"{metric}: " + ", ".join(f"{words[w]} {w}" for w in URGENCY if words[w]))
    return "; ".join([f"{of_all} in {counted(len(pairs.cells), 'cell')}", *parts])


def direction(metric: str) -> str:
    """Which way a metric is better, where one way is."""
    return {1: "lower is better", -1: "higher is better", 0: ""}[worse_sign(metric)]


def decimals_of(changes: Sequence[Change]) -> int:
    """So many that the largest change of a metric has three significant digits, from 3 to 9.

    Numbers of one metric then stand with their decimal points in a column.
    """
    sizes = [abs(change.interval.mean or 0.0) for change in changes]
    largest = max((size for size in sizes if isfinite(size)), default=0.0)
    return min(max(3, 2 - floor(log10(largest))), 9) if largest > 0 else 3


def urgency(change: Change) -> tuple[int, float]:
    """The worst first: by what is shown, then by the change beside the values' own size."""
    size = max(abs(change.base or 0.0), abs(change.new or 0.0))
    moved = (change.interval.mean or 0.0) * (worse_sign(change.metric) or 1)
    return URGENCY.index(change.word), -moved / size if size else 0.0


def _fixed(value: float | None, decimals: int, sign: str = "") -> str:
    if value is None:
        return "-"
    if not isfinite(value) or abs(value) >= 1e6:
        return f"{value:{sign}.3g}"
    return f"{value:{sign}.{decimals}f}"


def texts_of(change: Change, decimals: int) -> list[str]:
    """A row of the table: cell, base, new, change, p, n, word."""
    found = change.interval
    moved = "0" if found.mean == 0 else _fixed(found.mean, decimals, "+")
    if found.half is not None and change.word not in ("identical", "equal"):
        moved += f" ±{_fixed(found.half, decimals)}"
    p = change.p_adjusted
    return [
        change.cell,
        _fixed(change.base, decimals),
        _fixed(change.new, decimals),
        moved,
        "" if p is None else p_value(p),
        str(change.n),
        change.word,
    ]


# --- on a terminal ------------------------------------------------------------------------------


def print_changes(console: Console, found: Found, over: Over = "seeds") -> None:
    """One table a metric, with the columns for which the terminal has room; piped, with all."""
    rows: list[Row] = []
    for metric, changes in found.items():
        decimals = decimals_of(changes)
        rows.append(Row([metric, *TITLES[1:-1], direction(metric)], "bold"))
        for change in changes:
            style = _STYLES.get(change.word, "")
            rows.append(Row(texts_of(change, decimals), style, len(TITLES) - 1))
        rows.append(Row([""] * len(TITLES)))
    print_aligned(console, rows, LEFT, _RANKS, _NAME_LEAST)
    say(console, Text(plain(console, legend(over)), "dim"))


def print_gates(console: Console, outcomes: Sequence[GateOutcome]) -> None:
    """Each gate's decision, its mean, and the cell that went furthest."""
    for outcome in outcomes:
        word = outcome.decision
        line = Text.assemble((f"{word}  ", DECISIONS[word]), outcome.text)
        line.append(f"   {furthest(outcome)}", "dim")
        say(console, line)


def furthest(outcome: GateOutcome) -> str:
    """The mean over cells, then the cell that a gate failed in worst or came nearest to it."""
    if not outcome.cells:
        return "no cell judged"
    first = outcome.cells[0]
    which = {"FAIL": "in", "UNDECIDED": "undecided in", "PASS": "furthest in"}[first.decision]
    rest = sum(cell.decision == first.decision for cell in outcome.cells) - 1
    alike = first.decision != "PASS" and rest > 0
    more = f"; and in {counted(rest, 'other cell')}" if alike else ""
    start = f"{outcome.mean}; " if outcome.mean else ""
    return f"{start}{which} {first.cell}: {first.figures}{more}"
