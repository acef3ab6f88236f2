"""The gap table as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.sentence import answer
from regbench.report.columns import columns_for, legend
from regbench.report.plain import escaped
from regbench.results.runs import Runs

__all__ = ["gap_markdown"]


def gap_markdown(study: str, runs: Runs, table: Sequence[CellGap]) -> str:
    """What is missing, the answer in words, the table, and what its signs mean."""
    columns = columns_for(runs, table)
    found = answer(runs, table)
    lines = [f"# {escaped(study)}", ""]
    for sentence in found.lost:
        lines += [f"**{escaped(sentence)}**", ""]
    for paragraph in found.paragraphs:
        lines += [escaped(paragraph), ""]
    lines += [
        "| " + " | ".join(column.title for column in columns) + " |",
        "|" + "|".join(" --- " if column.text else " ---: " for column in columns) + "|",
    ]
    for row in table:
        lines.append("| " + " | ".join(escaped(column.of(row)) for column in columns) + " |")
    lines += ["", f"{legend(columns, table)}.", ""]
    return "\n".join(lines)
