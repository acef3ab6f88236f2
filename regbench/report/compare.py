"""A comparison for people: one table a metric, what became of the gates, one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import floor, isfinite, log10

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Span, Text

from regbench.analysis.compare import Change, Word
from regbench.analysis.gate import GateOutcome
from regbench.analysis.pairs import Pairs
from regbench.config.speaks import Over
from regbench.errors import one_line
from regbench.report.columns import p_value
from regbench.report.say import say
from regbench.vocabulary.metrics import worse_sign
from regbench.vocabulary.words import counted

__all__ = [
    "URGENCY",
    "Found",
    "change_columns",
    "decimals_of",
    "direction",
    "furthest",
    "legend",
    "print_changes",
    "print_gates",
    "sentence",
    "texts_of",
    "urgency",
]

Found = Mapping[str, Sequence[Change]]

_TITLES = ("", "base", "new", "change", "p", "n", "")
DECISIONS = {"PASS": "green", "FAIL": "bold red", "UNDECIDED": "yellow"}
_SPACE = 2  # between two columns
_NAME_LEAST = 20  # longer names are folded where there is no room for them and the numbers
_LEAVE_FIRST = (5, 4)  # columns that go where there is no room: n, then p
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


def _number(value: float | None, decimals: int, sign: str = "") -> str:
    if value is None:
        return "-"
    if not isfinite(value) or abs(value) >= 1e6:
        return f"{value:{sign}.3g}"
    return f"{value:{sign}.{decimals}f}"


def texts_of(change: Change, decimals: int) -> list[str]:
    """A row of the table: cell, base, new, change, p, n, word."""
    found = change.interval
    moved = "0" if found.mean == 0 else _number(found.mean, decimals, "+")
    if found.half is not None and change.word not in ("identical", "equal"):
        moved += f" ±{_number(found.half, decimals)}"
    p = change.p_adjusted
    return [
        change.cell,
        _number(change.base, decimals),
        _number(change.new, decimals),
        moved,
        "" if p is None else p_value(p),
        str(change.n),
        change.word,
    ]


# --- on a terminal ------------------------------------------------------------------------------


def print_changes(console: Console, found: Found, over: Over = "seeds") -> None:
    """One table a metric, with the columns for which the terminal has room; piped, with all."""
    room = console.width if console.is_terminal else 1_000
    ascii_only = not console.encoding.lower().startswith("utf")
    tables: dict[str, list[list[str]]] = {}
    for metric, changes in found.items():
        decimals = decimals_of(changes)
        rows = [texts_of(change, decimals) for change in changes]
        tables[metric] = [[_plain(text, ascii_only) for text in row] for row in rows]
    titles = {metric: [metric, *_TITLES[1:-1], direction(metric)] for metric in found}
    lines = [line for metric in found for line in (titles[metric], *tables[metric])]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(_TITLES))]
    kept = _fitting(widths, room)
    page = _Page()
    for metric, changes in found.items():
        page.add(_line(titles[metric], widths, kept), "bold")
        for change, texts in zip(changes, tables[metric], strict=True):
            name, *more = _folded(texts[0], widths[0])
            line = _line([name, *texts[1:]], widths, kept)
            page.add(line, _STYLES.get(change.word, ""), len(change.word))
            for part in more:
                page.add(part)
        page.add("")
    if console.is_terminal:
        console.print(Text("\n".join(page.lines), spans=page.spans), soft_wrap=True)
    else:
        console.file.write("\n".join(page.lines) + "\n")
    say(console, Text(_plain(legend(over), ascii_only), "dim"))


class _Page:
    """Lines and the styles in them, as one text: many small ones would take Rich a second."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.spans: list[Span] = []
        self._at = 0

    def add(self, line: str, style: str = "", tail: int | None = None) -> None:
        """Add a line, with a style for the last `tail` characters, or for all of them."""
        if style:
            start = 0 if tail is None else len(line) - tail
            self.spans.append(Span(self._at + start, self._at + len(line), style))
        self.lines.append(line)
        self._at += len(line) + 1


def _width(text: str) -> int:
    return len(text) if text.replace("±", "").isascii() else cell_len(text)


def _plain(text: str, ascii_only: bool) -> str:
    """A text that keeps to its line, whatever a label holds."""
    text = one_line(text)
    return text.replace("±", "+-") if ascii_only else text


def _folded(name: str, width: int) -> list[str]:
    """A name in lines of this width, broken at blanks where that is possible.

    >>> _folded("optimizer.lr=0.001, l2=0.1", 20), _folded("dropout", 4)
    (['optimizer.lr=0.001,', 'l2=0.1'], ['drop', 'out'])
    """
    if _width(name) <= width:
        return [name]
    lines: list[str] = []
    for word in name.split(" "):
        if lines and _width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines += chop_cells(word, width) or [""]
    return lines


def _fitting(widths: list[int], room: int) -> list[int]:
    """The columns that are shown; the first width is cut where the room does not suffice."""
    kept = list(range(len(widths)))

    def lacking() -> int:
        return sum(widths[i] + _SPACE for i in kept) - _SPACE - room

    for leaving in _LEAVE_FIRST:
        if lacking() > max(0, widths[0] - _NAME_LEAST):
            kept.remove(leaving)
    widths[0] = max(min(widths[0], _NAME_LEAST), widths[0] - max(0, lacking()))
    return kept


def _line(texts: Sequence[str], widths: Sequence[int], kept: Sequence[int]) -> str:
    """Text to the left, numbers to the right; the last column stands as it is."""
    parts = []
    for i in kept:
        room = " " * (widths[i] - _width(texts[i]))
        last = i == len(widths) - 1
        parts.append(texts[i] if last else texts[i] + room if i == 0 else room + texts[i])
    return (" " * _SPACE).join(parts).rstrip()


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
