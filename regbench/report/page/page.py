"""The page as a whole."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from regbench.analysis.gap import gap_columns
from regbench.analysis.words import counted
from regbench.report.columns import columns_for, legend
from regbench.report.content import Content
from regbench.report.page.headline import answer, tiles
from regbench.report.page.sections import sections
from regbench.results.csv_text import write_csv

__all__ = ["page"]


def page(content: Content) -> bytes:
    """The report of a results folder as one HTML file that needs nothing else."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("regbench.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    runs, table = content.runs, content.table
    columns = columns_for(runs, table)
    # The verdict first: the table is read from the left, on a phone as far as the screen goes.
    columns.sort(key=lambda column: ("cell", "verdict").index(column.title) if column.text else 2)
    first, second = answer(table) if table else ("There are no runs yet.", "")
    seeds = sorted({row.seed for row in runs.rows})
    text = environment.get_template("page.html.j2").render(
        study=runs.study or content.folder.name,
        asked=_asked(content, len(seeds)),
        first=first,
        second=second,
        tiles=tiles(table),
        claims=content.claims,
        sections=sections(content) if table else [],
        columns=columns,
        rows=[([column.of(row) for column in columns], row) for row in table],
        legend=legend(columns, table),
        warnings=_warnings(content),
        csv=_data("text/csv", write_csv(*gap_columns(runs, table))),
        yaml=content.study_yaml,
        yaml_data=_data("application/yaml", content.study_yaml.encode()),
        notes=[_note(note) for note in content.provenance[-10:]],
        made=_made(content.provenance),
    )
    return text.encode()


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _asked(content: Content, seeds: int) -> str:
    cells, runs = len(content.table), len(content.runs.rows)
    return (
        f"How much does this model overfit, and which regularizer closes the gap? "
        f"{counted(cells, 'cell')}, {counted(seeds, 'seed')}, {counted(runs, 'run')}."
    )


def _warnings(content: Content) -> list[str]:
    found = []
    lost = [row for row in content.runs.rows if not row.ok]
    if lost:
        kinds = {
            status: sum(row.status == status for row in lost) for status in ("diverged", "failed")
        }
        named = " and ".join(f"{n} {status}" for status, n in kinds.items() if n)
        found.append(f"{named} of {counted(len(content.runs.rows), 'run')}: left out of all means.")
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


_FACTS = ("regbench", "torch", "numpy", "scikit-learn", "python", "platform", "device", "host")


def _made(notes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """The facts of the last training, and the time of all."""
    if not notes:
        return []
    last = notes[-1]
    facts = [(name, str(last[name])) for name in _FACTS if last.get(name)]
    seconds = [note["wall_seconds"] for note in notes if _is_number(note.get("wall_seconds"))]
    if seconds:
        facts.append(("training", f"{sum(seconds):.1f} s in {counted(len(seconds), 'command')}"))
    return facts


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _note(note: dict[str, Any]) -> tuple[str, str]:
    command = note.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else []
    # How regbench was started there is of no use here.
    shown = shlex.join(["regbench", *words[1:]]) if words else str(note.get("event", ""))
    return str(note.get("time", "")), shown
