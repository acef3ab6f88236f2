"""Tables on stdout, in the form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from regbench.cli.consoles import stderr, stdout, write_utf8
from regbench.cli.options import Format
from regbench.vocabulary.words import number_in

if TYPE_CHECKING:
    from regbench.analysis.cell_gap import CellGap
    from regbench.config.speaks import Over
    from regbench.results.runs import Runs


def print_table(
    runs: Runs,
    table: Sequence[CellGap],
    form: Format,
    columns: str | None = None,
    *,
    folder: Path,
) -> None:
    """Print the gap table of a folder; with `columns`, those of gap.csv that it names."""
    from regbench.analysis.gap import gap_columns
    from regbench.analysis.select import require_column
    from regbench.report.gap_markdown import gap_markdown
    from regbench.report.terminal import print_gap_table

    if columns is not None:
        header, rows = gap_columns(runs, table)
        wanted = [name.strip() for name in columns.split(",")]
        at = [header.index(require_column(name, header, "--columns")) for name in wanted]
        print_rows(wanted, [[row[i] for i in at] for row in rows], form, runs.varying)
    elif form == "table":
        print_gap_table(stdout(), runs, table, str(folder))
    elif form == "md":
        write_utf8(gap_markdown(runs.study, runs, table))
    else:
        print_rows(*gap_columns(runs, table), form, runs.varying)


def print_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    form: Format,
    settings: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Print plain rows.

    Args:
        settings: columns whose values come as text, and are typed in JSON.
        spare: columns that a narrow terminal does without, in the order in which they go.
    """
    from regbench.report.aligned import print_plain
    from regbench.report.markdown import markdown_table
    from regbench.results.csv_text import write_csv

    if form == "table":
        print_plain(stdout(), header, rows, spare)
    elif form == "csv":
        write_utf8(write_csv(header, rows).decode())
    elif form == "md":
        write_utf8(markdown_table(header, rows))
    else:
        records = [
            {k: _typed(v) if k in settings else v for k, v in zip(header, row, strict=True)}
            for row in rows
        ]
        print(json.dumps(records, indent=1))


def _typed(value: object) -> object:
    """A setting's text as JSON has it."""
    if not isinstance(value, str):
        return value
    if value == "":
        return None
    if value in ("true", "false"):
        return value == "true"
    number = number_in(value)
    return number if number is not None and isfinite(number) else value


def print_paths(runs: Runs, key: str, form: Format, over: Over = "seeds") -> None:
    """Print each path along one axis, and say what is best on it."""
    from regbench.analysis.axis_path import SPARE, axis_path_columns, axis_paths
    from regbench.analysis.gap import gap_table
    from regbench.report.say import say

    found = axis_paths(runs, gap_table(runs, over=over), key, over)
    print_rows(*axis_path_columns(found, key), form, spare=SPARE)
    for path in found:
        say(stderr(), path.sentence)
