"""Commands that take a model away and use it: export, predict."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr, tell, write_utf8
from regbench.cli.outputs import write_file
from regbench.vocabulary.words import number_in

if TYPE_CHECKING:
    import pandas as pd


def export(
    folder: options.Folder,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder to write.", show_default=False)
    ],
    cell: Annotated[
        str | None, typer.Option(help="Of which cell.", show_default="the only one")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of which seed.", show_default="the only one")
    ] = None,
    model: options.ModelFile = None,
) -> None:
    """Write the model of one run into a folder: weights, preprocessing, how it is used in PyTorch.

    The study must save weights (training.save_weights).

    [dim]Example: regbench export results/quickstart --cell l2 --seed 0 -o model[/dim]
    """
    from regbench import api
    from regbench.report.say import say

    api.export(folder, out, cell=cell, seed=seed, model=model)
    say(stderr(), f"{out}: a model; its README.md says how it is used")


def predict(
    model: Annotated[Path, typer.Argument(help="A folder that export wrote.", show_default=False)],
    data: Annotated[
        Path, typer.Argument(help="New rows: a CSV, Parquet or npz file.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="A CSV file.", show_default="stdout"),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="How these cells are written, where it is not as in the model's data: -s sep=;",
        ),
    ] = None,
    module: options.ModelFile = None,
) -> None:
    """Predict new rows by a model that export wrote: a CSV file with a row for each of them.

    Column prediction holds classes, or numbers in the target's units; probabilities stand beside.

    [dim]Example: regbench predict model new.csv -o predicted.csv[/dim]
    """
    from regbench import api
    from regbench.exports.model import FILES

    frame = api.predict(model, data, overrides=overrides or (), module=module)
    tell(f"note: {data}", frame.attrs["notes"])
    if out is None:
        write_utf8(_csv(frame))
    else:
        write_file(out, _csv(frame).encode(), [data, *(model / name for name in FILES)])


def _csv(frame: pd.DataFrame) -> str:
    """The table as text; a class as it is written, unless a spreadsheet would run it."""
    from regbench.results.csv_text import guard

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(frame.columns)
    texts = {name for name in set(frame["prediction"]) if isinstance(name, str)}
    names = {name: guard(name) for name in texts if number_in(name) is None}
    columns = [frame[name].tolist() for name in frame.columns]
    columns[0] = [names.get(value, value) for value in columns[0]]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()
