"""Options that several commands share, each said once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Axes",
    "Columns",
    "Folder",
    "Form",
    "Format",
    "Interval",
    "IntervalOver",
    "MaxRuns",
    "Method",
    "MethodChoice",
    "ModelFile",
    "OnValue",
    "Out",
    "Overrides",
    "Overwrite",
    "Seeds",
    "Strict",
    "StudyPath",
    "Target",
    "Task",
    "TaskChoice",
]


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MD = "md"


class IntervalOver(StrEnum):
    """What intervals speak of."""

    SEEDS = "seeds"
    ROWS = "rows"


class MethodChoice(StrEnum):
    """How intervals over seeds are made."""

    T = "t"
    BCA = "bca"


class TaskChoice(StrEnum):
    """What a target is."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


Target = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="What to predict.", show_default="a guess"),
]
Task = Annotated[
    TaskChoice | None, typer.Option(help="What kind of target it is.", show_default="a guess")
]
StudyPath = Annotated[Path, typer.Argument(help="The study file.", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A results folder.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Set a key: -s optimizer.lr=1e-2."),
]
ModelFile = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="FILE:FUNCTION",
        help="What makes your own torch.nn.Module, of a study with model: {name: module}. "
        "The file is run.",
    ),
]
Axes = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        "-g",
        metavar="KEY=V,V",
        help="Add an axis, or replace that key's: -g regularizer.l2=0,logspace(-4,-1,4).",
    ),
]
Seeds = Annotated[
    str | None, typer.Option(help="How many, or a list: 10, or 0,3,7.", metavar="N|A,B")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The results folder.", show_default="results/<study>"),
]
MaxRuns = Annotated[int, typer.Option(min=1, help="Refuse a plan of more runs, uncounted.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what regbench wrote there before.")
]
Form = Annotated[Format, typer.Option("--format", help="How the table is printed.")]
Strict = Annotated[bool, typer.Option("--strict", help="What stays UNDECIDED fails.")]
Interval = Annotated[
    IntervalOver | None,
    typer.Option(
        help="What ± and decisions speak of: another seed on these data, or other rows of the "
        "same kind.",
        show_default="the study's",
    ),
]
Method = Annotated[MethodChoice, typer.Option(help="bca: bootstrap over seeds, from 30 of them.")]
OnValue = Annotated[
    bool,
    typer.Option("--on-value", help="A gate judges a single pair, or run, by its bare value."),
]
Columns = Annotated[
    str | None, typer.Option(help="These columns of gap.csv only.", metavar="NAME,NAME")
]
