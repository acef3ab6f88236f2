"""The page as a whole."""

from __future__ import annotations

from regbench.analysis.claims import LOOKING_AGAIN
from regbench.analysis.gap import gap_columns
from regbench.analysis.sentence import answer
from regbench.report.columns import columns_for, legend
from regbench.report.content import Content
from regbench.report.page.frame import data_url, framed
from regbench.report.page.headline import tiles
from regbench.report.page.made import commands, made
from regbench.report.page.sections import sections
from regbench.results.csv_text import write_csv
from regbench.vocabulary.words import counted


def page(content: Content) -> bytes:
    """The report of a results folder as one HTML file that needs nothing else."""
    runs, table = content.runs, content.table
    columns = columns_for(runs, table)
    # The verdict first: the table is read from the left, on a phone as far as the screen goes.
    columns.sort(key=lambda column: ("cell", "verdict").index(column.title) if column.text else 2)
    found = answer(runs, table)
    seeds = sorted({row.seed for row in runs.rows})
    return framed(
        "page.html.j2",
        kicker="regbench report",
        title=runs.study or content.folder.name,
        asked=_asked(content, len(seeds)),
        lost=found.lost,
        paragraphs=found.paragraphs,
        tiles=tiles(table),
        claims=content.claims,
        looking_again=LOOKING_AGAIN if any(each.advises for each in content.claims) else "",
        sections=sections(content) if table else [],
        columns=columns,
        rows=[([column.of(row) for column in columns], row) for row in table],
        legend=legend(columns, table),
        warnings=_warnings(content),
        csv=data_url("text/csv", write_csv(*gap_columns(runs, table))),
        yaml=content.study_yaml,
        yaml_data=data_url("application/yaml", content.study_yaml.encode()),
        notes=commands(content.provenance),
        made=made(content.provenance),
    )


def _asked(content: Content, seeds: int) -> str:
    cells, runs = len(content.table), len(content.runs.rows)
    return (
        f"How much does this model overfit, and which regularizer closes the gap? "
        f"{counted(cells, 'cell')}, {counted(seeds, 'seed')}, {counted(runs, 'run')}."
    )


def _warnings(content: Content) -> list[str]:
    found = []
    if content.table and max(row.n for row in content.table) == 1:
        found.append(
            "One seed: there are no intervals, and no difference here can be told from chance. Add "
            "--seeds 5."
        )
    edges = [f"{row.cell} ({edge})" for row in content.table for edge in row.edges]
    if edges:
        more = f" and {len(edges) - 3} more" if len(edges) > 3 else ""
        found.append(
            f"Best on the grid's edge: {'; '.join(edges[:3])}{more}. Add values beyond it."
        )
    return found
