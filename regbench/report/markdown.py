"""The gap table as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.lost import lost
from regbench.analysis.sentence import sentence
from regbench.report.columns import columns_for, legend
from regbench.report.plain import escaped
from regbench.results.runs import Runs

__all__ = ["gap_markdown"]


def gap_markdown(study: str, runs: Runs, table: Sequence[CellGap]) -> str:
    """The table, what its plus-minus means, and one sentence that says what it shows."""
    columns = columns_for(runs, table)
    lines = [
        f"# {escaped(study)}",
        "",
        *(line for text in lost(runs) for line in (f"**{escaped(text)}.**", "")),
        escaped(sentence(table)),
        "",
        "| " + " | ".join(column.title for column in columns) + " |",
        "|" + "|".join(" --- " if column.text else " ---: " for column in columns) + "|",
    ]
    for row in table:
        lines.append("| " + " | ".join(escaped(column.of(row)) for column in columns) + " |")
    lines += [
        "",
        f"{legend(columns, table)}.",
        "",
    ]
    return "\n".join(lines)
