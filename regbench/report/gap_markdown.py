"""The gap table in Markdown, among its sentences."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.cell_gap import CellGap
from regbench.analysis.sentence import answer
from regbench.report.columns import columns_for, legend
from regbench.report.markdown import escaped, markdown_table
from regbench.results.runs import Runs


def gap_markdown(study: str, runs: Runs, table: Sequence[CellGap]) -> str:
    """What is missing, the answer in words, the table, and what its signs mean."""
    columns = columns_for(runs, table)
    found = answer(runs, table)
    words = [f"**{escaped(sentence)}**" for sentence in found.lost]
    words += [escaped(paragraph) for paragraph in found.paragraphs]
    rows = [[column.of(row) for column in columns] for row in table]
    titles, left = [c.title for c in columns], [c.text for c in columns]
    parts = [f"# {escaped(study)}\n", *(f"{each}\n" for each in words)]
    parts += [markdown_table(titles, rows, left), f"{legend(columns, table)}.\n"]
    return "\n".join(parts)
