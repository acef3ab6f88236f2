"""`regbench data`: what was made of a table, and what looks wrong with it."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regbench.cli import options
from regbench.cli.consoles import stdout
from regbench.cli.outputs import write_file
from regbench.errors import BadStudy

if TYPE_CHECKING:
    from regbench.config.blocks.datasets import DatasetConfig


_STUDIES = (".yaml", ".yml")


class DataFormat(StrEnum):
    """How it is shown."""

    TABLE = "table"
    JSON = "json"
    HTML = "html"


def data(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DATA|STUDY", help="A table, images, or a study.", show_default=False
        ),
    ],
    overrides: options.Overrides = None,
    target: options.Target = None,
    task: options.Task = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Whose split is shown.", show_default="the first")
    ] = None,
    form: Annotated[
        DataFormat | None,
        typer.Option("--format", help="How it is shown.", show_default="table; with -o html"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="A page to write.", show_default=False),
    ] = None,
) -> None:
    """Show what is made of a data set: columns, kinds, classes, parts, and what looks wrong.

    The page (-o) shows some images of each class. Of data without a study it also says what it
    assumes, as init would write it.

    [dim]Example: regbench data houses.csv --target price -o houses.html[/dim]
    """
    from regbench.data.contact_sheet import contact_sheet
    from regbench.data.overview import overview
    from regbench.report.overview import print_overview

    form = form or (DataFormat.TABLE if out is None else DataFormat.HTML)
    if out is not None and form is not DataFormat.HTML:
        raise BadStudy(f"-o {out}: a page is html; the other formats go to stdout")
    asked = _asked(source, overrides or [], target, task, seed)
    found = [overview(block, folder, of) | more for block, folder, of, more in asked]
    if form is DataFormat.JSON:
        print(json.dumps(found, indent=1))
    elif form is DataFormat.HTML:
        from regbench.report.page.overview import overview_page

        page = out or source.with_name(f"{source.name.split('.')[0]}-data.html")
        sheets = [contact_sheet(block, folder, of) for block, folder, of, _ in asked]
        write_file(page, overview_page(found, str(source), sheets), inputs=[source])
    else:
        for i, told in enumerate(found):
            if i:
                print()
            print_overview(stdout(), told)


def _asked(
    source: Path,
    overrides: list[str],
    target: str | None,
    task: options.TaskChoice | None,
    seed: int | None,
) -> list[tuple[DatasetConfig, Path, int, dict[str, Any]]]:
    """Each data set of a study, or a file as it would be read: its block, what its path is relative
    to, whose split is shown, and what was assumed.
    """
    from regbench.config.load import load_study, study_from_mapping

    if source.suffix.lower() in _STUDIES:
        if target or task:
            raise BadStudy("--target and --task go with a table: a study names its own")
        study = load_study(source, overrides)
        first = study.seeds[0] if seed is None else seed
        blocks = {c.setting.dataset.model_dump_json(): c.setting.dataset for c in study.cells}
        return [(block, study.folder, first, {}) for block in blocks.values()]
    if overrides:
        raise BadStudy("-s goes with a study")
    from regbench.data.files.guess import guess

    made = guess(source, target, task.value if task else None)
    block = study_from_mapping({"dataset": made.keys}).base.dataset
    assumed = {key: (made.keys[key], why) for key, why in made.why.items()}
    return [(block, Path(), seed or 0, {"assumed": assumed})]
