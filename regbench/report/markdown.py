"""The gap table as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.gap import INTERVAL_METHOD, TEST_METHOD, CellGap
from regbench.analysis.sentence import sentence
from regbench.report.columns import columns_for
from regbench.results.runs import Runs

__all__ = ["gap_markdown"]


def gap_markdown(study: str, runs: Runs, table: Sequence[CellGap]) -> str:
    """The table, what its plus-minus means, and one sentence that says what it shows."""
    columns = columns_for(runs, table)
    lines = [
        f"# {_escaped(study)}",
        "",
        sentence(table),
        "",
        "| " + " | ".join(column.title for column in columns) + " |",
        "|" + "|".join(" --- " if column.text else " ---: " for column in columns) + "|",
    ]
    for row in table:
        lines.append("| " + " | ".join(_escaped(column.of(row)) for column in columns) + " |")
    lines += [
        "",
        f"± is half the 95% confidence interval over seeds ({INTERVAL_METHOD.split(',')[0]}), "
        f"given the data set. p: {TEST_METHOD}, against the cell without a regularizer.",
        "",
    ]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    for character in "\\|<>*_`[":
        text = text.replace(character, "\\" + character)
    return text
